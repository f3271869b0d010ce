# shellcheck shell=bash
# What the jobs of this folder share; sourced by them inside an allocation.
#   on_ray    jobs/X.py configs/X.yaml ARGS...    one program, with Ray running over all nodes of the allocation
#   on_ranks  jobs/X.py configs/X.yaml ARGS...    one program a task of the allocation, joined by MPI
#   train     jobs/X.py configs/X.yaml ARGS...    the same for a training: in a job with GPUs, a rank for each of them
#   on_node   jobs/X.py configs/X.yaml ARGS...    one program on the first node
# A first argument *.yaml among ARGS replaces the config. Each ends the batch script with the program's status.
# Outside a job, on a login node, each checks the settings and submits its script (slurm/submit.sh).
#
# SLURM warns a job before its time limit by USR1 (#SBATCH --signal=B:USR1@SECONDS). The program is then told to
# stop; when it says that its state is saved (exit status 75), the job goes back into the queue and later carries on
# where it was; and so does one that is preempted. TERM (scancel) is passed on too, but the job is not put back.
# The last line says how a job has ended: complete, failed, cancelled, preempted, out of time, or interrupted.
set -uo pipefail

unset CDPATH   # with it `cd` prints where it goes
HPCVOX_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HPCVOX_HOME
STATUS_INTERRUPTED=75   # interrupted, state saved, may be run again
STATUS_REJECTS=4        # complete; some inputs were rejected, and are listed

log() { printf '%s %s: %s\n' "$(date +%FT%T)" "${SLURM_JOB_NAME:-job}" "$*"; }
no_gain=   # see below
fail() { log "$*" >&2; if [ -n "$no_gain" ]; then rm -f "$no_gain"; fi; exit 2; }

if [ -z "${SLURM_JOB_ID:-}" ]; then
    # shellcheck source=slurm/submit.sh
    source "$HPCVOX_HOME/slurm/submit.sh"
    return
fi
# One task of an array has the number of the whole array, which SLURM would then put back or signal.
THIS_JOB=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_}${SLURM_ARRAY_TASK_ID:-$SLURM_JOB_ID}

# ---------------------------------------------------------------------------------------- signals and the end

# First of all: the site's settings may take their time, and a signal would end the script.
program='' program_is_step=no program_signal=TERM told_to_stop=no
why=''   # the job is told to end: interrupted (its time limit is near), cancelled, preempted, out of time
tell_program() {
    told_to_stop=yes
    if [ -z "$program" ]; then return; fi
    # srun would kill its tasks at TERM; SLURM delivers it to all of them.
    if [ "$program_is_step" = yes ]; then scancel --signal=TERM "$THIS_JOB"; else kill -"$program_signal" "$program" 2>/dev/null; fi
}
on_usr1() { why=interrupted; log "the time limit is near: telling the program to save its state"; tell_program; }
on_term() {
    why=$(reason)
    log "${why:=cancelled}: telling the program to save its state"
    tell_program
}
# A preemption that leaves some time is first told to the steps alone, and they pass it on (slurm/ray_node.py).
on_usr2() {
    if [ "$told_to_stop" = yes ]; then return; fi
    why=$(reason)
    log "${why:=preempted}: telling the program to save its state"
    tell_program
}
trap on_usr1 USR1
trap on_term TERM
trap on_usr2 USR2
cleanup=()
at_exit() { local i; for ((i = ${#cleanup[@]} - 1; i >= 0; i--)); do ${cleanup[i]}; done; }
trap at_exit EXIT

field() {   # of this job, as SLURM has it at this moment: Requeue, TimeLimit ...
    scontrol show job "$THIS_JOB" 2>/dev/null | tr ' ' '\n' | sed -n "s/^$1=//p;T;q"
}
seconds() { awk -F '[-:]' '{ n = $NF + 60 * $(NF - 1) + 3600 * $(NF - 2); if (NF > 3) n += 86400 * $1; print n }' <<< "$1"; }
already_put_back() { [[ $(field Restarts) -gt ${SLURM_RESTART_COUNT:-0} ]]; }
reason() {   # why SLURM ends this job; nothing where it does not, or does not answer
    local preempted limit state
    preempted=$(field PreemptTime) limit=$(field TimeLimit) state=$(field JobState)
    if already_put_back || [[ $preempted == 2* && ! $preempted < $(field StartTime) ]]; then echo preempted
    elif [[ $state != COMPLETING && $state != CANCELLED && $state != TIMEOUT ]]; then :
    elif [[ $limit == *:* && $(seconds "$(field RunTime)") -ge $(seconds "$limit") ]]; then echo "out of time"
    else echo cancelled
    fi
}

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
    if [ "$told_to_stop" = yes ] && { [ $status = 143 ] || [ $status = 138 ]; }; then status=$STATUS_INTERRUPTED   # TERM, USR1
    elif [ -z "${HPCVOX_NO_GAIN:-}" ]; then gained=yes   # a program that does not say
    fi
    finish $status
}

finish() {   # the program's status → the job's
    if [ "$1" != "$STATUS_INTERRUPTED" ]; then rm -f "$no_gain"; fi
    case $1 in
        0) log "complete"; exit 0 ;;
        "$STATUS_REJECTS") log "complete; some inputs were rejected (see the table of rejects)"; exit 0 ;;
        "$STATUS_INTERRUPTED") put_back ;;
        *)
            if [ -n "$why" ]; then
                log "$why before its state was saved (status $1): what was saved earlier is kept, the same submission carries on"
            else
                log "failed with status $1"
            fi
            exit "$1" ;;
    esac
}

# Where two starts in a row have gained nothing, a third will not. A job's program removes this file as soon as it
# has written anything new; in it is how many starts before this one gained nothing.
no_gain=$PWD/.hpcvox-no-gain-$THIS_JOB
gained=no no_gain_before=0
if [ -f "$no_gain" ] && [ -O "$no_gain" ]; then read -r no_gain_before < "$no_gain" || no_gain_before=0; fi
say_no_gain() { rm -f "$no_gain"; (set -C; echo "$1" > "$no_gain") 2>/dev/null; }
await_gain() { if say_no_gain "$no_gain_before"; then export HPCVOX_NO_GAIN=$no_gain; fi; }
stop_without_gain() {
    if [ -n "${HPCVOX_NO_GAIN:-}" ] && [ ! -e "$no_gain" ]; then gained=yes; fi
    if [ "$gained" = yes ]; then rm -f "$no_gain"; return; fi
    if [ "$no_gain_before" -ge 1 ]; then
        stay_out "interrupted, and nothing was gained in this start or the one before: its time limit, $(field TimeLimit), leaves" \
            "no time between the start and the warning before the end. Submit it again with more time (sbatch --time=...)" \
            "or a later warning (sbatch --signal=B:USR1@SECONDS)"
    fi
    say_no_gain $((no_gain_before + 1))
}

put_back() {
    why=${why:-$(reason)}
    local carry_on="submit the same again to carry on"
    case ${why:=interrupted} in
        cancelled | "out of time") stay_out "$why; state saved: the same submission carries on" ;;
        interrupted) stop_without_gain ;;
        preempted) if already_put_back; then stay_out "preempted, state saved: SLURM has put it back into the queue"; fi ;;
    esac
    if [ "${SLURM_RESTART_COUNT:-0}" -ge "${HPCVOX_MAX_RESTARTS:-50}" ]; then
        stay_out "$why ${SLURM_RESTART_COUNT:-0} times (HPCVOX_MAX_RESTARTS): submit again to carry on"
    fi
    if [ "$(field Requeue)" = 0 ]; then
        stay_out "$why, state saved, and not to be put back (--no-requeue, or the site's rule): $carry_on"
    fi
    log "$why, state saved: back into the queue"
    at_exit
    trap - EXIT
    scontrol requeue "$THIS_JOB" || stay_out "$why, state saved, but SLURM does not put it back (above): $carry_on"
    sleep 60   # SLURM ends this script
    exit $STATUS_INTERRUPTED
}
stay_out() { rm -f "$no_gain"; log "$*"; exit $STATUS_INTERRUPTED; }

# ---------------------------------------------------------------------------------------- the node

# shellcheck source=slurm/environment.sh
source "$HPCVOX_HOME/slurm/environment.sh"
CPUS=${SLURM_CPUS_PER_TASK:-$((${SLURM_CPUS_ON_NODE:-1} * ${SLURM_NNODES:-1} / ${SLURM_NTASKS:-1}))}   # of a task
if [ "$CPUS" -lt 1 ]; then CPUS=1; fi
# Every srun is told them, and by nothing else: SLURM since 24.05 refuses a number that it is given twice.
unset SLURM_CPUS_PER_TASK SRUN_CPUS_PER_TASK SLURM_TRES_PER_TASK
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS="$CPUS"
export HPCVOX_NODE_TMP HPCVOX_RAY_TIMEOUT HPCVOX_JOB="$THIS_JOB"
# `sbatch --export=NONE`, the default of many sites, would hold for the steps, too.
export SLURM_EXPORT_ENV=ALL
mapfile -t NODES < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
log "job $SLURM_JOB_ID on ${NODES[*]}, start $((${SLURM_RESTART_COUNT:-0} + 1))"
if [ "$told_to_stop" = yes ]; then finish $STATUS_INTERRUPTED; fi

# ---------------------------------------------------------------------------------------- arguments

command_line=() site_settings=()
set_command_line() {   # job, config, arguments: as the program sees them
    local job config
    job=$(ours "$1") config=$(ours "$2")
    shift 2
    case ${1:-} in *.yaml | *.yml) config=$(in_home "$1"); shift ;; esac
    command_line=(python "$job" "$config" "${site_settings[@]}" "$@")
    log "${command_line[*]}"
    case $job in "$HPCVOX_HOME"/jobs/*) await_gain ;; esac
}

# In a subshell, which becomes the step: what ends the one ends the other.
on_one_node() { exec srun --nodes=1 --ntasks=1 --cpus-per-task="$CPUS" --overlap --nodelist="$1" "${@:2}"; }
address_of_first_node() {   # sets $address, as the other end of the allocation sees it: a host's own name may mean 127.0.1.1 to itself
    local name last=${NODES[${#NODES[@]} - 1]}
    name=$(scontrol show node "${NODES[0]}" | sed -n 's/.*NodeAddr=\([^ ]*\).*/\1/p')
    address=$(on_one_node "$last" getent ahostsv4 "$name" | awk 'NR == 1 { print $1 }')
    [ -n "$address" ] || fail "node $last cannot resolve $name, the address of node ${NODES[0]}"
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
        tasks=(--ntasks="$ranks" --ntasks-per-node="$gpus")
    fi
    tasks+=(--cpus-per-task="$OMP_NUM_THREADS")
    if [ "$HPCVOX_LAUNCH" != elastic ]; then export HPCVOX_RANKS=$ranks; fi   # who finds fewer of them ends, and says so
    case $HPCVOX_LAUNCH in
        srun)
            program_is_step=yes
            supervise srun --mpi="$HPCVOX_SRUN_MPI" --kill-on-bad-exit=0 "${tasks[@]}" "${arguments[@]}" "${command_line[@]}"
            ;;
        mpirun)   # it passes USR1 on to the ranks; at TERM it would kill them, and does not hear of it
            program_signal=USR1
            export SRUN_CPUS_PER_TASK=${SLURM_CPUS_ON_NODE:-1}   # of its own srun, which starts a daemon a node
            # Its daemons are deaf, too: those of Open MPI 4, and of 5.
            export PATH="$HPCVOX_HOME/slurm/mpirun:$PATH"
            : "${OMPI_MCA_orte_launch_agent:=hpcvox-daemon orted}" "${PRTE_MCA_prte_launch_agent:=hpcvox-daemon prted}"
            export OMPI_MCA_orte_launch_agent PRTE_MCA_prte_launch_agent
            supervise hpcvox-daemon mpirun --bind-to none --map-by "$place" -n "$ranks" "${arguments[@]}" "${command_line[@]}"
            ;;
        elastic)
            [ "$training" = yes ] || fail "HPCVOX_LAUNCH=elastic is for trainings: take srun or mpirun for this job"
            program_is_step=yes
            HPCVOX_RANKS_PER_NODE=$((ranks / ${#NODES[@]}))
            HPCVOX_RANK_CPUS=$OMP_NUM_THREADS
            # A folder that this user alone can enter and all nodes see: word of an interruption, and of the nodes.
            HPCVOX_ELASTIC=$(mktemp -d "$PWD/.hpcvox-elastic-$SLURM_JOB_ID-XXXXXXXXXX") ||
                fail "cannot make a folder in $PWD: submit from a folder that you may write to and all nodes see"
            cleanup+=(remove_elastic)
            HPCVOX_INTERRUPTED=$HPCVOX_ELASTIC/interrupted
            : "${HPCVOX_ASK_SECONDS:=30}"
            export HPCVOX_RANKS_PER_NODE HPCVOX_INTERRUPTED HPCVOX_RANK_CPUS HPCVOX_ELASTIC HPCVOX_ASK_SECONDS
            address_of_first_node
            supervise horovodrun_elastic --min-np "$HPCVOX_MIN_RANKS" --max-np "$ranks" "${arguments[@]}"
            ;;
        *) fail "HPCVOX_LAUNCH=$HPCVOX_LAUNCH is not known: valid are srun, mpirun, elastic (configs/site.sh)" ;;
    esac
}

# horovodrun writes all of its environment on the command lines that start ranks, where every user can read them.
# hpcvox/process/launcher.py has the same list.
NEEDED=(PATH HOME USER LOGNAME SHELL LANG LC_ TZ TMPDIR LD_LIBRARY_PATH PYTHON
    VIRTUAL_ENV OMP_ MKL_ KMP_ OPENBLAS_ NUMBA_ NCCL_ GLOO_ CUDA_ NVIDIA_ ROCR_
    HIP_ UCX_ FI_ OMPI_ PMI SLURM SRUN_ HOROVOD_ HPCVOX_ TORCH_)
unset_secrets() {   # whatever ranks do not need
    local name begins
    for name in $(compgen -e); do
        case $name in
            *KEY* | *TOKEN* | *SECRET* | *PASS* | *CREDENTIAL* | *JWT* | *COOKIE*) ;;
            *) for begins in "${NEEDED[@]}"; do case $name in "$begins"*) continue 2 ;; esac; done ;;
        esac
        unset "$name"
    done
}

remove_elastic() { rm -rf "$HPCVOX_ELASTIC"; }
horovodrun_elastic() {   # its status says nothing of an interruption: the ranks leave word of it
    # A rank that was lost may come back to its node after a rest.
    (
        unset_secrets
        export PATH="$HPCVOX_HOME/slurm/elastic:$PATH" HOROVOD_ELASTIC_TIMEOUT="$HPCVOX_ELASTIC_TIMEOUT"
        exec python "$HPCVOX_HOME/slurm/elastic/launch.py" "$address" --gloo -np "$HPCVOX_MIN_RANKS" --blacklist-cooldown-range 5 30 \
            --host-discovery-script "$HPCVOX_HOME/slurm/elastic/nodes.sh" "$@" \
            "$HPCVOX_HOME/slurm/elastic/rank" "${command_line[@]}"
    ) &
    local launcher=$! status
    # It may stay for ever when it has given up on the ranks, after HPCVOX_ELASTIC_TIMEOUT.
    end_without_ranks $launcher &
    wait $launcher
    status=$?
    if [ -e "$HPCVOX_INTERRUPTED" ]; then status=$STATUS_INTERRUPTED; fi
    return $status
}

end_without_ranks() {   # end a launcher whose ranks have all been gone for a minute, to start anew in another job
    local since=$SECONDS next=0 pause=$HPCVOX_ASK_SECONDS steps
    while sleep 1 && kill -0 "$1" 2>/dev/null; do
        if [ $SECONDS -lt $next ]; then continue; fi
        if steps=$(squeue --noheader --steps --jobs="$SLURM_JOB_ID" --format=%i); then
            pause=$HPCVOX_ASK_SECONDS
            if grep -q '\.[0-9]' <<< "$steps"; then since=$SECONDS; fi
        else   # SLURM is busy or away, and the ranks may well be there
            pause=$((pause < 300 ? pause * 2 : pause)) since=$SECONDS
        fi
        next=$((SECONDS + pause))
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

end_ray_steps() {   # our own steps only: `ray stop` would end every Ray of the machine
    if [ ${#ray_steps[@]} = 0 ]; then return; fi
    rm -f "$HPCVOX_RAY_WANTED"
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
    (umask 077 && python -I -c 'import secrets; print(secrets.token_hex(32), end="")' > "$ray_private/token") ||
        fail "cannot write $ray_private/token: is the disk full?"
    # An actor is one thread of one core: the parallelism is in their number.
    export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1
    export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$ray_private/token RAY_USAGE_STATS_ENABLED=0 NO_COLOR=1
    # Measurements would be served on every address of the node, to whoever asks.
    export RAY_enable_metrics_collection=0 RAY_enable_open_telemetry=0 DASHBOARD_METRIC_PORT=-1
    # Workers notice within seconds that their head has ended.
    export RAY_gcs_rpc_server_reconnect_timeout_s=15
    # An actor on a busy node or file system takes its minutes to load; Ray would end it after one, again and again.
    export RAY_worker_register_timeout_seconds=600
    local port try problem=''
    address_of_first_node
    export HPCVOX_RAY_WANTED=$ray_private/wanted
    for try in 1 2 3; do
        port=$(python "$HPCVOX_HOME/slurm/ray_node.py" port)
        export RAY_ADDRESS=$address:$port
        log "starting Ray on ${#NODES[@]} nodes, $CPUS CPUs each, head $RAY_ADDRESS"
        : > "$ray_log"
        : > "$HPCVOX_RAY_WANTED"
        start_ray_nodes
        if ray_is_up; then return; fi
        if [ "$told_to_stop" = yes ]; then finish $STATUS_INTERRUPTED; fi
        tail -n 20 "$ray_log" >&2
        log "Ray did not come up, try $try of 3: $problem" >&2
        end_ray_steps
    done
    fail "Ray did not come up in 3 tries: $problem. What it said is above. Where nodes are slow (a busy file system), set" \
        "HPCVOX_RAY_TIMEOUT in configs/site.sh to more seconds than $HPCVOX_RAY_TIMEOUT; a node that always fails, leave" \
        "out: sbatch --exclude=NODE"
}

start_ray_nodes() {
    local i role
    for i in "${!NODES[@]}"; do
        role="worker"
        if [ "$i" = 0 ]; then role="head"; fi
        on_one_node "${NODES[i]}" python "$HPCVOX_HOME/slurm/ray_node.py" \
            "$role" "$RAY_ADDRESS" "$CPUS" >> "$ray_log" 2>&1 &
        ray_steps+=($!)
    done
}

ray_is_up() {   # wait until all nodes have joined, or one of them has ended; start_ray's problem says why they have not
    local waiter i status=0
    python "$HPCVOX_HOME/slurm/ray_node.py" wait "$RAY_ADDRESS" "${#NODES[@]}" "$HPCVOX_RAY_TIMEOUT" 2>> "$ray_log" &
    waiter=$!
    while kill -0 $waiter 2>/dev/null; do
        if [ "$told_to_stop" = yes ]; then kill $waiter; wait $waiter; return 1; fi
        for i in "${!ray_steps[@]}"; do
            kill -0 "${ray_steps[i]}" 2>/dev/null && continue
            wait "${ray_steps[i]}"
            problem="on node ${NODES[i]} it ended with status $?"
            kill $waiter
            wait $waiter
            return 1
        done
        sleep 0.5
    done
    wait $waiter
    status=$?
    if [ $status != 0 ]; then problem=$(tail -n 1 "$ray_log"); fi
    return $status
}

on_ray() {
    set_command_line "$@"
    # Before minutes go into the start of Ray; other jobs say it at once by themselves.
    case $1 in jobs/*) check_settings "$(verb_of "$1")" "${command_line[@]:2}" || finish $? ;; esac
    start_ray
    supervise "${command_line[@]}"
}
