"""How often and in which order scenarios run: `--repeat` and `--random-order`."""

from __future__ import annotations

import random

import pytest


class Order:
    """A pytest plugin that runs every scenario, and every test with a federation, several times or in random order.

    Each repetition is a whole round, shuffled anew. The seed decides everything, so the processes of a parallel run
    agree.
    """

    def __init__(self, rounds: int = 1, seed: str | None = None) -> None:
        self._rounds = rounds
        self._seed = seed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        ours = [index for index, item in enumerate(items) if _is_ours(item)]
        chosen = [items[index] for index in ours]
        dice = random.Random(self._seed)
        rounds: list[list[pytest.Item]] = []
        for number in range(self._rounds):
            again = [item if number == 0 else _copy(item) for item in chosen]
            if self._seed is not None:
                dice.shuffle(again)
            rounds.append(again)
        for index, item in zip(ours, rounds[0], strict=True):
            items[index] = item
        for again in rounds[1:]:
            items += again


def new_seed() -> str:
    """A seed that is short enough to be typed."""
    return str(random.SystemRandom().randrange(1_000_000))


def _is_ours(item: pytest.Item) -> bool:
    return item.get_closest_marker("scenario") is not None or "federation" in getattr(item, "fixturenames", ())


def _copy(item: pytest.Item) -> pytest.Item:
    # A second item of the same test: pytest would not tear down an item that is followed by itself.
    if not isinstance(item, pytest.Function):
        return item
    copy: pytest.Item = type(item).from_parent(
        item.parent,
        name=item.name,
        callspec=getattr(item, "callspec", None),
        fixtureinfo=item._fixtureinfo,
        originalname=item.originalname,
    )
    return copy
