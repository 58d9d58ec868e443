#!/usr/bin/env bash
# Fetches what bench/cache_bench.cpp measures beside: mneme, its driver and NumPy.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/install_mneme"
