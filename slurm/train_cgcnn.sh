#!/usr/bin/env bash
# sbatch slurm/train_cgcnn.sh [CONFIG.yaml] [key=value ...]: graphs → CGCNN, one rank a task
#SBATCH --job-name=train_cgcnn
#SBATCH --nodes=2 --ntasks-per-node=1 --cpus-per-task=2
#SBATCH --time=12:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
source "${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm/lib.sh"
on_ranks jobs/train_cgcnn.py configs/train_cgcnn.yaml "$@"
