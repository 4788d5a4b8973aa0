"""`python -m tests.defects.broken DEFECT hasty|patient|mute COMMAND…` is `sipfed COMMAND…` with a seeded defect."""

from __future__ import annotations

import sys
from types import FunctionType

import pytest

from tests.defects.frame import all_defects

HASTE = 1.0
"Seconds that a wait of the public API takes at most; what is not broken comes within a few milliseconds."


def hurry() -> None:
    """Shorten the default deadlines of everything that a scenario waits for."""
    from simulator import federation
    from simulator.io import user
    from simulator.partner import edge

    classes = [
        thing for module in (federation, user, edge) for thing in vars(module).values() if isinstance(thing, type)
    ]
    for function in (thing for one in classes for thing in vars(one).values()):
        if isinstance(function, FunctionType) and function.__kwdefaults__:
            for name in ("within", "timeout"):
                if isinstance(function.__kwdefaults__.get(name), float):
                    function.__kwdefaults__[name] = HASTE


def strike_mute() -> None:
    """Leave the embedded server what the driver `wire-only` has: nobody can tell its users anything."""
    from simulator.sut import embedded
    from simulator.sut.capabilities import with_implied
    from simulator.sut.wire import ABLE

    embedded.EmbeddedServer.capabilities = with_implied((*ABLE, "open-federation", "licences"))


def main() -> None:
    name, haste = sys.argv.pop(1), sys.argv.pop(1)
    if haste != "patient":
        hurry()
    if haste == "mute":
        strike_mute()
    if name != "none":
        defect = next(one for one in all_defects() if one.id == name)
        defect.apply(pytest.MonkeyPatch())  # never undone: the process ends with it
    from simulator.cli import main as sipfed

    sipfed()


if __name__ == "__main__":
    main()
