"""Small made-up catalogues, and `sipfed` as a program that runs on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import simulator

HEAD = """
import os
import pytest
from simulator.errors import ConfigurationError, ExpectationFailed, Problem
from simulator.scenarios import scenario
must = scenario(level="must", sources=("R40", "F1.22"))
"""

GOOD = (
    HEAD
    + '''
@must
def test_no_srv():
    """Nothing is sent where there is no SRV record."""

@must
@pytest.mark.parametrize("case", ["ten", "eleven"])
def test_example(case):
    """The five examples hold."""
'''
)

FAILING = (
    HEAD
    + '''
@must
def test_wildcard():
    """A wildcard certificate is refused."""
    print("from the peer: \\x1b[2J")
    raise ExpectationFailed("The edge accepted *.fabrikam.test.")

@must
def test_expired():
    """An expired certificate is refused."""
'''
)

SKIPPING = (
    HEAD
    + '''
@must
def test_change():
    """A change arrives."""
    pytest.skip("the server has no presence")

@must
def test_first():
    """The first state arrives."""
'''
)

SOURCES = Path(simulator.__file__).parents[1]


class Sipfed:
    """The program, started in a folder of its own on a catalogue of its own."""

    def __init__(self, folder: Path) -> None:
        self.catalogue = folder / "catalogue"
        self.cwd = folder / "somewhere"
        self.catalogue.mkdir()
        self.cwd.mkdir()

    def add(self, **modules: str) -> None:
        for name, source in modules.items():
            (self.catalogue / f"{name}.py").write_text(source, encoding="utf-8")

    def command(self, command: str, *arguments: str) -> list[str]:
        catalogue = [] if command == "compare" else ["--catalogue", str(self.catalogue)]
        return [sys.executable, "-m", "simulator.cli", command, *catalogue, *arguments]

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return kept | {"PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8"} | variables

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.cwd,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
