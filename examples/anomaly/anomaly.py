# SPDX-License-Identifier: Apache-2.0
"""An isolation forest that has seen the normal only, on an emulated Cortex-M4F.

    make example-anomaly
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

import mica

FIRMWARE = Path(__file__).resolve().parent / "firmware"
CORE = "cortex-m4f"
BENIGN = 1


def train() -> tuple[IsolationForest, np.ndarray, np.ndarray, list[str]]:
    """The forest, fitted to benign tumours; the other half of the data with its diagnoses."""
    data = load_breast_cancer()
    rows, test, diagnosis, test_diagnosis = train_test_split(
        data.data.astype(np.float32), data.target, test_size=0.5, random_state=0)
    forest = IsolationForest(n_estimators=50, contamination=0.05, random_state=0)
    return forest.fit(rows[diagnosis == BENIGN]), test, test_diagnosis, list(data.feature_names)


def command(*words: Any) -> str:
    """What the command `mica` prints; the package brings it along."""
    done = subprocess.run([sys.executable, "-m", "mica", *map(str, words)], check=True,
                          capture_output=True, text=True)
    return done.stdout


def on_core(model: mica.Model, test: np.ndarray, function: str, objective: str
            ) -> tuple[np.ndarray, dict[str, int]]:
    """What a function gives for every row on the core, and what it took there."""
    with tempfile.TemporaryDirectory() as folder:
        file, rows, answers = (Path(folder) / name for name in ("model.onnx", "x.npy", "y.npy"))
        file.write_bytes(model.data)
        np.save(rows, test[:, None, :])
        how = [file, "--target", CORE, "--optimize", objective, "--functions", function,
               "--input", rows]
        command("run", *how, "--output", answers)
        total = json.loads(command("cost", *how, "--json"))[0]["total"]
        return np.load(answers).ravel(), total


def found(labels: np.ndarray, diagnosis: np.ndarray) -> list[str]:
    """How many of the malignant are outliers, and how many of the benign."""
    return [f"{np.sum(labels[of] == -1)} of {np.sum(of)}"
            for of in (diagnosis != BENIGN, diagnosis == BENIGN)]


def table(forest: IsolationForest, model: mica.Model, test: np.ndarray, diagnosis: np.ndarray
          ) -> str:
    """Both objectives beside scikit-learn, in Markdown."""
    want, scores = forest.predict(test), forest.score_samples(test)
    columns = [["scikit-learn", *found(want, diagnosis),
                f"{roc_auc_score(diagnosis, scores):.4f}", *[""] * 6]]
    for objective in ("size", "speed"):
        labels, cost = on_core(model, test, "predict", objective)
        values, _ = on_core(model, test, "score_samples", objective)
        figures = ("flash_bytes", "static_bytes", "stack_bytes", "instructions")
        columns.append([f"Cortex-M4F, `{objective}`", *found(labels, diagnosis),
                        f"{roc_auc_score(diagnosis, values):.4f}",
                        f"{np.sum(labels == want)} of {len(want)}",
                        f"{np.max(np.abs(values / scores - 1)):.0e}",
                        *(f"{cost[key]:,}" for key in figures)])
    head = ["", "outliers among the malignant", "outliers among the benign",
            "area under the ROC curve", "labels as scikit-learn's",
            "score: largest relative error", "`predict`: flash, bytes", "RAM, bytes",
            "stack, bytes", "instructions a row"]
    lines = [f"| {' | '.join(cells)} |" for cells in zip(head, *columns)]
    return "\n".join([lines[0], "|---|--:|--:|--:|", *lines[1:]])


def main() -> None:
    """Fit, convert, check, save, run."""
    forest, test, diagnosis, features = train()
    model = mica.convert(forest, name="tumour", feature_names=features)
    print(model.check(forest, test))
    for path in model.save(FIRMWARE):
        print(f"wrote {path.name}: {path.stat().st_size:,} bytes of C")
    print(table(forest, model, test, diagnosis))


if __name__ == "__main__":
    main()
