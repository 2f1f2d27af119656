# SPDX-License-Identifier: Apache-2.0
"""All cases: importing the families' modules declares them."""

from __future__ import annotations

import random

from . import cases_conv, cases_elementwise, cases_quantize, cases_reduce, cases_shape
from .case import Spec, families

MODULES = (cases_conv, cases_elementwise, cases_reduce, cases_shape, cases_quantize)


def all_specs() -> list[Spec]:
    """Every case, family by family."""
    return [spec for specs in families().values() for spec in specs]


def sampled_specs(count: int) -> list[Spec]:
    """About `count` cases spread evenly over each family, at least two of each."""
    total = len(all_specs())
    chosen: list[Spec] = []
    for specs in families().values():
        share = min(len(specs), max(2, round(len(specs) * count / total)))
        # Every nth case would always meet the same forms, for those go round with the index.
        order = random.Random(specs[0].name).sample(range(len(specs)), share)
        chosen += [specs[index] for index in sorted(order)]
    return chosen


def spec_by_name(name: str) -> Spec:
    """The case of that name."""
    for spec in all_specs():
        if spec.name == name:
            return spec
    raise KeyError(f"no case is named {name}")
