# SPDX-License-Identifier: Apache-2.0
"""A pipeline of scikit-learn, from fit() to its labels on an emulated Cortex-M4F.

    make example-digits-forest
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import mica

FIRMWARE = Path(__file__).resolve().parent / "firmware"
CORE = "cortex-m4f"
WORDS = np.array("zero one two three four five six seven eight nine".split())


def train() -> tuple[Pipeline, np.ndarray, np.ndarray, list[str]]:
    """The fitted pipeline, the rows it has not seen, their names, and those of the features."""
    images = load_digits()
    rows, test, names, test_names = train_test_split(
        images.data, WORDS[images.target], test_size=0.3, random_state=0)
    forest = RandomForestClassifier(n_estimators=20, max_depth=10, random_state=0)
    return make_pipeline(StandardScaler(), forest).fit(rows, names), test, test_names, \
        images.feature_names


def command(*words: Any) -> str:
    """What the command `mica` prints; the package brings it along."""
    done = subprocess.run([sys.executable, "-m", "mica", *map(str, words)], check=True,
                          capture_output=True, text=True)
    return done.stdout


def on_core(model: mica.Model, test: np.ndarray, objective: str
            ) -> tuple[np.ndarray, dict[str, int]]:
    """The labels of predict() for every row, from the core, and what it took there."""
    with tempfile.TemporaryDirectory() as folder:
        file, rows, labels = (Path(folder) / name for name in ("model.onnx", "x.npy", "y.npy"))
        file.write_bytes(model.data)
        np.save(rows, test.astype(np.float32)[:, None, :])
        how = [file, "--target", CORE, "--optimize", objective, "--functions", "predict",
               "--input", rows]
        command("run", *how, "--output", labels)
        total = json.loads(command("cost", *how, "--json"))[0]["total"]
        return np.load(labels).ravel(), total


def table(pipeline: Pipeline, model: mica.Model, test: np.ndarray, names: np.ndarray) -> str:
    """Both objectives beside scikit-learn, in Markdown."""
    want = pipeline.predict(test)
    columns = [["scikit-learn", f"{100 * np.mean(want == names):.1f} %", *[""] * 5]]
    for objective in ("size", "speed"):
        numbers, cost = on_core(model, test, objective)
        got = model.classes[0][numbers]
        figures = ("flash_bytes", "static_bytes", "stack_bytes", "instructions")
        columns.append([f"Cortex-M4F, `{objective}`", f"{100 * np.mean(got == names):.1f} %",
                        f"{np.sum(got == want)} of {len(want)}",
                        *(f"{cost[key]:,}" for key in figures)])
    head = ["", "accuracy", "labels as scikit-learn's", "flash, bytes", "RAM, bytes",
            "stack, bytes", "instructions a row"]
    lines = [f"| {' | '.join(cells)} |" for cells in zip(head, *columns)]
    return "\n".join([lines[0], "|---|--:|--:|--:|", *lines[1:]])


def main() -> None:
    """Fit, convert, check, save, run."""
    pipeline, test, names, features = train()
    model = mica.convert(pipeline, name="digit", feature_names=features)
    print(model.check(pipeline, test))
    for path in model.save(FIRMWARE):
        print(f"wrote {path.name}: {path.stat().st_size:,} bytes of C")
    print(table(pipeline, model, test, names))


if __name__ == "__main__":
    main()
