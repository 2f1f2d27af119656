# SPDX-License-Identifier: Apache-2.0
"""Generated row schedules as tests see them: a program that pushes rows into guarded states.

Every model runs in two states that take turns, with garbage in them at first and guard bytes
around them. The generated file is changed in one place: its function for a turn reports it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from guarded import check_outputs, run_program
from rows_graphs import RowsGraph
from support import inspect, mica

FORMS: dict[str, tuple[str, ...]] = {"ram": (), "row": ("--by-row",), "keep": ("--keep-input",)}
TENSORS_MAX = 16


@dataclass(frozen=True)
class Pushed:
    """A model in C in one of the forms, its inputs, what they should give, and the plan."""

    name: str
    form: str
    folder: Path
    inputs: list[np.ndarray]
    want: list[np.ndarray]
    turns: list[list[int]]
    input_bytes: list[int]

    @property
    def header(self) -> Path:
        """NAME.h."""
        return self.folder / f"{self.name}.h"

    @property
    def source(self) -> Path:
        """NAME.c, whose turns are reported."""
        return self.folder / f"{self.name}.c"

    @property
    def runs(self) -> int:
        """Inferences."""
        return len(self.inputs[0])

    def result(self, one: int) -> bytes:
        """The outputs of an inference."""
        return b"".join(tensor[one].tobytes() for tensor in self.want)

    @property
    def expected(self) -> bytes:
        """What the program writes for this model."""
        order = [0]
        for one in range(self.runs):
            order += [one, (one + 1) % self.runs]
        return b"".join(self.result(one) for one in order + [0] * (self.form == "row"))


def push(graph: RowsGraph, model: Path, form: str, want: list[np.ndarray], folder: Path) -> Pushed:
    """Compile a graph in one form."""
    name, options = f"{graph.name}_{form}", ("--optimize", "ram", *FORMS[form])
    mica("compile", model, "-o", folder, "--name", name, *options)
    facts = inspect(model, *options)
    source = folder / f"{name}.c"
    arguments = rf"struct {name}_state \*state, int op, int r, int end"
    opening = rf"(static void {name}_turn\({arguments}\)\n{{)"
    traced = r"void report(int op, int from, int to);\n\1\n    report(op, r, end);"
    text, changes = re.subn(opening, traced, source.read_text())
    assert changes == 1, f"{name}.c has another form"
    source.write_text(text)
    sizes = [tensor["bytes"] for tensor in facts["inputs"]]
    inputs = list(graph.inputs.values())
    return Pushed(name, form, folder, inputs, want, facts["schedule"]["turns"], sizes)


PROGRAM = """\
#include "guarded.h"
%(includes)s
enum { TENSORS_MAX = %(tensors_max)d };

struct model {
    const char *name;
    size_t state, stated, runs, rows; /* rows 0: the input is resident */
    int keeps;
    size_t n_in, in[TENSORS_MAX], n_out, out[TENSORS_MAX];
    void (*run)(void *state); /* reset, where rows are pushed */
    void *(*at)(void *state, size_t i); /* input i, or the next row */
    int (*push)(void *state);
    const void *(*result)(const void *state, size_t i);
};

void report(int op, int from, int to);
static FILE *trace;

void report(int op, int from, int to)
{
    if (trace)
        fprintf(trace, "%%d %%d %%d\\n", op, from, to);
}

%(calls)s
static const struct model models[] = {
%(lines)s
};

/* Gives one row of an inference. */
static void give_row(const struct model *m, void *state, const unsigned char *in, size_t row)
{
    const size_t bytes = m->in[0] / m->rows;
    memcpy(m->at(state, 0), in + row * bytes, bytes);
    report(-1, (int)row, (int)row + 1);
    if (m->push(state) != (row + 1 == m->rows))
        die(m->name, "says the wrong thing of its output");
}

static void give(const struct model *m, void *state, const unsigned char *in)
{
    for (size_t i = 0; i < m->n_in; in += m->in[i++])
        memcpy(m->at(state, i), in, m->in[i]);
}

static void check_kept(const struct model *m, void *state, const unsigned char *in)
{
    for (size_t i = 0; i < m->n_in && m->keeps; in += m->in[i++])
        if (memcmp(m->at(state, i), in, m->in[i]))
            die(m->name, "changed its input");
}

static void put(const struct model *m, const void *state)
{
    for (size_t i = 0; i < m->n_out; i++)
        fwrite(m->result(state, i), 1, m->out[i], stdout);
}

/* Two inferences, row by row in turns; b may be NULL. */
static void both(const struct model *m, void *a, const unsigned char *in_a, void *b,
                 const unsigned char *in_b)
{
    for (size_t row = 0; row < m->rows; row++) {
        give_row(m, a, in_a, row);
        if (b)
            give_row(m, b, in_b, row);
    }
    if (!m->rows) {
        give(m, a, in_a);
        if (b)
            give(m, b, in_b);
        m->run(a);
        check_kept(m, a, in_a);
        if (b)
            m->run(b);
        if (b)
            check_kept(m, b, in_b);
    }
    put(m, a);
    if (b)
        put(m, b);
}

static void check(const struct model *m)
{
    unsigned char *a = block_new(m->name, m->state, m->rows ? 0 : 0x5a);
    unsigned char *b = block_new(m->name, m->state, 0xff), *in;
    size_t bytes = 0;
    for (size_t i = 0; i < m->n_in; i++)
        bytes += m->in[i];
    in = malloc(bytes * m->runs);
    if (!in || fread(in, 1, bytes * m->runs, stdin) != bytes * m->runs)
        die(m->name, "has no input");
    if (m->state != m->stated)
        die(m->name, "has a state of other size than it states");
    if (m->rows)
        m->run(b);
    trace = stderr;
    fprintf(trace, "model %%s\\n", m->name);
    both(m, a, in, NULL, NULL);
    trace = NULL;
    for (size_t k = 0; k < m->runs; k++)
        both(m, a, in + k * bytes, b, in + (k + 1) %% m->runs * bytes);
    if (m->rows) {
        for (size_t row = 0; row < m->rows / 2 + 1 && row + 1 < m->rows; row++)
            give_row(m, a, in + (m->runs - 1) * bytes, row);
        m->run(a);
        both(m, a, in, NULL, NULL);
    }
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


def accessors(model: Pushed, kind: str) -> list[str]:
    """The header's functions for inputs or outputs, in their order."""
    return re.findall(rf"\*({model.name}_{kind}\w*)\(", model.header.read_text())


def calls(model: Pushed) -> str:
    """Functions that call the model's by untyped pointers."""
    name, by_row = model.name, model.form == "row"
    state = f"struct {name}_state *"
    inputs = [f"{name}_row"] if by_row else accessors(model, "input")
    outputs = accessors(model, "output")
    assert len(inputs) == len(model.inputs) and len(outputs) == len(model.want)
    pick_in = "".join(f"i == {i} ? (void *){f}(state) : " for i, f in enumerate(inputs))
    pick_out = "".join(f"i == {i} ? (const void *){f}(state) : " for i, f in enumerate(outputs))
    text = f"static void {name}_0(void *state)\n{{\n    "
    text += f"{name}_{'reset' if by_row else 'run'}(({state})state);\n}}\n"
    text += f"static void *{name}_1(void *at, size_t i)\n{{\n    {state}state = at;\n"
    text += f"    return {pick_in}NULL;\n}}\n"
    if by_row:
        text += f"static int {name}_2(void *state)\n{{\n"
        text += f"    return {name}_push(({state})state);\n}}\n"
    text += f"static const void *{name}_3(const void *at, size_t i)\n{{\n"
    return text + f"    const {state}state = at;\n    return {pick_out}NULL;\n}}\n"


def line(model: Pushed) -> str:
    """The model's line in the program's table."""
    name, upper, by_row = model.name, model.name.upper(), model.form == "row"
    sizes = []
    for bytes_of in (model.input_bytes, [tensor[0].nbytes for tensor in model.want]):
        assert len(bytes_of) <= TENSORS_MAX
        sizes.append(f"{len(bytes_of)}, {{{', '.join(map(str, bytes_of))}}}")
    rows = f"{upper}_ROWS" if by_row else "0"
    numbers = f"sizeof(struct {name}_state), {upper}_STATE_BYTES, {model.runs}, {rows}"
    functions = f"{name}_0, {name}_1, {name + '_2' if by_row else 'NULL'}, {name}_3"
    keeps = int(model.form == "keep")
    return f'    {{"{name}", {numbers}, {keeps}, {", ".join(sizes)}, {functions}}},'


def stream(model: Pushed) -> bytes:
    """All inputs of a model, inference by inference."""
    return b"".join(t[one].tobytes() for one in range(model.runs) for t in model.inputs)


def check_program(models: Sequence[Pushed], folder: Path, *compiler: Any) -> None:
    """Build the program, run it, compare every byte of output and every turn with the plan."""
    text = PROGRAM % {
        "includes": "".join(f'#include "{model.header.name}"\n' for model in models),
        "tensors_max": TENSORS_MAX,
        "calls": "\n".join(calls(model) for model in models),
        "lines": "\n".join(line(model) for model in models),
    }
    inputs = b"".join(stream(model) for model in models)
    got, said = run_program(text, [model.source for model in models], folder, inputs, *compiler)
    check_outputs(got, [(model.name, model.expected) for model in models])
    for model, trace in zip(models, said.split("model ")[1:], strict=True):
        title, *turns = trace.splitlines()
        assert title == model.name
        taken = [[int(word) for word in turn.split()] for turn in turns]
        assert taken == model.turns, f"{model.name} takes other turns than planned"
