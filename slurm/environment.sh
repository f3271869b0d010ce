# shellcheck shell=bash
# The site's settings, and nothing of the site's Python in ours. Sourced by lib.sh in a job, by pipeline.sh and
# featurize_study.sh on a login node; they have set HPCVOX_HOME and have a function `fail`, which says why and ends.
# How a user has SLURM's commands show things, and which they leave out, is not for these scripts.
for name in ${!SQUEUE_@} ${!SINFO_@} ${!SCONTROL_@}; do unset "$name"; done
export SLURM_TIME_FORMAT=standard
site_file=${HPCVOX_SITE:-$HPCVOX_HOME/configs/site.sh}
[ -r "$site_file" ] || fail "cannot read the site's settings, $site_file"
# Modules and conda are written for a shell that passes over unset variables and failures, so here it does.
options_before=$-
site_problem=''
note_failure() {   # status, line, command: one that is not there is an error, another may be meant
    if [ "$1" = 127 ]; then site_problem=${site_problem:-"$site_file, line $2: $3: there is no such command here"}
    else echo "note: $site_file, line $2: $3: ended with status $1" >&2; fi
}
set +euo pipefail
trap 'note_failure $? "$LINENO" "$BASH_COMMAND"' ERR
# shellcheck source=configs/site.sh
source "$site_file"
trap - ERR
set -uo pipefail
case $options_before in *e*) set -e ;; esac
[ -z "$site_problem" ] || fail "$site_problem: correct that line. For 'module', source the file that defines it first (often /etc/profile.d/modules.sh or lmod.sh)"
if [ -z "${HPCVOX_VENV:-}" ]; then
    case $HPCVOX_HOME in
        */share/hpcvox) HPCVOX_VENV=${HPCVOX_HOME%/share/hpcvox} ;;   # where pip has put these scripts
        *) HPCVOX_VENV=$HPCVOX_HOME/.venv ;;
    esac
fi
[ -x "$HPCVOX_VENV/bin/python" ] ||
    fail "no Python at $HPCVOX_VENV/bin/python: run 'make setup', or set HPCVOX_VENV in configs/site.sh"
# A module of Python leads ours to its own libraries, a user's folder to other versions.
unset PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONOPTIMIZE PYTHONINSPECT
PATH=$HPCVOX_VENV/bin:$PATH
export PATH HPCVOX_VENV PYTHONNOUSERSITE=1 PYTHONPATH="$HPCVOX_HOME${HPCVOX_PYTHONPATH:+:$HPCVOX_PYTHONPATH}"   # the code beside these scripts

ours() { if [ -e "$HPCVOX_HOME/$1" ]; then printf '%s' "$HPCVOX_HOME/$1"; else printf '%s' "$1"; fi; }   # whatever the folder of submission has
in_home() { if [ -e "$1" ]; then printf '%s' "$1"; else printf '%s' "$HPCVOX_HOME/$1"; fi; }
verb_of() { local verb=${1#jobs/}; verb=${verb%.py}; printf '%s' "${verb//_/-}"; }   # of jobs/X.py
of_hpcvox() { PYTHONSAFEPATH=1 "$HPCVOX_VENV/bin/python" -m hpcvox "$@"; }   # the folder of submission may be one of others' data
check_settings() { of_hpcvox check "$@"; }
