# SPDX-License-Identifier: Apache-2.0
"""The tables that a run ends with."""

from __future__ import annotations

from collections import Counter, defaultdict
from importlib.metadata import version
from typing import Iterable

import numpy as np

from .case import Tolerance
from .compare import KNOWN_DIFFERENCES
from .worker import Outcome

COMPARED = ("exact", "close", "known", "mismatch")
PREAMBLE = """\
<!-- Written by `python -m conformance.run`; do not edit. -->
# Conformance

Every case is a generated model of one operator, with several sets of inputs: random, saturating,
small. `mica eval` and the oracle of the profile run it, and the results are compared. The cases
are drawn from fixed seeds, so that this page can be written again: {command}

| profile | oracle |
|---|---|
| `tflm` | TensorFlow Lite Micro, reference kernels (tflite-micro {tflm}) |
| `litert` | LiteRT, reference kernels (ai-edge-litert {litert}) |

Columns: *cases* that were generated; *refused* by the oracle, for the reasons below; *exact*, equal
bit for bit; *close*, within the tolerance; *known*, a difference that is explained below;
*unsupported*, refused by Mica; *worst*, the largest difference in the measure of the tolerance
(steps of the output for integers).
"""


def rows(outcomes: Iterable[Outcome]) -> dict[tuple[str, str, str], list[Outcome]]:
    """Outcomes by operator, type and profile."""
    table: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        table[outcome.operator, outcome.type, outcome.profile].append(outcome)
    return dict(sorted(table.items()))


def summary(outcomes: list[Outcome]) -> str:
    """One line an operator, type and profile, for the terminal."""
    lines = []
    for (operator, kind, profile), group in rows(outcomes).items():
        counts = Counter(outcome.status for outcome in group)
        told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        lines.append(f"{operator:18} {kind:16} {profile:7} {told}")
    counts = Counter(outcome.status for outcome in outcomes)
    cases = len({outcome.name for outcome in outcomes})
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    lines.append(f"{cases} cases, {len(outcomes)} comparisons: {told}")
    return "\n".join(lines)


def _worst(group: list[Outcome]) -> str:
    worst = max((o.worst for o in group if o.status in COMPARED), default=0.0)
    tolerances = {o.tolerance for o in group}
    if worst == 0.0:
        return "0"
    if tolerances == {Tolerance.ULP.value}:
        return f"{worst:.0f} ulp"
    if tolerances & {Tolerance.ELEMENT.value, Tolerance.TENSOR.value}:
        return np.format_float_scientific(worst, precision=1)
    return f"{worst:g}"


def document(outcomes: list[Outcome], command: str) -> str:
    """The page for docs/."""
    text = [
        PREAMBLE.format(
            command=f"`{command}`.", tflm=version("tflite-micro"), litert=version("ai-edge-litert")
        ),
        "| operator | type | profile | cases | refused | exact | close | known | unsupported "
        "| failed | worst | tolerance |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for (operator, kind, profile), group in rows(outcomes).items():
        count = Counter(outcome.status for outcome in group)
        failed = sum(outcome.failed for outcome in group)
        tolerance = " / ".join(sorted({o.tolerance for o in group if o.tolerance}))
        text.append(
            f"| {operator} | {kind} | {profile} | {len(group)} | {count['oracle refuses']} "
            f"| {count['exact']} | {count['close']} | {count['known']} | {count['unsupported']} "
            f"| {failed} | {_worst(group)} | {tolerance} |"
        )
    cases = len({outcome.name for outcome in outcomes})
    compared = sum(outcome.status in COMPARED for outcome in outcomes)
    exact = sum(outcome.status == "exact" for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    text.append(
        f"\n{cases} cases, {compared} comparisons: {exact} equal bit for bit, {failed} failed."
    )
    return "\n".join(text + _reasons(outcomes)) + "\n"


def _reasons(outcomes: list[Outcome]) -> list[str]:
    text = ["\n## Known differences\n"]
    for known in KNOWN_DIFFERENCES:
        count = sum(o.status == "known" and o.detail == known.name for o in outcomes)
        place = f"{known.operator} {known.type}, profile `{known.profile}`"
        text.append(f"- **{known.name}** ({place}; {count} cases): {known.reason}")
    if not KNOWN_DIFFERENCES:
        text.append("None.")
    text.append("\n## Refused by the oracle\n")
    refusals = Counter(
        (o.operator, o.type, o.profile, o.detail) for o in outcomes if o.status == "oracle refuses"
    )
    for (operator, kind, profile, name), count in sorted(refusals.items()):
        text.append(f"- {operator} {kind}, `{profile}`: {count} cases: {name}.")
    failures = [outcome for outcome in outcomes if outcome.failed]
    if failures:
        text.append("\n## Failed\n")
        text += [f"- `{outcome.name}` [{outcome.profile}] {outcome.status}: {outcome.detail}"
                 for outcome in sorted(failures, key=lambda o: (o.name, o.profile))]
    return text
