"""How pytest is run on a catalogue: the same way in every folder, whatever settings the user's own tests have."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from simulator.errors import ConfigurationError, Problem, SipfedError
from simulator.io.garbage import rare_collections

CATALOGUE = Path(__file__).parent
"""The folder of the shipped catalogue."""

SETTINGS = CATALOGUE / "catalogue.ini"
"""The pytest settings of every run."""

# Meant for the user's own tests; a catalogue that they change would no longer be the same for everybody.
_ENVIRONMENT = {"PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": None, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class Watcher:
    """A pytest plugin that keeps how a session ended before its time."""

    def __init__(self) -> None:
        self.interrupted = False
        "Somebody pressed Ctrl-C."
        self.mistake: SipfedError | None = None
        "Why nothing can be run: an error that a plugin raised outside of any test, or what it gave to `pytest.exit`."
        self.crashed: str | None = None
        "The traceback of a fault in pytest or a plugin."

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.mistake = SipfedError(str(excinfo.value))
        else:  # xdist raises a subclass to obey --exitfirst, and nobody pressed Ctrl-C then
            self.interrupted = excinfo.type is KeyboardInterrupt

    def pytest_internalerror(self, excrepr: object, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        if isinstance(excinfo.value, SipfedError):
            self.mistake = excinfo.value
        else:
            self.crashed = str(excrepr)
        return True  # it is reported; pytest need not print it


def run_pytest(folder: Path, arguments: Sequence[str], watcher: Watcher) -> None:
    """Run pytest on the catalogue in `folder`, with nothing but `watcher` reporting.

    Raises the SipfedError that a plugin raised outside of any test or ended the session with, and ConfigurationError
    where pytest refuses its options. Everything else is in the watcher afterwards.
    """
    with _quiet() as complaints, _environment(), rare_collections():
        code = pytest.main([*_options(folder), *arguments], plugins=[watcher])
    if watcher.mistake is not None:
        raise watcher.mistake
    if code == pytest.ExitCode.USAGE_ERROR:
        lines = [line.removeprefix("ERROR: ").strip() for line in complaints.getvalue().splitlines()]
        raise ConfigurationError([Problem("pytest", " ".join(filter(None, lines)))])


def _options(folder: Path) -> list[str]:
    return [
        *("-c", str(SETTINGS)),
        *("--rootdir", str(folder)),
        *("--confcutdir", str(folder)),
        *("-p", "no:cacheprovider"),
        *("-p", "simulator.pytest_plugin"),
    ]


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    try:
        _set(_ENVIRONMENT)
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextlib.contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """Keep pytest's own report off the terminal; gives what it says on the error stream."""
    complaints = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(complaints):
        yield complaints
