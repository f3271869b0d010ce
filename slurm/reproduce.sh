#!/usr/bin/env bash
# sbatch slurm/reproduce.sh [CONFIG.yaml] [PAPER] [EXPERIMENT ...] [key=value ...]: a paper's experiments, four jobs that share
# the steps: sbatch --array=1-20 slurm/reproduce.sh kajita size=full densities=oxide_densities/
#            sbatch --array=1-10 slurm/reproduce.sh configs/reproduce_ziletti.yaml size=full
#SBATCH --job-name=reproduce
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=2 --mem-per-cpu=4G --array=1-4
#SBATCH --time=24:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
# SLURM runs a copy of this file: the folder that it was submitted from, by its whole path
home=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's|^ *Command=\(/.*\)/slurm/[^/ ]*\.sh.*|\1|p;T;q')
source "${HPCVOX_HOME:-${home:-${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}}}/slurm/lib.sh"
on_node jobs/reproduce.py configs/reproduce_kajita.yaml "$@"
