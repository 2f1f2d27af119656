#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The long sweeps of estimators: 10,000 and more hostile rows a model, every case under both
# objectives, models of 400,000 nodes. Hours; docs/estimators.md is written on the way.
set -eu
cd "$(dirname "$0")/.."
MICA_ALL=1 .venv/bin/python -m pytest -q -n 2 test/test_trees.py test/test_nest.py \
    test/test_boosters.py test/test_classic_*.py test/test_onnx_*.py
MICA_ALL=1 scripts/test-python.sh
PYTHONPATH=build/package .venv/bin/python test/python/estimators_page.py
