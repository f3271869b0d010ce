#!/usr/bin/env bash
# slurm/pipeline.sh [CONFIG.yaml] [key=value ...] [STEP.--OPTION=OF_SBATCH ...]
# slurm/pipeline.sh --status [out=FOLDER]
# Submits the steps of `hpcvox pipeline` with the same config and settings, a job each, to start when what it takes has
# been made: slurm/pipeline.sh source=my_crystals.csv train_vae.condition=my_energy out=runs/mine. Run it on a login
# node, or by sbatch. until=generate ends with that step; screen=null leaves it out; relax.stages=[chgnet] relaxes the
# candidates by CHGNet; train_unet={} has a UNet name the elements, as in Court et al. 2020. `hpcvox pipeline --help`
# lists all settings, and `hpcvox pipeline plan` says what would be submitted. All settings are checked before anything
# is submitted. SBATCH_PARTITION, SBATCH_ACCOUNT ... hold for all jobs, train_vae.--partition=gpu for one of them, and
# configs/site.sh has options for all trainings and for the rest. The report is made, too, where screen or relax fails.
# --status says how far the pipeline in out (runs/pipeline) has come: what has failed and why, and what was cancelled.
#SBATCH --job-name=pipeline
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
fail() { echo "pipeline: $*" >&2; exit 2; }
# shellcheck source=slurm/environment.sh
source "$HPCVOX_HOME/slurm/environment.sh"

out=runs/pipeline status=no settings=() options=()
for argument in "$@"; do
    case $argument in
        --status) status=yes ;;
        -h | --help) sed -n '2,/^#SBATCH/s/^# //p' "$HPCVOX_HOME/slurm/pipeline.sh"; exit 0 ;;
        -*) fail "$argument: not known; valid: --status, --help, a config, key=value, STEP.--OPTION=OF_SBATCH" ;;
        [a-z]*.--?*) options+=("$argument") ;;
        *.yaml | *.yml) settings+=("$(in_home "$argument")") ;;
        *) settings+=("$argument") ;;
    esac
    case $argument in out=?*) out=${argument#*=} ;; esac
done
if [ $status = yes ]; then exec "$BASH" "$HPCVOX_HOME/slurm/pipeline_status.sh" "$out"; fi

plan=$(of_hpcvox pipeline plan "${settings[@]}") || fail "nothing was submitted"
steps=$(cut -f 1 <<< "$plan")
for option in "${options[@]}"; do
    grep -qx "${option%%.*}" <<< "$steps" || fail "$option: no such step; valid: ${steps//$'\n'/ }"
done

declare -A jobs
after() {   # afterok or afterany, and the steps
    local step made=''
    for step in ${2//,/ }; do made+=:${jobs[$step]}; done
    printf %s "${made:+$1$made}"
}
while IFS='|' read -r step verb config well ended; do
    case $verb in train-*) site=${HPCVOX_SBATCH_TRAININGS:-} ;; *) site=${HPCVOX_SBATCH_OTHERS:-} ;; esac
    read -r -a given <<< "$site"
    for option in "${options[@]}"; do
        if [ "${option%%.*}" = "$step" ]; then given+=("${option#*.}"); fi
    done
    well=$(after afterok "$well") ended=$(after afterany "$ended")
    dependency=$well${ended:+${well:+,}$ended}
    job=$(sbatch --parsable --job-name="$step" ${dependency:+"--dependency=$dependency"} "${given[@]}" \
        --kill-on-invalid-dep=yes "$HPCVOX_HOME/slurm/${verb//-/_}.sh" "$config")
    jobs[$step]=${job%%;*}
    out=$(dirname "$(dirname "$config")")
    if [ ${#jobs[@]} = 1 ]; then rm -f "$out/pipeline.jobs"; fi
    printf '%s\n' "$step ${jobs[$step]} $PWD" >> "$out/pipeline.jobs"   # for --status
    printf '%-15s job %s\n' "$step" "${jobs[$step]}"
done <<< "${plan//$'\t'/|}"
echo "follow them with: $0 --status out=$out     their output: slurm-STEP-JOB.out"
