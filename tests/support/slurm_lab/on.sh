#!/usr/bin/env bash
# on_ray|on_ranks|on_node PROGRAM CONFIG ARGS...: any program under what the jobs of slurm/ share
#SBATCH --nodes=2 --ntasks-per-node=1 --cpus-per-task=2
#SBATCH --time=10
#SBATCH --output=slurm-%j.out --open-mode=append
#SBATCH --requeue
source "$HPCVOX_HOME/slurm/lib.sh"
"$@"
