"""A persona that keeps answers of the DNS, in a running federation (F1.6)."""

from __future__ import annotations

import pytest

from simulator.discovery import CacheRules
from simulator.federation import Federation
from simulator.partner.personas import SFB_2019


@pytest.mark.parametrize(
    ("cache", "seconds", "times"),
    [(None, 0, 2), (CacheRules(shortest=600), 0, 1), (CacheRules(shortest=600), 601, 2), (CacheRules(), 0, 2)],
    ids=["no cache", "kept", "expired", "a TTL of zero is not kept"],
)
def test_a_partner_asks_again_when_its_cache_has_forgotten(
    federation: Federation, cache: CacheRules | None, seconds: int, times: int
) -> None:
    """The edge looks up the server's domain to send to it, and again to let it in; time is the federation's."""
    partner = federation.partner(SFB_2019.but(cache=cache))
    alice, bob = federation.sut.user("alice"), partner.user("bob")

    bob.chat_with(alice).say("to Acme").must_succeed()
    alice.expect_message("to Acme")
    bob.chat_with(alice).close()
    federation.advance(seconds)
    alice.chat_with(bob).say("from Acme").must_succeed()
    bob.expect_message("from Acme")

    srv = federation.sut.domain.srv_name
    asked = [record for record in federation.records if record.what == "question" and record.data["name"] == srv]
    assert len(asked) == times
