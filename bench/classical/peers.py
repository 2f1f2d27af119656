#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the peers and saves bench/classical/peers.json.

    make bench-peers                        everything: half an hour and more
    .venv/bin/python bench/classical/peers.py --models digits-rf10 --peers emlearn,m2cgen

It makes .venv-peers with the versions below and runs in it; scikit-learn, numpy, xgboost and
lightgbm are those of .venv, so the models are the same. Results change with these versions and the
cross compilers only; what is not measured now stays in the file.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VENV = Path(os.environ.get("MICA_PEERS", ROOT / ".venv-peers"))
RESULTS = HERE / "peers.json"
# What the libraries need besides is listed, since they are installed without dependencies: xgboost
# would bring a gigabyte for graphics processors, sklearn-porter a scikit-learn of 2019.
LIBRARIES = (
    "scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 joblib==1.6.0 threadpoolctl==3.8.0 "
    "cloudpickle==3.1.2 narwhals==2.29.0 xgboost==3.2.0 lightgbm==4.7.0"
).split()
CONVERTERS = (
    "emlearn==0.23.2 m2cgen==0.10.0 micromlgen==1.1.28 sklearn-porter==0.7.4 treelite==4.8.1 "
    "tl2cgen==1.0.0"
).split()
HELPERS = "jinja2==3.1.6 MarkupSafe==3.0.4 packaging==26.3 pybind11==3.1.0 six==1.17.0".split()
COMPILERS = ("arm-none-eabi-gcc", "arm-none-eabi-g++", "avr-gcc", "qemu-system-arm")


def enter_venv() -> None:
    """Go on in .venv-peers, which is made where it is missing."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    python = VENV / "bin" / "python"
    if not python.exists():
        print(f"making {VENV.name} with {' '.join(CONVERTERS)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    marker = VENV / ".installed"
    wanted = " ".join([*LIBRARIES, *CONVERTERS, *HELPERS])
    if not marker.exists() or marker.read_text() != wanted:
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps",
                        "--disable-pip-version-check", *wanted.split()], check=True)
        marker.write_text(wanted)
    os.execv(python, [str(python), *sys.argv])


def versions() -> dict[str, str]:
    """Of everything that the figures depend on."""
    from importlib.metadata import version

    names = [word.split("==")[0] for word in (*CONVERTERS, *LIBRARIES)]
    found = {name: version(name) for name in names}
    for tool in COMPILERS:
        said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True)
        found[tool] = said.stdout.splitlines()[0].split("(")[0].split()[-1]
        if "gcc" in tool or "g++" in tool:
            done = subprocess.run([tool, "-dumpfullversion", "-dumpversion"], capture_output=True,
                                  text=True, check=True)
            found[tool] = done.stdout.strip()
    return found


def measure(case: Any, convert: Any) -> dict[str, Any]:
    """One peer's code for one model: sizes, instructions and answers on every core."""
    from converters import Unsupported
    from models import compare
    from program import Failed, Program, core

    try:
        converted = convert(case)
    except Unsupported as reason:
        return {"unsupported": str(reason)}
    except Exception as error:  # a peer may raise anything, and what it raises is the result
        text = " ".join(str(error).split())
        return {"failed": f"conversion: {type(error).__name__}: {text}"[:160]}
    result: dict[str, Any] = {"source_bytes": len(converted.source)}
    rows = case.test if converted.rows is None else converted.rows
    want = case.answers if converted.answers is None else converted.answers
    with tempfile.TemporaryDirectory() as folder:
        program = Program(converted, rows, Path(folder))
        for name, levels in (("cortex-m4f", ("-Os", "-O2")), ("cortex-m0", ("-Os", "-O2")),
                             ("avr", ("-Os",))):
            for level in levels:
                figures: dict[str, Any] = {}
                result[f"{name} {level}"] = figures
                try:
                    where = core(name)
                    model, sizes = program.build_and_weigh(where, level)
                    figures.update(sizes)
                    if name == "avr":
                        continue
                    answers, counted = program.execute(where, level, model)
                    figures.update(counted, **compare(case, answers, want))
                except Failed as reason:
                    figures["failed"] = str(reason)
    if converted.answers is not None:
        result["refitted"] = True
    return result


@contextlib.contextmanager
def lock() -> Iterator[None]:
    """Two runs may share the file of results."""
    with open(HERE / ".lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def save(model: str, fingerprint: str, peer: str, found: dict[str, Any]) -> None:
    """Adds to what is there; one variant a line, so that a difference can be read."""
    results: dict[str, Any] = {"fingerprints": {}, "figures": {}}
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text())
    results["fingerprints"][model] = fingerprint
    figures = results["figures"]
    figures.setdefault(model, {})[peer] = found
    lines = [f'{{\n "versions": {json.dumps(versions())},',
             f' "fingerprints": {json.dumps(results["fingerprints"], sort_keys=True)},',
             ' "figures": {']
    for name in sorted(figures):
        rows = ",\n".join(f"   {json.dumps(peer)}: {json.dumps(figures[name][peer])}"
                          for peer in sorted(figures[name]))
        lines.append(f'  {json.dumps(name)}: {{\n{rows}\n  }}{"," if name != max(figures) else ""}')
    RESULTS.write_text("\n".join([*lines, " }\n}"]) + "\n")


def main() -> int:
    """Measure what was asked for."""
    if not (ROOT / "build" / "count.so").exists():
        sys.exit("peers.py: what counts instructions, build/count.so, is not built: run make first")
    enter_venv()
    from converters import PEERS
    from models import NAMES, load

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default=",".join(NAMES), help="with commas")
    parser.add_argument("--peers", default="", help="beginnings of names, with commas")
    words = parser.parse_args()
    chosen = [peer for peer in PEERS
              if any(peer.startswith(word) for word in words.peers.split(","))]
    for name in words.models.split(","):
        case = load(name)
        for peer in chosen:
            began = time.monotonic()
            found = measure(case, PEERS[peer])
            with lock():
                save(name, case.fingerprint, peer, found)
            print(f"{name}, {peer}: {time.monotonic() - began:.0f} s: "
                  f"{found.get('cortex-m4f -Os', found)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
