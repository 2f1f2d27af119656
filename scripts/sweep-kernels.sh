#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The long sweep of the kernels: every small shape on the host and on emulated cores, three damaged
# places of each kernel's file. An hour and more.
set -eu
cd "$(dirname "$0")/.."
MICA_ALL=1 MICA_SWEEP=1 .venv/bin/python -m pytest -q -n 2 test/kernel_target
