"""How long the commands take from the first instruction to the last, beside `pytest --version`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from simulator.errors import SipfedError
from simulator.federation import Engine, Federation
from tests.bench.federations import no_preparation
from tests.bench.measure import Measure, Round, Stopwatch, Target

ROOT = Path(__file__).resolve().parents[2]
YARDSTICK = "pytest --version"
SUITE = "suite without the plugin"


def run_command(arguments: Sequence[str], watch: Stopwatch) -> None:
    """One run of a Python module as a program of its own."""
    with watch:
        result = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, check=False)
    if result.returncode != 0:
        raise SipfedError(f"{' '.join(arguments)} ended with {result.returncode}: {result.stderr.decode()}")


@contextmanager
def healthy_partner() -> Iterator[Round]:
    """`sipfed doctor` on a partner of a federation that runs in this process."""
    engine = Engine()
    try:
        engine.start_embedded()
        federation = Federation(engine)
        domain = federation.partner().domain
        chain, key = engine.authority.write(engine.authority.issue(str(federation.sut.fqdn)))
        arguments = ["simulator.cli", "doctor", str(domain), "--dns", f"{federation.dns.address}:{federation.dns.port}"]
        arguments += ["--roots", str(engine.authority.write_root()), "--certificate", str(chain), "--key", str(key)]
        arguments += ["--from", str(federation.sut.domain)]
        yield partial(run_command, arguments)
        federation.close()
    finally:
        engine.close()


@contextmanager
def somebodys_suite(*options: str) -> Iterator[Round]:
    """A suite of 200 tests that use nothing of ours, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source = 'import pytest\n\n@pytest.mark.parametrize("n", range(200))\ndef test_own(n):\n    assert n < 200\n'
        Path(folder, "test_own.py").write_text(source, encoding="utf-8")
        environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            yield partial(run_command, ["pytest", "-q", *options, "--rootdir", folder, folder])


MEASURES = (
    Measure(
        YARDSTICK,
        "Start pytest as a program and print its version.",
        lambda: no_preparation(partial(run_command, ["pytest", "--version"])),
    ),
    Measure(
        "sipfed --help",
        "Start sipfed as a program and print its help.",
        lambda: no_preparation(partial(run_command, ["simulator.cli", "--help"])),
        against=YARDSTICK,
        target=Target(1.2, "ratio"),
    ),
    Measure(
        "sipfed list",
        "List the whole catalogue.",
        lambda: no_preparation(partial(run_command, ["simulator.cli", "list"])),
        against=YARDSTICK,
        target=Target(3, "ratio"),
    ),
    Measure(SUITE, "200 tests of somebody's own, without the plugin.", somebodys_suite),
    Measure(
        "suite with the plugin",
        "The same with the plugin installed and unused.",
        partial(somebodys_suite, "-p", "simulator.pytest_plugin"),
        against=SUITE,
        target=Target(1.15, "ratio"),
    ),
    Measure(
        "sipfed doctor",
        "Examine a healthy partner on loopback, start-up included.",
        healthy_partner,
        against=YARDSTICK,
        target=Target(5, "ratio"),
    ),
)
