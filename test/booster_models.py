# SPDX-License-Identifier: Apache-2.0
"""Small boosted models of XGBoost, LightGBM and CatBoost, as files, with what the libraries answer.

Run as a program, it writes the files that the fuzzer starts from."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 400
ROUNDS = 12
HOSTILE = np.array(
    [0, -0.0, 1e-35, -1e-35, 1e-36, 2e-35, 1e-45, -1e-45, 1e30, -1e30, 3e9, -3e9, 65535, 1, 2, 3, -1, 0.5,
     np.nan],
    dtype=np.float32,
)  # fmt: skip


@dataclass
class Model:
    """A file, and functions from float32 rows to what the library gives."""

    text: str
    x: np.ndarray  # rows of training
    scores: Callable[[np.ndarray], np.ndarray]
    labels: Callable[[np.ndarray], np.ndarray] | None = None
    results: Callable[[np.ndarray], np.ndarray] | None = None  # probabilities, or behind a link
    categories: tuple[int, ...] = ()
    raw: Callable[[np.ndarray], np.ndarray] | None = None  # where the scores are divided sums


def numbers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(ROWS, 5)).astype(np.float32)
    x[:, 1] = np.round(x[:, 1] * 2)
    return x, (x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * draw.normal(size=ROWS)).astype(np.float32)


def mixed() -> tuple[np.ndarray, np.ndarray]:
    """Two columns of categories and two of numbers, a tenth of all missing."""
    draw = np.random.default_rng(1)
    x = np.c_[draw.integers(0, 40, ROWS), draw.integers(0, 3, ROWS), draw.normal(size=(ROWS, 2))]
    x = x.astype(np.float32)
    x[draw.random(x.shape) < 0.1] = np.nan
    return x, ((np.nan_to_num(x[:, 0]) % 3 == 0) ^ (np.nan_to_num(x[:, 2]) > 0)).astype(int)


def classes(target: np.ndarray, n: int) -> np.ndarray:
    return np.digitize(target, np.quantile(target, np.arange(1, n) / n))


def hostile_rows(x: np.ndarray, thresholds: np.ndarray, categories: tuple[int, ...] = ()) -> np.ndarray:
    """Rows at thresholds and one step beside, and numbers that are special."""
    draw = np.random.default_rng(2)
    at = np.unique(thresholds[np.isfinite(thresholds)]).astype(np.float32)
    rows = draw.choice(at if len(at) else np.zeros(1, np.float32), (ROWS * 2, x.shape[1]))
    step = draw.choice(np.float32([-np.inf, np.inf, np.nan]), rows.shape)
    rows = np.where(np.isnan(step), rows, np.nextafter(rows, np.nan_to_num(step)))
    rows = np.where(draw.random(rows.shape) < 0.25, draw.choice(HOSTILE, rows.shape), rows)
    rows = np.r_[x, rows].astype(np.float32)
    for column in categories:
        odd = draw.choice(np.float32([-0.5, -0.0, -1, 0.999, 39.5, 41, 1e6, 2**31, np.nan]), len(rows))
        of_x = draw.choice(x[:, column], len(rows))
        rows[:, column] = np.where(draw.random(len(rows)) < 0.3, odd, of_x)
    return rows


# ---- XGBoost -----------------------------------------------------------------------------------


def xgboost_model(parameters: dict[str, Any], x: np.ndarray, y: np.ndarray, rounds: int,
                  categories: tuple[int, ...] = (), names: list[str] | None = None) -> Model:  # fmt: skip
    import xgboost

    kinds = ["c" if i in categories else "q" for i in range(x.shape[1])] if categories else None

    def matrix(rows: np.ndarray, y: np.ndarray | None = None) -> Any:
        return xgboost.DMatrix(rows, y, feature_types=kinds, enable_categorical=bool(kinds),
                               feature_names=names)  # fmt: skip

    data = matrix(x, y)
    if parameters["objective"].startswith("rank"):
        data.set_group([len(x)])
    if parameters["objective"] == "survival:aft":
        data.set_float_info("label_lower_bound", y)
        data.set_float_info("label_upper_bound", y + 1)
    booster = xgboost.train({"max_depth": 4, "nthread": 1, **parameters}, data, rounds)

    def scores(rows: np.ndarray) -> np.ndarray:
        return booster.predict(matrix(rows), output_margin=True).reshape(len(rows), -1)

    def results(rows: np.ndarray) -> np.ndarray:
        return booster.predict(matrix(rows)).reshape(len(rows), -1)

    def labels(rows: np.ndarray) -> np.ndarray:
        given = results(rows)
        if parameters["objective"] == "multi:softmax":
            return given.astype(int)
        if parameters["objective"] == "multi:softprob":
            return given.argmax(axis=1)[:, None]
        return (given > 0.5).astype(int)

    def probabilities(rows: np.ndarray) -> np.ndarray:
        given = results(rows)
        return given if given.shape[1] > 1 else np.c_[1 - given, given]

    has_labels = parameters["objective"].split(":")[0] in ("binary", "multi")
    has_results = parameters["objective"] in ("binary:logistic", "multi:softprob") or not has_labels
    return Model(
        booster.save_raw("json").decode(), x, scores, labels if has_labels else None,
        (probabilities if has_labels else results) if has_results else None, categories,
    )  # fmt: skip


def xgboost_models() -> dict[str, Callable[[], Model]]:
    x, y = numbers()
    odd, odd_y = mixed()
    two = (y > 0).astype(int)
    positive = np.abs(y) + 0.1

    def of(y: np.ndarray, x: np.ndarray = x, rounds: int | None = None, categories: tuple[int, ...] = (),
           names: list[str] | None = None, **parameters: Any) -> Callable[[], Model]:  # fmt: skip
        return lambda: xgboost_model(parameters, x, y, rounds or ROUNDS, categories, names)

    models = {
        "logistic": of(two, objective="binary:logistic"),
        "names": of(two, objective="binary:logistic", names=["a b", "c", "d", "é", "f"]),
        "logitraw": of(two, objective="binary:logitraw"),
        "hinge": of(two, objective="binary:hinge"),
        "softprob": of(classes(y, 4), objective="multi:softprob", num_class=4),
        "softmax": of(classes(y, 3), objective="multi:softmax", num_class=3),
        "forest": of(classes(y, 3), rounds=3, objective="multi:softprob", num_class=3,
                     num_parallel_tree=4, subsample=0.5),
        "missing": of(odd_y, odd, objective="binary:logistic"),
        "one category": of(odd_y, odd, categories=(0, 1), objective="binary:logistic",
                           max_cat_to_onehot=100),
        "sets": of(odd_y, odd, categories=(0, 1), objective="binary:logistic",
                   max_cat_to_onehot=1),
        "dart": of(two, objective="binary:logistic", booster="dart", rate_drop=0.4),
        "multilabel": of(np.c_[two, y > 1], objective="binary:logistic"),
        "linear logistic": of(two, objective="binary:logistic", booster="gblinear"),
        "linear softprob": of(classes(y, 4), objective="multi:softprob", num_class=4,
                              booster="gblinear"),
        "linear classes": of(np.digitize(y, [0.9, 1.1]), objective="multi:softprob", num_class=3,
                             booster="gblinear"),
        "linear": of(y, objective="reg:squarederror", booster="gblinear"),
        "two outputs": of(np.c_[y, -y * y], objective="reg:squarederror"),
        "vector leaves": of(np.c_[y, -y * y, y / 3], objective="reg:squarederror",
                            multi_strategy="multi_output_tree"),
        "quantiles": of(y, objective="reg:quantileerror", quantile_alpha=[0.1, 0.9]),
        "stump": of(y, rounds=2, objective="reg:squarederror", gamma=1e9),
    }  # fmt: skip
    for objective in ("reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror",
                      "reg:pseudohubererror", "count:poisson", "reg:gamma", "reg:tweedie", "reg:logistic",
                      "survival:cox", "survival:aft", "rank:pairwise", "rank:ndcg"):  # fmt: skip
        target = two if objective.startswith(("rank", "reg:logistic")) else positive
        models[objective] = of(target, objective=objective)
    return models


# ---- LightGBM ----------------------------------------------------------------------------------


def lightgbm_model(parameters: dict[str, Any], x: np.ndarray, y: np.ndarray,
                   categories: tuple[int, ...] = (), names: list[str] | None = None) -> Model:  # fmt: skip
    import lightgbm

    rounds = ROUNDS
    fixed = {"verbose": -1, "num_leaves": 8, "num_threads": 1, "seed": 1, "deterministic": True}
    data = lightgbm.Dataset(x, y, categorical_feature=list(categories), feature_name=names or "auto")
    if parameters["objective"] in ("lambdarank", "rank_xendcg"):
        data.set_group([len(x)])
    booster = lightgbm.train({**fixed, **parameters}, data, rounds)
    divisor = rounds if parameters.get("boosting") == "rf" else 1

    def raw(rows: np.ndarray) -> np.ndarray:
        return booster.predict(rows, raw_score=True).reshape(len(rows), -1)

    def scores(rows: np.ndarray) -> np.ndarray:
        return raw(rows) / divisor

    def results(rows: np.ndarray) -> np.ndarray:
        return booster.predict(rows).reshape(len(rows), -1)

    def probabilities(rows: np.ndarray) -> np.ndarray:
        given = results(rows)
        return given if given.shape[1] > 1 else np.c_[1 - given, given]

    is_classifier = parameters["objective"] in ("binary", "multiclass", "multiclassova")
    return Model(
        booster.model_to_string(), x, scores,
        (lambda rows: probabilities(rows).argmax(axis=1)[:, None]) if is_classifier else None,
        probabilities if is_classifier else results, categories, raw,
    )  # fmt: skip


def lightgbm_models() -> dict[str, Callable[[], Model]]:
    x, y = numbers()
    odd, odd_y = mixed()
    whole = np.round(x).astype(np.float32)
    two = (y > 0).astype(int)

    def of(y: np.ndarray, x: np.ndarray = x, categories: tuple[int, ...] = (), names: list[str] | None = None,
           **parameters: Any) -> Callable[[], Model]:  # fmt: skip
        return lambda: lightgbm_model(parameters, x, y, categories, names)

    small_sets = {"min_data_per_group": 2, "cat_smooth": 1, "max_cat_to_onehot": 1}
    models = {
        "binary": of(two, objective="binary"),
        "names": of(two, objective="binary", names=["a_b", "c", "d", "é", "f"]),
        "sigmoid": of(two, objective="binary", sigmoid=0.7),
        "multiclass": of(classes(y, 4), objective="multiclass", num_class=4),
        "multiclassova": of(classes(y, 3), objective="multiclassova", num_class=3),
        "forest": of(two, objective="binary", boosting="rf", bagging_freq=1, bagging_fraction=0.5),
        "dart": of(y, objective="regression", boosting="dart"),
        "missing": of(odd_y, odd, objective="binary"),
        "sets": of(odd_y, odd, (0, 1), objective="binary", **small_sets),
        "one category": of(odd_y, odd, (0, 1), objective="binary", min_data_per_group=2,
                           max_cat_to_onehot=100),
        "zeros are missing": of(two, whole, objective="binary", zero_as_missing=True),
        "nothing is missing": of(odd_y, odd, objective="binary", use_missing=False),
        "stump": of(y, objective="regression", min_data_in_leaf=ROWS),
    }  # fmt: skip
    for objective in ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson",
                      "gamma", "tweedie", "cross_entropy", "lambdarank", "rank_xendcg"):  # fmt: skip
        target = two if objective in ("cross_entropy", "lambdarank", "rank_xendcg") else np.abs(y) + 0.1
        models[objective] = of(target, objective=objective)
    return models


# ---- CatBoost ----------------------------------------------------------------------------------


def catboost_model(parameters: dict[str, Any], x: np.ndarray, y: np.ndarray,
                   change: Callable[[Any], None] | None = None) -> Model:  # fmt: skip
    import tempfile

    import catboost

    loss = parameters.get("loss_function", "Logloss")
    kind = catboost.CatBoostClassifier
    classifiers = ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll", "MultiLogloss")
    if loss not in classifiers:
        kind = catboost.CatBoostRegressor
    fixed = {"iterations": ROUNDS, "verbose": 0, "depth": 3, "allow_writing_files": False,
             "thread_count": 1, "random_seed": 1}  # fmt: skip
    model = kind(**{**fixed, **parameters}).fit(x, y)
    if change:
        change(model)

    def scores(rows: np.ndarray) -> np.ndarray:
        return model.predict(rows, prediction_type="RawFormulaVal").reshape(len(rows), -1)

    def plain(rows: np.ndarray) -> np.ndarray:
        return model.predict(rows).reshape(len(rows), -1)

    with tempfile.TemporaryDirectory() as folder:
        model.save_model(folder + "/model.json", format="json")
        text = Path(folder, "model.json").read_text()
    if loss in classifiers:
        return Model(text, x, scores, plain, model.predict_proba)
    return Model(text, x, scores, None, plain)


def catboost_models() -> dict[str, Callable[[], Model]]:
    x, y = numbers()
    odd, odd_y = mixed()
    two = (y > 0).astype(int)

    def of(y: np.ndarray, x: np.ndarray = x, change: Callable[[Any], None] | None = None,
           **parameters: Any) -> Callable[[], Model]:  # fmt: skip
        return lambda: catboost_model(parameters, x, y, change)

    models = {
        "logloss": of(two),
        "strings": of(np.where(two, "yes", "no")),
        "booleans": of(two.astype(bool)),
        "threshold": of(two, change=lambda m: m.set_probability_threshold(0.8)),
        "scale": of(two * 3 + 2, change=lambda m: m.set_scale_and_bias(1.7, 0.3)),
        "deep": of(two, depth=8, iterations=4),
        "multiclass": of(classes(y, 4) + 5, loss_function="MultiClass"),
        "multiclass scale": of(classes(y, 3), loss_function="MultiClass",
                               change=lambda m: m.set_scale_and_bias(0.3, [0.1, 0.2, -0.3])),
        "one against all": of(classes(y, 3), loss_function="MultiClassOneVsAll"),
        "multilabel": of(np.c_[two, y > 1].astype(int), loss_function="MultiLogloss"),
        "cross entropy": of(two * 0.6 + 0.2, loss_function="CrossEntropy"),
        "nan below": of(odd_y, odd, nan_mode="Min"),
        "nan above": of(odd_y, odd, nan_mode="Max"),
        "depthwise": of(odd_y, odd, grow_policy="Depthwise", nan_mode="Max"),
        "lossguide": of(y, loss_function="RMSE", grow_policy="Lossguide"),
        "depthwise multiclass": of(classes(y, 3), loss_function="MultiClass", grow_policy="Depthwise"),
        "two outputs": of(np.c_[y, -y * y], loss_function="MultiRMSE"),
    }  # fmt: skip
    for loss in ("RMSE", "MAE", "MAPE", "Quantile", "LogLinQuantile", "Huber:delta=1", "Expectile:alpha=0.3",
                 "Lq:q=3", "LogCosh", "Poisson", "Tweedie:variance_power=1.5"):  # fmt: skip
        models[loss] = of(np.abs(y) + 0.1, loss_function=loss)
    return models


MODELS = {"xgboost": (xgboost_models, "json"), "lightgbm": (lightgbm_models, "txt"),
          "catboost": (catboost_models, "json")}  # fmt: skip


def without_history(text: str) -> str:
    """A model of CatBoost without what it says of its training, most of a small file."""
    model = json.loads(text)
    if "model_info" in model:
        info = model["model_info"]
        params = {"loss_function": info["params"]["loss_function"]}
        keys = ("class_params", "binclass_probability_threshold")
        model["model_info"] = {**{k: info[k] for k in keys if k in info}, "params": params}
    return json.dumps(model, separators=(",", ":"))


def main() -> None:
    global ROUNDS
    ROUNDS = 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for library, (models, suffix) in MODELS.items():
        for name, make in models().items():
            file = f"{library}-{name.replace(' ', '-').replace(':', '-')}.{suffix}"
            text = make().text
            short = without_history(text) if suffix == "json" else text.split("feature_importances:")[0]
            (folder / file).write_text(short + "\n  ")


if __name__ == "__main__":
    main()
