"""What every test with other people's programs needs: finding the program, and honesty about its absence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from simulator.federation import Engine

REQUIRED = "SIPFED_REAL"
"Set to `required` where the programs must be there (CI): then a missing one fails the test and does not skip it."


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], NoReturn]:
    """Return a callable that skips the test with this reason; with `SIPFED_REAL=required` it fails the test."""

    def give_up(reason: str) -> NoReturn:
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(f"{reason}, and {REQUIRED}=required says that it must work.", pytrace=False)
        pytest.skip(reason)

    return give_up


@pytest.fixture(scope="session")
def program(lacking: Callable[[str], NoReturn]) -> Callable[[str], Path]:
    """Return a callable that gives a program's path by its name.

    Where the program is missing the callable skips the test and names what is missing; with `SIPFED_REAL=required`
    in the environment it fails the test, so that a green run means the program was there.
    """

    def find(name: str) -> Path:
        found = shutil.which(name)
        return Path(found) if found is not None else lacking(f"{name} is not installed")

    return find


@pytest.fixture(scope="module")
def sipfed_engine() -> Iterator[Engine]:
    """An engine whose clock no other test has set ahead: these programs go by the machine's, certificates included."""
    engine = Engine()
    engine.start_embedded()
    yield engine
    assert engine.close() == []
