# SPDX-License-Identifier: Apache-2.0
"""Damaged files of boosted models: each is refused with a message that names the place."""

from __future__ import annotations

import copy
import json
import random
import resource
import subprocess
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from booster_models import MODELS
from support import ALL, MICA, PORTABLE, mica, need

Change = Callable[[Any], None]


@lru_cache(maxsize=None)
def text_of(library: str, name: str) -> str:
    pytest.importorskip(library)
    return MODELS[library][0]()[name]().text


def refusal(folder: Path, text: str | bytes) -> str:
    """What the command says of a file, which it must refuse."""
    file = folder / "model"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    said = mica("inspect", file, status=1).stderr
    assert "model: " in said, said
    return said


def put(path: str, value: Any) -> Change:
    """A change that sets what stands at a path such as "learner/trees/0"."""

    def change(model: Any) -> None:
        *way, last = path.split("/")
        for key in way:
            model = model[int(key) if isinstance(model, list) else key]
        if value is KeyError:
            del model[int(last) if isinstance(model, list) else last]
        else:
            model[int(last) if isinstance(model, list) else last] = value

    return change


TREE = "learner/gradient_booster/model/trees/1"
PLACE = "learner.gradient_booster.model.trees[1]"
XGBOOST = [
    ("learner", 3, "learner: an object is wanted here, and this is an integer"),
    ("learner/objective/name", "rank:odd", 'the objective "rank:odd" is not supported'),
    ("learner/gradient_booster/name", "gbodd", 'learner.gradient_booster.name: the booster "gbodd"'),
    ("learner/learner_model_param/num_feature", "-5", "num_feature: -5 is not within 0 and 65536"),
    ("learner/learner_model_param/num_feature", "5x", 'num_feature: "5x" is no integer'),
    ("learner/learner_model_param/num_feature", "999999999999", "num_feature: 999999999999 is not within"),
    ("learner/learner_model_param/num_class", "7", "7 classes and 1 targets do not fit"),
    ("learner/learner_model_param/base_score", "[2E0]", "base_score: the base score 2 has no margin"),
    ("learner/learner_model_param/base_score", "[5E-1,5E-1]", "is neither a number nor a list of 1"),
    ("learner/gradient_booster/model/trees", [], "model.trees: the model has no trees"),
    ("learner/gradient_booster/model/tree_info/1", 4, "model.tree_info[1]: 4 is not within 0 and 0"),
    (TREE, None, PLACE + ": an object is wanted here, and this is null"),
    (TREE + "/left_children", KeyError, PLACE + ": there is no 'left_children'"),
    (TREE + "/left_children/0", "1", PLACE + ".left_children[0]: an integer is wanted here"),
    (TREE + "/left_children/0", 1.5, PLACE + ".left_children[0]: an integer is wanted here"),
    (TREE + "/left_children/0", -2, PLACE + ".left_children[0]: -2 is not within -1 and"),
    (TREE + "/left_children/0", 0, PLACE + ": node 0 leads to node 0"),
    (TREE + "/right_children/0", -1, PLACE + ": node 0 leads to node -1"),
    (TREE + "/right_children/0", 10**6, PLACE + ".right_children[0]: 1000000 is not within"),
    (TREE + "/split_conditions/0", float("nan"), PLACE + ": split_conditions[0] is no number"),
    (TREE + "/split_conditions/0", [1], PLACE + ".split_conditions[0]: a number is wanted here"),
    (TREE + "/split_indices/0", 5, PLACE + ": node 0 tests feature 5, and there are 5"),
    (TREE + "/split_indices/0", -1, PLACE + ".split_indices[0]: -1 is not within"),
    (TREE + "/default_left", [1], PLACE + ".default_left: there are 1 elements instead of"),
    (TREE + "/split_type/0", 1, PLACE + ": node 0 tests categories, and categories_nodes"),
    (TREE + "/tree_param/size_leaf_vector", "4", PLACE + ".tree_param: leaves of 4 numbers"),
]


def changed(text: str, change: Change) -> str:
    model = json.loads(text)
    change(model)
    return json.dumps(model)


@pytest.mark.parametrize("path, value, wanted", XGBOOST)
def test_xgboost_names_the_place(tmp_path: Path, path: str, value: Any, wanted: str) -> None:
    assert wanted in refusal(tmp_path, changed(text_of("xgboost", "logistic"), put(path, value)))


def test_links_that_form_no_tree(tmp_path: Path) -> None:
    """A cycle, which a walk would never leave."""
    text = text_of("xgboost", "logistic")
    tree = json.loads(text)["learner"]["gradient_booster"]["model"]["trees"][1]
    inner = next(i for i in range(1, len(tree["left_children"])) if tree["left_children"][i] > 0)
    said = refusal(tmp_path, changed(text, put(f"{TREE}/left_children/{inner}", inner)))
    assert f"{PLACE}: node {inner} is reached twice" in said


SYMMETRIC = "oblivious_trees/2"
CATBOOST = [
    ("model_info/params/loss_function/type", "Odd", 'model_info.params.loss_function.type: the loss "Odd"'),
    ("features_info/float_features/1/flat_feature_index", 10**7, "float_features[1].flat_feature_index: 100000"),
    ("features_info/float_features/1/feature_index", 0, "float_features[1].feature_index: two features"),
    ("oblivious_trees", [], "oblivious_trees: the model has no trees"),
    (SYMMETRIC + "/splits/0/split_type", "OneHotFeature", 'split_type: a test of the kind "OneHotFeature"'),
    (SYMMETRIC + "/splits/0/float_feature_index", 9, "oblivious_trees[2].splits[0].float_feature_index: 9 is"),
    (SYMMETRIC + "/splits/0/border", "x", "oblivious_trees[2].splits[0].border: a number is wanted here"),
    (SYMMETRIC + "/splits/0/border", 1e39, "oblivious_trees[2].splits[0].border: 1e+39 is no finite"),
    (SYMMETRIC + "/splits", [{}] * 40, "oblivious_trees[2].splits: a tree of depth 40"),
    (SYMMETRIC + "/leaf_values/1", None, "oblivious_trees[2].leaf_values[1]: a number is wanted here"),
    (SYMMETRIC + "/leaf_values/1", KeyError, "oblivious_trees[2].leaf_values: there are 7 numbers"),
    ("scale_and_bias/0", 0, "scale_and_bias[0]: a scale of 0"),
    ("scale_and_bias/1", [0, 0], "scale_and_bias[1]: there are 2 numbers for 1 scores"),
    ("model_info/class_params/class_names", ["a"], "class_params: there are 1 names of 2 classes"),
]  # fmt: skip


@pytest.mark.parametrize("path, value, wanted", CATBOOST)
def test_catboost_names_the_place(tmp_path: Path, path: str, value: Any, wanted: str) -> None:
    assert wanted in refusal(tmp_path, changed(text_of("catboost", "logloss"), put(path, value)))


def test_catboost_other_trees_name_the_place(tmp_path: Path) -> None:
    text = text_of("catboost", "depthwise")
    for path, value, wanted in (
        ("trees/1/left/split", {}, "trees[1].left.split: there is no 'float_feature_index'"),
        ("trees/1/left", KeyError, "trees[1]: there is no 'left'"),
        ("scale_and_bias/0", 3, "a scale other than 1 is supported of symmetric trees only"),
    ):
        assert wanted in refusal(tmp_path, changed(text, put(path, value)))


LIGHTGBM = [
    ("max_feature_idx=4", "max_feature_idx=-4", "line 6: max_feature_idx: -4 is not within"),
    ("max_feature_idx=4", "max_feature_idx=", "line 6: max_feature_idx: an integer is wanted"),
    ("max_feature_idx=4", "max_feature_idx=4\nmax_feature_idx=4", "line 7: max_feature_idx: it is given twice"),
    ("objective=binary", "objective=odd", "line 7: objective: the objective 'odd sigmoid:1' is not"),
    ("sigmoid:1", "sigmoid:-1", "line 7: objective: sigmoid must be positive"),
    ("num_leaves=8", "num_leaves=9", "leaf_value: a number is wanted where it ends"),
    ("num_leaves=8", "num_leaves=7", "there is more than the 7 numbers that are wanted"),
    ("num_leaves=8", "num_leaves=99999999999", "num_leaves: 99999999999 is not within"),
    ("is_linear=0", "is_linear=1", "is_linear: leaves that are linear models are not supported"),
    ("\nleft_child=1", "\nleft_child=99", "left_child: 99 is not within -8 and 6"),
    ("\nleft_child=1", "\nleft_child=0", "tree 0: node 0 leads to node 0"),
    ("\nthreshold=", "\nthreshold=nan ", "threshold: number 0 is NaN"),
    ("\nthreshold=", "\nthreshold=x ", "threshold: a number is wanted"),
    ("\nleaf_value=", "\nleaf_value=inf ", "leaf_value: "),
    ("\nsplit_feature=", "\nsplit=", "tree 0 has no 'split_feature'"),
    ("end of trees", "", "the file ends within tree 11"),
]


@pytest.mark.parametrize("old, new, wanted", LIGHTGBM)
def test_lightgbm_names_the_line(tmp_path: Path, old: str, new: str, wanted: str) -> None:
    text = text_of("lightgbm", "binary")
    assert old in text
    said = refusal(tmp_path, text.replace(old, new, 1))
    assert wanted in said and "line " in said


@pytest.mark.parametrize("library, name", [("xgboost", "sets"), ("catboost", "logloss"), ("lightgbm", "sets")])
def test_truncated_files_are_refused(tmp_path: Path, library: str, name: str) -> None:
    text = text_of(library, name)
    end = text.index("end of trees") if library == "lightgbm" else len(text.rstrip())
    for part in range(1, 40):
        said = refusal(tmp_path, text[: end * part // 40])
        assert "line " in said or part < 3


def test_other_json_and_binary_files(tmp_path: Path) -> None:
    for text, wanted in (
        ("{}", "no model of XGBoost (it has no 'learner')"),
        ('{"learner": {}, "learner": {}}', "line 1, column"),
        ('{"a":' * 3000, "line 1, column"),
        ("{" + '"a":[' * 500, "line 1, column"),
        (b"{L\0\0\0\0\0\0\0\x07learner{", "XGBoost's binary format"),
        (b"CBM1" + bytes(40), "CatBoost's binary format"),
        ("tree\n", "line 1: the file ends within the header"),
    ):
        assert wanted in refusal(tmp_path, text)


def test_numbers_that_json_cannot_write(tmp_path: Path) -> None:
    """XGBoost writes Infinity where a gain is; CatBoost integers of 64 bits without a sign."""
    model = json.loads(text_of("xgboost", "logistic"))
    tree = model["learner"]["gradient_booster"]["model"]["trees"][0]
    plain = json.dumps(model)
    odd = copy.deepcopy(model)
    losses = odd["learner"]["gradient_booster"]["model"]["trees"][0]["loss_changes"]
    losses[:3] = [float("inf"), float("-inf"), float("nan")]
    odd["learner"]["attributes"] = {"NaN": "a \\\" NaN", "n": 18446744073709551615}
    assert len(tree["loss_changes"]) >= 3
    dumps = []
    for text in (plain, json.dumps(odd)):
        (tmp_path / "model.json").write_text(text)
        dumps.append(mica("dump", tmp_path / "model.json", "--after", "read").stdout)
    assert dumps[0] == dumps[1]


def test_a_chain_of_a_million_nodes(tmp_path: Path) -> None:
    """As deep as it is long: neither recursion nor much memory or time."""
    n = 500_000
    left = [-1] * (2 * n + 1)
    right = list(left)
    for i in range(n):
        left[2 * i], right[2 * i] = 2 * i + 1, 2 * i + 2
    model = json.loads(text_of("xgboost", "linear").replace("gblinear", "gbtree"))
    zeros = [0] * len(left)
    tree = {"left_children": left, "right_children": right, "split_indices": zeros, "default_left": zeros,
            "split_conditions": [i % 97 / 8 for i in range(len(left))],
            "tree_param": {"size_leaf_vector": "1"}}  # fmt: skip
    model["learner"]["gradient_booster"]["model"] = {"trees": [tree], "tree_info": [0]}
    file = tmp_path / "model.json"
    file.write_text(json.dumps(model))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    done = subprocess.run([MICA, "dump", file, "--after", "read"], capture_output=True, preexec_fn=limit)
    assert done.returncode == 0, done.stderr[-300:]
    assert done.stdout.count(b"\n") > 1000


def random_booster(trees: int, tests: int) -> str:
    """XGBoost's file of random trees; each test stands at a leaf that was drawn from all of its tree."""
    model = json.loads(text_of("xgboost", "linear").replace("gblinear", "gbtree"))
    draw = random.Random(0)
    forest = []
    for _ in range(trees):
        n = 2 * tests + 1
        left, right = [-1] * n, [-1] * n
        leaves = [0]
        for at in range(1, n, 2):
            node = leaves.pop(draw.randrange(len(leaves)))
            left[node], right[node] = at, at + 1
            leaves += [at, at + 1]
        zeros = [0] * n
        numbers = [round(draw.gauss(0, 1), 4) for _ in range(n)]
        forest.append({"left_children": left, "right_children": right, "default_left": zeros,
                       "split_indices": [draw.randrange(4) for _ in range(n)], "split_conditions": numbers,
                       "tree_param": {"size_leaf_vector": "1"}})  # fmt: skip
    model["learner"]["gradient_booster"]["model"] = {"trees": forest, "tree_info": [0] * trees}
    return json.dumps(model)


@pytest.mark.skipif(not ALL, reason="the long sweep (MICA_ALL=1)")
def test_a_million_nodes_are_c_and_compiled_within_seconds(tmp_path: Path) -> None:
    """1,000 trees of 1,001 nodes: some 4 seconds of a processor to C and 4 to 7 through gcc."""
    need("arm-none-eabi-gcc")
    (tmp_path / "big.json").write_text(random_booster(1000, 500))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (30, 30))

    for optimize in ("size", "speed"):
        words = ("compile", "big.json", "--name", "big", "--optimize", optimize, "--target", "cortex-m4f")
        subprocess.run([MICA, *words], cwd=tmp_path, check=True, preexec_fn=limit)
        words = ("-mcpu=cortex-m4", "-mthumb", "--specs=picolibc.specs", *PORTABLE, "-Os", "-c", "big.c")
        subprocess.run(["arm-none-eabi-gcc", *words], cwd=tmp_path, check=True, preexec_fn=limit)
