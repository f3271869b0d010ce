#!/usr/bin/env bash
# Makes requirements/*.lock anew, from pyproject.toml and what the locks have now: a version stays unless it no longer
# fits or is asked for. Every version has the hashes of all its files (wheels of every platform, source), which pip
# holds what it downloads against.
#
#   requirements/lock.sh                            after a change of pyproject.toml
#   requirements/lock.sh --upgrade                  everything at its newest version
#   requirements/lock.sh --upgrade-package numpy    one package, as often as wanted
#
# It takes a network and Python with venv; uv, which finds the versions, goes into a temporary folder.
# torch is in none of the locks: which build of it fits is for each machine to say (HPCVOX_TORCH_ARGS), and the hashes of
# one build would refuse all others. Its version is in torch.txt, and what it needs, but for the libraries that
# its builds for GPUs bring, is in the locks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' requirements/lock.sh; exit 0 ;; esac

uv_version=0.13.9
extras=(chgnet docs gpaw metrics mp sevennet test)
builders=(cython numpy pip pybind11 setuptools wheel)   # what sources among the packages are built by, and pip

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$uv_version"

compile() {
    "$work/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
        --constraints requirements/torch.txt "$@"
}
# without those for some machines only (colorama: Windows), which another lock may need everywhere
names() { sed -n "/ ; sys_platform == 'win32'/d; s/^\([A-Za-z0-9._-]*\)==.*/\1/p" "$@"; }
without() { sed 's/^/--no-emit-package=/'; }   # names, as arguments that leave these packages out
lock() {   # its name, the packages that are left out, then what compile takes
    local name=$1 left_out=$2
    shift 2
    mapfile -t left_out < <(without <<< "$left_out")
    # from what was fetched for all at once
    compile --offline --generate-hashes --constraints "$work/all" "${left_out[@]}" --output-file "$work/$name.lock" "$@"
    # the line of what it is, then the packages without uv's list of those left out
    { sed -n '/^#/!q;p' "requirements/$name.lock"; sed '/^#/,$d' "$work/$name.lock"; } > "$work/$name.new"
}

# all at once, so that they fit one another
cat requirements/*.lock > "$work/all"
printf '%s\n' "${builders[@]}" cmake > "$work/builders.in"
compile --all-extras --no-emit-package=torch --output-file "$work/all" "$@" pyproject.toml "$work/builders.in"

printf '%s\n' "${builders[@]}" > "$work/build.in"
lock build torch --no-deps "$work/build.in"
echo cmake | lock cmake torch --no-deps -
echo horovod | lock horovod torch --no-deps -
lock core $'torch\nhorovod\nsetuptools' --extra horovod --extra mpi pyproject.toml
for extra in "${extras[@]}"; do
    locks=("$work/build.new" "$work/core.new")
    # the tests are set up with all these
    if [ "$extra" = test ]; then locks+=("$work/docs.new" "$work/gpaw.new" "$work/metrics.new" "$work/mp.new" "$work/sevennet.new"); fi
    lock "$extra" $'torch\n'"$(names "${locks[@]}")" --extra "${extra/#test/dev}" pyproject.toml
done
for new in "$work"/*.new; do mv "$new" "requirements/$(basename "$new" .new).lock"; done
git --no-pager diff --stat -- requirements || true
