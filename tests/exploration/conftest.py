"""Engines whose server under test is sound, or broken from outside before it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from simulator.federation import Engine

Start = Callable[[], Engine]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an engine with the embedded server, when the test has patched what it wants."""
    engines = []

    def started() -> Engine:
        engine = Engine()
        engines.append(engine)
        engine.start_embedded()
        return engine

    yield started
    for engine in engines:
        assert engine.close() == []


@pytest.fixture
def engine(start: Start) -> Engine:
    return start()
