#!/usr/bin/env bash
# sbatch slurm/generate.sh [CONFIG.yaml] [key=value ...]: UNet, VAE → new crystals
#SBATCH --job-name=generate
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
source "${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm/lib.sh"
on_node jobs/generate.py configs/generate.yaml "$@"
