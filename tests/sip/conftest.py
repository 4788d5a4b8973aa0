"""What the tests of the SIP core share: two connections joined in memory, and requests as users write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.sip.transaction import Timers
from tests.sip.wire import Calls, Pair


@pytest.fixture(scope="session")
def make_pair() -> Callable[[Timers], Pair]:
    """For a pair with timers of its own."""
    return Pair


@pytest.fixture(scope="session")
def new_pair() -> Callable[[], Pair]:
    """For a test that needs several."""
    return Pair


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture(scope="session")
def calls() -> Calls:
    return Calls()
