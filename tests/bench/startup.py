"""How long the commands take from the first instruction to the last, beside `pytest --version`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from simulator.errors import SipfedError
from simulator.federation import Engine, Federation
from tests.bench.federations import no_preparation
from tests.bench.measure import Measure, Round, Stopwatch, Target

ROOT = Path(__file__).resolve().parents[2]
YARDSTICK = "pytest --version"


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
        "sipfed doctor",
        "Examine a healthy partner on loopback, start-up included.",
        healthy_partner,
        against=YARDSTICK,
        target=Target(5, "ratio"),
    ),
)
