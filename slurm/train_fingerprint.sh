#!/usr/bin/env bash
# sbatch slurm/train_fingerprint.sh [CONFIG.yaml] [key=value ...]: fingerprints → network of classes, one rank a task
#SBATCH --job-name=train_fingerprint
#SBATCH --nodes=2 --ntasks-per-node=1 --cpus-per-task=2
#SBATCH --time=12:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
source "${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm/lib.sh"
on_ranks jobs/train_fingerprint.py configs/train_fingerprint.yaml "$@"
