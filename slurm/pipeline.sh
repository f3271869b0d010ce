#!/usr/bin/env bash
# slurm/pipeline.sh [--database] [--unet] [--finetune] [--screen] [--relax] [--report] [out=FOLDER] [source=CRYSTALS]
#     [crystals=zip] [STEP.key=value ...] [STEP.--OPTION=OF_SBATCH ...]
# slurm/pipeline.sh --status [out=FOLDER]
# Submits featurize → train_vae → generate, each to start when what it takes has been made. Run it on a login node, or
# by sbatch. --database makes built-in crystals first. --unet has a UNet name the elements, as in Court et al. 2020:
# train_unet, whose features the VAE learns from; with --finetune it goes on with what the VAE decodes before anything
# is generated (finetune_unet: as train_unet, but of 5 epochs). Each of the others judges the
# candidates, and then --screen predicts a property of those that are left (featurize_graph → train_cgcnn → screen; the
# target is that of train_vae.condition unless train_cgcnn.target says another), --relax relaxes those that are left
# (relax.stages=[chgnet] does it by CHGNet alone), --report evaluates and makes the page last, without screen and relax
# where these fail. train_vae.epochs=5 is given to train_vae as epochs=5, and so on; everything is written below
# out (runs), crystals=zip has the crystals of a step in one file. All settings are checked before anything is submitted.
# SBATCH_PARTITION, SBATCH_ACCOUNT ... hold for all jobs, train_vae.--partition=gpu for one of them, and configs/site.sh
# has options for all trainings and for the rest.
# --status says how far the pipeline in out has come: what has failed and why, what was cancelled with it.
#SBATCH --job-name=pipeline
#SBATCH --nodes=1 --ntasks=1 --cpus-per-task=1 --mem-per-cpu=1G
#SBATCH --time=00:05:00
#SBATCH --output=slurm-%x-%j.out
set -euo pipefail
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

all=(database featurize featurize_graph train_unet train_vae finetune_unet train_cgcnn generate evaluate judge screen relax report)
declare -A needs=(   # what each takes from others; those that are not submitted have been made before
    [featurize]=database [featurize_graph]=database
    [train_unet]=featurize [train_vae]='featurize train_unet' [finetune_unet]=train_vae
    [train_cgcnn]=featurize_graph [generate]='train_vae finetune_unet' [evaluate]='train_vae finetune_unet' [judge]=generate
    [screen]='judge train_cgcnn' [relax]='judge screen' [report]='evaluate judge'
)
declare -A as=([finetune_unet]=train_unet)    # whose settings are its own unless others are given, but the epochs
declare -A awaits=([report]='screen relax')   # which may fail, as where no candidate is left

refuse() { echo "pipeline: $1: $2" >&2; exit 2; }
out=runs source='' form='' status=no overrides=() columns=() target='' known=yes
declare -A chosen=([featurize]=1 [train_vae]=1 [generate]=1)
choose() { local step; for step in "$@"; do chosen[$step]=1; done; }
for argument in "$@"; do
    case $argument in
        --database) choose database ;;
        --unet) choose train_unet ;;
        --finetune) choose train_unet finetune_unet ;;
        --screen) choose judge featurize_graph train_cgcnn screen ;;
        --relax) choose judge relax ;;
        --report) choose judge evaluate report ;;
        --status) status=yes ;;
        -h | --help) sed -n '2,/^#SBATCH/s/^# //p' "$HPCVOX_HOME/slurm/pipeline.sh"; exit 0 ;;
        out=?*) out=${argument#*=} ;;
        source=?*) source=${argument#*=} ;;
        crystals=?*) form=$argument ;;
        [a-z]*.--?* | [a-z]*.*=*)
            [[ " ${all[*]} " == *" ${argument%%.*} "* ]] || refuse "$argument" "no such step; valid: ${all[*]}"
            case $argument in   # what is said of the crystals is so for every step
                train_vae.condition=*) target=${argument#*=} ;;
                featurize.id_column=* | featurize.cif_column=* | featurize.targets=*) columns+=("${argument#*.}") ;;&
                featurize.cif_column=*) known=no ;;   # relax looks for the usual one
            esac
            overrides+=("$argument") ;;
        *) refuse "$argument" "not known; valid: --database, --unet, --finetune, --screen, --relax, --report, --status, out=FOLDER, source=CRYSTALS, crystals=zip, STEP.key=value, STEP.--OPTION=OF_SBATCH (${all[*]})" ;;
    esac
done
if [ $status = yes ]; then exec "$BASH" "$HPCVOX_HOME/slurm/pipeline_status.sh" "$out"; fi
[ -z "${chosen[database]:-}" ] || [ -z "$source" ] || refuse "source=$source" "it takes the place of --database: give one of them"
if [ -z "${chosen[database]:-}" ] && [ ! -e "${source:=$out/database/crystals.csv}" ]; then
    refuse "no crystals at $source" "give source=CRYSTALS (a folder or archive of CIFs, a CSV) or --database"
fi

crystals=${source:-$out/database/crystals.csv}
about_database=null
if [ -n "${chosen[database]:-}" ] || [ -e "$out/database" ]; then about_database=$out/database; fi
if [ $known = yes ]; then known=$crystals; else known=null; fi
left=$out/judged/cifs
if [ -n "${chosen[screen]:-}" ]; then left=$out/screened/cifs; fi
trained=null finetuned=null
if [ -n "${chosen[train_unet]:-}" ]; then trained=$out/unet; fi
unet=$trained
if [ -n "${chosen[finetune_unet]:-}" ]; then unet=$out/finetuned_unet finetuned=$unet; fi
networks=("unet=$unet" "vae=$out/vae")
declare -A used
arguments_of() {   # the step's own folders below out, and what it was given
    case $1 in
        database) arguments=("out=$out/database") ;;
        featurize) arguments=("source=$crystals" "out=$out/shards") ;;
        featurize_graph) arguments=(configs/featurize_graph.yaml "source=$crystals" "out=$out/graphs" "${columns[@]}") ;;
        train_unet) arguments=("shards=$out/shards" "out=$out/unet") ;;
        train_vae) arguments=("shards=$out/shards" "unet=$trained" "out=$out/vae") ;;
        finetune_unet) arguments=("shards=$out/shards" "initial=$out/unet" "vae=$out/vae" "out=$finetuned" epochs=5) ;;
        train_cgcnn) arguments=("shards=$out/graphs" "out=$out/cgcnn" ${target:+"target=$target"}) ;;
        generate) arguments=("${networks[@]}" "out=$out/generated") ;;
        judge) arguments=("generated=$out/generated" "out=$out/judged") ;;
        screen) arguments=("source=$out/judged/cifs" "models=['$out/cgcnn']" "out=$out/screened") ;;
        relax) arguments=("source=$left" "known=$known" "out=$out/relaxed") ;;
        evaluate) arguments=("shards=$out/shards" "${networks[@]}" "out=$out/evaluation") ;;
        report) arguments=("shards=$out/shards" "unet=$trained" "vae=$out/vae" "finetuned_unet=$finetuned" \
            "generated=$out/generated" "evaluation=$out/evaluation" "database=$about_database" "judged=$out/judged" \
            "screened=$out/screened" "relaxed=$out/relaxed" "out=$out/report") ;;
    esac
    case $1 in generate | judge | screen | relax) arguments+=(${form:+"$form"}) ;; esac
    local step override
    case $1 in *train_* | finetune_*) step=${HPCVOX_SBATCH_TRAININGS:-} ;; *) step=${HPCVOX_SBATCH_OTHERS:-} ;; esac
    read -r -a options <<< "$step"
    for step in ${as[$1]:-} "$1"; do
        for override in "${overrides[@]}"; do
            [ "${override%%.*}" = "$step" ] || continue
            [[ $override != train_unet.epochs=* || $1 = "$step" ]] || continue
            used[$step]=1
            case ${override#*.} in
                --*) [ "$1" != "$step" ] || options+=("${override#*.}") ;;
                *) arguments+=("${override#*.}") ;;
            esac
        done
    done
}

declare -A jobs
dependency() {   # of a step on those that were submitted before
    local other made='' ended=''
    for other in ${needs[$1]:-}; do made+=${jobs[$other]:+:${jobs[$other]}}; done
    for other in ${awaits[$1]:-}; do ended+=${jobs[$other]:+:${jobs[$other]}}; done
    printf %s "${made:+afterok$made}${ended:+,afterany$ended}"
}
script_of() { local script=${1%_graph}; printf '%s' "${script/#finetune/train}"; }   # those have configs of their own
checks=()   # of all, in one go
for step in "${all[@]}"; do
    [ -n "${chosen[$step]:-}" ] || continue
    arguments_of "$step"
    checks+=(${checks[0]+--} "$step:$(verb_of "$(script_of "$step")")")
    case ${arguments[0]} in *.yaml) arguments[0]=$(in_home "${arguments[0]}") ;; esac
    checks+=("${arguments[@]}")
done
check_settings "${checks[@]}" || fail "nothing was submitted"

mkdir -p "$out" || fail "out=$out: no folder can be made there"
submitted=()
for step in "${all[@]}"; do
    [ -n "${chosen[$step]:-}" ] || continue
    arguments_of "$step"
    after=$(dependency "$step")
    job=$(sbatch --parsable --job-name="$step" ${after:+"--dependency=$after"} "${options[@]}" --kill-on-invalid-dep=yes \
        "$HPCVOX_HOME/slurm/$(script_of "$step").sh" "${arguments[@]}")
    jobs[$step]=${job%%;*}
    submitted+=("$step ${jobs[$step]} $PWD")
    printf '%s\n' "${submitted[@]}" > "$out/pipeline.jobs"   # for --status
    printf '%-15s job %s\n' "$step" "${jobs[$step]}"
done
for override in "${overrides[@]}"; do
    [ -n "${used[${override%%.*}]:-}" ] || echo "pipeline: $override was not used: ${override%%.*} is not among the steps submitted" >&2
done
echo "follow them with: $0 --status out=$out     their output: slurm-STEP-JOB.out"
