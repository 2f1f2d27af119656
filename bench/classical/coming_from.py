#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what docs/coming-from.md says, and writes its tables.

    coming_from.py --peers   the peers, in .venv-peers; saves bench/classical/coming_from.json
    coming_from.py           Mica; then the tables of the page, between its markers
    coming_from.py --page    only the tables, from what is saved

The page's text is written by hand. Figures of whole models are those of docs/classical.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "coming-from.md"
RESULTS = HERE / "coming_from.json"
# Each peer as it comes, and emlearn with floats as well.
COLUMNS = ("emlearn", "emlearn float", "m2cgen", "micromlgen", "sklearn-porter", "treelite")
CORE = "cortex-m4f"


# ---- peers -------------------------------------------------------------------------------------


def run_peer(case: Any, converted: Any, folder: Path) -> dict[str, Any]:
    """Size, instructions and answers of a conversion on the core."""
    import numpy as np
    from models import compare
    from program import Failed, Program, core

    try:
        rows = case.test if converted.rows is None else converted.rows
        program = Program(converted, rows, folder)
        model, figures = program.build_and_weigh(core(CORE), "-Os")
        answers, counted = program.execute(core(CORE), "-Os", model)
    except Failed as reason:
        return {"failed": str(reason)}
    found = {**figures, **counted, **compare(case, answers, case.answers)}
    if case.task.answer == "label" and np.array_equal(
            answers, np.searchsorted(np.unique(case.train_target), case.answers)):
        found["index"] = True
    return found


def ask_peer(case: Any, peer: str, change: Callable[[Any], Any] = lambda converted: converted
             ) -> dict[str, Any]:
    """Convert by a peer, perhaps change what it gave, and run it."""
    from converters import PEERS, Unsupported

    try:
        converted = change(PEERS[peer](case))
    except Unsupported:
        return {"failed": "refused"}
    except Exception as error:  # whatever a peer raises is what its user sees
        text = " ".join(str(error).split()).replace("|", "/")
        return {"failed": "refused", "message": f"{type(error).__name__}: {text}"[:120]}
    with tempfile.TemporaryDirectory() as folder:
        return run_peer(case, converted, Path(folder))


def scaler_by_hand(pipeline: Any) -> Callable[[Any], Any]:
    """What a user adds where the pipeline is refused: the scaler, in the type of the features."""
    scaler = pipeline[0]

    def add(converted: Any) -> Any:
        kind = converted.row_type
        tables = "".join(
            f"static const {kind} {name}[] = {{{', '.join(repr(float(v)) for v in values)}}};\n"
            for name, values in (("user_mean", scaler.mean_), ("user_scale", scaler.scale_)))
        n = len(scaler.mean_)
        converted.source += f"""
{tables}
static {converted.answer_type} user_predict(const {kind} *raw)
{{
    {kind} x[{n}];
    for (int i = 0; i < {n}; i++)
        x[i] = (raw[i] - user_mean[i]) / user_scale[i];
    return {converted.call};
}}
"""
        converted.call = "user_predict(x)"
        return converted

    return add


def forest_of(case: Any, pipeline: Any) -> Any:
    """The case of the forest alone: of its code, asked with raw rows through the user's scaler."""
    import copy

    alone = copy.copy(case)
    alone.estimator = pipeline[-1]
    return alone


def marked_missing(case: Any) -> Callable[[Any], Any]:
    """A gap is a NaN, but treelite wants a mark of its own, which its user has to set."""
    n = case.test.shape[1]

    def mark(converted: Any) -> Any:
        converted.source += f"""
static {converted.answer_type} user_predict(const {converted.row_type} *row)
{{
    union Entry entry[{n}];
    const {converted.row_type} *x = (const {converted.row_type} *)entry;
    for (int i = 0; i < {n}; i++) {{
        entry[i].fvalue = row[i];
        if (row[i] != row[i])
            entry[i].missing = -1;
    }}
    return {converted.call};
}}
"""
        converted.call = "user_predict(x)"
        return converted

    return mark


def with_names(case: Any) -> tuple[Any, list[str]]:
    """The same forest of digits, trained with words."""
    import numpy as np
    from models import fitted

    words = "zero one two three four five six seven eight nine".split()
    target = np.array(words)[case.train_target]
    return fitted(case.task.new(), case.train, target, "label"), words


def peer_keeps_names(case: Any, peer: str) -> str:
    """Whether the words of the classes are anywhere in the code."""
    import copy

    from converters import PEERS

    named = copy.copy(case)
    named.estimator, words = with_names(case)
    if peer == "micromlgen":
        from micromlgen import port

        source = port(named.estimator, classmap=dict(enumerate(words)))
        return "by `classmap=`" if all(f'"{word}"' in source for word in words) else "lost"
    try:
        source = PEERS[peer](named).source
    except Exception as error:  # see ask_peer
        return f"refused: {type(error).__name__}"
    return "in the code" if all(f'"{word}"' in source for word in words) else "lost"


def measure_peers() -> None:
    """All questions to all peers."""
    from models import load
    from probes import PROBES, pipeline_case

    pipeline, case = pipeline_case()
    cases = {name: make() for name, (_, make) in PROBES.items()}
    digits = load("digits-rf10")
    results: dict[str, Any] = {"pipeline": {}, "by hand": {}, "names": {}, "probes": {}}
    for peer in COLUMNS:
        results["pipeline"][peer] = ask_peer(case, peer)
        results["by hand"][peer] = (
            {"failed": "integers only"} if peer == "emlearn" else
            ask_peer(forest_of(case, pipeline), peer, scaler_by_hand(pipeline)))
        results["names"][peer] = peer_keeps_names(digits, peer)
        for name, probe in cases.items():
            change = [marked_missing(probe)] if (name, peer) == ("missing", "treelite") else []
            results["probes"].setdefault(name, {})[peer] = ask_peer(probe, peer, *change)
        print(f"{peer}: done", flush=True)
    RESULTS.write_text(json.dumps({**saved(), "peers": results}, indent=1, sort_keys=True) + "\n")


# ---- Mica --------------------------------------------------------------------------------------


def ask_mica(case: Any, estimator: Any) -> dict[str, Any]:
    """The same for Mica, as `mica cost` and `mica run` say."""
    from ours import command  # and the path to mica

    import mica
    import numpy as np
    from models import compare

    with tempfile.TemporaryDirectory() as folder:
        model, rows, answers = (Path(folder) / name for name in ("m.model", "x.npy", "y.npy"))
        model.write_bytes(mica.convert(estimator, name="model").data)
        np.save(rows, case.test[:, None, :])
        how = ["--target", CORE, "--optimize", "size", "--functions", "predict", "--input", rows]
        total = json.loads(command("cost", model, "--json", *how))[0]["total"]
        command("run", model, *how, "--output", answers)
        got = np.load(answers).reshape(len(case.test))
    return {"flash_bytes": total["flash_bytes"], "instructions": total["instructions"],
            **compare(case, got, case.answers)}


def measure_mica() -> None:
    """All questions to Mica."""
    from models import load
    import ours  # noqa: F401  the path to mica
    from probes import PROBES, pipeline_case

    import mica

    pipeline, case = pipeline_case()
    digits = load("digits-rf10")
    named, words = with_names(digits)
    header = mica.convert(named, name="digits")
    texts = header.header + header.source
    results = {
        "pipeline": ask_mica(case, pipeline),
        "names": "in the code" if all(f'"{word}"' in texts for word in words) else "lost",
        "probes": {},
    }
    for name, (_, make) in PROBES.items():
        probe = make()
        results["probes"][name] = ask_mica(probe, probe.estimator)
        print(f"{name}: {results['probes'][name]}", flush=True)
    RESULTS.write_text(json.dumps({**saved(), "mica": results}, indent=1, sort_keys=True) + "\n")


# ---- the page ----------------------------------------------------------------------------------


def saved() -> dict[str, Any]:
    """What was measured before."""
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"peers": {}, "mica": {}}


def verdict(found: dict[str, Any]) -> str:
    """One cell of a table of answers."""
    if "failed" in found:
        return "refused" if found["failed"] == "refused" else "does not build"
    if "max_error" in found:
        return f"{found['max_error']:.1e}"
    if found["agree"] == found["rows"]:
        return "right"
    return "as 0, 1, 2" if found.get("index") else f"{found['agree']} of {found['rows']}"


def line(*words: Any) -> str:
    """A row of a table."""
    return "| " + " | ".join(f"{word:,}" if isinstance(word, int) else str(word)
                             for word in words) + " |"


def forest_table(results: dict[str, Any]) -> list[str]:
    """digits-rf10, from the figures of docs/classical.md."""
    from ours import load_budgets
    from side_by_side import PEERS

    del results
    peers = json.loads(PEERS.read_text())["figures"]["digits-rf10"]
    rows = [line("", "labels right", "flash", "instructions", "stack"), "|---|--:|--:|--:|--:|"]
    for peer in COLUMNS:
        one = peers[peer][f"{CORE} -Os"]
        rows.append(line(peer, f"{one['agree']} of {one['rows']}", one["flash_bytes"],
                         one["instructions"], one["stack_bytes"]))
    for objective in ("size", "speed"):
        one = load_budgets()["figures"][f"digits-rf10 {CORE} {objective}"]
        rows.append(line(f"**Mica**, `{objective}`", f"{one['agree']} of {one['rows']}",
                         one["flash_bytes"], one["instructions"], one["stack_bytes"]))
    return rows


def pipeline_table(results: dict[str, Any]) -> list[str]:
    """The pipeline: as it is, or the forest with a scaler by hand."""
    rows = [line("", "`Pipeline` given", "scaler by hand: labels right", "flash", "instructions"),
            "|---|---|--:|--:|--:|"]
    for peer in COLUMNS:
        given, hand = results["peers"]["pipeline"][peer], results["peers"]["by hand"][peer]
        rows.append(line(peer, verdict(given),
                         hand.get("failed") or f"{hand['agree']} of {hand['rows']}",
                         hand.get("flash_bytes", "-"), hand.get("instructions", "-")))
    mine = results["mica"]["pipeline"]
    rows.append(line("**Mica**, `size`", f"{mine['agree']} of {mine['rows']}", "not needed",
                     mine["flash_bytes"], mine["instructions"]))
    return rows


def probe_table(results: dict[str, Any]) -> list[str]:
    """What each loses."""
    from probes import PROBES

    rows = [line("", *COLUMNS, "**Mica**"), "|---|" + "---|" * (len(COLUMNS) + 1)]
    for name, (title, _) in PROBES.items():
        peers = results["peers"]["probes"][name]
        rows.append(line(title, *(verdict(peers[peer]) for peer in COLUMNS),
                         verdict(results["mica"]["probes"][name])))
    rows.append(line("a `Pipeline`", *(verdict(results["peers"]["pipeline"][peer])
                                       for peer in COLUMNS), verdict(results["mica"]["pipeline"])))
    rows.append(line("names of classes", *(results["peers"]["names"][peer].split(":")[0]
                                           for peer in COLUMNS), results["mica"]["names"]))
    return rows


TABLES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "forest": forest_table, "pipeline": pipeline_table, "losses": probe_table}


def filled(text: str) -> str:
    """The page with its tables as they are measured."""
    results = saved()
    for name, make in TABLES.items():
        table = "\n".join(make(results))
        text, n = re.subn(rf"(<!-- table {name} -->\n).*?(<!-- end -->)",
                          lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text,
                          flags=re.S)
        assert n == 1, f"docs/coming-from.md has no place for the table {name}"
    return text


def write_tables() -> None:
    """docs/coming-from.md."""
    PAGE.write_text(filled(PAGE.read_text()))
    print(f"wrote docs/{PAGE.name}")


def main() -> int:
    """Measures one side, or writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", action="store_true", help="measure the peers")
    parser.add_argument("--page", action="store_true", help="only write the tables")
    words = parser.parse_args()
    if words.peers:
        from peers import enter_venv

        enter_venv()
        measure_peers()
        return 0
    if not words.page:
        measure_mica()
    write_tables()
    return 0


if __name__ == "__main__":
    sys.exit(main())
