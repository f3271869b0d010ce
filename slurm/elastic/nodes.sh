#!/usr/bin/env bash
# The nodes of this job that answer, each with its number of ranks: what horovodrun asks every second.
# A node that is down would end the training, not only the ranks on it, if it were named.
sinfo --noheader --Node --nodes="$SLURM_JOB_NODELIST" --format='%N %t' |
    awk -v slots="$HPCVOX_RANKS_PER_NODE" '$2 !~ /\*|down|fail|unk|reboot|power/ && !seen[$1]++ { print $1 ":" slots }'
