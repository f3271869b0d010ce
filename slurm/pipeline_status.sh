#!/usr/bin/env bash
# slurm/pipeline_status.sh FOLDER: how far the pipeline in FOLDER has come, as slurm/pipeline.sh --status out=FOLDER
# says it: a line a step, then what has failed, why, and what was cancelled with it. Exit status 1 where something has.
set -uo pipefail
jobs=$1/pipeline.jobs
[ -r "$jobs" ] || { echo "pipeline: no pipeline was submitted with out=$1 from here: there is no $jobs" >&2; exit 2; }

state_of() {   # job, log: SLURM's word for it; where SLURM has forgotten the job, what the log ends with
    local state
    state=$(squeue --noheader --states=all --jobs="$1" --format=%T 2>/dev/null | head -n 1)
    if [ -z "$state" ]; then
        case $(last_words "$2") in
            complete*) state=COMPLETED ;;
            '') state=UNKNOWN ;;
            *) state=ENDED ;;
        esac
    fi
    printf %s "$state"
}
last_words() {   # what lib.sh has said last, without the time and the job's name
    sed -n 's/^[0-9-]*T[0-9:+-]* [^ ]*: //p' "$1" 2>/dev/null | tail -n 1
}
why() {   # of a job that has not come to its end: the program's own error, if it told one, and how the job ended
    local error
    error=$(grep -a 'error: ' "$1" 2>/dev/null | tail -n 1)
    printf '%s' "${error:+$error; }$(last_words "$1")"
}

failed=() cancelled=() ahead=0
while read -r step job folder; do
    log=$folder/slurm-$step-$job.out
    state=$(state_of "$job" "$log")
    said=$(last_words "$log")
    case $state in
        COMPLETED) ;;
        PENDING | CONFIGURING | REQUEUED | REQUEUE_HOLD | SPECIAL_EXIT)
            ahead=1
            said=$(squeue --noheader --jobs="$job" --format='%r' 2>/dev/null)
            case $said in
                Dependency) said="waits for the steps before it" ;;
                *) said="waits: ${said:-?}" ;;
            esac ;;
        RUNNING | COMPLETING | SUSPENDED) ahead=1 said='' ;;
        CANCELLED)
            if [ -e "$log" ]; then failed+=("$step: cancelled while it ran; its log: $log")
            else cancelled+=("$step") said="cancelled: a step that it needs did not come to its end"; fi ;;
        *)
            said=$(why "$log")
            failed+=("$step: ${said:-it has left no log at $log: look at sacct -j $job}") ;;
    esac
    printf '%-15s job %-8s %-12s %s\n' "$step" "$job" "${state,,}" "$said"
done < "$jobs"

if [ ${#failed[@]} = 0 ] && [ ${#cancelled[@]} = 0 ]; then
    if [ $ahead = 1 ]; then echo "nothing has failed; not all is done"; else echo "all is done: $1"; fi
    exit 0
fi
printf 'failed: %s\n' "${failed[@]}"
if [ ${#cancelled[@]} != 0 ]; then echo "cancelled with it: ${cancelled[*]}"; fi
echo "Mend that and submit the same again: what is done is not done a second time."
exit 1
