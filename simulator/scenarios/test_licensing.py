"""Who may federate at all: licences and the switches for locations and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.scenarios import scenario
from simulator.scenarios.steps import must_chat_both_ways

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("chat", "open-federation", "licences", "observe-inbox")
EXCLUDED = [pytest.param("carol", id="no-licence-R4"), pytest.param("dave", id="switched-off-R5")]


@scenario(level="must", sources=("R4", "R5", "R6"), needs=NEEDS)
@pytest.mark.parametrize("name", EXCLUDED)
def test_excluded_user_is_not_reachable(federation: Federation, name: str) -> None:
    """A user who may not federate is not reached by a partner, while another user is."""
    partner = federation.partner()
    excluded = federation.sut.user(name)

    partner.user("bob").chat_with(excluded).say("Hello?").must_fail()

    must_chat_both_ways(federation, partner)
    excluded.must_have_no_message()


@scenario(level="must", sources=("R4", "R5", "R6"), needs=NEEDS)
@pytest.mark.parametrize("name", EXCLUDED)
def test_excluded_user_reaches_nobody(federation: Federation, name: str) -> None:
    """A user who may not federate cannot send to a partner."""
    bob = federation.partner().user("bob")

    federation.sut.user(name).chat_with(bob).say("Hello?").must_fail()

    bob.must_have_no_message()


@scenario(level="must", sources=("R1", "R4", "R5"), needs=("show-presence", "open-federation", "licences"))
@pytest.mark.parametrize("name", EXCLUDED)
def test_presence_of_an_excluded_user_is_not_shown(federation: Federation, name: str) -> None:
    """A partner cannot watch a user who may not federate."""
    bob = federation.partner().user("bob")

    bob.watch(federation.sut.user(name)).outcome.must_fail()
