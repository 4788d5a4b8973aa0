"""Patches for what the server under test and the partners share, so that only the server breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.connect_server.dialect import DIALECT


def is_server(thing: Any) -> bool:
    """Whether a user agent, or a part of one, is the server's and not that of a partner."""
    agent = getattr(thing, "_agent", thing)
    return bool(agent.dialect.server == DIALECT.server)


def break_server(patch: pytest.MonkeyPatch, owner: type, name: str, broken: Callable[..., Any]) -> None:
    """Put `broken(sound, self, *arguments)` in place of a method, for objects of the server; `sound` is the method."""
    sound = getattr(owner, name)

    def either(self: Any, *arguments: Any, **named: Any) -> Any:
        if is_server(self):
            return broken(sound, self, *arguments, **named)
        return sound(self, *arguments, **named)

    patch.setattr(owner, name, either)
