#!/usr/bin/env bash
# sbatch slurm/evaluate_fingerprint.sh [CONFIG.yaml] [key=value ...]: fingerprint network → classes of crystals with defects
#SBATCH --job-name=evaluate_fingerprint
#SBATCH --nodes=2 --ntasks-per-node=1 --cpus-per-task=2 --mem-per-cpu=2G
#SBATCH --time=04:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
# SLURM runs a copy of this file: the folder that it was submitted from, by its whole path
home=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's|^ *Command=\(/.*\)/slurm/[^/ ]*\.sh.*|\1|p;T;q')
source "${HPCVOX_HOME:-${home:-${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}}}/slurm/lib.sh"
on_ray jobs/evaluate_fingerprint.py configs/evaluate_fingerprint.yaml "$@"
