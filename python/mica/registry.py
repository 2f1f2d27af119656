# SPDX-License-Identifier: Apache-2.0
"""Which function reads which estimator.

An estimator is known by its library and the name of its class: no library is imported for it. A
class derived from a known one is not taken for it, because it may compute something else.
"""

from __future__ import annotations

from typing import Any, Callable

from .errors import Error
from .onnx_graph import Graph, Heads, Tensor

Predictor = Callable[[Graph, Any, Tensor], Heads]
Transformer = Callable[[Graph, Any, Tensor], Tensor]

PREDICTORS: dict[tuple[str, str], Predictor] = {}
TRANSFORMERS: dict[tuple[str, str], Transformer] = {}


def key(estimator: Any) -> tuple[str, str]:
    """The library and the class of an estimator."""
    kind = type(estimator)
    return kind.__module__.split(".")[0], kind.__name__


def predicts(library: str, *names: str) -> Callable[[Predictor], Predictor]:
    """Marks the function that reads estimators of these classes."""

    def register(function: Predictor) -> Predictor:
        PREDICTORS.update({(library, name): function for name in names})
        return function

    return register


def transforms(library: str, *names: str) -> Callable[[Transformer], Transformer]:
    """Marks the function that reads transformers of these classes."""

    def register(function: Transformer) -> Transformer:
        TRANSFORMERS.update({(library, name): function for name in names})
        return function

    return register


def predict(graph: Graph, estimator: Any, x: Tensor) -> Heads:
    """Adds the nodes of an estimator that predicts."""
    return _find(PREDICTORS, estimator, "predicts")(graph, estimator, x)


def transform(graph: Graph, transformer: Any, x: Tensor) -> Tensor:
    """Adds the nodes of a transformer."""
    return _find(TRANSFORMERS, transformer, "transforms")(graph, transformer, x)


def _find(table: dict[tuple[str, str], Any], estimator: Any, does: str) -> Any:
    function = table.get(key(estimator))
    if function is None:
        library, name = key(estimator)
        known = sorted(n for where, n in table if where == library) or sorted(n for _, n in table)
        raise Error(
            f"{name} of {library} is nothing that mica can read here; what {does} and is known: "
            + ", ".join(known)
        )
    return function


def fitted(estimator: Any, attribute: str) -> Any:
    """A fitted attribute; says so where it is missing."""
    try:
        return getattr(estimator, attribute)
    except AttributeError:
        name = type(estimator).__name__
        raise Error(f"{name} has no {attribute}: call fit() before it is converted") from None


def refuse(estimator: Any, what: str) -> Error:
    """The exception for an estimator of a known class that has something unknown."""
    return Error(f"{type(estimator).__name__}: {what}")
