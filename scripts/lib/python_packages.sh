# shellcheck shell=bash
# Fetching Python packages into a folder of their own. Sourced, not run; expects $folder.
: "${folder:?}"

say() { echo "$(basename "$0" .sh): $*"; }
fail() { echo "$(basename "$0" .sh): $*" >&2; exit 1; }

# python_packages NAME==VERSION...: installs them into $folder/python, without their dependencies, unless they are there
python_packages() {
    local python wanted new
    python=$(python3 -c 'import sys; print(sys.implementation.cache_tag)' 2>/dev/null) ||
        fail "there is no python3: install the packages python3 and python3-pip"
    wanted="$python $*"
    [ "$(cat "$folder/python/installed" 2>/dev/null)" != "$wanted" ] || return 0
    python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip: install the package python3-pip"
    say "installing $* into ${folder#"${root:-}"/}/python"
    mkdir -p "$folder"
    new=$(mktemp -d "$folder/python.XXXXXX")
    # a folder of its own needs neither python3-venv nor a Python that its distribution does not manage
    python3 -m pip install --target "$new" --no-deps --only-binary=:all: --no-input --disable-pip-version-check \
        --progress-bar=off "$@" >"$folder/pip.log" 2>&1 || {
        rm -rf "$new"
        fail "pip cannot install $* (no network? see ${folder#"${root:-}"/}/pip.log): $(tail -n 1 "$folder/pip.log")"
    }
    echo "$wanted" >"$new/installed"
    rm -rf "$folder/python"
    mv "$new" "$folder/python"
}
