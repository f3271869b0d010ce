#!/usr/bin/env bash
# sbatch slurm/train_cgcnn.sh [CONFIG.yaml] [key=value ...]: graphs → CGCNN, one rank a task
# On GPUs, a rank each: SBATCH_GPUS_PER_NODE=4 sbatch --cpus-per-task=32 slurm/train_cgcnn.sh ...; or one # less in line 6
#SBATCH --job-name=train_cgcnn
#SBATCH --nodes=2 --ntasks-per-node=1 --cpus-per-task=2 --mem-per-cpu=4G
##SBATCH --gpus-per-node=4 --cpus-per-task=32
#SBATCH --time=12:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
# SLURM runs a copy of this file: the folder that it was submitted from, by its whole path
home=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's|^ *Command=\(/.*\)/slurm/[^/ ]*\.sh.*|\1|p;T;q')
source "${HPCVOX_HOME:-${home:-${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}}}/slurm/lib.sh"
train jobs/train_cgcnn.py configs/train_cgcnn.yaml "$@"
