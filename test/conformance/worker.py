# SPDX-License-Identifier: Apache-2.0
"""Running cases, in processes of their own: an oracle may abort on a model it should refuse."""

from __future__ import annotations

import multiprocessing
import subprocess
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np

from .case import Case, Spec
from .cases import all_specs
from .compare import compare, known_difference

MICA_SECONDS_MAX = 20
MESSAGE_CHARACTERS_MAX = 400


@dataclass(frozen=True)
class Outcome:
    """What became of one case under one profile.

    `status` is "exact", "close" (within the tolerance), "known" (a known difference),
    "unsupported" (Mica refuses what it need not take), "oracle refuses", "accepted" (the oracle
    ran and nothing was compared), or a failure: "mismatch", "mica refuses", "unexplained
    refusal" and "crash".
    """

    name: str
    operator: str
    type: str
    profile: str
    status: str
    detail: str = ""
    params: str = ""
    worst: float = 0.0
    tolerance: str = ""

    @property
    def failed(self) -> bool:
        """True if this must be repaired, here or in Mica."""
        return self.status in ("mismatch", "mica refuses", "unexplained refusal", "crash")

    def line(self) -> str:
        """The outcome in one line, for people."""
        return f"{self.name} [{self.profile}] {self.status}: {self.detail} {self.params}"


class MicaRefused(Exception):
    """`mica eval` ended with a message instead of a result."""


def mica_eval(mica: Path, profile: str, case: Case, folder: Path) -> np.ndarray:
    """The output for every set of inputs, from `mica eval`."""
    model, output = folder / "model.tflite", folder / "output.npy"
    model.write_bytes(case.model)
    output.unlink(missing_ok=True)
    command = [str(mica), "eval", str(model), "--profile", profile, "--output", str(output)]
    for place, (name, values) in enumerate(case.inputs.items()):
        path = folder / f"in{place}.npy"
        np.save(path, values)
        command += ["--input", f"{name}={path}" if len(case.inputs) > 1 else str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=MICA_SECONDS_MAX, check=False
    )
    message = " ".join(done.stderr.split())[:MESSAGE_CHARACTERS_MAX]
    if done.returncode == 1:
        raise MicaRefused(message)
    if done.returncode != 0:
        raise RuntimeError(f"mica eval ended with status {done.returncode}: {message}")
    return np.load(output)


class Runner:
    """Runs cases in this process; `mica` None asks the oracles only."""

    def __init__(self, mica: Path | None) -> None:
        from . import oracle

        self._oracle = oracle
        self._mica = mica
        self._tail = oracle.StderrTail()
        self._folder = tempfile.TemporaryDirectory(prefix="conformance")

    def run(self, spec: Spec, profiles: Sequence[str]) -> list[Outcome]:
        """One outcome for each of the profiles that has an oracle for this case."""
        case = spec.build()
        chosen = [profile for profile in case.oracles if profile in profiles]
        return [self._judge(spec, case, profile) for profile in chosen]

    def _judge(self, spec: Spec, case: Case, profile: str) -> Outcome:
        def outcome(status: str, detail: str = "", worst: float = 0.0) -> Outcome:
            params = str(case.params) if status not in ("exact", "close", "accepted") else ""
            return Outcome(
                spec.name,
                spec.operator,
                spec.type,
                profile,
                status,
                detail,
                params,
                worst,
                case.tolerance.value,
            )

        self._tail.mark()
        try:
            want = self._oracle.ORACLES[profile](case.model_for(profile), case.inputs)
        except self._oracle.Refused as refused:
            message = f"{self._tail.since_mark()} {refused}"
            name = self._oracle.refusal_name(profile, spec.operator, message)
            return outcome("oracle refuses", name) if name else outcome(
                "unexplained refusal", message
            )
        if self._mica is None:
            return outcome("accepted")
        try:
            got = mica_eval(self._mica, profile, case, Path(self._folder.name))
        except MicaRefused as refused:
            return outcome("mica refuses" if spec.required else "unsupported", str(refused))
        except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            return outcome("crash", str(error))
        result = compare(got, want, case.tolerance)
        if result.accepted:
            return outcome("exact" if result.exact else "close", worst=result.worst)
        same_form = got.shape == want.shape and got.dtype == want.dtype
        name = same_form and known_difference(
            profile, spec.operator, spec.type, case, got, want
        )
        if name:
            return outcome("known", name, result.worst)
        return outcome("mismatch", result.detail, result.worst)


def _serve(connection: Connection, mica: Path | None) -> None:
    specs = {spec.name: spec for spec in all_specs()}
    runner = Runner(mica)
    while True:
        request = connection.recv()
        if request is None:
            return
        name, profiles = request
        spec = specs[name]
        try:
            connection.send(runner.run(spec, profiles))
        except Exception as error:  # A fault of a generator must not pass for an oracle's.
            detail = f"the case could not be run: {error!r}"
            connection.send([Outcome(name, spec.operator, spec.type, "-", "crash", detail)])


class _Worker:
    """One process and the case that it has in hand."""

    def __init__(self, mica: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, mica), daemon=True)
        self.process.start()
        theirs.close()
        self.spec: Spec | None = None

    def give(self, spec: Spec, profiles: Sequence[str]) -> None:
        """Hand over a case."""
        self.spec = spec
        self.connection.send((spec.name, tuple(profiles)))

    def stop(self) -> None:
        """Let the process end by itself."""
        try:
            self.connection.send(None)
        except OSError:
            pass
        self.process.join()


class Pool:
    """`jobs` worker processes; one that dies costs its case a "crash" and is replaced."""

    def __init__(self, jobs: int, mica: Path | None) -> None:
        self._mica = mica
        self._workers = [_Worker(mica) for _ in range(jobs)]

    def run(self, specs: Sequence[Spec], profiles: Sequence[str]) -> Iterator[Outcome]:
        """Outcomes in the order in which they become known."""
        waiting = list(reversed(specs))
        busy: dict[Connection, _Worker] = {}
        idle = list(self._workers)
        while waiting or busy:
            while waiting and idle:
                worker = idle.pop()
                worker.give(waiting.pop(), profiles)
                busy[worker.connection] = worker
            for connection in wait(list(busy)):
                worker = busy.pop(connection)
                try:
                    yield from connection.recv()
                except EOFError:
                    yield self._crashed(worker)
                    worker = self._replace(worker)
                idle.append(worker)

    def _crashed(self, worker: _Worker) -> Outcome:
        spec = worker.spec
        assert spec is not None
        worker.process.join()
        detail = f"an oracle ended its process with status {worker.process.exitcode}"
        return Outcome(spec.name, spec.operator, spec.type, "-", "crash", detail)

    def _replace(self, worker: _Worker) -> _Worker:
        fresh = _Worker(self._mica)
        self._workers[self._workers.index(worker)] = fresh
        return fresh

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.stop()
