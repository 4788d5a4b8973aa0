"""Many partners at once, each with its own domain, address, certificate and users, and one server for all of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from simulator.federation import Federation
from simulator.partner import Partner

PARTNERS = int(os.environ.get("SIPFED_PARTNERS", "100"))
"How many; a full proof takes 1,000."
USERS = 20
TOGETHER = 16
"Partners that talk at the same moment."


def test_all_partners_talk_with_one_server_at_the_same_time(federation: Federation) -> None:
    alice = federation.sut.user("alice")
    partners = [federation.partner() for _ in range(PARTNERS)]
    users = {partner.domain: [partner.user(f"user{number}") for number in range(USERS)] for partner in partners}

    def talk(partner: Partner) -> None:
        first, *_, last = users[partner.domain]
        first.watch(alice).expect("available")
        first.chat_with(alice).say(f"from {partner.domain}").must_succeed()
        alice.chat_with(last).say(f"to {partner.domain}").must_succeed()
        last.expect_message(f"to {partner.domain}", from_=alice)

    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(talk, partners))

    for partner in partners:
        alice.expect_message(f"from {partner.domain}", from_=users[partner.domain][0])
    alice.set_presence("busy")
    alice.must_have_no_message()
    assert all(partner.edge.connections == 2 for partner in partners)
