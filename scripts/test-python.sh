#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the wheel, installs it into a fresh environment, and runs its tests there. What the tests
# need beside it (scikit-learn, boosters, onnx) is taken from .venv, where requirements.txt put it.
set -eu
cd "$(dirname "$0")/.."
rm -rf build/wheel build/python-venv
.venv/bin/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir build/wheel .
python3 -m venv build/python-venv
packages=$(build/python-venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$packages/tools.pth"
build/python-venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-index \
    build/wheel/mica-*-py3-none-*.whl
build/python-venv/bin/mica targets >/dev/null
MICA="$packages/mica/native/mica" build/python-venv/bin/python -m pytest -q -n 2 test/python "$@"
