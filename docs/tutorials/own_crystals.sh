# Own 300 crystals to new ones.  Each part is shown in own_crystals.md.

# --8<-- [start:crystals]
python docs/tutorials/my_crystals.py
# --8<-- [end:crystals]

# --8<-- [start:featurize]
hpcvox featurize source=my_crystals.csv out=runs/shards
hpcvox shards info runs/shards
hpcvox shards verify runs/shards
# --8<-- [end:featurize]

# --8<-- [start:train]
hpcvox statistics shards=runs/shards
hpcvox train-vae shards=runs/shards out=runs/vae condition=my_energy initial=perovskites model.latent=64 \
    augment=false epochs=12 batch_size=8 learning_rate=0.001 ranks=2
hpcvox evaluate shards=runs/shards vae=runs/vae
# --8<-- [end:train]

# --8<-- [start:generate]
hpcvox generate vae=runs/vae out=runs/generated per_condition=20
hpcvox judge generated=runs/generated known=[my_crystals.csv] symprec=0.5
# --8<-- [end:generate]

# --8<-- [start:around]
hpcvox generate vae=runs/vae base=m-2 sigma=0.5 out=runs/around per_condition=100
hpcvox generate vae=runs/vae base=m-2 towards=m-8 out=runs/between per_condition=10
hpcvox judge generated=runs/around known=[my_crystals.csv] out=runs/judged_around
# --8<-- [end:around]

# --8<-- [start:report]
hpcvox report
# --8<-- [end:report]

# --8<-- [start:pipeline]
hpcvox pipeline configs/pipeline.yaml source=my_crystals.csv train_vae.condition=my_energy out=runs/mine
# --8<-- [end:pipeline]
