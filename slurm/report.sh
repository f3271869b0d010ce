#!/usr/bin/env bash
# sbatch slurm/report.sh [CONFIG.yaml] [key=value ...]: what was made → one HTML page
#SBATCH --job-name=report
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=2
#SBATCH --time=01:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
source "${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm/lib.sh"
on_node jobs/report.py configs/report.yaml "$@"
