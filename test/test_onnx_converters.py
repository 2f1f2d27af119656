# SPDX-License-Identifier: Apache-2.0
"""Files that skl2onnx and onnxmltools write compile as they are and give ONNX Runtime's results."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
sklearn = pytest.importorskip("sklearn")
skl2onnx = pytest.importorskip("skl2onnx")
onnxmltools = pytest.importorskip("onnxmltools")
xgboost = pytest.importorskip("xgboost")
lightgbm = pytest.importorskip("lightgbm")
from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: E402
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType  # noqa: E402
from sklearn import compose, datasets, ensemble, feature_selection, impute  # noqa: E402
from sklearn import linear_model, multiclass, pipeline, preprocessing, svm, tree  # noqa: E402

from onnx_models import run_mica, run_runtime, save  # noqa: E402
from support import PORTABLE, mica, need, run  # noqa: E402

warnings.filterwarnings("ignore")
DATA: dict[str, Callable[..., Any]] = {
    "iris": datasets.load_iris,
    "cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}


def load(name: str) -> tuple[np.ndarray, Any]:
    """Features are float32 numbers; 'iris names' has names for classes."""
    x, y = DATA[name.split()[0]](return_X_y=True)
    return x.astype(np.float32), np.array(["a", "b", "c"])[y] if "names" in name else y


def rows(x: np.ndarray) -> np.ndarray:
    """The data, and rows beside it."""
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(600, x.shape[1])) * (x.std(axis=0) + 1e-3)
    return np.concatenate([x, x[rng.integers(0, len(x), 600)] + noise, noise]).astype(np.float32)


def convert(estimator: Any, x: np.ndarray, zipmap: bool) -> Any:
    """By the converter of the estimator's library."""
    kind = type(estimator).__module__
    types = [("input", FloatTensorType([None, x.shape[1]]))]
    if kind.startswith("xgboost"):
        return onnxmltools.convert_xgboost(estimator, initial_types=types)
    if kind.startswith("lightgbm"):
        return onnxmltools.convert_lightgbm(estimator, initial_types=types, zipmap=zipmap)
    options = {"zipmap": zipmap} if sklearn.base.is_classifier(estimator) else None
    if options and not hasattr(estimator, "predict_proba"):
        options = None
    return skl2onnx.to_onnx(estimator, x[:1], options=options)


# Sums of float32 in the order of trees, and what is done with them by comparisons alone.
EXACT: dict[str, tuple[Any, str]] = {
    "decision tree": (tree.DecisionTreeClassifier(max_depth=6), "iris"),
    "extra tree": (tree.ExtraTreeClassifier(max_depth=6), "cancer"),
    "random forest": (ensemble.RandomForestClassifier(12), "digits"),
    "random forest of names": (ensemble.RandomForestClassifier(12), "iris names"),
    "random forest of two": (ensemble.RandomForestClassifier(12, max_depth=4), "cancer"),
    "extra trees": (ensemble.ExtraTreesClassifier(8), "cancer"),
    "bagging": (ensemble.BaggingClassifier(n_estimators=7), "iris names"),
    "bagging of two": (ensemble.BaggingClassifier(n_estimators=7), "cancer"),
    "bagging regressor": (ensemble.BaggingRegressor(n_estimators=7), "diabetes"),
    "tree regressor": (tree.DecisionTreeRegressor(max_depth=7), "diabetes"),
    "forest regressor": (ensemble.RandomForestRegressor(12), "diabetes"),
    "boosting regressor": (ensemble.GradientBoostingRegressor(n_estimators=40), "diabetes"),
    "xgboost regressor": (xgboost.XGBRegressor(n_estimators=40), "diabetes"),
    "lightgbm regressor": (lightgbm.LGBMRegressor(n_estimators=40, verbose=-1), "diabetes"),
    "standard scaler": (
        pipeline.make_pipeline(
            preprocessing.StandardScaler(), ensemble.RandomForestClassifier(5, max_depth=5)
        ),
        "iris",
    ),
    "min-max scaler": (
        pipeline.make_pipeline(
            preprocessing.MinMaxScaler(), ensemble.RandomForestClassifier(5, max_depth=5)
        ),
        "cancer",
    ),
    "robust scaler": (
        pipeline.make_pipeline(
            preprocessing.RobustScaler(), ensemble.RandomForestClassifier(5, max_depth=5)
        ),
        "iris",
    ),
    "max-abs scaler": (
        pipeline.make_pipeline(preprocessing.MaxAbsScaler(), tree.DecisionTreeClassifier()),
        "iris",
    ),
    "imputer": (
        pipeline.make_pipeline(impute.SimpleImputer(), ensemble.ExtraTreesClassifier(5)),
        "iris",
    ),
    "selector": (
        pipeline.make_pipeline(
            feature_selection.SelectKBest(k=7), ensemble.RandomForestClassifier(5)
        ),
        "cancer",
    ),
    "binarizer": (
        pipeline.make_pipeline(
            preprocessing.Binarizer(threshold=1.5), ensemble.RandomForestClassifier(5)
        ),
        "digits",
    ),
    "columns": (
        pipeline.make_pipeline(
            compose.ColumnTransformer(
                [
                    ("standard", preprocessing.StandardScaler(), [0, 2]),
                    ("range", preprocessing.MinMaxScaler(), [1]),
                    ("as it is", "passthrough", [3]),
                ]
            ),
            ensemble.RandomForestClassifier(8),
        ),
        "iris",
    ),
}

# Probabilities by exp(): the runtime's are of float32.
LINKED: dict[str, tuple[Any, str]] = {
    "boosting": (ensemble.GradientBoostingClassifier(n_estimators=20), "iris"),
    "boosting of two": (ensemble.GradientBoostingClassifier(n_estimators=40), "cancer"),
    "adaboost": (ensemble.AdaBoostClassifier(n_estimators=20), "iris names"),
    "adaboost of two": (ensemble.AdaBoostClassifier(n_estimators=20), "cancer"),
    "xgboost": (xgboost.XGBClassifier(n_estimators=20), "iris"),
    "xgboost of two": (xgboost.XGBClassifier(n_estimators=30, base_score=0.3), "cancer"),
    "xgboost digits": (xgboost.XGBClassifier(n_estimators=5), "digits"),
    "lightgbm": (lightgbm.LGBMClassifier(n_estimators=20, verbose=-1), "iris"),
    "lightgbm of two": (lightgbm.LGBMClassifier(n_estimators=30, verbose=-1), "cancer"),
}

LINEAR: dict[str, tuple[Any, str]] = {
    "logistic": (linear_model.LogisticRegression(), "iris"),
    "logistic of names": (linear_model.LogisticRegression(), "iris names"),
    "logistic of two": (linear_model.LogisticRegression(), "cancer"),
    "linear svc": (svm.LinearSVC(), "iris"),
    "linear svc of two": (svm.LinearSVC(), "cancer"),
    "ridge classifier": (linear_model.RidgeClassifier(), "iris"),
    "perceptron": (linear_model.Perceptron(), "iris"),
    "perceptron of two": (linear_model.Perceptron(), "cancer"),
    "sgd": (linear_model.SGDClassifier(), "iris names"),
    "sgd of two": (linear_model.SGDClassifier(), "cancer"),
    "sgd of two with probabilities": (linear_model.SGDClassifier(loss="log_loss"), "cancer"),
    "sgd regressor": (linear_model.SGDRegressor(), "diabetes"),
    "linear": (linear_model.LinearRegression(), "diabetes"),
    "ridge": (linear_model.Ridge(), "diabetes"),
    "lasso": (linear_model.Lasso(0.1), "diabetes"),
    "elastic net": (linear_model.ElasticNet(0.1), "diabetes"),
    "linear svr": (svm.LinearSVR(), "diabetes"),
    "scaled logistic": (
        pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
        "cancer",
    ),
}


# Of several models: links of linear scores, and sums of probabilities.
MIXED: dict[str, tuple[Any, str]] = {
    "sgd with probabilities": (
        pipeline.make_pipeline(
            preprocessing.StandardScaler(),
            linear_model.SGDClassifier(loss="log_loss", random_state=1),
        ),
        "iris",
    ),
    "one against the rest": (
        multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
        "iris",
    ),
    "voting": (
        ensemble.VotingClassifier(
            [
                ("linear", linear_model.LogisticRegression()),
                ("forest", ensemble.RandomForestClassifier(5, random_state=1)),
            ],
            voting="soft",
            flatten_transform=False,
        ),
        "iris",
    ),
}


def results(case: tuple[Any, str], folder: Path, zipmap: bool = False) -> tuple[list[Any], Any]:
    """Results of every row by Mica and by the runtime."""
    estimator, name = case
    x, y = load(name)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=3)
    made = convert(estimator.fit(x, y), x, zipmap)
    x = rows(x)
    return list(zip(run_mica(made, folder, x), run_runtime(made, x))), x


@pytest.mark.parametrize("case", EXACT)
def test_results_are_the_runtimes(tmp_path: Path, case: str) -> None:
    for got, want in results(EXACT[case], tmp_path)[0]:
        assert np.array_equal(got, want)


@pytest.mark.parametrize("case", LINKED)
def test_labels_are_the_runtimes(tmp_path: Path, case: str) -> None:
    (label, scores), _ = results(LINKED[case], tmp_path)
    assert np.array_equal(*label)
    assert np.allclose(*scores, rtol=0, atol=3e-7)


@pytest.mark.parametrize("case", MIXED)
def test_models_of_models(tmp_path: Path, case: str) -> None:
    """Labels of rows whose two best probabilities are further apart than float32 sums can be off."""
    (label, scores), _ = results(MIXED[case], tmp_path)
    best = np.sort(scores[1])[:, -2:]
    clear = best[:, 1] - best[:, 0] > 1e-5
    assert clear.mean() > 0.8  # far out, probabilities of float32 are 0 and 1
    assert np.array_equal(label[0][clear], label[1][clear])
    assert np.allclose(*scores, rtol=0, atol=2e-6)


def test_maps_by_class_are_rows(tmp_path: Path) -> None:
    """The default of skl2onnx: a list of dictionaries, class to probability."""
    case = (ensemble.RandomForestClassifier(6), "iris names")
    for got, want in results(case, tmp_path, zipmap=True)[0]:
        assert np.array_equal(got, want)


def steps_of(estimator: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
    """The linear model at the end of a pipeline, and what it gets."""
    if isinstance(estimator, pipeline.Pipeline):
        return estimator[-1], estimator[:-1].transform(x)
    return estimator, x


@pytest.mark.parametrize("case", LINEAR)
def test_linear_models(tmp_path: Path, case: str) -> None:
    """Sums of float32 in another order than the runtime's: they differ by what such sums may, and
    labels only where scores are closer than that."""
    pairs, x = results(LINEAR[case], tmp_path)
    last, x = steps_of(LINEAR[case][0], x)
    coef, intercept = np.atleast_2d(last.coef_), np.atleast_1d(last.intercept_)
    terms = np.abs(x.astype(np.float64)) @ np.abs(coef).T + np.abs(intercept)
    bound = 4 * (x.shape[1] + 4) * 2.0**-24 * terms.max(axis=1, keepdims=True)
    exact = x.astype(np.float64) @ coef.T + intercept
    margin = np.abs(exact) if exact.shape[1] == 1 else np.diff(np.sort(exact)[:, -2:])
    clear = (margin > bound)[:, 0]
    assert clear.mean() > 0.99
    for got, want in pairs:
        if got.dtype.kind == "U":
            assert np.array_equal(got[clear], want[clear])
        else:
            assert (np.abs(got - want) <= bound + 3e-7).all()


FOREST = ensemble.RandomForestClassifier(7, random_state=2)
TYPED: dict[str, tuple[Any, Any, Any]] = {
    "double": (FOREST, DoubleTensorType, np.float64),
    "double scaler": (
        pipeline.make_pipeline(preprocessing.StandardScaler(), FOREST),
        DoubleTensorType,
        np.float64,
    ),
    "double range": (
        pipeline.make_pipeline(preprocessing.MinMaxScaler(), FOREST),
        DoubleTensorType,
        np.float64,
    ),
    "integers": (FOREST, Int64TensorType, np.int64),
    "integers scaled": (
        pipeline.make_pipeline(preprocessing.StandardScaler(), FOREST),
        Int64TensorType,
        np.int64,
    ),
}


@pytest.mark.parametrize("case", TYPED)
def test_inputs_of_other_types(tmp_path: Path, case: str) -> None:
    """Features are float32 in C; what the file computes of them in double decides the same."""
    estimator, kind, dtype = TYPED[case]
    x, y = load("iris")
    x = np.round(x) if dtype == np.int64 else x
    types = [("x", kind([None, x.shape[1]]))]
    made = skl2onnx.convert_sklearn(
        estimator.fit(x.astype(np.float64), y), initial_types=types, options={"zipmap": False}
    )
    x = np.round(rows(x)) if dtype == np.int64 else rows(x)
    for got, want in zip(run_mica(made, tmp_path, x), run_runtime(made, x.astype(dtype))):
        assert np.array_equal(got, want)


def test_linear_models_in_double(tmp_path: Path) -> None:
    x, y = load("diabetes")
    steps = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LinearRegression())
    types = [("x", DoubleTensorType([None, x.shape[1]]))]
    made = skl2onnx.convert_sklearn(steps.fit(x.astype(np.float64), y), initial_types=types)
    x = rows(x)
    got, want = run_mica(made, tmp_path, x)[0], run_runtime(made, x.astype(np.float64))[0]
    assert got.dtype == np.float64 and np.allclose(got, want, rtol=1e-13, atol=1e-11)


def test_categories_of_lightgbm(tmp_path: Path) -> None:
    """Categorical splits are chains of equalities in the file: one test each after reading."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 12, (600, 4)).astype(np.float32)
    y = np.isin(x[:, 0], [1, 4, 7]) ^ (x[:, 1] > 5)
    estimator = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, min_child_samples=3)
    estimator.fit(x, y.astype(int), categorical_feature=[0, 2])
    made = convert(estimator, x, False)
    x = np.concatenate([x, rng.integers(-1, 20, (500, 4))]).astype(np.float32)
    label, scores = run_mica(made, tmp_path, x)
    want_label, want = run_runtime(made, x)
    assert np.array_equal(label, want_label) and np.allclose(scores, want, rtol=0, atol=3e-7)


@pytest.mark.parametrize("optimize", ["size", "speed"])
@pytest.mark.parametrize(
    "compiler",
    [
        "gcc -Os",
        "clang -Os",
        "arm-none-eabi-gcc -Os -mcpu=cortex-m0 --specs=picolibc.specs",
        "avr-gcc -Os -mmcu=atmega2560",
    ],
)
def test_generated_code_is_clean(tmp_path: Path, compiler: str, optimize: str) -> None:
    """A scaler, a forest and names, under the flags that generated code is held to."""
    words = compiler.split()
    need(words[0])
    x, y = load("iris names")
    steps = preprocessing.StandardScaler(), ensemble.RandomForestClassifier(6, random_state=0)
    made = convert(pipeline.make_pipeline(*steps).fit(x, y), x, False)
    mica("compile", save(made, tmp_path), "-o", tmp_path, "--name", "iris", "--optimize", optimize)
    run(*words, *PORTABLE, "-c", tmp_path / "iris.c", "-o", tmp_path / "iris.o")
