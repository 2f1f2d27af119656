# SPDX-License-Identifier: Apache-2.0
"""Writing cases with the oracle's answers, for tests that run them through generated C."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np

from .case import Spec


def emit(specs: list[Spec], folder: Path, count: int) -> int:
    """Write the first `count` cases of each operator and type; return how many there are.

    A case is NAME.tflite, NAME.in<i>.npy and NAME.want.npy, each array with a leading axis of
    inferences; NAME.json holds the profile, the input names and the tolerance.
    """
    from .oracle import ORACLES, Refused

    folder.mkdir(parents=True, exist_ok=True)
    written: Counter[tuple[str, str]] = Counter()
    for spec in specs:
        if not spec.required or written[spec.operator, spec.type] == count:
            continue
        case = spec.build()
        # The first oracle is that of the default profile where the case has two.
        profile = case.oracles[0]
        try:
            want = ORACLES[profile](case.model_for(profile), case.inputs)
        except Refused:
            continue
        (folder / f"{spec.name}.tflite").write_bytes(case.model)
        for place, values in enumerate(case.inputs.values()):
            np.save(folder / f"{spec.name}.in{place}.npy", values)
        np.save(folder / f"{spec.name}.want.npy", want)
        facts = {
            "operator": spec.operator,
            "type": spec.type,
            "profile": profile,
            "inputs": list(case.inputs),
            "tolerance": case.tolerance.name,
        }
        (folder / f"{spec.name}.json").write_text(json.dumps(facts, indent=1) + "\n")
        written[spec.operator, spec.type] += 1
    return sum(written.values())
