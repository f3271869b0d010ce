#!/usr/bin/env bash
# slurm/featurize_study.sh [--OPTION=OF_SBATCH ...] [CONFIG.yaml] [key=value ...]
# Submits featurize for each shard set of a study that is not there (featurize in its config), then study, to start when all
# of them have succeeded. Run it on a login node, or by sbatch. The options are those of the study's workers:
# --array=1-8. SBATCH_PARTITION, SBATCH_ACCOUNT ... hold for all jobs.
#SBATCH --job-name=featurize_study
#SBATCH --nodes=1 --ntasks=1 --cpus-per-task=1 --mem-per-cpu=1G
#SBATCH --time=00:05:00
#SBATCH --output=slurm-%x-%j.out
set -euo pipefail
unset CDPATH   # with it `cd` prints where it goes
here=$(dirname "${BASH_SOURCE[0]}")/..
if [ ! -e "$here/slurm/lib.sh" ]; then   # SLURM runs a copy of this file
    here=$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's|^ *Command=\(/.*\)/slurm/[^/ ]*\.sh.*|\1|p;T;q')
    here=${HPCVOX_HOME:-${here:-$SLURM_SUBMIT_DIR}}
fi
HPCVOX_HOME=$(cd "$here" && pwd)
export HPCVOX_HOME
# What belongs to the allocation that this runs in, if any, is not the next jobs'.
for name in ${!SLURM_@}; do if [ "$name" != SLURM_CONF ]; then unset "$name"; fi; done
fail() { echo "featurize_study: $1" >&2; exit 2; }
# shellcheck source=slurm/environment.sh
source "$HPCVOX_HOME/slurm/environment.sh"

options=()
while [[ ${1:-} == -* ]]; do
    case $1 in
        -h | --help) sed -n '2,5s/^# //p' "$HPCVOX_HOME/slurm/featurize_study.sh"; exit 0 ;;
        *) options+=("$1"); shift ;;
    esac
done
config=$(ours configs/study.yaml)
case ${1:-} in *.yaml | *.yml) config=$(in_home "$1"); shift ;; esac

# Here a study that cannot be is refused, before anything is submitted.
lacking=$(of_hpcvox study prepare "$config" "$@")
after=
while read -r featurization; do
    [ -n "$featurization" ] || continue
    job=$(sbatch --parsable "$HPCVOX_HOME/slurm/featurize.sh" "$featurization" < /dev/null)
    after+=:${job%%;*}
    printf '%-10s job %s   %s\n' featurize "${job%%;*}" "$featurization"
done <<< "$lacking"
job=$(sbatch --parsable ${after:+"--dependency=afterok$after"} --kill-on-invalid-dep=yes "${options[@]}" \
    "$HPCVOX_HOME/slurm/study.sh" "$config" "$@")
printf '%-10s job %s\n' study "${job%%;*}"
echo "follow them with: squeue --me     their output: slurm-STEP-JOB.out"
