# shellcheck shell=bash
# What the jobs of this folder share; sourced by them inside an allocation.
#   on_ray    jobs/X.py configs/X.yaml ARGS...    one program, with Ray running over all nodes of the allocation
#   on_ranks  jobs/X.py configs/X.yaml ARGS...    one program a task of the allocation, joined by MPI
#   train     jobs/X.py configs/X.yaml ARGS...    the same for a training: in a job with GPUs, a rank for each of them
#   on_node   jobs/X.py configs/X.yaml ARGS...    one program on the first node
# A first argument *.yaml among ARGS replaces the config. Each ends the batch script with the program's status.
#
# SLURM warns a job before its time limit by USR1 (#SBATCH --signal=B:USR1@SECONDS). The program is then told to
# stop; when it says that its state is saved (exit status 75), the job goes back into the queue and later carries on
# where it was. TERM (scancel, preemption) is passed on too, but the job is not put back.
set -uo pipefail

HPCVOX_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HPCVOX_HOME
STATUS_INTERRUPTED=75   # interrupted, state saved, may be run again
STATUS_REJECTS=4        # complete; some inputs were rejected, and are listed

log() { printf '%s %s: %s\n' "$(date +%FT%T)" "${SLURM_JOB_NAME:-job}" "$*"; }
fail() { log "$*" >&2; exit 2; }

[ -n "${SLURM_JOB_ID:-}" ] || fail "this is a job for SLURM: submit it with sbatch"
# One task of an array has the number of the whole array, which SLURM would then put back or signal.
THIS_JOB=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_}${SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}

# ---------------------------------------------------------------------------------------- signals and the end

# First of all: the site's settings may take their time, and a signal would end the script.
program='' program_is_step=no program_signal=TERM told_to_stop=no cancelled=no
tell_program() {
    told_to_stop=yes
    if [ -z "$program" ]; then return; fi
    # srun would kill its tasks at TERM; SLURM delivers it to all of them.
    if [ "$program_is_step" = yes ]; then scancel --signal=TERM "$THIS_JOB"; else kill -"$program_signal" "$program" 2>/dev/null; fi
}
on_usr1() { log "the time limit is near: telling the program to save its state"; tell_program; }
on_term() { log "told to end: telling the program to save its state"; cancelled=yes; tell_program; }
trap on_usr1 USR1
trap on_term TERM
cleanup=()
at_exit() { local i; for ((i = ${#cleanup[@]} - 1; i >= 0; i--)); do ${cleanup[i]}; done; }
trap at_exit EXIT

supervise() {   # run a command, let signals in while it runs, end with what its status means
    if [ "$told_to_stop" = yes ]; then finish $STATUS_INTERRUPTED; fi
    "$@" &
    program=$!
    if [ "$told_to_stop" = yes ]; then tell_program; fi
    local status=0
    while :; do
        wait "$program"
        status=$?
        kill -0 "$program" 2>/dev/null || break   # a trapped signal ends `wait` early
    done
    # The program may have ended between the signal and the look: bash still knows its status.
    wait "$program" 2>/dev/null
    local known=$?
    if [ $known != 127 ]; then status=$known; fi
    program=''
    # Told to stop before it could answer (while it was starting): nothing is lost, the state is that of before.
    if [ "$told_to_stop" = yes ] && [ $status = 143 ]; then status=$STATUS_INTERRUPTED; fi
    finish $status
}

finish() {   # the program's status → the job's
    case $1 in
        0) log "complete"; exit 0 ;;
        "$STATUS_REJECTS") log "complete; some inputs were rejected (see the table of rejects)"; exit 0 ;;
        "$STATUS_INTERRUPTED") put_back ;;
        *) log "failed with status $1"; exit "$1" ;;
    esac
}

put_back() {
    if [ "$cancelled" = yes ]; then log "cancelled; state saved: the same submission carries on"; exit $STATUS_INTERRUPTED; fi
    if [ "${SLURM_RESTART_COUNT:-0}" -ge "$HPCVOX_MAX_RESTARTS" ]; then
        log "interrupted ${SLURM_RESTART_COUNT:-0} times (HPCVOX_MAX_RESTARTS): submit again to carry on"
        exit $STATUS_INTERRUPTED
    fi
    log "interrupted, state saved: back into the queue"
    at_exit
    trap - EXIT
    scontrol requeue "$THIS_JOB" || exit $STATUS_INTERRUPTED
    sleep 60   # SLURM ends this script
    exit $STATUS_INTERRUPTED
}

# ---------------------------------------------------------------------------------------- the node

# shellcheck source=slurm/environment.sh
source "$HPCVOX_HOME/slurm/environment.sh"
: "${SLURM_CPUS_PER_TASK:=${SLURM_CPUS_ON_NODE:-1}}"
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK" SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"
export HPCVOX_NODE_TMP
# `sbatch --export=NONE`, the default of many sites, would hold for the steps, too.
export SLURM_EXPORT_ENV=ALL
mapfile -t NODES < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
log "job $SLURM_JOB_ID on ${NODES[*]}, start $((${SLURM_RESTART_COUNT:-0} + 1))"
if [ "$told_to_stop" = yes ]; then finish $STATUS_INTERRUPTED; fi

# ---------------------------------------------------------------------------------------- arguments

in_home() { if [ -e "$1" ]; then printf '%s' "$1"; else printf '%s' "$HPCVOX_HOME/$1"; fi; }
command_line=() site_settings=()
set_command_line() {   # job, config, arguments: as the program sees them
    local job=$1 config=$2
    shift 2
    case ${1:-} in *.yaml | *.yml) config=$1; shift ;; esac
    command_line=(python "$(in_home "$job")" "$(in_home "$config")" "${site_settings[@]}" "$@")
    log "${command_line[*]}"
}

# ---------------------------------------------------------------------------------------- one node, ranks

on_node() {
    set_command_line "$@"
    supervise "${command_line[@]}"
}

training=no
gpus=0   # of a node, each with a rank of its own; 0: a rank a task, on CPUs
train() {
    training=yes
    gpus=${SLURM_GPUS_ON_NODE:-0}
    if [ "$gpus" != 0 ]; then
        [ "$SLURM_CPUS_ON_NODE" -ge "$gpus" ] ||
            fail "$gpus ranks a node, one a GPU, and $SLURM_CPUS_ON_NODE CPUs: submit with more, sbatch --cpus-per-task=N"
        OMP_NUM_THREADS=$((SLURM_CPUS_ON_NODE / gpus))
        # Each rank sees all of its node's, so that NCCL can pass data from one to the next: none is bound to its own.
        site_settings=(device=cuda)
    fi
    on_ranks "$@"
}

on_ranks() {
    set_command_line "$@"
    local arguments=() ranks=$SLURM_NTASKS place=node tasks=()
    read -r -a arguments <<< "$HPCVOX_LAUNCH_ARGS"
    if [ "$gpus" != 0 ]; then
        ranks=$((gpus * ${#NODES[@]}))
        place=ppr:$gpus:node:OVERSUBSCRIBE   # more than the tasks that the job was submitted with
        tasks=(--ntasks="$ranks" --ntasks-per-node="$gpus" --cpus-per-task="$OMP_NUM_THREADS")
    fi
    case $HPCVOX_LAUNCH in
        srun)
            program_is_step=yes
            supervise srun --mpi="$HPCVOX_SRUN_MPI" --kill-on-bad-exit=0 "${tasks[@]}" "${arguments[@]}" "${command_line[@]}"
            ;;
        mpirun)   # it passes USR1 on to the ranks; at TERM it would kill them
            program_signal=USR1
            supervise mpirun --bind-to none --map-by "$place" -n "$ranks" "${arguments[@]}" "${command_line[@]}"
            ;;
        elastic)
            [ "$training" = yes ] || fail "HPCVOX_LAUNCH=elastic is for trainings: take srun or mpirun for this job"
            program_is_step=yes
            HPCVOX_RANKS_PER_NODE=$((ranks / ${#NODES[@]}))
            HPCVOX_INTERRUPTED=$PWD/.hpcvox-interrupted-$SLURM_JOB_ID
            export HPCVOX_RANKS_PER_NODE HPCVOX_INTERRUPTED
            supervise horovodrun_elastic --min-np "$HPCVOX_MIN_RANKS" --max-np "$ranks" "${arguments[@]}"
            ;;
        *) fail "HPCVOX_LAUNCH=$HPCVOX_LAUNCH is not known: valid are srun, mpirun, elastic (configs/site.sh)" ;;
    esac
}

# horovodrun writes all of its environment on the command lines that start ranks, where every user can read them.
# hpcvox/launcher.py has the same list.
NEEDED=(PATH HOME USER LOGNAME SHELL LANG LC_ TZ TMPDIR LD_LIBRARY_PATH PYTHON
    VIRTUAL_ENV OMP_ MKL_ KMP_ OPENBLAS_ NUMBA_ NCCL_ GLOO_ CUDA_ NVIDIA_ ROCR_
    HIP_ UCX_ FI_ OMPI_ PMI SLURM SRUN_ HOROVOD_ HPCVOX_ TORCH_)
unset_secrets() {   # whatever ranks do not need
    local name begins
    for name in $(compgen -e); do
        case $name in
            *KEY* | *TOKEN* | *SECRET* | *PASS* | *CREDENTIAL*) ;;
            *) for begins in "${NEEDED[@]}"; do case $name in "$begins"*) continue 2 ;; esac; done ;;
        esac
        unset "$name"
    done
}

horovodrun_elastic() {   # its status says nothing of an interruption: the ranks leave word of it
    rm -f "$HPCVOX_INTERRUPTED"
    # A rank that was lost may come back to its node after a rest.
    (
        unset_secrets
        export PATH="$HPCVOX_HOME/slurm/elastic:$PATH" HOROVOD_ELASTIC_TIMEOUT="$HPCVOX_ELASTIC_TIMEOUT"
        exec horovodrun --gloo -np "$HPCVOX_MIN_RANKS" --blacklist-cooldown-range 5 30 \
            --host-discovery-script "$HPCVOX_HOME/slurm/elastic/nodes.sh" "$@" \
            "$HPCVOX_HOME/slurm/elastic/rank" "${command_line[@]}"
    ) &
    local launcher=$! status
    # It may stay for ever when it has given up on the ranks, after HPCVOX_ELASTIC_TIMEOUT.
    end_without_ranks $launcher &
    wait $launcher
    status=$?
    if [ -e "$HPCVOX_INTERRUPTED" ]; then status=$STATUS_INTERRUPTED; rm -f "$HPCVOX_INTERRUPTED"; fi
    return $status
}

end_without_ranks() {   # end a launcher whose ranks have all been gone for a minute, to start anew in another job
    local since=$SECONDS
    while sleep 1 && kill -0 "$1" 2>/dev/null; do
        if squeue --noheader --steps --jobs="$SLURM_JOB_ID" --format=%i | grep -q '\.[0-9]'; then since=$SECONDS; fi
        if [ $((SECONDS - since)) -ge "$HPCVOX_NO_RANKS_TIMEOUT" ]; then
            log "fewer ranks than HPCVOX_MIN_RANKS=$HPCVOX_MIN_RANKS are left, and none runs"
            touch "$HPCVOX_INTERRUPTED"
            kill -KILL "$1"
        fi
    done
}

# ---------------------------------------------------------------------------------------- Ray over the allocation

ray_steps=()
ray_private=   # folder that this user alone can enter and all nodes see: Ray's token and what it says when it starts
# In a subshell, which becomes the step: what ends the one ends the other.
on_one_node() { exec srun --nodes=1 --ntasks=1 --overlap --nodelist="$1" "${@:2}"; }

end_ray_steps() {   # our own steps only: `ray stop` would end every Ray of the machine
    if [ ${#ray_steps[@]} = 0 ]; then return; fi
    # Told so, a step clears up its node; at TERM srun itself would kill it.
    scancel --signal=TERM "$THIS_JOB" 2>/dev/null
    local until=$((SECONDS + 20)) step
    for step in "${ray_steps[@]}"; do
        while kill -0 "$step" 2>/dev/null && [ $SECONDS -lt $until ]; do sleep 0.2; done
    done
    kill "${ray_steps[@]}" 2>/dev/null
    wait "${ray_steps[@]}" 2>/dev/null
    ray_steps=()
}
stop_ray() {
    if [ -n "$ray_private" ]; then rm -rf "$ray_private"; fi   # first: SLURM may not leave the time for the rest
    end_ray_steps
}

start_ray() {
    # Other users of these nodes can reach Ray's ports, and whoever may talk to Ray may run any code.
    local old
    for old in "$PWD/.hpcvox-ray-$SLURM_JOB_ID-"*; do   # of this job, before its node died
        if [ -O "$old" ] && [ ! -L "$old" ]; then rm -rf "$old"; fi
    done
    # mktemp makes the folder anew, for this user alone, under a name that nobody can foresee.
    ray_private=$(mktemp -d "$PWD/.hpcvox-ray-$SLURM_JOB_ID-XXXXXXXXXX") ||
        fail "cannot make a folder in $PWD: submit from a folder that you may write to and all nodes see"
    local ray_log=$ray_private/log
    cleanup+=(stop_ray)
    (umask 077 && python -c 'import secrets; print(secrets.token_hex(32), end="")' > "$ray_private/token") ||
        fail "cannot write $ray_private/token: is the disk full?"
    # An actor is one thread of one core: the parallelism is in their number.
    export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1
    export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$ray_private/token RAY_USAGE_STATS_ENABLED=0 NO_COLOR=1
    # Measurements would be served on every address of the node, to whoever asks.
    export RAY_enable_metrics_collection=0 RAY_enable_open_telemetry=0 DASHBOARD_METRIC_PORT=-1
    # Workers notice within seconds that their head has ended.
    export RAY_gcs_rpc_server_reconnect_timeout_s=15
    local head=${NODES[0]} last=${NODES[${#NODES[@]} - 1]} name ip port
    # The head's address as the other end of the allocation sees it (a host's own name may mean 127.0.1.1 to itself).
    name=$(scontrol show node "$head" | sed -n 's/.*NodeAddr=\([^ ]*\).*/\1/p')
    ip=$(on_one_node "$last" getent ahostsv4 "$name" | awk 'NR == 1 { print $1 }')
    [ -n "$ip" ] || fail "node $last cannot resolve $name, the address of node $head"
    for _ in 1 2 3; do
        port=$(python "$HPCVOX_HOME/slurm/ray_node.py" port)
        export RAY_ADDRESS=$ip:$port
        log "starting Ray on ${#NODES[@]} nodes, $SLURM_CPUS_PER_TASK CPUs each, head $RAY_ADDRESS"
        : > "$ray_log"
        start_ray_nodes
        if ray_is_up; then return; fi
        tail -n 20 "$ray_log" >&2
        end_ray_steps
    done
    fail "Ray did not come up on all nodes (above is what it said)"
}

start_ray_nodes() {
    local i role
    for i in "${!NODES[@]}"; do
        role="worker"
        if [ "$i" = 0 ]; then role="head"; fi
        on_one_node "${NODES[i]}" python "$HPCVOX_HOME/slurm/ray_node.py" \
            "$role" "$RAY_ADDRESS" "$SLURM_CPUS_PER_TASK" >> "$ray_log" 2>&1 &
        ray_steps+=($!)
    done
}

ray_is_up() {   # wait until all nodes have joined, or one of them has ended
    local waiter step
    python "$HPCVOX_HOME/slurm/ray_node.py" wait "$RAY_ADDRESS" "${#NODES[@]}" "$HPCVOX_RAY_TIMEOUT" 2>> "$ray_log" &
    waiter=$!
    while kill -0 $waiter 2>/dev/null; do
        for step in "${ray_steps[@]}"; do
            kill -0 "$step" 2>/dev/null || { kill $waiter; wait $waiter; return 1; }
        done
        sleep 0.5
    done
    wait $waiter
}

on_ray() {
    set_command_line "$@"
    start_ray
    supervise "${command_line[@]}"
}
