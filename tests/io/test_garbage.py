"""How often Python looks for garbage is changed for a while, and only to less often."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from simulator.io.garbage import NEW_OBJECTS, rare_collections


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def inside() -> int:
    with rare_collections():
        return gc.get_threshold()[0]


def test_it_is_rare_for_a_while_whatever_happens() -> None:
    gc.set_threshold(700, 10, 10)
    assert inside() == NEW_OBJECTS
    with pytest.raises(LookupError), rare_collections():
        raise LookupError
    assert gc.get_threshold()[0] == 700


@pytest.mark.parametrize("own", [0, NEW_OBJECTS + 1])
def test_who_wants_it_more_rarely_or_never_keeps_that(own: int) -> None:
    gc.set_threshold(own)
    assert inside() == own
