#!/usr/bin/env bash
# sbatch slurm/dashboard.sh STUDY [port=0]: Optuna's dashboard of a study; the job's log has the address and the ssh line
#SBATCH --job-name=dashboard
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=1
#SBATCH --time=08:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
source "${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm/lib.sh"
supervise python -m hpcvox study dashboard "$@"
