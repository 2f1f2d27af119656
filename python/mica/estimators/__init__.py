# SPDX-License-Identifier: Apache-2.0
"""How each estimator is read: importing a module enters its functions in the registry."""

from . import boosted, boosting, combined, ensembles, features, linear, pipeline, trees

__all__ = ["boosted", "boosting", "combined", "ensembles", "features", "linear", "pipeline", "trees"]
