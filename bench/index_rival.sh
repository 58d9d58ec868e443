#!/usr/bin/env bash
# Fetches what bench/index_bench.cpp measures beside into build/index_bench: NumPy, in which the Python library reranks.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/build/index_bench
# shellcheck source=scripts/lib/python_packages.sh
. "$root/scripts/lib/python_packages.sh"

python_packages numpy==2.4.6
