# SPDX-License-Identifier: Apache-2.0
"""docs/benchmarks.md: what was measured, beside the figures of others."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable

TITLES = {
    "digits": "Handwritten digits (examples/digits)",
    "kws": "Keyword spotting: DS-CNN, 49x10 (MLPerf Tiny)",
    "ic": "Image classification: ResNet-8, 32x32x3 (MLPerf Tiny)",
    "vww": "Visual wake words: MobileNetV1 0.25, 96x96x3 (MLPerf Tiny)",
    "ad": "Anomaly detection: autoencoder, 640 (MLPerf Tiny)",
    "sww": "Streaming wake word: one-dimensional DS-CNN, 30x40 (MLPerf Tiny)",
}

# TensorFlow Lite Micro of August 2026 with CMSIS-NN of July 2026, gcc 12 -O3, counted under the
# same emulator; and the fewest cycles that anybody published for the model.
TFLM = {
    "kws": ("7.85 M", "1.79 M", "22,820"),
    "ic": ("29.9 M", "4.84 M", "54,996"),
    "vww": ("24.9 M", "6.66 M", "100,708"),
    "ad": ("0.587 M", "0.291 M", "2,580"),
    "sww": ("2.235 M", "0.42 M", "16,596"),
}
PUBLISHED = {
    "kws": ("5.18 M", "4.64 M", "3.17 M", "30.4 M"),
    "ic": ("19.8 M", "16.7 M", "11.4 M", "97.4 M"),
    "vww": ("10.7 M", "9.48 M", "6.67 M", "90.5 M"),
    "ad": ("0.486 M", "0.495 M", "0.303 M", "2.62 M"),
    "sww": ("2.146 M", "1.858 M", "1.190 M", "-"),
}

HEAD = """# Benchmarks

Written by `make bench`; do not edit. One inference of each model, `mica compile` with its defaults
but for the objective. Instructions are exact counts under the emulator, cycles estimates without
wait states (avr: counted), bytes those of the linked files; RAM is scratch or state, inputs,
outputs and the bound of the stack. [cost.md](cost.md) says how each is measured and how far off
the estimates are.

Compilers: {compilers}.
"""


def number(value: int | None) -> str:
    """With thousands; a dash where there is none."""
    return "-" if value is None else f"{value:,}"


def peers(model: str) -> list[str]:
    """What others take for the same file."""
    if model not in TFLM:
        return []
    m4, m55, arena = TFLM[model]
    best = PUBLISHED[model]
    return [
        f"TensorFlow Lite Micro with CMSIS-NN (August and July 2026, gcc 12 -O3), counted the same "
        f"way: cortex-m4f {m4} instructions, cortex-m55 {m55}; arena {arena} bytes.",
        f"Fewest published cycles (results of MLPerf Tiny): cortex-m4 {best[0]}, cortex-m33 "
        f"{best[1]}, cortex-m7 {best[2]}, cortex-m0plus {best[3]}"
        + ("; these include the FFT in front." if model == "sww" else "."),
        "",
    ]


def row(core: str, objective: str, f: dict[str, int]) -> str:
    """One line of a table."""
    flash = f["code_bytes"] + f["weight_bytes"] + f["table_bytes"]
    stack = f.get("stack_bound_bytes", f["stack_bytes"])
    ram = f["scratch_bytes"] + f["state_bytes"] + f["io_bytes"] + stack
    per_mac = f["cycles"] / f["macs"] if f["macs"] else 0
    cells = [
        core,
        objective,
        number(f.get("instructions")),
        number(f["cycles"]),
        f"{per_mac:.2f}",
        number(flash),
        number(f["code_bytes"]),
        number(f["scratch_bytes"] + f["state_bytes"]),
        number(stack),
        number(ram),
    ]
    return "| " + " | ".join(cells) + " |"


def write_page(
    path: Path,
    figures: dict[str, dict[str, int]],
    cores: Iterable[str],
    compilers: dict[str, str],
) -> None:
    """Every model that was measured, a row for each core and objective."""
    named = ", ".join(f"{name} {version}" for name, version in compilers.items())
    lines = [HEAD.format(compilers=named)]
    for model, title in TITLES.items():
        rows = [
            row(core, objective, figures[f"{model} {core} {objective}"])
            for core in cores
            for objective in ("speed", "balanced", "size", "ram")
            if f"{model} {core} {objective}" in figures
        ]
        if not rows:
            continue
        lines += [f"## {title}", "", *peers(model)]
        lines += [
            "| core | optimize | instructions | cycles | cycles/MAC | flash | code | scratch or "
            "state | stack | RAM |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
            *rows,
            "",
        ]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines))
