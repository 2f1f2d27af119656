#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job on real input: handwritten digits, classified by an int8 network on an emulated
# Cortex-M4 (on this machine where the cross compiler or the emulator is missing).
set -eu
cd "$(dirname "$0")/.."
out=build/demo
mkdir -p $out
core=cortex-m4
if ! command -v arm-none-eabi-gcc >/dev/null || ! command -v qemu-system-arm >/dev/null; then
    echo "demo: no Arm compiler or emulator here; running on this machine instead"
    core=host
fi
model=examples/digits/digits.tflite
echo "1. mica compile $model -o $out --name digits --target $core --optimize size"
build/mica compile $model -o $out --name digits --target $core --optimize size
ls -l $out/digits.h $out/digits.c | awk '{printf "   %s  %d bytes of C\n", $NF, $5}'
echo "2. mica run $model --target $core: every test image on the core"
build/mica run $model --target $core --optimize size \
    --input examples/digits/digits_test_images.npy --output $out/digits_output.npy
echo "3. what it answered"
.venv/bin/python examples/digits/score.py $out/digits_output.npy
