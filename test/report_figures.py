# SPDX-License-Identifier: Apache-2.0
"""Made-up figures of a small network on three cores, in the form that `mica cost --report` puts
into its page: steps on one core, rows pushed one by one on another, time on the host."""

from __future__ import annotations

from typing import Any

# Names that converters write, and names that a page must not take for its own text.
NAMES = (
    "model/activation/Relu;model/batch_normalization/FusedBatchNormV3;model/conv2d/BiasAdd/"
    "ReadVariableOp/resource;model/conv2d/Conv2D1",
    'depthwise "quoted" \\ </script><script>throw Error("a name ran")</script>',
    "model/add & <b>more</b>",
    "Identit\u00e9",
)
OPERATORS = ("conv2d", "depthwise_conv2d", "add", "softmax")
SHAPES = ((1, 8, 8, 3), (1, 8, 8, 16), (1, 4, 4, 16), (1, 4, 4, 16), (1, 10))
MACS = (27648, 2304, 0, 0)
CYCLES = {"cortex-m4": (300200, 90100, 20300, 4000), "rv32imc": (410000, 120000, 31000, 5100)}
PARTS = {"weight_bytes": (496, 208, 0, 0), "table_bytes": (128, 96, 0, 12)}


def tensor(name: str, shape: tuple[int, ...], **more: Any) -> dict[str, Any]:
    """A tensor as `mica inspect --json` shows it."""
    size = 1
    for dim in shape:
        size *= dim
    return {"name": name, "type": "int8", "shape": list(shape), "bytes": size, **more}


def layer(step: int, target: str) -> dict[str, Any]:
    """One layer as `mica cost --json` shows it."""
    is_time = target == "host"
    cycles = None if is_time else CYCLES[target][step]
    return {
        "step": step,
        "name": NAMES[step],
        "operator": OPERATORS[step],
        "type": "int8",
        "in_shape": list(SHAPES[step]),
        "out_shape": list(SHAPES[step + 1]),
        "instructions": None if is_time else cycles * 3 // 4,
        "cycles": cycles,
        "nanoseconds": 1000 * (4 - step) if is_time else None,
        "macs": MACS[step],
        "counts": {} if is_time else {"other": cycles // 2, "load": cycles // 4, "taken": 17},
        **{part: values[step] for part, values in PARTS.items()},
    }


def cost(target: str, optimize: str, kind: str, memory: dict[str, int]) -> dict[str, Any]:
    """One core and objective; its totals are the sums of its layers."""
    layers = [layer(step, target) for step in range(len(NAMES))]
    keys = ("instructions", "cycles", "nanoseconds", "macs", *PARTS)
    total: dict[str, Any] = {
        key: None if layers[0][key] is None else sum(one[key] for one in layers) for key in keys
    }
    total |= {"code_bytes": 1234, "static_bytes": 0, "stack_bytes": 104, **memory}
    total["flash_bytes"] = 1234 + total["weight_bytes"] + total["table_bytes"]
    total["stack_bound_bytes"] = None if target == "host" else 112
    return {
        "model": "models/small <net>.tflite",
        "target": target,
        "optimize": optimize,
        "cycles_are": kind,
        "total": total,
        "layers": layers,
    }


def plan(memory: list[dict[str, Any]], scratch: int, live: list[int]) -> dict[str, Any]:
    """The network as `mica inspect --json` shows it."""
    tensors = [tensor("input", SHAPES[0], scale=0.5, zero_point=-3)]
    tensors += [tensor(name, shape) for name, shape in zip(NAMES, SHAPES[1:])]
    weights = tensor("weights", (16, 3, 3, 3))
    return {
        "inputs": tensors[:1],
        "outputs": tensors[-1:],
        "layers": [
            {
                "step": step,
                "name": NAMES[step],
                "operator": OPERATORS[step],
                "macs": MACS[step],
                "parameters": 432 if step == 0 else 0,
                "live_bytes": live[step],
                "inputs": [tensors[step], *([weights] if step == 0 else [])],
                "output": tensors[step + 1],
            }
            for step in range(len(NAMES))
        ],
        "memory": memory,
        "total": {"scratch_bytes": scratch, "peak_step": live.index(max(live))},
    }


def piece(name: str, offset: int, size: int, first: int, last: int) -> dict[str, Any]:
    """A tensor's place in memory."""
    return {"tensor": name, "offset": offset, "bytes": size, "first": first, "last": last}


def figures() -> dict[str, Any]:
    """The object in the page. `add` is computed in place of its input."""
    steps = plan(
        [
            piece(NAMES[0], 256, 1024, 0, 1),
            piece(NAMES[1], 0, 256, 1, 4),
            piece(NAMES[2], 0, 256, 1, 4),
            piece("temporary", 256, 100, 3, 3),
        ],
        1280,
        [1024, 1280, 256, 356],
    )
    rows = [[128 * (row % 3), 128, row, row + 2] for row in range(8)]
    turns = plan([{"tensor": NAMES[0], "rows": rows}], 400, [0, 0, 0, 0])
    turns["schedule"] = {"state_bytes": 408, "steps": [0, 1, 2, 3]}
    whole = {"scratch_bytes": 1280, "state_bytes": 0, "io_bytes": 202}
    pushed = {"scratch_bytes": 0, "state_bytes": 408, "io_bytes": 0}
    return {
        "version": "0.1.0",
        "mhz": 64,
        "costs": [
            cost("cortex-m4", "speed", "estimated", whole),
            cost("rv32imc", "ram", "estimated", pushed),
            cost("host", "speed", "time", whole),
        ],
        "sources": [{"emulator": "an emulator", "error": "within 15 %"}] * 3,
        "plan_of": [0, 1, 0],
        "plans": [steps, turns],
    }
