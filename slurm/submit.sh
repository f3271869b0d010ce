# shellcheck shell=bash
# slurm/X.sh run as it is, on a login node: [--OPTION=OF_SBATCH ...] [CONFIG.yaml] [key=value ...]
# The settings are checked and the job is submitted. Sourced by lib.sh in the place of what it does in a job.
# shellcheck source=slurm/environment.sh
source "$HPCVOX_HOME/slurm/environment.sh"
options=()
while [[ ${1:-} == -* ]]; do
    case $1 in -h | --help) sed -n '/^#SBATCH/q;2,$s/^# //p' "$0"; exit 0 ;; esac
    options+=("$1")
    shift
done

submit() {   # what sbatch is told by the site, then as a job of lib.sh: job, config, arguments
    local by_site=() job=$2 config
    config=$(ours "$3")
    read -r -a by_site <<< "$1"
    shift 3
    local given=("$@")
    case ${1:-} in *.yaml | *.yml) config=$(in_home "$1"); shift ;; esac
    check_settings "$(verb_of "$job")" "$config" "$@" || exit
    exec sbatch "${by_site[@]}" "${options[@]}" "$0" "${given[@]}"
}
train() { submit "${HPCVOX_SBATCH_TRAININGS:-}" "$@"; }
on_ray() { submit "${HPCVOX_SBATCH_OTHERS:-}" "$@"; }
on_ranks() { on_ray "$@"; }
on_node() { on_ray "$@"; }
supervise() { exec sbatch "${options[@]}" "$0" "${@:6}"; }   # python -m hpcvox VERB VERB, then what was given
