"""Runs the catalogue on a server that is broken on purpose, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import sys
exec(sys.argv.pop(1))
from simulator.cli import main
main()
"""

RunWith = Callable[[str], dict[str, str]]


@pytest.fixture(scope="session")
def run_with() -> RunWith:
    """`run_with(patch)` executes `patch` before the catalogue and returns the failed scenarios, id -> report text."""

    def run(patch: str) -> dict[str, str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, patch, "run"],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        assert result.returncode in (0, 1), result.stdout + result.stderr
        failures = result.stdout.split("\nFAILED ")[1:]
        return {failure.partition("  (")[0]: failure for failure in failures}

    return run
