#!/usr/bin/env bash
# sbatch slurm/dashboard.sh STUDY [port=0]: Optuna's dashboard of a study; the job's log has the address and the ssh line
#SBATCH --job-name=dashboard
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=1 --mem-per-cpu=2G
#SBATCH --time=08:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
# SLURM runs a copy of this file: the folder that it was submitted from, by its whole path
home=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's|^ *Command=\(/.*\)/slurm/[^/ ]*\.sh.*|\1|p;T;q')
source "${HPCVOX_HOME:-${home:-${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}}}/slurm/lib.sh"
PYTHONSAFEPATH=1 supervise python -m hpcvox study dashboard "$@"
