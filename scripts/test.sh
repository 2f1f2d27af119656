#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make test`: what runs before every commit, within minutes.
set -eu
cd "$(dirname "$0")/.."
for unit in build/test/test_*; do
    echo "== $unit"
    "$unit"
done
echo "== golden tests of the passes"
test/pass/run.sh
echo "== python: conformance sample, generated C, the command"
.venv/bin/python -m pytest -q -n 2 test --ignore=test/python
echo "== the Python package, installed"
scripts/test-python.sh
