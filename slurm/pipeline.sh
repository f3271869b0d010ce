#!/usr/bin/env bash
# slurm/pipeline.sh [--database] [--report] [STEP.key=value ...]   (by hand on a login node, or by sbatch)
# Submits featurize → train_unet → train_vae → generate, each to start when the one before has succeeded.
# --database makes built-in crystals first; --report makes the page last. featurize.source=my.csv is given to
# featurize as source=my.csv, and so on; SBATCH_PARTITION, SBATCH_ACCOUNT ... hold for all of them.
#SBATCH --job-name=pipeline
#SBATCH --nodes=1 --ntasks=1 --cpus-per-task=1
#SBATCH --time=00:05:00
#SBATCH --output=slurm-%x-%j.out
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
if [ ! -e "$here/lib.sh" ]; then here=${HPCVOX_HOME:-$SLURM_SUBMIT_DIR}/slurm; fi   # SLURM runs a copy
HPCVOX_HOME=$(cd "$here/.." && pwd)
export HPCVOX_HOME
# What belongs to the allocation that this runs in, if any, is not the next jobs'.
for name in ${!SLURM_@}; do if [ "$name" != SLURM_CONF ]; then unset "$name"; fi; done

all=(database featurize train_unet train_vae generate report)
steps=(featurize train_unet train_vae generate)
overrides=()
for argument in "$@"; do
    case $argument in
        --database) steps=(database "${steps[@]}") ;;
        --report) steps+=(report) ;;
        -h | --help) sed -n '2,5s/^# //p' "$HPCVOX_HOME/slurm/pipeline.sh"; exit 0 ;;
        *.*=*)
            [[ " ${steps[*]} " == *" ${argument%%.*} "* ]] ||
                { echo "pipeline: $argument: '${argument%%.*}' is no step of it; steps: ${all[*]} (--database and --report before their settings)" >&2; exit 2; }
            overrides+=("$argument") ;;
        *) echo "pipeline: unknown argument $argument: use --database, --report or STEP.key=value (steps: ${all[*]})" >&2; exit 2 ;;
    esac
done

before=
for step in "${steps[@]}"; do
    arguments=()
    for override in "${overrides[@]}"; do
        if [ "${override%%.*}" = "$step" ]; then arguments+=("${override#*.}"); fi
    done
    job=$(sbatch --parsable ${before:+"--dependency=afterok:$before"} --kill-on-invalid-dep=yes \
        "$HPCVOX_HOME/slurm/$step.sh" "${arguments[@]}")
    before=${job%%;*}
    printf '%-10s job %s\n' "$step" "$before"
done
echo "follow them with: squeue --me     their output: slurm-STEP-JOB.out"
