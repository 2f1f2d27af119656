# SPDX-License-Identifier: Apache-2.0
"""docs/classical.md: Mica and its peers side by side, from what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

from models import TASKS, Task

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "classical.md"
PEERS = HERE / "peers.json"
COMPILERS = ("arm-none-eabi-gcc", "avr-gcc")

Figures = dict[str, Any]

HEAD = """# Classical models, side by side

Written by `make bench-classical`; do not edit. The same fitted estimators, converted by Mica and by
the peers that pip installs, built with the same compilers and run on the same emulated cores.

```sh
make bench-classical # Mica's column: minutes
make bench-peers     # the peers' column: half an hour and more
```

## What counts

- **Models**: bench/classical/models.py. Data sets of scikit-learn, float32 features, 30 % of the
  rows for the test, every seed 0. `digits-logreg` has standardised features; the scaler is not
  part of what is converted.
- **Faithful**: the estimator's own label on every row of the test split; for numbers, no error
  above 0.001 standard deviations of the target. Answers are those of the code on the emulated core.
- **Flash**: what is linked. Of Mica the function `predict` with all that it calls and reads; of
  a peer the difference to the same program with an empty function (library functions that the
  start-up code needs anyway cost a peer nothing). All with -Os: `size` and `speed` are what Mica
  writes, and its code is compiled for size either way. Mica gets `--finite`, the promise that no
  feature is NaN, which no peer handles: without it forests cost some bytes and instructions more.
- **Instructions**: the mean over the test rows, counted by the same plugin from the entry of the
  function to its return; the loop and the call around it are not in it, on either side. Of a peer
  the better of -Os and -O2. Tables that were counted with a harness loop have some ten more.
- **What is called**: `NAME_predict`; of a peer its label function, or its scores and the
  few lines behind them that pick a label.
- **emlearn, scaled**: emlearn's integers want features that fill their range, so the model is
  fitted anew on scaled features, and compared with that one. **m2cgen, 2 parameters set**:
  XGBoost fitted with `base_score=0.5, num_parallel_tree=1`, which m2cgen reads from the estimator.
  **sklearn-porter** is of 2019: it gets the estimator's attributes under their names of then.
- **Limits**: 150 s of a processor for a compilation or a run.

{versions}
"""


def number(value: Any) -> str:
    """With thousands."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def times(peer: int | None, ours: int) -> str:
    """How much more the peer takes."""
    if peer is None or not ours:
        return "-"
    return f"{peer / ours:.2f}" if peer < 10 * ours else f"{peer / ours:.1f}"


def best(peers: Figures, cells: tuple[str, ...], key: str) -> tuple[int | None, str]:
    """The least of a figure among faithful answers on a core, and whose it is."""
    found = [(cell[key], name)
             for name, figures in peers.items() for cell in (figures.get(at, {}) for at in cells)
             if cell.get("faithful") and key in cell]
    return min(found) if found else (None, "")


def core_rows(core: str, ours: Figures, peers: Figures) -> Iterator[str]:
    """A line for each model: both objectives beside the best peers."""
    for task in TASKS:
        size, speed = (ours.get(f"{task.name} {core} {word}") for word in ("size", "speed"))
        if not size or not speed:
            continue
        mine = peers.get(task.name, {})
        small, small_name = best(mine, (f"{core} -Os",), "flash_bytes")
        fast, fast_name = best(mine, (f"{core} -Os", f"{core} -O2"), "instructions")
        yield "| " + " | ".join([
            task.name,
            f"{number(small)} {small_name}" if small is not None else "none",
            f"**{number(size['flash_bytes'])}** / {number(size['instructions'])}",
            times(small, size["flash_bytes"]),
            f"{number(fast)} {fast_name}" if fast is not None else "none",
            f"**{number(speed['instructions'])}** / {number(speed['flash_bytes'])}",
            times(fast, speed["instructions"]),
        ]) + " |"


def core_table(core: str, ours: Figures, peers: Figures) -> list[str]:
    """One core."""
    return [
        "| model | smallest faithful peer: flash | Mica `size`: flash / instructions | times "
        "| fastest faithful peer: instructions | Mica `speed`: instructions / flash | times |",
        "|---|--:|--:|--:|--:|--:|--:|", *core_rows(core, ours, peers), "",
        *summary(core, ours, peers)]


def summary(core: str, ours: Figures, peers: Figures) -> list[str]:
    """How many are smaller and faster, and which are not."""
    said = []
    for objective, key, word, levels in (("size", "flash_bytes", "smaller", ("-Os",)),
                                         ("speed", "instructions", "faster", ("-Os", "-O2"))):
        won, lost = 0, []
        for task in TASKS:
            cell = ours.get(f"{task.name} {core} {objective}")
            theirs, _ = best(peers.get(task.name, {}),
                             tuple(f"{core} {level}" for level in levels), key)
            if cell and theirs is not None:
                if cell[key] < theirs:
                    won += 1
                else:
                    lost.append(task.name)
        said.append(f"{won} of {won + len(lost)} models {word} than the {word[:-1]}st faithful "
                    f"peer{'; not ' + ', '.join(lost) if lost else ''}.")
    return [" ".join(said), ""]


def faithful_on_arm(figures: Figures) -> bool:
    """Whether the code gives the right answers where it was run; avr is only weighed."""
    return bool(figures.get("cortex-m4f -Os", {}).get("faithful"))


def avr_rows(ours: Figures, peers: Figures) -> Iterator[str]:
    """Flash and RAM on avr."""
    for task in TASKS:
        mine = ours.get(f"{task.name} avr size")
        if not mine:
            continue
        found = [(cell["flash_bytes"], cell["ram_bytes"], name)
                 for name, figures in peers.get(task.name, {}).items()
                 if faithful_on_arm(figures)
                 and "flash_bytes" in (cell := figures.get("avr -Os", {}))]
        flash, ram, name = min(found) if found else (None, 0, "")
        peer = f"{number(flash)} / {number(ram)} {name}" if flash is not None else "none"
        yield "| " + " | ".join([
            task.name, peer, f"**{number(mine['flash_bytes'])}** / {number(mine['static_bytes'])}",
            times(flash, mine["flash_bytes"]), number(mine["cycles"]), answers(task, mine)]) + " |"


def answers(task: Task, cell: Figures) -> str:
    """How many are right, or the largest error."""
    if task.answer == "number":
        return f"{cell['max_error']:.1e}"
    share = 100 * cell["agree"] / cell["rows"]
    return "100 %" if cell["agree"] == cell["rows"] else f"{share:.1f} %"


def mica_table(ours: Figures) -> list[str]:
    """What the other tables leave out of our own column."""
    lines = ["| model | answers | largest stack: size, speed | its bound | RAM |",
             "|---|--:|--:|--:|--:|"]
    for task in TASKS:
        cells = [ours[name] for objective in ("size", "speed")
                 if (name := f"{task.name} cortex-m4f {objective}") in ours]
        if len(cells) == 2:
            bound = ", ".join(number(cell.get("stack_bound_bytes", "unknown")) for cell in cells)
            lines.append("| " + " | ".join([
                task.name, ", ".join(sorted({answers(task, cell) for cell in cells})),
                ", ".join(number(cell["stack_bytes"]) for cell in cells), bound,
                number(max(cell["static_bytes"] for cell in cells))]) + " |")
    return [*lines, ""]


def figure(cell: Figures, key: str) -> str:
    """A number, or a dash where there is none."""
    return number(cell[key]) if key in cell else "-"


def peer_rows(task: Task, peers: Figures) -> Iterator[str]:
    """Every variant that gave code which runs."""
    for name, figures in peers.items():
        os, o2, m0, avr = (figures.get(at, {}) for at in
                           ("cortex-m4f -Os", "cortex-m4f -O2", "cortex-m0 -Os", "avr -Os"))
        if "agree" not in os and "max_error" not in os:
            continue
        ram = f"{figure(avr, 'flash_bytes')} / {figure(avr, 'ram_bytes')}"
        yield "| " + " | ".join([
            name, figure(os, "flash_bytes"), figure(os, "ram_bytes"), figure(os, "stack_bytes"),
            figure(os, "instructions"), figure(o2, "instructions"), figure(m0, "flash_bytes"),
            figure(m0, "instructions"), ram, answers(task, os)]) + " |"


def peer_tables(peers: Figures) -> list[str]:
    """All that was measured of the peers."""
    lines = ["## Every peer", "",
             "Bytes and instructions; Cortex-M4F unless said. AVR is flash / RAM, linked and not run. "
             "A peer",
             "without a row does not offer the model, failed (below), or was not measured.", ""]
    for task in TASKS:
        rows = list(peer_rows(task, peers.get(task.name, {})))
        if rows:
            lines += [f"### {task.name}", "",
                      "| peer | flash -Os | RAM | stack | instructions -Os | -O2 | M0 flash "
                      "| M0 instructions | AVR | "
                      + ("largest error" if task.answer == "number" else "labels right") + " |",
                      "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|", *rows, ""]
    return lines


def failures(peers: Figures) -> list[str]:
    """What ended with a message, the same message once."""
    said: dict[tuple[str, str], list[str]] = {}
    for task in TASKS:
        for name, figures in peers.get(task.name, {}).items():
            messages = {("everywhere", figures["failed"])} if "failed" in figures else {
                (at, cell["failed"]) for at, cell in figures.items()
                if isinstance(cell, dict) and "failed" in cell}
            for at, text in sorted(messages):
                said.setdefault((name, text), []).append(
                    task.name if at == "everywhere" else f"{task.name} ({at})")
    if not said:
        return []
    rows = [f"| {name} | {', '.join(where)} | `{text.replace('|', '/').replace('`', '')}` |"
            for (name, text), where in sorted(said.items())]
    return ["## What failed", "", "| peer | models | message |", "|---|---|---|", *rows, ""]


def checked(peers: Figures, fingerprints: dict[str, str]) -> Figures:
    """The peers' figures of those models that are fitted the same here."""
    return {name: figures for name, figures in peers["figures"].items()
            if peers["fingerprints"].get(name) == fingerprints.get(name)}


def refusals(saved: Figures) -> list[str]:
    """What Mica says it cannot do."""
    return [f"- `{cell}` is refused: {reason}." for cell, reason in sorted(saved["refused"].items())]


def page(saved: Figures) -> str:
    """The whole page, from the budgets and from what was saved of the peers."""
    theirs = (json.loads(PEERS.read_text()) if PEERS.is_file()
              else {"versions": {}, "fingerprints": {}, "figures": {}})
    ours, peers = saved["figures"], checked(theirs, saved["fingerprints"])
    used = {name: saved["compilers"][name] for name in COMPILERS if name in saved["compilers"]}
    stated = (f"Compilers of Mica's column: {listed(used)}.\n\n"
              f"Versions of the peers' column: {listed(theirs['versions'])}.")
    lines = [HEAD.format(versions=stated)]
    for core, title in (("cortex-m4f", "Cortex-M4F"), ("cortex-m0", "Cortex-M0")):
        lines += [f"## {title}", "", *core_table(core, ours, peers)]
    lines += ["## AVR (ATmega2560)", "",
              "Mica's code runs under simavr on every test row; that of the peers is only linked. "
              "Faithful there",
              "means on Cortex-M4F: `double` has 32 bits on AVR, so code that counts on it may "
              "answer differently.", "",
              "| model | smallest faithful peer: flash / RAM | Mica `size`: flash / RAM | times "
              "| cycles | answers |", "|---|--:|--:|--:|--:|--:|", *avr_rows(ours, peers), "",
              *refusals(saved), ""]
    lines += ["## Mica: answers, stack and RAM on Cortex-M4F", "", *mica_table(ours)]
    lines += [*peer_tables(peers), *failures(peers)]
    return "\n".join(lines).rstrip() + "\n"


def listed(versions: dict[str, str]) -> str:
    """Names with versions."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def write_page(saved: Figures) -> None:
    """docs/classical.md."""
    PAGE.write_text(page(saved))
    print(f"wrote docs/{PAGE.name}")
