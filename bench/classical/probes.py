# SPDX-License-Identifier: Apache-2.0
"""Small models that each ask one question of a converter, for docs/coming-from.md.

Each has the rows on which a typical mistake shows. All have one peer at least that gets
them right, so a wrong answer is never the format's fault.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from models import FOREST, Array, Case, Task, fitted

ONE_SPLIT = {"n_estimators": 1, "bootstrap": False, "max_depth": 1, "max_features": None}
HISTOGRAM = "sklearn.ensemble.HistGradientBoostingClassifier"


def build(name: str, rows: Array, target: Array, test: Array, estimator: str = FOREST,
          **settings: Any) -> Case:
    """A case of one's own making."""
    answer = "number" if estimator.endswith("Regressor") else "label"
    task = Task(name, "own", estimator, settings, answer=answer)
    model = fitted(task.new(), rows, target, answer)
    want = np.asarray(model.predict(test.astype(np.float32)))
    return Case(task, model, rows, test.astype(np.float32), target, want)


def column(*values: float) -> Array:
    """Rows of one feature."""
    return np.array(values, np.float32)[:, None]


def whole_numbers() -> Case:
    """One test, 3.5, and features that are whole numbers."""
    rows = column(*range(8))
    return build("whole", rows, (rows[:, 0] > 3.5).astype(int), rows, **ONE_SPLIT)


def on_threshold() -> Case:
    """Values at the threshold and one step of float32 beside it: `<=` is not `<`."""
    rows = column(*range(8))
    middle = np.float32(3.5)
    near = [np.nextafter(middle, np.float32(0)), middle, np.nextafter(middle, np.float32(9))]
    return build("threshold", rows, (rows[:, 0] > 3.5).astype(int), column(*near), **ONE_SPLIT)


def small_numbers() -> Case:
    """A sensor in farads, say: of thresholds around 1e-6, six decimals leave one digit."""
    rows = column(*(4e-7 * np.arange(1, 7)))
    return build("small", rows, (np.arange(6) > 2).astype(int), rows, **ONE_SPLIT)


def large_numbers() -> Case:
    """Features beyond 16 bits."""
    rows = column(*(10000.0 * np.arange(1, 9)))
    return build("large", rows, (np.arange(8) > 4).astype(int), rows, **ONE_SPLIT)


def digits_split() -> tuple[Array, Array, Array, Array]:
    """Images of handwritten digits: 70 % to learn, 30 % to test."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    rows, target = load_digits(return_X_y=True)
    train, test, train_target, test_target = train_test_split(
        rows.astype(np.float32), target, test_size=0.3, random_state=0)
    return train, test, train_target, test_target


def mixed_leaves() -> Case:
    """A shallow forest, whose leaves hold several classes: proportions are averaged, not votes."""
    train, test, target, _ = digits_split()
    return build("leaves", train, target, test, n_estimators=5, max_depth=3)


def other_labels() -> Case:
    """Classes are numbers other than 0, 1, 2; the tests are such that all peers get them right."""
    rows = column(0, 10, 20)
    return build("labels", rows, np.array([10, 20, 30]), rows, **{**ONE_SPLIT, "max_depth": 2})


def boosting() -> Case:
    """scikit-learn's gradient boosting."""
    train, test, target, _ = digits_split()
    return build("boosting", train, target, test,
                 "sklearn.ensemble.GradientBoostingClassifier", n_estimators=5, max_depth=3)


def missing_values() -> Case:
    """Histogram gradient boosting of rows with gaps, which it learns a direction for."""
    train, test, target, _ = digits_split()
    rng = np.random.default_rng(0)
    for rows in (train, test):
        rows[rng.random(rows.shape) < 0.1] = np.nan
    return build("missing", train, target, test, HISTOGRAM, max_iter=5)


def regression() -> Case:
    """A forest of numbers, and their largest error."""
    from sklearn.datasets import load_diabetes

    rows, target = load_diabetes(return_X_y=True)
    rows = rows.astype(np.float32)
    return build("regression", rows[:300], target[:300], rows[300:],
                 "sklearn.ensemble.RandomForestRegressor", n_estimators=10, max_depth=8)


PROBES: dict[str, tuple[str, Callable[[], Case]]] = {
    "whole": ("features are whole numbers (threshold 3.5, x = 0..7)", whole_numbers),
    "threshold": ("x at a threshold, and one step beside", on_threshold),
    "small": ("a threshold of 1.4e-6", small_numbers),
    "large": ("features up to 80,000", large_numbers),
    "leaves": ("leaves of several classes (5 trees, depth 3)", mixed_leaves),
    "labels": ("classes are 10, 20, 30", other_labels),
    "boosting": ("GradientBoostingClassifier", boosting),
    "missing": ("missing values (HistGradientBoosting)", missing_values),
    "regression": ("forest regression, largest error", regression),
}


def pipeline_case() -> tuple[Any, Case]:
    """Standardisation and a forest as one Pipeline, on the breast cancer data; and the forest with
    the scaled rows alone."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, target = load_breast_cancer(return_X_y=True)
    train, test, train_target, test_target = train_test_split(
        rows.astype(np.float32), target, test_size=0.3, random_state=0)
    pipeline = make_pipeline(
        StandardScaler(), RandomForestClassifier(n_estimators=10, max_depth=10, random_state=0))
    pipeline.fit(train.astype(np.float64), train_target)
    task = Task("pipeline", "own", FOREST, {})
    case = Case(task, pipeline, train, test, train_target, test_target)
    case.answers = case.ask(pipeline, test.astype(np.float64))
    return pipeline, case
