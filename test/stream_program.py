# SPDX-License-Identifier: Apache-2.0
"""Generated streams as tests see them: a program that feeds frames to guarded states.

Every model runs in two states that take turns, one of zeros and one of garbage that is reset, on
unlike signals; then the first is stopped in the middle of a hop, reset, and fed again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from guarded import check_outputs, run_program
from stream_graphs import StreamGraph
from support import evaluate, mica

HOPS = 220
OUTPUTS_MAX = 4


@dataclass(frozen=True)
class Streamed:
    """A model in C, two signals, and what the windows of each give."""

    name: str
    folder: Path
    rows: int
    hop: int
    signals: list[np.ndarray]
    want: list[list[bytes]]
    sizes: list[int]

    @property
    def first(self) -> int:
        """Frames until the first output."""
        return -(-self.rows // self.hop) * self.hop

    @property
    def again(self) -> int:
        """Where the first signal is taken up after the reset: at a hop's border."""
        return len(self.signals[0]) // 2 // self.hop * self.hop

    @property
    def expected(self) -> bytes:
        """What the program writes for this model."""
        left, right = self.want
        both = b"".join(l + r for l, r in zip(left, right, strict=True))
        return both + b"".join(left[self.again // self.hop :])


def number(header: str, name: str) -> int:
    """A macro of the header."""
    found = re.search(rf"#define \w+?_{name} +(\d+)\n", header)
    assert found, name
    return int(found[1])


def windows(signal: np.ndarray, rows: int, hop: int) -> np.ndarray:
    """All windows of a signal that end with a hop, stacked."""
    first = -(-rows // hop) * hop
    ends = range(first, len(signal) + 1, hop)
    return np.stack([signal[end - rows : end] for end in ends])


def streamed(graph: StreamGraph, folder: Path, *options: Any, profile: str = "tflm") -> Streamed:
    """Compile a graph as a stream and evaluate the windows of two signals as a plain model."""
    model = folder / f"{graph.name}.tflite"
    model.write_bytes(graph.model)
    words = ("--name", graph.name, "--stream", 1, "--profile", profile, *options)
    mica("compile", model, "-o", folder, *words)
    header = (folder / f"{graph.name}.h").read_text()
    rows, hop = number(header, "ROWS"), number(header, "HOP")
    assert rows == graph.shape[1] and number(header, "ROW_LEN") == np.prod(graph.shape[2:])
    frames = rows + HOPS * hop
    signals = [graph.signal(frames, seed) for seed in (1, 2)]
    cut = [windows(signal, rows, hop) for signal in signals]
    stacked = np.concatenate(cut)[:, None]
    names = graph.outputs if len(graph.outputs) > 1 else ()
    results = evaluate(model, folder, [stacked], names, profile)
    assert all(len(result) == len(stacked) for result in results)
    each = [b"".join(r[i].tobytes() for r in results) for i in range(len(stacked))]
    sizes = [result[0].nbytes for result in results]
    want = [each[: len(cut[0])], each[len(cut[0]) :]]
    return Streamed(graph.name, folder, rows, hop, signals, want, sizes)


PROGRAM = """\
#include "guarded.h"
%(includes)s
enum { OUTPUTS_MAX = %(outputs_max)d };

struct model {
    const char *name;
    size_t state, stated, row, rows, hop, frames, again;
    size_t n_out, out[OUTPUTS_MAX];
    void (*reset)(void *state);
    void *(*at)(void *state);
    int (*push)(void *state);
    const void *(*result)(const void *state, size_t i);
};

%(calls)s
static const struct model models[] = {
%(lines)s
};

/* Frame k of a signal, counted from the last reset. */
static int give(const struct model *m, void *state, const unsigned char *frame, size_t k)
{
    int ready;
    memcpy(m->at(state), frame, m->row);
    ready = m->push(state);
    if (ready != (k + 1 >= m->rows && (k + 1) %% m->hop == 0))
        die(m->name, "says the wrong thing of its output");
    return ready;
}

static void put(const struct model *m, const void *state)
{
    for (size_t i = 0; i < m->n_out; i++)
        fwrite(m->result(state, i), 1, m->out[i], stdout);
}

static void check(const struct model *m)
{
    const size_t bytes = m->row * m->frames;
    unsigned char *a = block_new(m->name, m->state, 0);
    unsigned char *b = block_new(m->name, m->state, 0xff), *in = malloc(2 * bytes);
    if (!in || fread(in, 1, 2 * bytes, stdin) != 2 * bytes)
        die(m->name, "has no input");
    if (m->state != m->stated)
        die(m->name, "has a state of other size than it states");
    m->reset(b);
    for (size_t k = 0; k < m->frames; k++) {
        int ready = give(m, a, in + k * m->row, k);
        if (give(m, b, in + bytes + k * m->row, k) != ready)
            die(m->name, "has two clocks");
        memset(m->at(b), 0x77, m->row); /* an output stays while the next row is written */
        memset(m->at(a), 0x77, m->row);
        if (ready) {
            put(m, a);
            put(m, b);
        }
    }
    for (size_t k = 0; k <= m->hop / 2; k++) {
        memcpy(m->at(a), in + k * m->row, m->row);
        m->push(a);
    }
    m->reset(a);
    for (size_t k = m->again; k < m->frames; k++)
        if (give(m, a, in + k * m->row, k - m->again))
            put(m, a);
    block_free(m->name, a, m->state);
    block_free(m->name, b, m->state);
    free(in);
}

int main(void)
{
    for (size_t k = 0; k < sizeof models / sizeof models[0]; k++)
        check(&models[k]);
    return 0;
}
"""


def calls(model: Streamed) -> str:
    """Functions that call the model's by untyped pointers."""
    name, state = model.name, f"struct {model.name}_state *"
    header = (model.folder / f"{name}.h").read_text()
    outputs = re.findall(rf"\*({name}_output\w*)\(", header)
    assert len(outputs) == len(model.sizes) <= OUTPUTS_MAX
    pick = "".join(f"i == {i} ? (const void *){f}(state) : " for i, f in enumerate(outputs))
    return (
        f"static void {name}_0(void *state)\n{{\n    {name}_reset(({state})state);\n}}\n"
        f"static void *{name}_1(void *state)\n{{\n    return {name}_row(({state})state);\n}}\n"
        f"static int {name}_2(void *state)\n{{\n    return {name}_push(({state})state);\n}}\n"
        f"static const void *{name}_3(const void *at, size_t i)\n{{\n"
        f"    const {state}state = at;\n    return {pick}NULL;\n}}\n"
    )


def line(model: Streamed) -> str:
    """The model's line in the program's table."""
    name, upper, signal = model.name, model.name.upper(), model.signals[0]
    numbers = [signal[0].nbytes, model.rows, model.hop, len(signal), model.again, len(model.sizes)]
    sizes = f"{{{', '.join(map(str, model.sizes))}}}"
    state = f"sizeof(struct {name}_state), {upper}_STATE_BYTES"
    functions = ", ".join(f"{name}_{i}" for i in range(4))
    return f'    {{"{name}", {state}, {", ".join(map(str, numbers))}, {sizes}, {functions}}},'


def check_program(models: Sequence[Streamed], folder: Path, *compiler: Any) -> None:
    """Build the program, run it, and compare every byte of every output."""
    text = PROGRAM % {
        "includes": "".join(f'#include "{model.name}.h"\n' for model in models),
        "outputs_max": OUTPUTS_MAX,
        "calls": "\n".join(calls(model) for model in models),
        "lines": "\n".join(line(model) for model in models),
    }
    sources = [model.folder / f"{model.name}.c" for model in models]
    signals = b"".join(signal.tobytes() for model in models for signal in model.signals)
    got, _ = run_program(text, sources, folder, signals, *compiler)
    check_outputs(got, [(model.name, model.expected) for model in models])
