#!/usr/bin/env bash
# sbatch slurm/statistics.sh [CONFIG.yaml] [key=value ...]: shards → their statistics, one rank a task
#SBATCH --job-name=statistics
#SBATCH --nodes=2 --ntasks-per-node=2 --cpus-per-task=1
#SBATCH --time=02:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
source "${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm/lib.sh"
on_ranks jobs/statistics.py configs/statistics.yaml "$@"
