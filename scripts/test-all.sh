#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make test-all`: everything, as continuous integration runs it after `make test`.
set -eu
cd "$(dirname "$0")/.."
fuzz_seconds=${1:-60}

echo "== clang, warnings as errors"
if command -v clang >/dev/null; then
    CC=clang cmake -S . -B build/clang >/dev/null
    cmake --build build/clang -j 2 >/dev/null
    echo "clean"
else
    echo "clang is not installed; skipped"
fi

echo "== clang-format"
if command -v clang-format >/dev/null; then
    clang-format --dry-run --Werror $(git ls-files '*.c' '*.h')
    echo "applied"
else
    echo "clang-format is not installed; skipped"
fi

echo "== unit tests and golden tests under AddressSanitizer and UndefinedBehaviorSanitizer"
cmake -S . -B build/sanitize -DMICA_SANITIZE=ON >/dev/null
cmake --build build/sanitize -j 2 >/dev/null
for unit in build/sanitize/test/test_*; do
    "$unit" | tail -n 1
done
MICA=build/sanitize/mica test/pass/run.sh

echo "== fuzzing for $fuzz_seconds s"
scripts/fuzz.sh "$fuzz_seconds"

# All cases of estimators take hours: scripts/sweep-estimators.sh; all shapes of kernels, too:
# scripts/sweep-kernels.sh. The files that are left out here `make test` has run with a sample.
echo "== python: all cases, all cores"
MICA_ALL=1 .venv/bin/python -m pytest -q -n 2 test --ignore=test/python --ignore=test/test_trees.py \
    --ignore=test/test_nest.py --ignore=test/test_boosters.py --ignore-glob='test/test_classic*.py' \
    --ignore-glob='test/test_onnx*.py'
