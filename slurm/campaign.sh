#!/usr/bin/env bash
# sbatch slurm/campaign.sh [CONFIG.yaml] [key=value ...]: rounds of new crystals, in one job that goes back into the queue
# before its time limit and goes on: relaxations a crystal a CPU over all nodes, the rest on the first one. How far it is:
# hpcvox campaign status OUT
#SBATCH --job-name=campaign
#SBATCH --nodes=2 --ntasks-per-node=1 --cpus-per-task=2 --mem-per-cpu=4G
#SBATCH --time=24:00:00
#SBATCH --output=slurm-%x-%j.out --open-mode=append
#SBATCH --signal=B:USR1@120 --requeue
# SLURM runs a copy of this file: the folder that it was submitted from, by its whole path
home=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's|^ *Command=\(/.*\)/slurm/[^/ ]*\.sh.*|\1|p;T;q')
source "${HPCVOX_HOME:-${home:-${SLURM_SUBMIT_DIR:-$(dirname "$0")/..}}}/slurm/lib.sh"
on_ray jobs/campaign.py configs/campaign.yaml "$@"
