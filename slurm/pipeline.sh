#!/usr/bin/env bash
# slurm/pipeline.sh [--database] [--report] [out=FOLDER] [source=CRYSTALS] [STEP.key=value ...]
# Submits featurize → train_unet → train_vae → generate, each to start when the one before has succeeded. Run it on a
# login node, or by sbatch. --database makes built-in crystals first; --report evaluates and makes the page last.
# train_unet.epochs=5 is given to train_unet as epochs=5, and so on; everything is written below out (runs).
# SBATCH_PARTITION, SBATCH_ACCOUNT ... hold for all of them.
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

all=(database featurize train_unet train_vae generate evaluate report)
refuse() { echo "pipeline: $1: $2" >&2; exit 2; }
database=no report=no out=runs source='' overrides=()
for argument in "$@"; do
    case $argument in
        --database) database=yes ;;
        --report) report=yes ;;
        -h | --help) sed -n '2,6s/^# //p' "$HPCVOX_HOME/slurm/pipeline.sh"; exit 0 ;;
        out=?*) out=${argument#*=} ;;
        source=?*) source=${argument#*=} ;;
        [a-z]*.*=*)
            [[ " ${all[*]} " == *" ${argument%%.*} "* ]] || refuse "$argument" "no such step; valid: ${all[*]}"
            overrides+=("$argument") ;;
        *) refuse "$argument" "not known; valid: --database, --report, out=FOLDER, source=CRYSTALS, STEP.key=value (${all[*]})" ;;
    esac
done
[ $database = no ] || [ -z "$source" ] || refuse "source=$source" "it takes the place of --database: give one of them"
if [ $database = no ] && [ ! -e "${source:=$out/database/crystals.csv}" ]; then
    refuse "no crystals at $source" "give source=CRYSTALS (a folder or archive of CIFs, a CSV) or --database"
fi
steps=(featurize train_unet train_vae generate)
if [ $database = yes ]; then steps=(database "${steps[@]}"); fi
if [ $report = yes ]; then steps+=(evaluate report); fi

about_database=null
if [ $database = yes ] || [ -e "$out/database" ]; then about_database=$out/database; fi
networks=("unet=$out/unet" "vae=$out/vae")
declare -A made
folders() {   # the step's own folders below out
    case $1 in
        database) set -- "out=$out/database" ;;
        featurize) set -- "source=${source:-$out/database/crystals.csv}" "out=$out/shards" ;;
        train_unet) set -- "shards=$out/shards" "out=$out/unet" ;;
        train_vae) set -- "shards=$out/shards" "unet=$out/unet" "out=$out/vae" ;;
        generate) set -- "${networks[@]}" "out=$out/generated" ;;
        evaluate) set -- "shards=$out/shards" "${networks[@]}" "out=$out/evaluation" ;;
        report) set -- "shards=$out/shards" "${networks[@]}" "generated=$out/generated" "evaluation=$out/evaluation" \
            "database=$about_database" "judged=$out/judged" "screened=$out/screened" "relaxed=$out/relaxed" \
            "out=$out/report" ;;
    esac
    arguments=("$@")
}

before=
for step in "${steps[@]}"; do
    folders "$step"
    for override in "${overrides[@]}"; do
        if [ "${override%%.*}" = "$step" ]; then
            arguments+=("${override#*.}")
            made[$step]=1
        fi
    done
    job=$(sbatch --parsable ${before:+"--dependency=afterok:$before"} --kill-on-invalid-dep=yes \
        "$HPCVOX_HOME/slurm/$step.sh" "${arguments[@]}")
    before=${job%%;*}
    printf '%-10s job %s\n' "$step" "$before"
done
for override in "${overrides[@]}"; do
    [ -n "${made[${override%%.*}]:-}" ] || echo "pipeline: $override was not used: ${override%%.*} is not among the steps submitted" >&2
done
echo "follow them with: squeue --me     their output: slurm-STEP-JOB.out"
