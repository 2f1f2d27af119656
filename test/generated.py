# SPDX-License-Identifier: Apache-2.0
"""Generated C as tests see it: written by the command, called by a program that watches its memory.

The program gives each model scratch, inputs and outputs of exactly the size that its header
states, with guard bytes around them, and garbage in scratch and outputs before every run. Inputs
come from standard input, outputs go to standard output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from guarded import check_outputs, run_program
from support import evaluate, inspect, mica

IO_MAX = 8
VARIANTS: dict[str, tuple[str, ...]] = {
    "speed": ("--optimize", "speed"),
    "size": ("--optimize", "size"),
    "share": ("--share-io",),
    "split": ("--split-weights",),
    "every": ("--optimize", "size", "--share-io", "--split-weights"),
    # Kernels that a core gets, as portable loops where another compiler builds them.
    "fpu": ("--optimize", "speed", "--target", "cortex-m4f"),
    "dsp": ("--optimize", "balanced", "--target", "cortex-m4"),
    "thumb": ("--optimize", "speed", "--target", "cortex-m0"),
    "bytes": ("--optimize", "speed", "--target", "avr"),
}


@dataclass(frozen=True)
class Generated:
    """A model in C, inputs (one inference a slice), and what `mica eval` makes of them."""

    name: str
    variant: str
    folder: Path
    facts: dict[str, Any]
    inputs: list[np.ndarray]
    want: list[np.ndarray]

    @property
    def header(self) -> Path:
        """NAME.h."""
        return self.folder / f"{self.name}.h"

    @property
    def sources(self) -> list[Path]:
        """NAME.c, and NAME_weights.c where there is one."""
        suffixes = (".c", "_weights.c") if "--split-weights" in VARIANTS[self.variant] else (".c",)
        return [self.folder / f"{self.name}{suffix}" for suffix in suffixes]

    @property
    def is_float(self) -> bool:
        """Some tensor is float32."""
        tensors = [tensor for layer in self.facts["layers"] for tensor in layer["inputs"]]
        return any(tensor["type"] == "float32" for tensor in tensors + self.facts["outputs"])


def generate(
    model: Path, folder: Path, variant: str, inputs: Sequence[np.ndarray], profile: str
) -> Generated:
    """Compile and evaluate a model; files and symbols are named after it and the variant."""
    name = re.sub(r"\W", "_", model.stem) + "_" + variant
    facts = inspect(model)
    words = ("-o", folder, "--name", name, "--profile", profile, *VARIANTS[variant])
    mica("compile", model, *words)
    in_names = [tensor["name"] for tensor in facts["inputs"]]
    out_names = [tensor["name"] for tensor in facts["outputs"]]
    named: Any = dict(zip(in_names, inputs, strict=True)) if len(inputs) > 1 else list(inputs)
    want = evaluate(model, folder, named, out_names if len(out_names) > 1 else (), profile)
    return Generated(name, variant, folder, facts, list(inputs), want)


PROGRAM = """\
#include "guarded.h"
{includes}
enum {{ IO_MAX = {io_max} }};

struct model {{
    const char *name;
    void (*run)(void *scratch, void *const *in, void *const *out);
    size_t scratch, runs;
    size_t n_in, in[IO_MAX], n_out, out[IO_MAX];
}};

{calls}
static const struct model models[] = {{
{rows}
}};

static void check_run(const struct model *m, void *scratch, void *const *in, void *const *copy,
                      void *const *out, int garbage)
{{
    for (size_t i = 0; i < m->n_in; i++) {{
        if (fread(in[i], 1, m->in[i], stdin) != m->in[i])
            die(m->name, "has no input");
        memcpy(copy[i], in[i], m->in[i]);
    }}
    memset(scratch, garbage, m->scratch);
    for (size_t i = 0; i < m->n_out; i++)
        memset(out[i], garbage, m->out[i]);
    m->run(scratch, in, out);
    for (size_t i = 0; i < m->n_in; i++)
        if (memcmp(copy[i], in[i], m->in[i]))
            die(m->name, "wrote to its input");
    for (size_t i = 0; i < m->n_out; i++)
        fwrite(out[i], 1, m->out[i], stdout);
}}

int main(void)
{{
    static const int garbage[] = {{0xff, 0x00, 0x5a, 0x80}};
    for (size_t k = 0; k < sizeof models / sizeof models[0]; k++) {{
        const struct model *m = &models[k];
        void *scratch = block_new(m->name, m->scratch, COLOUR);
        void *in[IO_MAX], *copy[IO_MAX], *out[IO_MAX];
        for (size_t i = 0; i < m->n_in; i++) {{
            in[i] = block_new(m->name, m->in[i], COLOUR);
            copy[i] = block_new(m->name, m->in[i], COLOUR);
        }}
        for (size_t i = 0; i < m->n_out; i++)
            out[i] = block_new(m->name, m->out[i], COLOUR);
        for (size_t i = 0; i < m->runs; i++)
            check_run(m, scratch, in, copy, out, garbage[i % 4]);
        block_free(m->name, scratch, m->scratch);
        for (size_t i = 0; i < m->n_in; i++) {{
            block_free(m->name, in[i], m->in[i]);
            block_free(m->name, copy[i], m->in[i]);
        }}
        for (size_t i = 0; i < m->n_out; i++)
            block_free(m->name, out[i], m->out[i]);
    }}
    return 0;
}}
"""


def call(model: Generated) -> str:
    """The C function that hands a model its buffers."""
    name, facts = model.name, model.facts
    n_in, n_out = len(facts["inputs"]), len(facts["outputs"])
    assert max(n_in, n_out) <= IO_MAX
    lines = [f"static void run_{name}(void *scratch, void *const *in, void *const *out)\n{{"]
    if "--share-io" not in VARIANTS[model.variant]:
        places = [f"in[{i}]" for i in range(n_in)] + [f"out[{i}]" for i in range(n_out)]
        lines.append(f"    {name}_run({', '.join(['scratch', *places])});")
    else:
        text = model.header.read_text()
        sources = re.findall(rf"\*({name}_input\w*)\((?:const )?union", text)
        results = re.findall(rf"\*({name}_output\w*)\((?:const )?union", text)
        assert (len(sources), len(results)) == (n_in, n_out)
        for place, (source, tensor) in enumerate(zip(sources, facts["inputs"])):
            lines.append(f"    memcpy({source}(scratch), in[{place}], {tensor['bytes']});")
        lines.append(f"    {name}_run(scratch);")
        for place, (result, tensor) in enumerate(zip(results, facts["outputs"])):
            lines.append(f"    memcpy(out[{place}], {result}(scratch), {tensor['bytes']});")
    return "\n".join([*lines, "}\n"])


def row(model: Generated) -> str:
    """The model's line in the program's table."""
    sizes = []
    for tensors in (model.facts["inputs"], model.facts["outputs"]):
        listed = ", ".join(str(tensor["bytes"]) for tensor in tensors) or "0"
        sizes.append(f"{len(tensors)}, {{{listed}}}")
    runs = len(model.inputs[0])
    scratch = f"sizeof(union {model.name}_scratch)"
    return f'    {{"{model.name}", run_{model.name}, {scratch}, {runs}, {", ".join(sizes)}}},'


def program(models: Sequence[Generated]) -> str:
    """The C file that runs all the models."""
    return PROGRAM.format(
        includes="".join(f'#include "{model.header.name}"\n' for model in models),
        io_max=IO_MAX,
        calls="\n".join(call(model) for model in models),
        rows="\n".join(row(model) for model in models),
    )


def stream(models: Sequence[Generated], arrays: str) -> bytes:
    """Inputs or outputs ("want") of all models in the order in which the program takes them."""
    parts = []
    for model in models:
        tensors: list[np.ndarray] = getattr(model, arrays)
        for one in range(len(model.inputs[0])):
            parts += [tensor[one].tobytes() for tensor in tensors]
    return b"".join(parts)


def check_program(models: Sequence[Generated], folder: Path, *compiler: Any) -> None:
    """Build the program, run it, and compare every byte of every output."""
    sources = [file for model in models for file in model.sources]
    got, _ = run_program(program(models), sources, folder, stream(models, "inputs"), *compiler)
    check_outputs(got, [(model.name, stream([model], "want")) for model in models])
