# SPDX-License-Identifier: Apache-2.0
"""The classical models that are measured, fitted the same way for Mica and for its peers.

Data sets are those that scikit-learn carries, features float32, 30 % of the rows for the test,
every seed 0. What is not given here is the library's default.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray

FOREST = "sklearn.ensemble.RandomForestClassifier"


@dataclass(frozen=True)
class Task:
    """One line of the tables: an estimator on a data set. `answer` is what predict() returns."""

    name: str
    data: str
    estimator: str  # module.Class
    settings: dict[str, Any]
    answer: str = "label"  # or "number", "outlier" (-1 and 1)
    standardise: bool = False
    seeded: bool = True

    @property
    def library(self) -> str:
        """sklearn, xgboost or lightgbm."""
        return self.estimator.split(".", maxsplit=1)[0]

    @property
    def kind(self) -> str:
        """The name of the class."""
        return self.estimator.rsplit(".", 1)[1]

    def new(self, **more: Any) -> Any:
        """The estimator, not fitted."""
        module, name = self.estimator.rsplit(".", 1)
        seed = {"random_state": 0} if self.seeded else {}
        return getattr(importlib.import_module(module), name)(**seed, **self.settings, **more)


BOOST = {"max_depth": 4, "n_estimators": 30, "n_jobs": 1}
TEN = {"n_estimators": 10, "max_depth": 10}
TASKS = (
    Task("digits-dt8", "digits", "sklearn.tree.DecisionTreeClassifier", {"max_depth": 8}),
    Task("digits-rf10", "digits", FOREST, TEN),
    Task("digits-rf100", "digits", FOREST, {"n_estimators": 100, "max_depth": 10}),
    Task("digits-et10", "digits", "sklearn.ensemble.ExtraTreesClassifier", TEN),
    Task("digits-gb30", "digits", "sklearn.ensemble.GradientBoostingClassifier",
         {"n_estimators": 30, "max_depth": 3}),
    Task("digits-hgb30", "digits", "sklearn.ensemble.HistGradientBoostingClassifier",
         {"max_iter": 30, "max_leaf_nodes": 15}),
    Task("digits-xgb30", "digits", "xgboost.XGBClassifier", BOOST),
    Task("digits-lgbm30", "digits", "lightgbm.LGBMClassifier",
         {"n_estimators": 30, "num_leaves": 15, "n_jobs": 1, "verbose": -1}),
    Task("digits-logreg", "digits", "sklearn.linear_model.LogisticRegression", {"max_iter": 1000},
         standardise=True),
    Task("digits-linsvc", "digits", "sklearn.svm.LinearSVC", {"max_iter": 10000}),
    Task("cancer-rf10", "cancer", FOREST, TEN),
    Task("cancer-xgb30", "cancer", "xgboost.XGBClassifier", BOOST),
    Task("cancer-iforest100", "cancer", "sklearn.ensemble.IsolationForest", {"n_estimators": 100},
         answer="outlier"),
    Task("diabetes-rf10", "diabetes", "sklearn.ensemble.RandomForestRegressor",
         {"n_estimators": 10, "max_depth": 8}, answer="number"),
    Task("diabetes-gb50", "diabetes", "sklearn.ensemble.GradientBoostingRegressor",
         {"n_estimators": 50, "max_depth": 3}, answer="number"),
    Task("diabetes-xgb50", "diabetes", "xgboost.XGBRegressor",
         {"n_estimators": 50, "max_depth": 3, "n_jobs": 1}, answer="number"),
    Task("diabetes-linreg", "diabetes", "sklearn.linear_model.LinearRegression", {},
         answer="number", seeded=False),
    Task("binary-rf10", "binary", FOREST, TEN),
)
NAMES = tuple(task.name for task in TASKS)


@dataclass
class Case:
    """A task with its fitted estimator, its rows and the estimator's answers to the test rows."""

    task: Task
    estimator: Any
    train: Array
    test: Array
    train_target: Array
    test_target: Array
    answers: Array = field(init=False)

    def __post_init__(self) -> None:
        self.answers = self.ask(self.estimator, self.test)

    def refit(self, train: Array, **settings: Any) -> Any:
        """Another estimator of the kind, on these rows instead."""
        return fitted(self.task.new(**settings), train, self.train_target, self.task.answer)

    def ask(self, estimator: Any, rows: Array) -> Array:
        """Labels (int64) or numbers (float64)."""
        kind = np.float64 if self.task.answer == "number" else np.int64
        return np.asarray(estimator.predict(rows)).ravel().astype(kind)

    @property
    def fingerprint(self) -> str:
        """The same in two places where the same model was fitted: of its answers, to six digits."""
        if self.task.answer == "number":
            text = " ".join(f"{value:.6g}" for value in self.answers)
        else:
            text = " ".join(map(str, self.answers))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def fitted(estimator: Any, rows: Array, target: Array, answer: str) -> Any:
    """fit(), without what libraries say meanwhile."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(rows) if answer == "outlier" else estimator.fit(rows, target)


def data(name: str) -> tuple[Array, Array]:
    """Features and target of a data set; "binary" is made up: 12 features that are 0 or 1."""
    from sklearn import datasets

    if name == "binary":
        rows, target = datasets.make_classification(
            n_samples=2000, n_features=12, n_informative=8, random_state=0)
        return (rows > 0).astype(np.float32), target
    load = {"digits": datasets.load_digits, "cancer": datasets.load_breast_cancer,
            "diabetes": datasets.load_diabetes}[name]
    rows, target = load(return_X_y=True)
    return rows.astype(np.float32), target


def load(name: str) -> Case:
    """Fit the task of this name."""
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    task = TASKS[NAMES.index(name)]
    rows, target = data(task.data)
    train, test, train_target, test_target = train_test_split(
        rows, target, test_size=0.3, random_state=0)
    if task.standardise:
        scaler = StandardScaler().fit(train)
        train = scaler.transform(train).astype(np.float32)
        test = scaler.transform(test).astype(np.float32)
    estimator = fitted(task.new(), train, train_target, task.answer)
    return Case(task, estimator, train, test, train_target, test_target)


def compare(case: Case, got: Array, want: Array) -> dict[str, Any]:
    """How far the answers of some C are from those of the estimator it was made from."""
    if case.task.answer == "number":
        with np.errstate(all="ignore"):
            error = float(np.max(np.abs(got.astype(np.float64) - want)))
            spread = float(np.std(case.test_target))
        return {"max_error": float(f"{error:.3g}"), "faithful": error <= 0.001 * spread,
                "rows": len(got)}
    right = int(np.sum(got == want))
    result = {"agree": right, "rows": len(got), "faithful": right == len(got)}
    if case.task.answer == "label":
        result["correct"] = int(np.sum(got == case.test_target))
    return result
