# SPDX-License-Identifier: Apache-2.0
"""Mica: a trained model in, standalone C99 for microcontrollers out.

    import mica
    model = mica.convert(estimator, name="gesture")
    model.save("firmware/")
    model.check(estimator, X)
"""

from . import estimators as _estimators  # noqa: F401  enters all of them in the registry
from .convert import convert
from .cost import Cost
from .errors import Error, Mismatch
from .model import Agreement, Model, save_all

__version__ = "0.1.0"
__all__ = ["Agreement", "Cost", "Error", "Mismatch", "Model", "convert", "save_all"]
