"""The catalogue as a program of its own, beside as many pytest tests that do a bare handshake each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from simulator.errors import SipfedError
from tests.bench.measure import Measure, Target
from tests.bench.stack import Figures, Shared

FULL, SMALL = 300, 6
"Of how many scenarios and tests a run consists."
ROUNDS = 5
"At most: one takes ten seconds."
ROOT = Path(__file__).resolve().parents[2]
HANDSHAKES = """
import pytest
from tests.bench.handshake import bare_handshakes
from tests.bench.measure import Stopwatch

@pytest.fixture(scope="session")
def handshake():
    with bare_handshakes() as one_round:
        yield one_round

@pytest.mark.parametrize("number", range({count}))
def test_handshake(handshake, number):
    handshake(Stopwatch())
"""


def run_scenarios(count: int, _stack: ExitStack) -> Callable[[], Figures]:
    """`sipfed run` with `count` scenarios from all over the catalogue."""
    listed = subprocess.run(_python("simulator.cli", "list", "--json"), cwd=ROOT, capture_output=True, check=True)
    ids = [scenario["id"] for scenario in json.loads(listed.stdout)]
    return partial(_timed, _python("simulator.cli", "run", *(ids[len(ids) * n // count] for n in range(count))))


def run_handshakes(count: int, stack: ExitStack) -> Callable[[], Figures]:
    """pytest with `count` tests, with nothing but what they need."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    Path(folder, "test_handshake.py").write_text(HANDSHAKES.format(count=count), encoding="utf-8")
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    patch.setenv("PYTHONPATH", str(ROOT))
    patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return partial(_timed, _python("pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder))


def _python(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", *arguments]


def _timed(command: Sequence[str]) -> Figures:
    began, used = time.perf_counter(), _used_by_children()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    took, cpu = time.perf_counter() - began, _used_by_children() - used
    if done.returncode != 0:
        raise SipfedError(f"{' '.join(command[:4])} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr}")
    return {"run": took, "run CPU": cpu or took}  # Windows does not know what children used


def _used_by_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def measures(count: int) -> tuple[Measure, ...]:
    """The rows, for runs of so many."""
    scenarios, handshakes = Shared(partial(run_scenarios, count)), Shared(partial(run_handshakes, count))
    tests = f"{FULL} tests with a handshake"
    about = f"{FULL} scenarios from all over the catalogue by `sipfed run`, start to end"
    rows = (
        handshakes.row(tests, "run CPU", f"{FULL} pytest tests that do a bare handshake and echo each: CPU of all."),
        scenarios.row(f"{FULL} scenarios", "run", f"{about}.", target=Target(10)),
        scenarios.row(f"{FULL} scenarios, CPU", "run CPU", f"{about}: CPU of all.", tests, Target(3, "ratio")),
    )
    return tuple(replace(row, most=ROUNDS) for row in rows)
