"""The catalogue: every `test_<area>.py` in this folder is an area, and every test in it a scenario of `sipfed run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, get_args

import pytest

Level = Literal["must", "should", "info"]
"""How binding a scenario is: a requirement, a recommendation, or something only worth knowing."""

LEVELS: tuple[Level, ...] = get_args(Level)

_Test = TypeVar("_Test", bound=Callable[..., Any])

__all__ = ["LEVELS", "Level", "scenario"]


def scenario(*, level: Level, sources: Sequence[str], needs: Sequence[str] = ()) -> Callable[[_Test], _Test]:
    """Mark a test function as a scenario of the catalogue.

    `sources` are the ids that the scenario rests on (`R40`, `F1.22`, `RFC 5922 §7.1`); at least one. `needs` names the
    capabilities that a server under test must have, or the scenario does not run. The scenario's sentence is the first
    line of the function's docstring, its id comes from the names of module and function: `test_no_srv` in
    `test_open_federation.py` is `open-federation/no-srv`.

    Raises ValueError when the level is unknown or no source is given, so a mistake shows when the module is collected.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level of a scenario; the levels are {', '.join(LEVELS)}")
    if isinstance(sources, str) or isinstance(needs, str):
        raise ValueError('sources and needs are tuples of ids: write ("R40",), with the comma')
    if not sources:
        raise ValueError("a scenario cites at least one source")
    mark = pytest.mark.scenario(level=level, sources=tuple(sources), needs=tuple(needs))

    def apply(test: _Test) -> _Test:
        marked: _Test = mark(test)
        return marked

    return apply
