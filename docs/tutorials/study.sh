# A study: search the settings of a training.  Each part is shown in study.md.

# --8<-- [start:study]
hpcvox study configs/study_cgcnn.yaml settings.shards=runs/graphs settings.target=my_energy \
    trials=20 out=runs/study
# --8<-- [end:study]

# --8<-- [start:look]
hpcvox study best runs/study
hpcvox study table runs/study
hpcvox study plot runs/study
hpcvox study export runs/study runs/best_cgcnn
# --8<-- [end:look]

# --8<-- [start:featurization]
hpcvox study configs/study_resolution.yaml settings.target=my_energy \
    featurize.settings.source=my_crystals.csv out=runs/finer
# --8<-- [end:featurization]
