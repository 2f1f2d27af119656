# SPDX-License-Identifier: Apache-2.0
"""Every estimator that the package reads: all cases, in the order of docs/estimators.md."""

from __future__ import annotations

from case import Case
from cases_boosting import boosters, boosting
from cases_ensembles import of_others, of_trees, votes
from cases_linear import linear
from cases_pipelines import columns, imputers, scalers
from cases_trees import forests, trees

FAMILIES = (
    trees, forests, boosting, of_trees, of_others, votes, linear, scalers, imputers, columns,
    boosters,
)  # fmt: skip
CASES: list[Case] = [case for family in FAMILIES for case in family()]
