# SPDX-License-Identifier: Apache-2.0
"""The cost model: its estimates against exact counts, its choices against what else there was, and
the same bits under every objective."""

from __future__ import annotations

import json
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support import ALL, mica, reference_model
from test_cost import need_core

NETWORKS = (
    "kws_dscnn_int8",
    "ic_resnet8_int8",
    "vww_mobilenet_int8",
    "ad_autoencoder_int8",
    "sww_dscnn1d_int8",
)
CORES = (
    ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m4f", "rv32imc")
    if ALL
    else ("cortex-m0", "cortex-m4", "rv32imc")
)
OBJECTIVES = ("speed", "balanced", "size", "ram")
# Of a whole network.
TOLERANCE = {"speed": 0.06, "balanced": 0.06, "size": 0.02, "ram": 0.06}
# What two ways must differ by for their order to be tested, as counted.
APART = 0.05


@cache
def explained(model: Path, core: str, objective: str, *words: str) -> dict[str, Any]:
    """What `mica cost --json --explain` says."""
    done = mica("cost", model, "--target", core, "--optimize", objective, "--json", "--explain",
                *words)
    entry, = json.loads(done.stdout)
    return entry


def taken(layer: dict[str, Any]) -> dict[str, Any]:
    """The way that a layer goes."""
    way, = (way for way in layer["ways"] if way["taken"])
    return way


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", NETWORKS if ALL else NETWORKS[::2])
def test_estimates(name: str, core: str, objective: str) -> None:
    """Estimated instructions of whole networks are near those that are counted."""
    need_core(core)
    entry = explained(reference_model(name), core, objective)
    estimate = sum(taken(layer)["instructions"] for layer in entry["ways"])
    counted = entry["total"]["instructions"]
    assert abs(estimate / counted - 1) < TOLERANCE[objective], (estimate, counted)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", NETWORKS[:2])
def test_order(name: str, core: str) -> None:
    """Ways of a layer that differ as counted stand in the same order as estimated, and for speed
    none is clearly better than the one that is taken."""
    need_core(core)
    model = reference_model(name)
    found: dict[tuple[int, str], tuple[float, float]] = {}
    for words in ((), ("--ways", "plain"), ("--ways", "pairs,3x3,window_fours"),
                  ("--ways", "patch_pairs,quads"), ("--ways", "window_pairs")):
        entry = explained(model, core, "speed", *words)
        for layer, ways in zip(entry["layers"], entry["ways"]):
            if len(ways["ways"]) > 1:
                way = taken(ways)
                found[ways["step"], way["way"]] = (way["instructions"], layer["instructions"])
    best = {layer["step"]: taken(layer)["way"]
            for layer in explained(model, core, "speed")["ways"]}
    compared = 0
    for (step, a), (other, b) in combinations(found, 2):
        estimates, counts = zip(found[step, a], found[other, b])
        if step != other or abs(counts[0] / counts[1] - 1) < APART:
            continue
        compared += 1
        assert (estimates[0] < estimates[1]) == (counts[0] < counts[1]), (step, a, b)
    for (step, way), (_, count) in found.items():
        assert found[step, best[step]][1] < count * (1 + APART), (step, way)
    assert compared >= len(best) // 2


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("core", ("cortex-m4", "cortex-m0"))
@pytest.mark.parametrize("name", NETWORKS)
def test_no_other_way_is_better(name: str, core: str, objective: str) -> None:
    """As estimated, a model gets no better when one layer goes another way."""
    need_core(core)
    if name != NETWORKS[0] and not ALL:
        pytest.skip("one network is enough; MICA_ALL=1 takes all")
    score = {
        "speed": lambda way: way["model_instructions"],
        "size": lambda way: way["model_flash"],
    }.get(objective, lambda way: way["model_instructions"] * way["model_flash"])
    layers = explained(reference_model(name), core, objective)["ways"]
    for layer in layers:
        for way in layer["ways"]:
            if "instructions" in way:
                assert score(way) >= score(taken(layer)) * (1 - 1e-6), (layer["step"], way)
            else:
                assert way["verdict"].startswith("no: ")
    assert any(len(layer["ways"]) > 1 for layer in layers)


def test_objectives_differ() -> None:
    """size is the smallest, speed the fastest, balanced has the least product; rows keep their
    buffer within its bound and are far faster than plain loops."""
    need_core("cortex-m4")
    model = reference_model(NETWORKS[0])
    totals = {o: explained(model, "cortex-m4", o)["total"] for o in OBJECTIVES}
    plain = explained(model, "cortex-m4", "ram", "--ways", "plain")["total"]
    assert totals["size"]["flash_bytes"] == min(t["flash_bytes"] for t in totals.values())
    assert totals["speed"]["instructions"] == min(t["instructions"] for t in totals.values())
    product = {o: t["flash_bytes"] * t["instructions"] for o, t in totals.items()}
    assert product["balanced"] == min(product.values())
    assert totals["ram"]["state_bytes"] <= plain["state_bytes"] + 1536 + 16
    assert 8 * totals["ram"]["instructions"] < plain["instructions"]


def layers(channels: int, rng: np.random.Generator) -> str:
    """Convolutions of all kinds behind each other, in the text form."""
    lines = ["mica-ir 1", 'graph "main"',
             f'tensor %0 "x" int8 [1,9,7,{channels}] scale=0.05 zero=-3']
    nodes, last, shape, index = [], 0, (9, 7), 1
    window = "dilation_h=1 dilation_w=1 activation=relu"
    for kind, size, stride, pad in (("conv2d", 3, 1, 1), ("depthwise_conv2d", 3, 1, 1),
                                    ("conv2d", 1, 1, 0), ("depthwise_conv2d", 3, 2, 1),
                                    ("conv2d", 3, 2, 1)):
        dims = ([channels, size, size, channels] if kind == "conv2d" else [1, size, size, channels])
        numbers = " ".join(map(str, rng.integers(-127, 128, int(np.prod(dims)))))
        shape = tuple((n + 2 * pad - size) // stride + 1 for n in shape)
        lines += [
            f'const %{index} "w{index}" int8 [{",".join(map(str, dims))}] scale=0.01 zero=0 '
            f"= [{numbers}]",
            f'tensor %{index + 1} "t{index}" int8 [1,{shape[0]},{shape[1]},{channels}] '
            f"scale=0.1 zero=-128",
        ]
        nodes.append(f'node "n{index}" {kind} stride_h={stride} stride_w={stride} pad_top={pad} '
                     f"pad_bottom={pad} pad_left={pad} pad_right={pad} {window} : "
                     f"%{last} %{index} -> %{index + 1}")
        last, index = index + 1, index + 2
    return "\n".join([*lines, "input %0", *nodes, f"output %{last}"]) + "\n"


@pytest.mark.parametrize("channels", (8, 16, 5, 20) if ALL else (8, 5))
@pytest.mark.parametrize("core", ("cortex-m4", "cortex-m0", "rv32imc"))
def test_same_bits(tmp_path: Path, core: str, channels: int) -> None:
    """Every objective, and every way that a layer can be forced to go, gives the same bits on the
    core: `mica run` compares them with eval, whose outputs are compared with each other here."""
    need_core(core)
    rng = np.random.default_rng(channels)
    model, x, y = tmp_path / "m.ir", tmp_path / "x.npy", tmp_path / "y.npy"
    model.write_text(layers(channels, rng))
    np.save(x, rng.integers(-128, 128, (3, 9, 7, channels), dtype=np.int8))
    results = []
    for objective in OBJECTIVES:
        mica("run", model, "--target", core, "--optimize", objective, "--input", x, "--output", y)
        results.append(np.load(y))
    for ways in ("window_pairs,window_fours,3x3", "patch_pairs,quads", "pairs"):
        for objective in ("speed", "ram"):
            mica("run", model, "--target", core, "--optimize", objective, "--input", x,
                 "--output", y, "--ways", ways)
            results.append(np.load(y))
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)
    assert len(np.unique(results[0])) > 10


def test_smaller_buffers_where_memory_is_short(tmp_path: Path) -> None:
    """--max-ram takes fast kernels with less and less buffer before it refuses."""
    model = reference_model(NETWORKS[0])
    sizes = []
    for bound in (5000, 4200, 3900, 3780):
        mica("compile", model, "--max-ram", bound, "-o", tmp_path, "--name", "m")
        header = (tmp_path / "m.h").read_text()
        sizes.append(int(header.split("M_STATE_BYTES ")[1].split()[0]))
        assert sizes[-1] <= bound
    done = mica("compile", model, "--max-ram", 3000, "-o", tmp_path, "--name", "m", status=1)
    assert "the smallest memory" in done.stderr
