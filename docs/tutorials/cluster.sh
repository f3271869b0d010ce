# On a cluster: the same steps as jobs of SLURM.  Each part is shown in cluster.md.

# --8<-- [start:steps]
sbatch slurm/featurize.sh source=my_crystals.csv
sbatch slurm/statistics.sh
sbatch slurm/train_vae.sh condition=my_energy
sbatch slurm/generate.sh
# --8<-- [end:steps]

# --8<-- [start:plan]
hpcvox pipeline plan source=my_crystals.csv train_vae.condition=my_energy out=runs/mine
# --8<-- [end:plan]

# --8<-- [start:pipeline]
slurm/pipeline.sh source=my_crystals.csv train_vae.condition=my_energy
slurm/pipeline.sh --status  # how far it is, what has failed, and why
# --8<-- [end:pipeline]

# --8<-- [start:study]
slurm/featurize_study.sh configs/study_resolution.yaml settings.target=my_energy \
    featurize.settings.source=my_crystals.csv
sbatch --array=1-8 slurm/study.sh configs/study_cgcnn.yaml
sbatch slurm/dashboard.sh runs/study
# --8<-- [end:study]

# --8<-- [start:ray]
ray job submit --address http://127.0.0.1:8265 --working-dir . -- \
    python jobs/featurize.py configs/featurize_density.yaml source=$PWD/my_crystals.csv out=$PWD/runs/shards
# --8<-- [end:ray]

# --8<-- [start:up]
ray up --yes configs/ray_cluster.yaml
ray submit configs/ray_cluster.yaml jobs/featurize.py \
    hpcvox/configs/featurize_density.yaml source=my_crystals.csv out=runs/shards
# --8<-- [end:up]
