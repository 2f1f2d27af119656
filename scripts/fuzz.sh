#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes the road from file to emitted C, each target for some seconds, from seeds made by scripts, under
# AddressSanitizer and UndefinedBehaviorSanitizer. A finding fails it and stays in build/fuzz. The same
# FUZZ_SEED takes the same road: `make fuzz FUZZ_SECONDS=3600` with another one goes on searching.
# FUZZ_RUNS=N ends after N executions instead.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
if ! command -v clang >/dev/null; then
    echo "fuzz: clang is not installed; skipped"
    exit 0
fi
CC=clang cmake -S . -B build/fuzz -DMICA_FUZZ=ON -DMICA_TESTS=OFF >/dev/null
cmake --build build/fuzz -j 2 >/dev/null
seeds=build/fuzz/seeds corpus=build/fuzz/corpus
mkdir -p $seeds $corpus
(cd test && ../.venv/bin/python -m conformance.seeds ../$seeds && ../.venv/bin/python onnx_seeds.py ../$seeds)
for graph in test/pass/*/*.ir; do
    cp "$graph" "$seeds/$(printf '%s' "$graph" | tr / _)"
done
(cd test && ../.venv/bin/python booster_models.py ../build/fuzz/text_seeds)
mkdir -p build/fuzz/text_corpus
limit=-max_total_time=$seconds
[ -z "${FUZZ_RUNS:-}" ] || limit=-runs=$FUZZ_RUNS
result=0

# fuzz TARGET CORPUS SEEDS
fuzz() {
    status=0
    build/fuzz/"$1" "$limit" -timeout=30 -seed="${FUZZ_SEED:-1}" -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix=build/fuzz/ "$2" "$3" >"build/fuzz/$1.log" 2>&1 || status=$?
    tail -n 12 "build/fuzz/$1.log"
    [ $status -eq 0 ] || result=$status
}
fuzz fuzz_tflite $corpus $seeds
fuzz fuzz_text build/fuzz/text_corpus build/fuzz/text_seeds
exit $result
