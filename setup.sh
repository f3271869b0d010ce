#!/usr/bin/env bash
# Sets up everything that hpcvox needs. Each step says what it does and is skipped when it is already done,
# so that this can be repeated at will. Called by `make setup`, `make demo` and `make test`.
#
#   setup.sh            install what it takes to run
#   setup.sh --test     and what the tests need
#   setup.sh --check    only say what is there, what is missing and what set-up would do
#   setup.sh --bundle FOLDER    put all that pip would fetch into FOLDER, for a machine of the same kind without a network:
#                       there HPCVOX_BUNDLE=FOLDER make setup
#
# Environment:
#   HPCVOX_VENV          the virtual environment                  (default: .venv beside this file)
#   HPCVOX_APT=no        leave the system's packages alone         (default: install them where that is allowed)
#   HPCVOX_HOROVOD=no    do without Horovod                        (default: build it once and keep the wheel)
#   HPCVOX_EXTRAS        optional parts: chgnet, docs, gpaw, metrics, mp, sevennet (default: "chgnet"; "" for none; --test adds the others)
#   HPCVOX_BUNDLE        a folder that --bundle has filled: pip takes all from there and asks no index
#   HPCVOX_TORCH_ARGS    more arguments for `pip install torch`    (default: none; an index of CPU builds, say)
#   HOROVOD_*            go to Horovod's build, e.g. HOROVOD_GPU_OPERATIONS=NCCL
#   XDG_CACHE_HOME       where hpcvox/wheels keeps the built Horovod (default: ~/.cache)
# Proxies, mirrors and indexes are pip's own settings (pip config). Wherever pip takes a package from, its file has to be
# one of those whose hashes the locks have (requirements/lock.sh makes them); torch alone has none, as its build differs.
set -euo pipefail
unset CDPATH   # with it `cd` prints where it goes
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"

horovod_version=$(sed -n 's/^horovod==\([^ ]*\).*/\1/p' requirements/horovod.lock)
# its build is for each machine to say, so that no lock has its hashes
torch=$(grep -v '^#' requirements/torch.txt)
venv=${HPCVOX_VENV:-$root/.venv}
extras=${HPCVOX_EXTRAS-chgnet}
run_packages=(openmpi-bin libopenmpi-dev cmake g++ make)
test_packages=(munge slurmctld slurmd slurm-client libpmix2 iproute2 procps chromium chromium-driver shellcheck
    dropbear-bin openssh-client rsync)   # dropbear-bin: an SSH server that nobody starts
for_tests=no check_only=no bundle=''
for extra in $extras; do
    case $extra in
        chgnet | docs | gpaw | metrics | mp | sevennet) ;;
        *) echo "setup: HPCVOX_EXTRAS names '$extra', which is not known; valid: chgnet, docs, gpaw, metrics, mp, sevennet" >&2; exit 2 ;;
    esac
done
while [ $# != 0 ]; do
    case $1 in
        --test) for_tests=yes ;;
        --check) check_only=yes ;;
        --bundle)
            [ -n "${2:-}" ] || { echo "setup: --bundle needs the folder that it is to fill: setup.sh --bundle wheels" >&2; exit 2; }
            bundle=$2
            shift ;;
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$root/setup.sh"; exit 0 ;;
        *) echo "setup: unknown argument $1: use --test, --check, --bundle FOLDER or --help" >&2; exit 2 ;;
    esac
    shift
done
if [ -n "${HPCVOX_BUNDLE:-}" ]; then
    [ -d "$HPCVOX_BUNDLE" ] || { echo "setup: HPCVOX_BUNDLE=$HPCVOX_BUNDLE is no folder: fill one by setup.sh --bundle FOLDER where there is a network" >&2; exit 2; }
    PIP_FIND_LINKS=$(cd "$HPCVOX_BUNDLE" && pwd)
    export PIP_NO_INDEX=1 PIP_FIND_LINKS
fi

wants() { case " $extras " in *" $1 "*) ;; *) return 1 ;; esac; }
if [ "$for_tests" = yes ]; then
    for extra in docs gpaw metrics mp sevennet; do wants "$extra" || extras="$extras $extra"; done
fi

# ---------------------------------------------------------------------------------------- what is said

step() { printf '\n==> %s\n' "$*"; }
say() { printf '    %s\n' "$*"; }
warn() { printf '    WARNING: %s\n' "$*" >&2; }
die() {   # what is wrong, then a line each of what to do
    printf '\nsetup: %s\n' "$1" >&2
    shift
    printf '  fix: %s\n' "$@" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# ---------------------------------------------------------------------------------------- what is there

apt_prefix=()
may_apt() {   # whether system packages may be installed without asking for a password
    [ "${HPCVOX_APT:-yes}" != no ] && have apt-get || return 1
    if [ "$(id -u)" = 0 ]; then apt_prefix=(); return 0; fi
    have sudo && sudo -n true 2>/dev/null || return 1
    apt_prefix=(sudo -n)
}
provided_by() {   # the command that shows that a package is there
    case $1 in
        openmpi-bin) echo mpirun ;;
        libopenmpi-dev) echo mpicxx ;;
        slurm-client) echo sbatch ;;
        munge) echo munged ;;
        chromium-driver) echo chromedriver ;;
        iproute2) echo ip ;;
        procps) echo pgrep ;;
        dropbear-bin) echo dropbear ;;
        openssh-client) echo ssh ;;
        *) echo "$1" ;;
    esac
}
package_is_there() {
    case $1 in
        libpmix2) compgen -G '/usr/lib/*/libpmix.so.2' >/dev/null || compgen -G '/usr/lib*/libpmix.so.2' >/dev/null ;;
        slurmctld | slurmd | munge | dropbear-bin) have "$(provided_by "$1")" || [ -x "/usr/sbin/$(provided_by "$1")" ] ;;
        g++) [ -n "$(compiler)" ] ;;
        *) have "$(provided_by "$1")" ;;
    esac
}
compiler() {
    local c
    # CC is Cray's compiler, which knows its MPI
    for c in ${CXX:+"$CXX"} ${CRAY_MPICH_VERSION:+CC} g++ c++; do if have "$c"; then command -v "$c"; return; fi; done
}
mpi_version() {   # e.g. "openmpi-4.1.4", or "none"
    local line
    if [ -n "${CRAY_MPICH_VERSION:-}" ] && have CC && have srun; then echo "cray-mpich-$CRAY_MPICH_VERSION"; return; fi
    if ! have mpicxx || ! have mpirun; then echo none; return; fi
    line=$(mpirun --version 2>/dev/null | sed -n 1p)
    case $line in
        *"Open MPI"*) echo "openmpi-${line##* }" ;;
        *) echo "mpi-$(printf %s "$line" | tr -c 'A-Za-z0-9.\n' - | cut -c1-40)" ;;
    esac
}
find_python() {
    local candidate
    for candidate in python3.11 python3.12 python3.13 python3; do
        # A name on PATH may be a launcher of a version that is not installed: only running it tells.
        if have "$candidate" && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}
cache_folder() {
    local folder=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/hpcvox/wheels
    mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] || folder=$root/.cache/wheels
    echo "$folder"
}

# ---------------------------------------------------------------------------------------- steps done before

digest() { cat "$@" | sha256sum | cut -c1-16; }
is_done() { [ "$(cat "$venv/.hpcvox/$1" 2>/dev/null)" = "$2" ]; }
mark_done() { mkdir -p "$venv/.hpcvox"; printf '%s\n' "$2" > "$venv/.hpcvox/$1"; }

# ---------------------------------------------------------------------------------------- the steps

system_packages() {
    local package missing=()
    for package in "$@"; do package_is_there "$package" || missing+=("$package"); done
    if [ ${#missing[@]} = 0 ]; then say "all there"; return; fi
    if ! may_apt; then
        say "missing: ${missing[*]}"
        say "they are not installed here: that takes root (or sudo without a password) and apt-get."
        say "To have them: sudo apt-get install ${missing[*]}     (or what your system or 'module load' calls them)"
        return
    fi
    if [ "$check_only" = yes ]; then say "missing, set-up would install by apt-get: ${missing[*]}"; return; fi
    say "installing by apt-get: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${apt_prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
           "${apt_prefix[@]}" env DEBIAN_FRONTEND=noninteractive \
               apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > "$log" 2>&1 < /dev/null; then
        tail -n 5 "$log" | sed 's/^/    | /' >&2
        warn "apt-get could not install ${missing[*]} (its last lines are above); going on without."
    fi
    rm -f "$log"
}

need_build_tools() {
    say "C++ compiler: $(compiler || true)"
    if [ -z "$(compiler)" ]; then
        if wants gpaw; then
            die "there is no C++ compiler (g++), and GPAW has to be built." \
                "install one: apt-get install g++ (as root), or 'module load gcc' on a cluster, then repeat" \
                "or do without GPAW: leave gpaw out of HPCVOX_EXTRAS (everything but 'hpcvox dft' works)"
        fi
        [ "${HPCVOX_HOROVOD:-yes}" != no ] || { say "none (and none needed without Horovod)"; return; }
        die "there is no C++ compiler (g++), and Horovod has to be built." \
            "install one: apt-get install g++ (as root), or 'module load gcc' on a cluster, then repeat" \
            "or do without Horovod: HPCVOX_HOROVOD=no make setup (several ranks are then joined by torch.distributed)"
    fi
    [ "${HPCVOX_HOROVOD:-yes}" != no ] || return 0
    have make || die "there is no 'make', which Horovod's build needs." "install it: apt-get install make (as root)"
}

tell_mpi() {
    if [ "$(mpi_version)" = none ]; then
        say "MPI: none. Horovod uses Gloo instead: multi-rank training works by horovodrun on one machine;"
        say "  mpirun and srun need MPI (apt-get install openmpi-bin libopenmpi-dev, or 'module load openmpi')."
    else
        say "MPI: $(mpi_version)"
        case $(mpi_version) in cray-*) say "  its ranks are started by srun: HPCVOX_SRUN_MPI=cray_shasta in configs/site.sh" ;; esac
    fi
}

die_of_hashes() {   # where pip says that a file is not one of those that a lock knows
    case $1 in *'DO NOT MATCH THE HASHES'*) ;; *) return 0 ;; esac
    local package from='its package index: a mirror of yours, perhaps'
    package=$(sed -n '/DO NOT MATCH THE HASHES/{n;s/^ *\([^ ]*\).*/\1/p;q}' <<< "$1")
    [ -z "${HPCVOX_BUNDLE:-}" ] || from="$HPCVOX_BUNDLE: it may be damaged, fill it again (setup.sh --bundle FOLDER)"
    die "the file of $package that pip was given is none of those whose hashes $2 has: it was not installed." \
        "repeat, if the download was cut; else look at where it came from, $from" \
        "if it was you who changed the lock: requirements/lock.sh makes it anew, hashes too"
}
# All of a lock was found together, and pip is to add nothing to it. What comes as source is built by the tools of
# build.lock, and not by what pip would fetch for that without hashes.
only_locked=(--require-hashes --no-deps --no-build-isolation)
pip_locked() {   # what pip is to do, the name of a lock, then more arguments
    local lock=requirements/$2.lock
    pip_run "$1" "$lock" "${only_locked[@]}" -r "$lock" "${@:3}"
}
pip_torch() {   # what pip is to do, then more arguments: torch alone has no hashes, and finds in place what it needs
    local all=$venv/.hpcvox/versions.txt   # of the locks without their hashes, which pip would ask of torch, too
    mkdir -p "$venv/.hpcvox"
    cat requirements/*.lock | sed -n 's/^\([^# ]*==[^ ]*\).*/\1/p' > "$all"
    # shellcheck disable=SC2086  # arguments, meant to be split
    pip_run "$1" torch "${@:2}" ${HPCVOX_TORCH_ARGS:-} -c "$all" "$torch"
}
pip_install() { pip_run install "$@"; }
pip_run() {   # what pip is to do, with what (for the message), then pip's arguments
    local verb=$1 what=$2 log
    shift 2
    log=$(mktemp)
    if "$venv/bin/python" -m pip "$verb" --disable-pip-version-check --no-input --quiet "$@" > "$log" 2>&1; then
        rm -f "$log"
        return
    fi
    tail -n 15 "$log" | sed 's/^/    | /' >&2
    local reason
    reason=$(cat "$log")
    rm -f "$log"
    die_of_hashes "$reason" "$what"
    case ${HPCVOX_BUNDLE:+bundle:}$reason in
        bundle:*"(from versions: "* | bundle:*ResolutionImpossible* | bundle:*"conflicting dependencies"*)
            die "$HPCVOX_BUNDLE has not all that $what takes: $(grep -m 1 'ERROR: ' <<< "$reason")" \
                "fill it again where there is a network, with this checkout, the same Python and the same HPCVOX_EXTRAS: setup.sh --bundle FOLDER" ;;
        *NewConnectionError* | *"name resolution"* | *"Network is unreachable"* | *ConnectTimeout* | *ProxyError* | \
            *"Connection refused"* | *"Max retries exceeded"* | *"Connection broken"* | *"(from versions: none)"*)
            die "pip could not reach its package index while installing $what." \
                "connect this machine to the network, or tell pip of your mirror or proxy ('pip config'), then repeat" \
                "or carry a bundle here: 'setup.sh --bundle FOLDER' on a connected machine, then HPCVOX_BUNDLE=FOLDER make setup" ;;
        *"No space left"*) die "the disk is full." "free about 4 GB (TMPDIR and $venv), then repeat" ;;
        *) die "pip could not install $what (its last lines are above)." \
               "repeat: what is done is not done again; if it stays, the log above names the package" ;;
    esac
}

fill_bundle() {   # wheels of this machine's kind, and sources where there are none or each machine is to build its own
    local lock locks
    bundle=$1
    read -ra locks <<< "build core $extras $([ "$for_tests" = no ] || echo test)"
    [ "${HPCVOX_HOROVOD:-yes}" = no ] || locks+=(cmake horovod)
    install_build_tools
    for lock in "${locks[@]}"; do
        say "requirements/$lock.lock ..."
        pip_locked download "$lock" --dest "$bundle"
    done
    say "torch ..."
    pip_torch download --dest "$bundle" --find-links "$bundle"
    say "$(find "$bundle" -type f | wc -l) files, $(du -sh "$bundle" | cut -f1), in $bundle"
    say "carry it and this checkout over, and there: HPCVOX_BUNDLE=FOLDER make setup"
}

make_venv() {
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        say "there: $venv ($("$venv/bin/python" -V))"
        return
    fi
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        die "$python has no 'venv' module." "install it: apt-get install python3-venv (as root), then repeat"
    say "making $venv with $python ($("$python" -V))"
    rm -rf "$venv"
    "$python" -m venv "$venv"
}

install_build_tools() { pip_locked install build; }

install_locked() {   # the name of the lock, which is that of its stamp, too
    local key lock=requirements/$1.lock
    key=$(digest requirements/build.lock requirements/core.lock "$lock")-$torch-$("$venv/bin/python" -V | tr -d ' ')
    if is_done "$1" "$key"; then say "done before: $lock"; return; fi
    if [ "$1" = core ]; then install_build_tools; fi
    say "$(grep -c '^[^# ]*==' "$lock") packages of $lock ..."
    pip_locked install "$1"
    if [ "$1" = core ]; then
        say "torch (the largest, by itself) ..."
        pip_torch install
    fi
    "$venv/bin/python" -m pip check > /dev/null ||
        die "the installed packages contradict each other: $("$venv/bin/python" -m pip check 2>&1 | sed -n 1p)" \
            "make a fresh environment: rm -rf $venv, then repeat"
    mark_done "$1" "$key"
}

build_horovod() {   # into the folder $1, or fail with a log in $1.log
    local target=$1 mpi=$2 temporary
    temporary=$(mktemp -d "$(dirname "$target")/.building.XXXXXX")
    # Horovod's CMake appends its own, older C++ standard; torch's headers need C++17, and the last -std wins.
    printf '#!/bin/sh\nexec "%s" "$@" -std=c++17\n' "$(compiler)" > "$temporary/c++17"
    chmod +x "$temporary/c++17"
    have cmake || pip_locked install cmake
    local status=0 with_mpi=(HOROVOD_WITH_MPI=1)
    [ "$mpi" != none ] || with_mpi=(HOROVOD_WITHOUT_MPI=1)
    env PATH="$venv/bin:$PATH" CXX="$temporary/c++17" HOROVOD_WITH_PYTORCH=1 HOROVOD_WITH_GLOO=1 "${with_mpi[@]}" \
        HOROVOD_WITHOUT_TENSORFLOW=1 HOROVOD_WITHOUT_MXNET=1 CMAKE_POLICY_VERSION_MINIMUM=3.5 \
        MAKEFLAGS="${MAKEFLAGS_HOROVOD:--j$(nproc)}" \
        "$venv/bin/python" -m pip wheel --disable-pip-version-check --no-input "${only_locked[@]}" \
        --use-pep517 --no-cache-dir --no-binary horovod -r requirements/horovod.lock -w "$temporary/wheel" \
        > "$target.log" 2>&1 || status=$?
    if [ $status = 0 ]; then
        rm -rf "$target"
        mv -T "$temporary/wheel" "$target" || [ -d "$target" ]   # another set-up may have been first
        rm -f "$target.log"
    fi
    rm -rf "$temporary"
    return $status
}

horovod_key() {   # what a built wheel depends on
    local variant
    variant=$(env | grep '^HOROVOD_' | sort | sha256sum | cut -c1-8)
    "$venv/bin/python" - "$horovod_version" "$(mpi_version)" "$variant" <<'P'
import platform, sys, importlib.metadata as metadata
version, mpi, variant = sys.argv[1:]
tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
print("-".join([f"horovod{version}", f"torch{metadata.version('torch')}", tag, mpi, platform.machine(), variant]))
P
}
horovod_works() { "$venv/bin/python" -c 'import horovod.torch' >/dev/null 2>&1; }

install_horovod() {
    if [ "${HPCVOX_HOROVOD:-yes}" = no ]; then
        say "left out (HPCVOX_HOROVOD=no): torch.distributed joins the ranks of a training."
        return
    fi
    local key cache wheels
    key=$(horovod_key)
    if is_done horovod "$key" && horovod_works; then say "done before ($key)"; return; fi
    cache=$(cache_folder)
    wheels=$cache/$key
    mkdir -p "$cache"
    if ! compgen -G "$wheels/horovod-*.whl" >/dev/null; then
        say "building version $horovod_version from its source (about three minutes on 2 cores, once) ..."
        if ! build_horovod "$wheels" "$(mpi_version)"; then
            die_of_hashes "$(cat "$wheels.log")" requirements/horovod.lock
            tail -n 8 "$wheels.log" | sed 's/^/    | /' >&2
            warn "Horovod could not be built: see $wheels.log; torch.distributed joins the ranks of a training."
            return
        fi
    fi
    say "installing $wheels"
    pip_install horovod --no-deps --force-reinstall "$wheels"/horovod-*.whl
    if horovod_works; then
        mark_done horovod "$key"
    else
        warn "Horovod was built but cannot be imported ($("$venv/bin/python" -c 'import horovod.torch' 2>&1 | tail -n 1));"
        warn "torch.distributed joins the ranks of a training. To build Horovod anew: rm -r $wheels, then repeat."
    fi
}

gpaw_works() { "$venv/bin/python" -c 'import gpaw' >/dev/null 2>&1; }

install_gpaw() {
    local -x GPAW_CONFIG=${GPAW_CONFIG:-$root/requirements/gpaw_siteconfig.py} CXX=${CXX:-$(compiler)}
    install_locked gpaw
    if gpaw_works; then return; fi
    # pip keeps what it built, and may have built it against libraries that are no longer there.
    say "GPAW cannot be imported: building it anew ..."
    pip_locked install gpaw --no-cache-dir --force-reinstall
    gpaw_works || warn "GPAW cannot be imported ($("$venv/bin/python" -c 'import gpaw' 2>&1 | tail -n 1)); everything but 'hpcvox dft' works."
}

install_package() {
    local key
    key=$(digest pyproject.toml)-$root
    if is_done package "$key"; then say "done before"; return; fi
    pip_install hpcvox --no-deps --no-build-isolation --editable "$root"
    mark_done package "$key"
}

# ---------------------------------------------------------------------------------------- in order

step "Tools of this machine"
python=$(find_python)
[ -n "$python" ] || die "there is no Python 3.11 or newer on PATH (found: $(python3 -V 2>&1 || echo none))." \
    "install one: apt-get install python3 python3-venv (Debian 12), or 'module load python' on a cluster, then repeat"
say "Python: $python ($("$python" -V))"

wanted=("${run_packages[@]}")
if [ "${HPCVOX_HOROVOD:-yes}" = no ]; then
    wanted=(openmpi-bin)
    if wants gpaw; then wanted+=(g++); fi
fi
if [ "$for_tests" = yes ]; then wanted+=("${test_packages[@]}"); fi
step "System packages (${wanted[*]})"
system_packages "${wanted[@]}"
need_build_tools
tell_mpi

if [ "$check_only" = yes ]; then
    step "What set-up would do"
    if [ -x "$venv/bin/python" ]; then say "virtual environment: there, $venv"; else say "virtual environment: make $venv"; fi
    for stamp in core $extras horovod package; do
        if [ -e "$venv/.hpcvox/$stamp" ]; then say "$stamp: installed before"; else say "$stamp: install"; fi
    done
    say "nothing was changed"
    exit 0
fi

step "Virtual environment"
make_venv
if [ -n "$bundle" ]; then
    step "A bundle for machines without a network ($bundle)"
    fill_bundle "$(mkdir -p "$bundle" && cd "$bundle" && pwd)"
    exit 0
fi
step "Python packages (exact versions and the hashes of their files, requirements/*.lock)"
install_locked core
for extra in $extras; do
    if [ "$extra" = gpaw ]; then install_gpaw; else install_locked "$extra"; fi
done
if [ "$for_tests" = yes ]; then install_locked test; fi
step "Horovod"
install_horovod
step "hpcvox itself"
install_package
step "Ready: $venv/bin/hpcvox --help"
