#!/usr/bin/env bash
# Fetches what bench/cache_bench.cpp measures beside into build/cache_bench: mneme, its driver and NumPy.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/build/cache_bench
# shellcheck source=scripts/lib/python_packages.sh
. "$root/scripts/lib/python_packages.sh"

python_packages mneme-cache==1.0.1 psycopg==3.3.3 psycopg-binary==3.3.3 numpy==2.4.6 typing_extensions==4.16.0
