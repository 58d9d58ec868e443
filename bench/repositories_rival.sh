#!/usr/bin/env bash
# Fetches what bench/repositories_bench.cpp measures beside into build/repositories_bench: asyncpg, the driver of the
# Python libraries.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/build/repositories_bench
# shellcheck source=scripts/lib/python_packages.sh
. "$root/scripts/lib/python_packages.sh"

python_packages asyncpg==0.30.0
