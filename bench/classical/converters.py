# SPDX-License-Identifier: Apache-2.0
"""The peers: each turns a case into C or C++ the way its own documentation shows.

A converter returns what is needed to ask its code about one row, or raises what the peer raises.
Where a peer gives scores and leaves the label to its user, the few lines that a user would
write are here, and they count as code of that peer.
"""

from __future__ import annotations

import copy
import json
import re
import sys
import tempfile
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np

from models import Array, Case


class Unsupported(Exception):
    """The peer does not offer this, or the variant would be the same as another."""


@dataclass
class Converted:
    """Code, and the expression of `x` (a row) that is its answer."""

    source: str
    call: str
    row_type: str = "float"
    answer_type: str = "int32_t"
    language: str = "c"
    rows: Array | None = None  # the test rows in the form it takes; None: as they are
    answers: Array | None = None  # of the estimator that was converted, where that is another
    include: tuple[Path, ...] = ()


def n_classes(case: Case) -> int:
    """How many labels there are; 1 for a regressor."""
    return len(getattr(case.estimator, "classes_", (0,)))


def first_maximum(n: int, kind: str, fill: str) -> str:
    """A function label(x) for code that fills in scores."""
    return f"""
static int label(const {kind} *x)
{{
    {kind} sums[{n}] = {{0}};
    int best = 0;
    {fill};
    for (int i = 1; i < {n}; i++)
        if (sums[i] > sums[best])
            best = i;
    return best;
}}
"""


# ---- emlearn -----------------------------------------------------------------------------------

TREES = ("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier",
         "RandomForestRegressor")


def emlearn_scaled(case: Case) -> tuple[Any, Array]:
    """A model of features that fill the range of int16, as emlearn's documentation asks for."""
    from emlearn.preprocessing.quantizer import Quantizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    whole = case.task.data in ("digits", "binary")
    steps = [Quantizer()] if whole else [StandardScaler(), Quantizer()]
    scaler = make_pipeline(*steps).fit(case.train)
    return case.refit(scaler.transform(case.train)), scaler.transform(case.test)


def emlearn(case: Case, scaled: bool = False, **options: Any) -> Converted:
    """emlearn.convert() with its default (int16, inline) or other options."""
    import emlearn as library

    if case.task.kind not in TREES:
        raise Unsupported("no model of this kind")
    if case.task.answer == "number" and "leaf_bits" in options:
        raise Unsupported("bits of leaves are for classifiers")
    row_type = options.get("dtype", "int16_t")
    estimator, rows, answers = case.estimator, case.test, None
    if scaled:
        estimator, rows = emlearn_scaled(case)
        answers = case.ask(estimator, rows)
    source = library.convert(estimator, **options).save(name="m")
    return Converted(source, f"m_predict(x, {case.test.shape[1]})", row_type,
                     "float" if case.task.answer == "number" else "int32_t",
                     rows=rows, answers=answers, include=(Path(library.__file__).parent,))


# ---- m2cgen ------------------------------------------------------------------------------------


def m2cgen(case: Case, **settings: Any) -> Converted:
    """m2cgen.export_to_c(); `settings` are what XGBoost has to be fitted with for it to work."""
    import m2cgen as library

    if settings and case.task.library != "xgboost":
        raise Unsupported("for XGBoost only")
    estimator, answers = case.estimator, None
    if settings:
        estimator = case.refit(case.train, **settings)
        answers = case.ask(estimator, case.test)
    sys.setrecursionlimit(20000)
    source = library.export_to_c(estimator)
    if case.task.answer == "number":
        return Converted(source, "score((double *)x)", "double", "double", answers=answers)
    if "void score(" in source:
        source += first_maximum(n_classes(case), "double", "score((double *)x, sums)")
        return Converted(source, "label(x)", "double", answers=answers)
    return Converted(source, "score((double *)x) > 0", "double", answers=answers)


# ---- micromlgen --------------------------------------------------------------------------------


def micromlgen(case: Case) -> Converted:
    """micromlgen.port(): a C++ class."""
    from micromlgen import port

    source = port(case.estimator)
    if not source:
        raise Unsupported("no model of this kind")
    name = re.search(r"class (\w+) \{", source)
    assert name, "micromlgen gave no class"
    source = f'#include "Arduino.h"\n{source}\nstatic Eloquent::ML::Port::{name[1]} model;\n'
    return Converted(source, "model.predict((float *)x)", language="c++",
                     answer_type="float" if case.task.answer == "number" else "int32_t")


# ---- sklearn-porter ----------------------------------------------------------------------------


def import_porter() -> Any:
    """The library of 2019 takes Python's and scikit-learn's names of then."""
    import sklearn.ensemble
    import sklearn.neighbors
    import sklearn.neural_network
    import sklearn.svm
    import sklearn.tree

    moved = {"tree.tree": sklearn.tree, "ensemble.forest": sklearn.ensemble,
             "ensemble.weight_boosting": sklearn.ensemble, "svm.classes": sklearn.svm,
             "neighbors.classification": sklearn.neighbors,
             "neural_network.multilayer_perceptron": sklearn.neural_network}
    sys.modules.update({f"sklearn.{name}": module for name, module in moved.items()})
    load = json.load
    json.load = lambda file, encoding=None: load(file)
    try:
        from sklearn_porter import Porter
    finally:
        json.load = load
    return Porter


def as_before(estimator: Any) -> Any:
    """A copy whose attributes have the names of scikit-learn 0.22, and counts in its leaves."""
    old = copy.copy(estimator)
    if hasattr(estimator, "n_features_in_") and not hasattr(estimator, "steps"):
        old.n_features_ = estimator.n_features_in_
    if hasattr(estimator, "steps"):
        old.steps = [(name, as_before(step)) for name, step in estimator.steps]
    if isinstance(getattr(estimator, "estimators_", None), list):
        old.base_estimator = estimator.estimator
        old.estimators_ = [as_before(one) for one in estimator.estimators_]
    if hasattr(estimator, "tree_"):
        tree = estimator.tree_
        names = ("feature", "threshold", "children_left", "children_right", "node_count")
        old.tree_ = types.SimpleNamespace(**{name: getattr(tree, name) for name in names})
        weight = tree.weighted_n_node_samples[:, None, None]
        old.tree_.value = np.rint(tree.value * weight)
    return old


def porter(case: Case) -> Converted:
    """Porter().export(): a program, of which predict() is taken."""
    library = import_porter()
    if case.task.library != "sklearn" or case.task.answer != "label":
        raise Unsupported("no model of this kind")
    source = library(as_before(case.estimator), language="c").export(embed_data=True)
    row = re.search(r"int predict ?\((float|double)", source)
    assert row, "sklearn-porter gave no predict()"
    source = f"#define main porter_main\n{source}\n#undef main\n"
    return Converted(source, f"predict(({row[1]} *)x)", row[1])


# ---- treelite ----------------------------------------------------------------------------------


def treelite_model(case: Case) -> Any:
    """The ensemble in treelite's form."""
    import treelite

    if case.task.library == "xgboost":
        return treelite.frontend.from_xgboost(case.estimator.get_booster())
    if case.task.library == "lightgbm":
        return treelite.frontend.from_lightgbm(case.estimator.booster_)
    return treelite.sklearn.import_model(case.estimator)


def treelite(case: Case) -> Converted:
    """tl2cgen.generate_c_code() of it; labels by the margin, so that no softmax is paid for."""
    import tl2cgen

    model = treelite_model(case)
    with tempfile.TemporaryDirectory() as folder:
        tl2cgen.generate_c_code(model, folder, params={})
        header, main = ((Path(folder) / name).read_text() for name in ("header.h", "main.c"))
    source = header + main.replace('#include "header.h"', "")
    (score_type,) = set(re.findall(r"int pred_margin, (\w+)\* result\)", source))
    entry = re.search(r"(\w+) fvalue;", source)
    classes = re.search(r"define MAX_N_CLASS (\d+)", source)
    assert entry and classes, "tl2cgen's form has changed"
    margin = 1 if case.task.answer == "label" else 0
    n = int(classes[1])
    # The union has the type of the features as a member, and the caller clears the sums.
    call = f"predict((union Entry *)x, {margin}, sums)"
    if n > 1:
        source += first_maximum(n, score_type, call).replace(
            f"const {score_type} *x", f"const {entry[1]} *x")
        return Converted(source, "label(x)", entry[1])
    source += (f"\nstatic {score_type} value(const {entry[1]} *x)\n{{\n    {score_type} sums[1] = "
               f"{{0}};\n    {call};\n    return sums[0];\n}}\n")
    if case.task.answer == "number":
        return Converted(source, "value(x)", entry[1], score_type)
    if case.task.answer == "outlier":
        limit = float(-case.estimator.offset_)
        return Converted(source, f"value(x) > {limit!r} ? -1 : 1", entry[1])
    share = case.task.kind in TREES
    return Converted(source, f"value(x) > {'0.5' if share else '0'}", entry[1])


# ---- all ---------------------------------------------------------------------------------------


def variant(convert: Callable[..., Converted], **options: Any) -> Callable[[Case], Converted]:
    """A converter with options."""
    return lambda case: convert(case, **options)


FLOAT, INT16 = {"dtype": "float"}, {"dtype": "int16_t"}
INLINE, TABLE = {"method": "inline"}, {"method": "loadable"}
PEERS: dict[str, Callable[[Case], Converted]] = {
    "emlearn": emlearn,
    "emlearn float": variant(emlearn, **INLINE, **FLOAT),
    "emlearn loadable": variant(emlearn, **TABLE, **INT16),
    "emlearn scaled": variant(emlearn, scaled=True, **INLINE, **INT16),
    "emlearn scaled, loadable": variant(emlearn, scaled=True, **TABLE, **INT16),
    "emlearn float, leaf_bits=8": variant(emlearn, leaf_bits=8, **INLINE, **FLOAT),
    "emlearn scaled, leaf_bits=8": variant(emlearn, scaled=True, leaf_bits=8, **INLINE, **INT16),
    "emlearn scaled, loadable, leaf_bits=8":
        variant(emlearn, scaled=True, leaf_bits=8, **TABLE, **INT16),
    "m2cgen": m2cgen,
    "m2cgen, 2 parameters set": variant(m2cgen, base_score=0.5, num_parallel_tree=1),
    "micromlgen": micromlgen,
    "sklearn-porter": porter,
    "treelite": treelite,
}
