#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the pages that are generated: docs/operators.md from the code, docs/conformance.md from a
# run of every conformance case, which takes minutes and fails where a case does.
set -eu
cd "$(dirname "$0")/.."
build/mica operators >build/operators.md
mv build/operators.md docs/operators.md
cd test
../.venv/bin/python -m conformance.run --mica ../build/mica --all --write-docs --jobs 2
