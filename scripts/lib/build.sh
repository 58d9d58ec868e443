# shellcheck shell=bash
# Configuring and building a preset, briefly. Sourced, not run; expects $root, the repository.

: "${root:?}"
jobs=${STELE_JOBS:-$(nproc)}
step() { printf '\n== %s\n' "$*"; }

# prepare [OPTION...]: scripts/setup for what this very user runs next, under sudo too
prepare() { env -u SUDO_USER "$root/scripts/setup" "$@"; }

# build_preset PRESET [CMAKE_OPTION...] [-- TARGET...]: quiet unless it fails
build_preset() {
    local preset=$1 options=() log=$root/build/$1-configure.log
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
    [ $# = 0 ] || shift
    mkdir -p "$root/build"
    (cd "$root" && cmake --preset "$preset" "${options[@]}") >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    cmake --build "$root/build/$preset" -j "$jobs" ${1:+--target "$@"}
}
