# Properties and screening.  Each part is shown in screening.md.

# --8<-- [start:graphs]
hpcvox featurize configs/featurize_graph.yaml source=my_crystals.csv out=runs/graphs
# --8<-- [end:graphs]

# --8<-- [start:train]
hpcvox train-cgcnn target=my_energy batch_size=32 epochs=60 learning_rate=0.003 out=runs/cgcnn
hpcvox train-cgcnn target=my_energy batch_size=32 epochs=60 learning_rate=0.003 seed=1 out=runs/cgcnn_1
hpcvox train-cgcnn target=my_density log=true batch_size=32 epochs=60 learning_rate=0.003 \
    initial=runs/cgcnn out=runs/density
hpcvox report networks=[runs/cgcnn] out=runs/cgcnn_report
# --8<-- [end:train]

# --8<-- [start:predict]
python docs/tutorials/predict.py
# --8<-- [end:predict]

# --8<-- [start:screen]
hpcvox screen source=my_crystals.csv models='[runs/cgcnn, runs/cgcnn_1, runs/density]' \
    where='my_energy < 0.5 and 4 < my_density < 8' rank=my_energy
# --8<-- [end:screen]
