# SPDX-License-Identifier: Apache-2.0
"""XGBoost, LightGBM and CatBoost: models are written in the library's own format, which the compiler
reads; no library is imported."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Callable

import numpy as np

from .errors import Error
from .registry import key

Written = tuple[str, bytes]


def _xgboost(model: Any) -> Written:
    """JSON. After early stopping the estimator predicts with the best rounds only."""
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    best = booster.attr("best_iteration")
    if best is not None and booster is not model:
        booster = booster[: int(best) + 1]
    return "xgboost.json", bytes(booster.save_raw("json"))


def _lightgbm(model: Any) -> Written:
    """Text; it stops at the best round by itself."""
    booster = getattr(model, "booster_", model)
    return "lightgbm.txt", booster.model_to_string().encode()


def _catboost(model: Any) -> Written:
    """JSON, which the library writes to files only."""
    with tempfile.TemporaryDirectory(prefix="mica-") as folder:
        path = Path(folder) / "catboost.json"
        model.save_model(str(path), format="json")
        return path.name, path.read_bytes()


WRITERS: dict[tuple[str, str], Callable[[Any], Written]] = {
    **{
        ("xgboost", name): _xgboost
        for name in ("Booster", "XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor")
    },
    **{("lightgbm", name): _lightgbm for name in ("Booster", "LGBMClassifier", "LGBMRegressor")},
    **{
        ("catboost", name): _catboost
        for name in ("CatBoost", "CatBoostClassifier", "CatBoostRegressor")
    },
}


def is_booster(model: Any) -> bool:
    """Is this a model that its own library writes?"""
    return key(model) in WRITERS


def file_of(model: Any) -> tuple[str, bytes, list[np.ndarray]]:
    """Name and bytes of the model's file, and the classes, which not every format has."""
    try:
        file, data = WRITERS[key(model)](model)
    except Exception as why:  # each library has exceptions of its own for a model without fit()
        raise Error(f"{type(model).__name__} cannot be written: {why}") from why
    classes = getattr(model, "classes_", None)
    known = classes is not None and len(np.asarray(classes)) > 1
    return file, data, [np.asarray(classes)] if known else []
