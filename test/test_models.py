# SPDX-License-Identifier: Apache-2.0
"""The MLPerf Tiny reference models: every tensor, every core, and what they cost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro import runtime

from conformance.case import Tolerance
from conformance.compare import compare
from conformance.model import FILE_IDENTIFIER, Model, Quant, _AlignedBuilder
from support import ALL, MICA, MLPERF, evaluate, inspect, mica, need, random_inputs, reference_model
from support import run as run_program

# The scratch bytes that each may take with its inputs and outputs inside.
SCRATCH_BYTES_MAX = {
    "kws_dscnn_int8": 16000,
    "ic_resnet8_int8": 49152,
    "vww_mobilenet_int8": 55296,
    "ad_autoencoder_int8": 768,
    "sww_dscnn1d_int8": 6656,
}
INT8 = tuple(SCRATCH_BYTES_MAX)
FLOAT = tuple(name.replace("int8", "fp32") for name in INT8 if name != "sww_dscnn1d_int8")
CORES = ("cortex-m0", "cortex-m4", "cortex-m4f", "cortex-m33", "cortex-m55", "rv32imc")
CORE_RUNS = [(core, name) for core in CORES for name in INT8 + FLOAT]
QUICK_CORE_RUNS = [("cortex-m4", "kws_dscnn_int8"), *(("cortex-m4f", name) for name in FLOAT)]

RANDOM_COUNT = 1000 if ALL else 24
GIVEN_MAX = 1 << 30 if ALL else 16
FLOAT_COUNT = 20 if ALL else 3
CHUNK = 50
ARENA_BYTES = 1 << 23
CODE_BYTES_MAX = 10 * 1024
COMPILE_SECONDS_MAX = 1.0
COMPILE_BYTES_MAX = 50 << 20
SCRATCH_EXCESS_MAX = 0.05

# A process starts with the memory of the one that forks it as its peak, so a small one forks.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.monotonic()
status = subprocess.run(sys.argv[1:]).returncode
seconds = time.monotonic() - start
kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"status": status, "seconds": seconds, "bytes": kilobytes * 1024}))
"""


def packed(model: schema.ModelT) -> bytes:
    """The file of a model."""
    builder = _AlignedBuilder(1 << 20)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def with_all_outputs(path: Path) -> tuple[bytes, list[str]]:
    """The model with every tensor that an operator makes as an output, and their names."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    graph.outputs = [index for operator in graph.operators for index in operator.outputs]
    model.signatureDefs = None
    names = [graph.tensors[index].name.decode() for index in graph.outputs]
    assert len(set(names)) == len(names) and not any("=" in name for name in names)
    return packed(model), names


def with_float_weights(data: bytes) -> bytes:
    """The float model with its int8 weights dequantised, which Mica does by itself.

    LiteRT would quantise the activations in front of such weights while it runs.
    """
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for tensor in model.subgraphs[0].tensors:
        if tensor.type != schema.TensorType.INT8:
            continue
        assert len(tensor.quantization.scale) == 1 and not tensor.quantization.zeroPoint.any()
        whole = np.frombuffer(model.buffers[tensor.buffer].data.tobytes(), np.int8)
        values = whole.astype(np.float32) * np.float32(tensor.quantization.scale[0])
        model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.type = schema.TensorType.FLOAT32
        tensor.quantization = None
    return packed(model)


def given_inputs(name: str, facts: dict[str, Any]) -> np.ndarray:
    """The sample inputs that come with a model, as int8; none for some models."""
    scale, zero, shape = facts["scale"], facts["zero_point"], facts["shape"]
    if name.startswith("kws"):
        return np.load(MLPERF / "inputs" / "kws_int8.npy").reshape(-1, *shape)
    if name.startswith("ad"):
        frames = np.load(MLPERF / "inputs" / "ad_toycar_logmel_f32.npy")
        real = np.stack([frames[at : at + 5].ravel() for at in range(len(frames) - 4)])
    elif name.startswith("sww"):
        real = np.load(MLPERF / "inputs" / "sww_calibration.npz")["specs"]
    else:
        real = np.zeros((0, *shape))
    quantised = np.clip(np.round(real / scale) + zero, -128, 127)
    return quantised.astype(np.int8).reshape(-1, *shape)


def model_inputs(name: str, facts: dict[str, Any], random_count: int) -> np.ndarray:
    """Given inputs and uniformly random ones, (N, *shape) of int8."""
    given = given_inputs(name, facts)
    chosen = given[:: -(-len(given) // GIVEN_MAX) or 1]
    return np.concatenate([chosen, random_inputs(facts["shape"], np.int8, random_count)])


def chunks(inputs: np.ndarray) -> Iterator[np.ndarray]:
    """The inputs in parts that fit memory with all tensors of a run."""
    for at in range(0, len(inputs), CHUNK):
        yield inputs[at : at + CHUNK]


def tflm(model: bytes, inputs: np.ndarray, outputs: int) -> list[np.ndarray]:
    """All outputs from TensorFlow Lite Micro, each with a leading axis of inferences."""
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=ARENA_BYTES)
    results: list[list[np.ndarray]] = [[] for _ in range(outputs)]
    for values in inputs:
        interpreter.set_input(values, 0)
        interpreter.invoke()
        for place, result in enumerate(results):
            result.append(interpreter.get_output(place).copy())
    return [np.stack(result) for result in results]


def litert(model: bytes, inputs: np.ndarray, names: list[str]) -> list[np.ndarray]:
    """The same from LiteRT's reference kernels."""
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]
    found = {detail["name"]: detail["index"] for detail in interpreter.get_output_details()}
    results: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for values in inputs:
        interpreter.set_tensor(place, values)
        interpreter.invoke()
        for name, result in results.items():
            result.append(interpreter.get_tensor(found[name]).copy())
    return [np.stack(result) for result in results.values()]


def check_all(
    names: list[str], got: list[np.ndarray], want: list[np.ndarray], tolerance: Tolerance
) -> None:
    """Compare tensor by tensor; a message names the first that is wrong."""
    for name, mine, theirs in zip(names, got, want, strict=True):
        result = compare(mine, theirs, tolerance)
        assert result.accepted, f"{name}: {result.detail}"


@pytest.mark.parametrize("profile", ["tflm", "litert"])
@pytest.mark.parametrize("name", INT8)
def test_every_int8_tensor(name: str, profile: str, tmp_path: Path) -> None:
    """Every tensor is the reference's, and the model as it is has the same outputs."""
    path = reference_model(name)
    facts = inspect(path)
    # LiteRT takes part with fewer inputs: its reference kernels are slow.
    count = RANDOM_COUNT if profile == "tflm" else FLOAT_COUNT
    inputs = model_inputs(name, facts["inputs"][0], count)
    if profile == "litert":
        inputs = inputs[-count:]
    data, names = with_all_outputs(path)
    whole = tmp_path / "all.tflite"
    whole.write_bytes(data)
    last = names.index(facts["outputs"][0]["name"])
    for part in chunks(inputs):
        if profile == "tflm":
            want = tflm(data, part, len(names))
        else:
            want = litert(data, part, names)
        got = evaluate(whole, tmp_path, [part], names, profile)
        check_all(names, got, want, Tolerance.EXACT)
        plain = evaluate(path, tmp_path, [part], profile=profile)
        check_all(["the output"], plain, [want[last]], Tolerance.EXACT)


@pytest.mark.parametrize("name", FLOAT)
def test_every_float_tensor(name: str, tmp_path: Path) -> None:
    """Every tensor is LiteRT's within 1e-5 of the tensor's largest magnitude."""
    path = reference_model(name)
    twin = inspect(reference_model(name.replace("fp32", "int8")))["inputs"][0]
    whole = model_inputs(name, twin, FLOAT_COUNT)[-2 * FLOAT_COUNT :]
    inputs = ((whole.astype(np.float32) - twin["zero_point"]) * twin["scale"]).astype(np.float32)
    data, names = with_all_outputs(path)
    model = tmp_path / "all.tflite"
    model.write_bytes(data)
    want = litert(with_float_weights(data), inputs, names)
    check_all(names, evaluate(model, tmp_path, [inputs], names), want, Tolerance.TENSOR)
    last = names.index(inspect(path)["outputs"][0]["name"])
    plain = evaluate(path, tmp_path, [inputs])
    check_all(["the output"], plain, [want[last]], Tolerance.TENSOR)


@pytest.mark.parametrize("core, name", CORE_RUNS if ALL else QUICK_CORE_RUNS)
def test_same_bits_on_core(core: str, name: str, tmp_path: Path) -> None:
    """An emulated core computes the bits of `mica eval`."""
    need("arm-none-eabi-gcc", "qemu-system-arm")
    if core == "rv32imc":
        need("riscv64-unknown-elf-gcc", "qemu-system-riscv32")
    path = reference_model(name)
    facts = inspect(path)["inputs"][0]
    if facts["type"] == "int8":
        inputs = model_inputs(name, facts, 2)[-2:]
    else:
        inputs = random_inputs(facts["shape"], np.float32, 1)
    want = evaluate(path, tmp_path, [inputs])
    got = evaluate(path, tmp_path, [inputs], command=["run", "--target", core])
    assert got[0].tobytes() == want[0].tobytes()
    assert got[0].shape == want[0].shape and got[0].dtype == want[0].dtype


@pytest.mark.parametrize("name", INT8 + FLOAT)
def test_cost_of_compiling(name: str, tmp_path: Path) -> None:
    """Compiling takes less than a second and less than 50 MB."""
    path = reference_model(name)
    command = [MICA, "compile", path, "-o", tmp_path, "--name", "model"]
    told = json.loads(run_program(sys.executable, "-S", "-c", MEASURE, *command).stdout)
    assert told["status"] == 0
    assert told["seconds"] < COMPILE_SECONDS_MAX
    assert told["bytes"] < COMPILE_BYTES_MAX


@pytest.mark.parametrize("name", INT8)
def test_scratch(name: str, tmp_path: Path) -> None:
    """Scratch with inputs and outputs inside: within its bound and 5 % of what must be alive."""
    path = reference_model(name)
    total = inspect(path)["total"]
    assert total["scratch_bytes"] <= SCRATCH_BYTES_MAX[name]
    assert total["scratch_bytes"] <= total["scratch_lower_bound"] * (1 + SCRATCH_EXCESS_MAX)
    assert total["scratch_lower_bound"] > 0
    mica("compile", path, "-o", tmp_path, "--name", "model", "--share-io")
    header = (tmp_path / "model.h").read_text()
    assert f"#define MODEL_SCRATCH_BYTES {total['scratch_bytes']}\n" in header


@pytest.mark.parametrize("name", FLOAT)
def test_float_scratch(name: str) -> None:
    """The plan of a float model is within 5 % of the lower bound as well."""
    total = inspect(reference_model(name))["total"]
    limit = total["scratch_lower_bound"] * (1 + SCRATCH_EXCESS_MAX)
    assert 0 < total["scratch_bytes"] <= limit


@pytest.mark.parametrize("name", INT8)
def test_code_size(name: str, tmp_path: Path) -> None:
    """All flash but weights and tables, on Cortex-M4: at most 10 KB."""
    need("arm-none-eabi-gcc", "arm-none-eabi-size")
    path = reference_model(name)
    mica("compile", path, "-o", tmp_path, "--name", "model", "--target", "cortex-m4",
         "--optimize", "size")
    program = tmp_path / "model.o"
    run_program("arm-none-eabi-gcc", "-std=c99", "-mcpu=cortex-m4", "-mthumb", "-Os", "-c",
                tmp_path / "model.c", "-o", program)
    sizes = run_program("arm-none-eabi-size", program).stdout.splitlines()[1]
    text, data, zeros = sizes.split()[:3]
    constants = inspect(path)["total"]["constant_bytes"]
    assert (int(data), int(zeros)) == (0, 0)
    # The column of text holds constants too: parameters count as code, weights do not.
    assert int(text) - constants <= CODE_BYTES_MAX


@pytest.mark.parametrize("seed", range(4))
def test_dense_sums_between_two_steps(seed: int, tmp_path: Path) -> None:
    """Sums so near the middle of two outputs that the last bits of the scale decide.

    Whether the product of the scales is formed in float32 or float64 shows nowhere else.
    """
    rng = np.random.default_rng(seed)
    in_scale, weight_scale = (np.float32(value) for value in rng.uniform(0.001, 0.1, 2))
    product = float(in_scale) * float(weight_scale)
    out_scale = np.float32(product * 2**23)
    middles = (rng.integers(-120, 120, 2000) + 0.5) * float(out_scale) / product
    bias = np.round(middles).astype(np.int64) + rng.integers(-40, 41, middles.size)
    model = Model()
    graph = model.main
    source = graph.input("x", (1, 1), np.int8, Quant(in_scale))
    zeros = graph.const("w", np.zeros((bias.size, 1)), Quant(weight_scale), np.int8)
    sums = graph.const("b", bias, Quant(product), np.int32)
    result = graph.output("y", (1, bias.size), np.int8, Quant(out_scale))
    graph.op("FULLY_CONNECTED", [source, zeros, sums], [result])
    path = tmp_path / "dense.tflite"
    path.write_bytes(model.pack())
    x = np.zeros((1, 1, 1), np.int8)
    check_all(["y"], evaluate(path, tmp_path, [x]), tflm(model.pack(), x, 1), Tolerance.EXACT)
