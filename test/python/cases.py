# SPDX-License-Identifier: Apache-2.0
"""Every estimator that the package reads, with hyper-parameters and data sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator

import numpy as np
from sklearn import ensemble, linear_model, multiclass, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from data import Data, data

HUGE = 1e30
MODERATE = 1e3
SMALL = 10.0


@dataclass(frozen=True)
class Case:
    """An estimator on a data set. Rows of it are exact in every float; `extreme` is how large
    hostile values get: sums of products of huge ones overflow or cancel in any arithmetic."""

    name: str
    make: Callable[[], Any]
    set_name: str
    nan: bool = False
    extreme: float = HUGE
    whole: tuple[int, ...] = ()  # columns of category numbers
    quick: bool = True
    weight: bool = False
    dtype: Any = np.float64
    fit: Callable[[Any, Data], Any] | None = None

    def __str__(self) -> str:
        return f"{self.name} / {self.set_name}"

    def fitted(self) -> Any:
        """The estimator after fit()."""
        d, estimator = data(self.set_name), self.make()
        if self.fit is not None:
            return self.fit(estimator, d)
        if self.weight:
            weight = np.random.default_rng(3).uniform(0.1, 3.0, len(d.x))
            return estimator.fit(d.x, d.y, sample_weight=weight)
        return estimator.fit(d.x.astype(self.dtype), d.y)


def _cases(
    name: str, make: Callable[[], Any], sets: str, long: str = "", **how: Any
) -> Iterator[Case]:
    """One case a data set; those of `long` only in the long sweep."""
    for set_name in [s.strip() for s in sets.split(";") if s.strip()]:
        yield Case(name, make, set_name, **how)
    for set_name in [s.strip() for s in long.split(";") if s.strip()]:
        yield Case(name, make, set_name, quick=False, **how)


LABELS = "digits; iris, strings; iris, 10..12"
MORE = "cancer; wine; binary"
NUMBERS = "diabetes"


def _trees() -> Iterator[Case]:
    yield from _cases(
        "DecisionTreeClassifier(max_depth=8)",
        lambda: tree.DecisionTreeClassifier(max_depth=8, random_state=0), LABELS + ";binary", MORE,
    )
    yield from _cases(
        "DecisionTreeClassifier(max_leaf_nodes=20, class_weight='balanced')",
        lambda: tree.DecisionTreeClassifier(
            max_leaf_nodes=20, class_weight="balanced", random_state=1
        ), "wine", "digits; cancer",
    )
    yield from _cases(
        "DecisionTreeClassifier, sample_weight",
        lambda: tree.DecisionTreeClassifier(min_samples_leaf=5, random_state=1), "cancer", "digits",
        weight=True,
    )
    yield from _cases(
        "DecisionTreeClassifier, missing values",
        lambda: tree.DecisionTreeClassifier(max_depth=6, random_state=1), "missing", nan=True,
    )
    yield from _cases(
        "DecisionTreeClassifier, two labels",
        lambda: tree.DecisionTreeClassifier(min_samples_leaf=4, random_state=1), "two labels",
    )
    yield from _cases(
        "DecisionTreeClassifier(ccp_alpha=0.01)",
        lambda: tree.DecisionTreeClassifier(ccp_alpha=0.01, random_state=1), "", "digits; cancer",
    )
    yield from _cases(
        "ExtraTreeClassifier", lambda: tree.ExtraTreeClassifier(random_state=1), "wine", LABELS,
    )
    yield from _cases(
        "DecisionTreeRegressor(max_depth=6)",
        lambda: tree.DecisionTreeRegressor(max_depth=6, random_state=1), NUMBERS,
    )
    yield from _cases(
        "DecisionTreeRegressor, three targets",
        lambda: tree.DecisionTreeRegressor(max_depth=4, random_state=1), "exercise",
    )
    yield from _cases(
        "ExtraTreeRegressor", lambda: tree.ExtraTreeRegressor(random_state=1), NUMBERS
    )


def _forests() -> Iterator[Case]:
    yield from _cases(
        "RandomForestClassifier(10)",
        lambda: ensemble.RandomForestClassifier(10, random_state=0), "digits; binary",
        "cancer; wine; iris, strings; iris, 10..12",
    )
    yield from _cases(
        "RandomForestClassifier(100, max_depth=5)",
        lambda: ensemble.RandomForestClassifier(100, max_depth=5, random_state=0), "", "digits; wine",
    )
    yield from _cases(
        "RandomForestClassifier(15, class_weight='balanced_subsample', max_depth=4)",
        lambda: ensemble.RandomForestClassifier(
            15, class_weight="balanced_subsample", max_depth=4, random_state=0
        ), "cancer", "digits",
    )
    yield from _cases(
        "RandomForestClassifier(8), missing values",
        lambda: ensemble.RandomForestClassifier(8, random_state=0), "missing", nan=True,
    )
    yield from _cases(
        "RandomForestClassifier(7, min_samples_leaf=3), two labels",
        lambda: ensemble.RandomForestClassifier(7, min_samples_leaf=3, random_state=0), "two labels",
    )
    yield from _cases(
        "RandomForestClassifier, warm start",
        lambda: ensemble.RandomForestClassifier(4, warm_start=True, max_depth=4, random_state=0),
        "wine", fit=_warm,
    )
    yield from _cases(
        "ExtraTreesClassifier(10)",
        lambda: ensemble.ExtraTreesClassifier(10, min_samples_leaf=2, random_state=0), "wine", LABELS,
    )
    yield from _cases(
        "RandomForestRegressor(10)",
        lambda: ensemble.RandomForestRegressor(10, max_depth=6, random_state=0), NUMBERS,
    )
    yield from _cases(
        "RandomForestRegressor(5), three targets",
        lambda: ensemble.RandomForestRegressor(5, random_state=0), "exercise",
    )
    yield from _cases(
        "ExtraTreesRegressor(10)",
        lambda: ensemble.ExtraTreesRegressor(10, max_depth=7, random_state=0), NUMBERS,
    )
    yield from _cases(
        "IsolationForest(30)", lambda: ensemble.IsolationForest(n_estimators=30, random_state=0), "cancer", "wine",
    )
    yield from _cases(
        "IsolationForest(20, contamination=0.1, max_features=0.5, max_samples=60)",
        lambda: ensemble.IsolationForest(
            n_estimators=20, contamination=0.1, max_features=0.5, max_samples=60, random_state=0
        ), "wine", "cancer; digits",
    )
    yield from _cases(
        "IsolationForest(10), missing values",
        lambda: ensemble.IsolationForest(n_estimators=10, random_state=0), "missing", nan=True,
    )


def _warm(estimator: Any, d: Data) -> Any:
    estimator.fit(d.x, d.y)
    return estimator.set_params(n_estimators=9).fit(d.x, d.y)


def _boosting() -> Iterator[Case]:
    yield from _cases(
        "GradientBoostingClassifier(8)",
        lambda: ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0),
        "wine; cancer; iris, strings", "digits; binary; iris, 10..12",
    )
    yield from _cases(
        "GradientBoostingClassifier(6, learning_rate=0.3, subsample=0.7, max_leaf_nodes=9)",
        lambda: ensemble.GradientBoostingClassifier(
            n_estimators=6, learning_rate=0.3, subsample=0.7, max_leaf_nodes=9, random_state=0
        ), "binary", "digits",
    )
    yield from _cases(
        "GradientBoostingClassifier(6, loss='exponential')",
        lambda: ensemble.GradientBoostingClassifier(
            n_estimators=6, loss="exponential", random_state=0
        ), "cancer", "binary",
    )
    yield from _cases(
        "GradientBoostingClassifier(5, init='zero')",
        lambda: ensemble.GradientBoostingClassifier(n_estimators=5, init="zero", random_state=0),
        "iris", "cancer",
    )
    for loss in ("squared_error", "absolute_error", "huber", "quantile"):
        yield from _cases(
            f"GradientBoostingRegressor(10, loss='{loss}')",
            lambda loss=loss: ensemble.GradientBoostingRegressor(
                n_estimators=10, loss=loss, random_state=0
            ), NUMBERS,
        )
    yield from _cases(
        "HistGradientBoostingClassifier(max_iter=6)",
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=6, random_state=0),
        "cancer; wine; iris, strings", "digits; binary; iris, 10..12", nan=True,
    )
    yield from _cases(
        "HistGradientBoostingClassifier, missing values",
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=5, random_state=0), "missing",
        nan=True,
    )
    yield from _cases(
        "HistGradientBoostingClassifier(categorical_features=[1, 2])",
        lambda: ensemble.HistGradientBoostingClassifier(
            max_iter=5, categorical_features=[1, 2], random_state=0
        ), "categories", nan=True, whole=(1, 2),
    )
    for loss in ("squared_error", "absolute_error", "poisson", "gamma", "quantile"):
        yield from _cases(
            f"HistGradientBoostingRegressor(max_iter=8, loss='{loss}')",
            lambda loss=loss: ensemble.HistGradientBoostingRegressor(
                max_iter=8, loss=loss, quantile=0.7 if loss == "quantile" else None, random_state=0
            ), NUMBERS, nan=True,
        )


def _voting() -> Iterator[Case]:
    yield from _cases(
        "AdaBoostClassifier(10)",
        lambda: ensemble.AdaBoostClassifier(n_estimators=10, random_state=0),
        "cancer; iris, strings", "digits; wine; binary; iris, 10..12",
    )
    yield from _cases(
        "AdaBoostClassifier(6 trees of depth 3, learning_rate=0.5)",
        lambda: ensemble.AdaBoostClassifier(
            tree.DecisionTreeClassifier(max_depth=3), n_estimators=6, learning_rate=0.5,
            random_state=0,
        ), "wine; binary", "digits; cancer",
    )
    yield from _cases(
        "AdaBoostRegressor(8)",
        lambda: ensemble.AdaBoostRegressor(n_estimators=8, random_state=0), NUMBERS,
    )
    yield from _cases(
        "AdaBoostRegressor(5) of LinearRegression",
        lambda: ensemble.AdaBoostRegressor(
            linear_model.LinearRegression(), n_estimators=5, random_state=0
        ), NUMBERS, extreme=MODERATE,
    )
    yield from _cases(
        "BaggingClassifier(6, max_features=0.6, max_samples=0.5)",
        lambda: ensemble.BaggingClassifier(
            tree.DecisionTreeClassifier(min_samples_leaf=2), 6, max_features=0.6, max_samples=0.5,
            random_state=0,
        ), "wine; iris, strings", "digits; cancer",
    )
    yield from _cases(
        "BaggingClassifier(6, max_samples=4): members that saw some classes only",
        lambda: ensemble.BaggingClassifier(n_estimators=6, max_samples=4, random_state=2),
        "iris, 10..12", "digits",
    )
    yield from _cases(
        "BaggingClassifier(4, bootstrap_features=True)",
        lambda: ensemble.BaggingClassifier(
            n_estimators=4, bootstrap_features=True, max_features=9, random_state=2
        ), "cancer",
    )
    yield from _cases(
        "BaggingClassifier(4) of LogisticRegression",
        lambda: ensemble.BaggingClassifier(
            linear_model.LogisticRegression(max_iter=300), 4, max_features=0.5, random_state=0
        ), "iris", "cancer", extreme=MODERATE,
    )
    yield from _cases(
        "BaggingRegressor(6)",
        lambda: ensemble.BaggingRegressor(
            tree.DecisionTreeRegressor(max_depth=5), 6, max_features=0.7, random_state=0
        ), "diabetes; exercise",
    )
    yield from _cases(
        "BaggingRegressor(4) of Ridge",
        lambda: ensemble.BaggingRegressor(linear_model.Ridge(), 4, max_features=0.7, random_state=0),
        NUMBERS, extreme=MODERATE,
    )


def _members(*names: str) -> list[tuple[str, Any]]:
    made = {
        "logistic": linear_model.LogisticRegression(max_iter=300),
        "ridge classifier": linear_model.RidgeClassifier(),
        "tree": tree.DecisionTreeClassifier(max_depth=4, random_state=0),
        "forest": ensemble.RandomForestClassifier(5, max_depth=4, random_state=0),
        "pipeline": make_pipeline(StandardScaler(), svm.LinearSVC(random_state=0)),
        "ridge": linear_model.Ridge(),
        "lasso": linear_model.Lasso(alpha=0.1),
        "forest regressor": ensemble.RandomForestRegressor(5, max_depth=5, random_state=0),
    }
    return [(name, made[name]) for name in names]


def _others() -> Iterator[Case]:
    """Ensembles of other models than trees."""
    for name, make in (
        ("LogisticRegression", lambda: linear_model.LogisticRegression(max_iter=300)),
        ("Perceptron", lambda: linear_model.Perceptron(random_state=0)),
        ("StandardScaler, LinearSVC", lambda: make_pipeline(StandardScaler(), svm.LinearSVC())),
    ):
        yield from _cases(
            f"BaggingClassifier(5) of {name}",
            lambda make=make: ensemble.BaggingClassifier(
                make(), 5, max_samples=0.5, max_features=0.6, random_state=0
            ), "iris, strings; cancer", "wine; digits", extreme=MODERATE,
        )
    yield from _cases(
        "BaggingClassifier(6) of RandomForestClassifier",
        lambda: ensemble.BaggingClassifier(
            ensemble.RandomForestClassifier(3, max_depth=3, random_state=0), 6, random_state=0
        ), "iris", "digits; binary",
    )
    yield from _cases(
        "BaggingClassifier(8, max_samples=4) of RidgeClassifier: some classes only",
        lambda: ensemble.BaggingClassifier(
            linear_model.RidgeClassifier(), 8, max_samples=4, random_state=3
        ), "iris, 10..12", "wine", extreme=MODERATE,
    )
    yield from _cases(
        "BaggingClassifier(8, max_samples=5) of LogisticRegression: some classes only",
        lambda: ensemble.BaggingClassifier(
            linear_model.LogisticRegression(), 8, max_samples=5, random_state=3
        ), "iris, strings", "", extreme=MODERATE,
    )
    for name, make in (
        ("LogisticRegression", lambda: linear_model.LogisticRegression(max_iter=300)),
        ("RidgeClassifier", lambda: linear_model.RidgeClassifier()),
        ("SGDClassifier", lambda: linear_model.SGDClassifier(random_state=0)),
    ):
        yield from _cases(
            f"AdaBoostClassifier(6) of {name}",
            lambda make=make: ensemble.AdaBoostClassifier(make(), n_estimators=6, random_state=0),
            "iris, strings; cancer", "wine; digits", extreme=MODERATE,
        )
    trees, linears = ("tree", "forest"), ("logistic", "ridge classifier", "pipeline")
    yield from _cases(
        "VotingClassifier, hard",
        lambda: ensemble.VotingClassifier(_members(*trees, *linears)),
        "iris, strings; cancer", "wine; digits; iris, 10..12", extreme=MODERATE,
    )
    yield from _cases(
        "VotingClassifier, hard, weights",
        lambda: ensemble.VotingClassifier(_members(*trees, *linears), weights=[0.3, 1, 2, 0.7, 0.3]),
        "wine", "iris, strings; digits", extreme=MODERATE,
    )
    for weights in (None, [2, 1, 0.5]):
        yield from _cases(
            f"VotingClassifier, soft, weights={weights}",
            lambda weights=weights: ensemble.VotingClassifier(
                _members(*trees, "logistic"), voting="soft", weights=weights
            ), "iris, strings; cancer", "wine; digits", extreme=MODERATE,
        )
        yield from _cases(
            f"VotingRegressor, weights={weights}",
            lambda weights=weights: ensemble.VotingRegressor(
                _members("ridge", "lasso", "forest regressor"), weights=weights
            ), NUMBERS, extreme=MODERATE,
        )
    yield from _cases(
        "VotingClassifier, soft, of trees",
        lambda: ensemble.VotingClassifier(_members(*trees), voting="soft"), "binary", "digits",
    )
    yield from _cases(
        "StackingClassifier",
        lambda: ensemble.StackingClassifier(
            _members("tree", "logistic", "pipeline"), cv=3,
            final_estimator=linear_model.LogisticRegression(max_iter=400),
        ), "iris, strings; cancer", "wine; iris, 10..12", extreme=MODERATE,
    )
    yield from _cases(
        "StackingClassifier(passthrough=True, stack_method='predict')",
        lambda: ensemble.StackingClassifier(
            _members("tree", "ridge classifier"), cv=3, passthrough=True, stack_method="predict",
            final_estimator=ensemble.RandomForestClassifier(4, max_depth=4, random_state=0),
        ), "iris", "wine", extreme=MODERATE,
    )
    yield from _cases(
        "StackingRegressor",
        lambda: ensemble.StackingRegressor(
            _members("ridge", "forest regressor"), linear_model.Ridge(), cv=3
        ), NUMBERS, extreme=MODERATE,
    )


def _linear() -> Iterator[Case]:
    for make in (
        lambda: linear_model.LinearRegression(),
        lambda: linear_model.LinearRegression(fit_intercept=False),
        lambda: linear_model.Ridge(),
        lambda: linear_model.RidgeCV(),
        lambda: linear_model.Lasso(alpha=0.1),
        lambda: linear_model.LassoCV(),
        lambda: linear_model.ElasticNet(alpha=0.1),
        lambda: linear_model.ElasticNetCV(),
        lambda: linear_model.BayesianRidge(),
        lambda: linear_model.HuberRegressor(max_iter=1000),
        lambda: linear_model.SGDRegressor(random_state=0),
        lambda: linear_model.PoissonRegressor(),
        lambda: svm.LinearSVR(random_state=0),
    ):
        yield from _cases(repr(make()), make, NUMBERS, extreme=MODERATE)
    for make in (
        lambda: linear_model.LinearRegression(),
        lambda: linear_model.Ridge(),
        lambda: linear_model.MultiTaskLasso(),
        lambda: linear_model.MultiTaskElasticNet(),
    ):
        yield from _cases(f"{make()!r}, three targets", make, "exercise", extreme=MODERATE)
    for make in (
        lambda: linear_model.LogisticRegression(max_iter=400),
        lambda: linear_model.RidgeClassifier(),
        lambda: linear_model.RidgeClassifierCV(),
        lambda: linear_model.SGDClassifier(random_state=0),
        lambda: linear_model.SGDClassifier(loss="modified_huber", random_state=0),
        lambda: linear_model.Perceptron(random_state=0),
        lambda: svm.LinearSVC(random_state=0),
        lambda: multiclass.OneVsRestClassifier(linear_model.LogisticRegression(max_iter=300)),
        lambda: multiclass.OneVsRestClassifier(svm.LinearSVC(random_state=0)),
    ):
        yield from _cases(
            _short(make()), make, "iris, strings; cancer", "digits; wine; iris, 10..12; binary",
            extreme=MODERATE,
        )
    # Where the logistic function of every score underflows, their shares are those of denormals.
    yield from _cases(
        "SGDClassifier(loss='log_loss')",
        lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0),
        "iris, strings; cancer", "digits; wine", extreme=SMALL,
    )
    yield from _cases(
        "LogisticRegressionCV(3 values of C)",
        lambda: linear_model.LogisticRegressionCV(Cs=3, cv=3, max_iter=200), "", "iris; cancer",
        extreme=MODERATE,
    )
    yield from _cases(
        "LogisticRegression, float32 throughout",
        lambda: linear_model.LogisticRegression(max_iter=400), "iris", "iris, strings",
        extreme=SMALL, dtype=np.float32,
    )
    yield from _cases(
        "SGDOneClassSVM", lambda: linear_model.SGDOneClassSVM(random_state=0), "iris",
        extreme=MODERATE,
    )


def _short(estimator: Any) -> str:
    return " ".join(repr(estimator).split())


def _pipelines() -> Iterator[Case]:
    for scaler in (
        StandardScaler(), StandardScaler(with_mean=False), MinMaxScaler(), MaxAbsScaler(),
        RobustScaler(), RobustScaler(with_centering=False),
    ):  # fmt: skip
        yield from _cases(
            f"{scaler!r}, RandomForestClassifier(5)",
            lambda scaler=scaler: make_pipeline(
                scaler, ensemble.RandomForestClassifier(5, max_depth=6, random_state=0)
            ), "wine", "digits; cancer; iris, strings",
        )
        yield from _cases(
            f"{scaler!r}, LogisticRegression",
            lambda scaler=scaler: make_pipeline(
                scaler, linear_model.LogisticRegression(max_iter=300)
            ), "cancer", "digits; wine", extreme=MODERATE,
        )
    yield from _cases(
        "StandardScaler, DecisionTreeClassifier, float32 throughout",
        lambda: make_pipeline(StandardScaler(), tree.DecisionTreeClassifier(random_state=0)),
        "wine", "cancer; digits", dtype=np.float32,
    )
    for scaler in (MinMaxScaler(), RobustScaler(), MaxAbsScaler()):
        yield from _cases(
            f"{scaler!r}, RandomForestClassifier(5), float32 throughout",
            lambda scaler=scaler: make_pipeline(
                scaler, ensemble.RandomForestClassifier(5, random_state=0)
            ), "wine", "cancer", dtype=np.float32,
        )
    yield from _cases(
        "StandardScaler, HistGradientBoostingClassifier",
        lambda: make_pipeline(
            StandardScaler(), ensemble.HistGradientBoostingClassifier(max_iter=4, random_state=0)
        ), "wine", "cancer", nan=True,
    )
    yield from _cases(
        "StandardScaler, GradientBoostingRegressor",
        lambda: make_pipeline(
            StandardScaler(), ensemble.GradientBoostingRegressor(n_estimators=6, random_state=0)
        ), NUMBERS,
    )
    yield from _cases(
        "MinMaxScaler(clip=True), DecisionTreeClassifier",
        lambda: make_pipeline(MinMaxScaler(clip=True), tree.DecisionTreeClassifier(random_state=0)),
        "wine", "digits",
    )
    yield from _cases(
        "SimpleImputer, StandardScaler, LogisticRegression",
        lambda: make_pipeline(
            SimpleImputer(), StandardScaler(), linear_model.LogisticRegression()
        ), "missing", nan=True, extreme=MODERATE,
    )
    yield from _cases(
        "SimpleImputer(median), DecisionTreeClassifier",
        lambda: make_pipeline(
            SimpleImputer(strategy="median"), tree.DecisionTreeClassifier(random_state=0)
        ), "missing", nan=True,
    )
    yield from _cases(
        "SimpleImputer(missing_values=0), RandomForestClassifier(5)",
        lambda: make_pipeline(
            SimpleImputer(missing_values=0, strategy="most_frequent"),
            ensemble.RandomForestClassifier(5, max_depth=5, random_state=0),
        ), "", "digits",
    )
    for norm in ("l1", "l2", "max"):
        yield from _cases(
            f"Normalizer({norm}), LogisticRegression",
            lambda norm=norm: make_pipeline(
                Normalizer(norm), linear_model.LogisticRegression(max_iter=300)
            ), "iris", "digits", extreme=MODERATE,
        )
    yield from _cases(
        "SelectKBest(5), StandardScaler, LinearSVC",
        lambda: make_pipeline(SelectKBest(k=5), StandardScaler(), svm.LinearSVC(random_state=0)),
        "wine", "digits", extreme=MODERATE,
    )
    yield from _cases(
        "VarianceThreshold, SelectFromModel, RandomForestClassifier(4)",
        lambda: make_pipeline(
            VarianceThreshold(0.01), SelectFromModel(tree.DecisionTreeClassifier(random_state=0)),
            ensemble.RandomForestClassifier(4, random_state=0),
        ), "digits",
    )
    yield from _cases(
        "ColumnTransformer, DecisionTreeClassifier",
        lambda: make_pipeline(
            ColumnTransformer(
                [("s", StandardScaler(), [0, 2]), ("m", MinMaxScaler(), slice(4, 8)),
                 ("keep", "passthrough", [9, -1]), ("no", "drop", [1])],
                remainder=RobustScaler(),
            ), tree.DecisionTreeClassifier(max_depth=5, random_state=0),
        ), "wine", "digits",
    )  # fmt: skip
    yield from _cases(
        "ColumnTransformer of a Pipeline, Ridge",
        lambda: make_pipeline(
            ColumnTransformer(
                [("p", make_pipeline(SimpleImputer(), StandardScaler()), [1, 3])],
                remainder="passthrough", transformer_weights={"p": 0.25},
            ), linear_model.Ridge(),
        ), NUMBERS, extreme=MODERATE,
    )
    yield from _cases(
        "FeatureUnion, LogisticRegression",
        lambda: Pipeline(
            [("u", FeatureUnion([("s", StandardScaler()), ("m", MinMaxScaler())])),
             ("skip", "passthrough"), ("c", linear_model.LogisticRegression(max_iter=500))]
        ), "iris, strings", extreme=MODERATE,
    )  # fmt: skip


def _xgboost(kind: str = "Classifier", **how: Any) -> Any:
    import xgboost

    return getattr(xgboost, f"XGB{kind}")(n_estimators=8, max_depth=4, **how)


def _lightgbm(kind: str = "Classifier", **how: Any) -> Any:
    import lightgbm

    return getattr(lightgbm, f"LGBM{kind}")(n_estimators=8, verbose=-1, n_jobs=1, **how)


def _catboost(kind: str = "Classifier", **how: Any) -> Any:
    import catboost

    return getattr(catboost, f"CatBoost{kind}")(
        iterations=8, depth=4, verbose=False, allow_writing_files=False, thread_count=1, **how
    )


def _with_categories(estimator: Any, d: Data) -> Any:
    """The columns of categories come last, as they are."""
    return estimator.fit(d.x, d.y, lgbmclassifier__categorical_feature=[2, 3])


def _boosters() -> Iterator[Case]:
    """Behind scalers and the like, whose results XGBoost and CatBoost round to float32."""
    for name, make in (("XGB", _xgboost), ("LGBM", _lightgbm), ("CatBoost", _catboost)):
        labels = "digits" if name == "XGB" else "digits; iris, strings; iris, 10..12"
        yield from _cases(
            f"StandardScaler, {name}Classifier",
            lambda make=make: make_pipeline(StandardScaler(), make()),
            "cancer; wine; missing", labels, nan=True,
        )
        yield from _cases(
            f"SimpleImputer, MinMaxScaler, SelectKBest(6), {name}Classifier",
            lambda make=make: make_pipeline(
                SimpleImputer(strategy="median"), MinMaxScaler(), SelectKBest(k=6), make()
            ), "missing", "wine", nan=True,
        )
        yield from _cases(
            f"ColumnTransformer, {name}Regressor",
            lambda make=make: make_pipeline(
                ColumnTransformer(
                    [("s", StandardScaler(), [0, 2]), ("r", RobustScaler(), slice(3, 7)),
                     ("keep", "passthrough", [8, -1])]
                ), make("Regressor"),
            ), NUMBERS, nan=True,
        )  # fmt: skip
        yield from _cases(
            f"StandardScaler, {name}Classifier, float32 throughout",
            lambda make=make: make_pipeline(StandardScaler(), make()),
            "wine", "digits", nan=True, dtype=np.float32,
        )
        yield from _cases(
            f"BaggingClassifier(3) of {name}Classifier",
            lambda make=make: ensemble.BaggingClassifier(make(), 3, random_state=0), "", "wine",
        )
    yield from _cases(
        "MaxAbsScaler, XGBClassifier(booster='gblinear')",
        lambda: make_pipeline(MaxAbsScaler(), _xgboost(booster="gblinear")), "cancer", "wine",
        extreme=MODERATE,
    )
    yield from _cases(
        "StandardScaler, LGBMClassifier(boosting_type='rf')",
        lambda: make_pipeline(
            StandardScaler(), _lightgbm(boosting_type="rf", subsample=0.6, subsample_freq=1)
        ), "wine", "cancer", nan=True,
    )
    yield from _cases(
        "StandardScaler, CatBoostClassifier(grow_policy='Depthwise')",
        lambda: make_pipeline(StandardScaler(), _catboost(grow_policy="Depthwise")), "wine",
        "missing", nan=True,
    )
    yield from _cases(
        "ColumnTransformer, LGBMClassifier with categories",
        lambda: make_pipeline(
            ColumnTransformer([("s", StandardScaler(), [0, 3]), ("keep", "passthrough", [1, 2])]),
            _lightgbm(),
        ), "categories", nan=True, whole=(1, 2), fit=_with_categories,
    )


CASES: list[Case] = [
    *_trees(), *_forests(), *_boosting(), *_voting(), *_others(), *_linear(), *_pipelines(),
    *_boosters(),
]  # fmt: skip
