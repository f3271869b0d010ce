#!/usr/bin/env bash
# sbatch slurm/evaluate.sh [CONFIG.yaml] [key=value ...]: UNet, VAE → errors on held-out crystals
#SBATCH --job-name=evaluate
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
source "${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm/lib.sh"
on_node jobs/evaluate.py configs/evaluate.yaml "$@"
