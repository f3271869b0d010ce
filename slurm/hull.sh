#!/usr/bin/env bash
# sbatch slurm/hull.sh [CONFIG.yaml] [key=value ...]: relaxed crystals → energy above the hull of known ones
#SBATCH --job-name=hull
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=2 --mem-per-cpu=4G
#SBATCH --time=04:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
# SLURM runs a copy of this file: the folder that it was submitted from, by its whole path
home=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's|^ *Command=\(/.*\)/slurm/[^/ ]*\.sh.*|\1|p;T;q')
source "${HPCVOX_HOME:-${home:-${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}}}/slurm/lib.sh"
on_node jobs/hull.py configs/hull.yaml "$@"
