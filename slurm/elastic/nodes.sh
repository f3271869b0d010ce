#!/usr/bin/env bash
# The nodes of this job that answer, each with its number of ranks: what horovodrun asks every second. SLURM is asked
# every HPCVOX_ASK_SECONDS, and half as often each time that it does not answer.
# A node that is down would end the training, not only the ranks on it, if it were named.
now=$(date +%s) next=0 every=${HPCVOX_ASK_SECONDS:-30}
pause=$every
kept=${HPCVOX_ELASTIC:-}   # the job's own folder, where the last answer is
if [ -n "$kept" ] && [ -e "$kept/next" ]; then read -r next pause < "$kept/next"; fi
if [ "$now" -lt "$next" ]; then exec cat "$kept/nodes"; fi
if states=$(sinfo --noheader --Node --nodes="$SLURM_JOB_NODELIST" --format='%N %t'); then
    nodes=$(awk -v slots="$HPCVOX_RANKS_PER_NODE" \
        '$2 !~ /\*|down|fail|unk|reboot|power/ && !seen[$1]++ { print $1 ":" slots }' <<< "$states")
    pause=$every
else
    nodes=$(cat "$kept/nodes" 2>/dev/null)
    pause=$((pause < 300 ? pause * 2 : pause))
fi
if [ -n "$kept" ]; then   # renamed, as it is asked from two places at once
    printf '%s\n' "$nodes" > "$kept/nodes.$$" && mv "$kept/nodes.$$" "$kept/nodes"
    printf '%s %s\n' $((now + pause)) "$pause" > "$kept/next.$$" && mv "$kept/next.$$" "$kept/next"
fi
printf '%s\n' "$nodes"
