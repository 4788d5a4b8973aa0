"""The five examples of the requirements, on the wire: how the server's FQDN must relate to its domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.names import Fqdn
from simulator.scenarios import scenario

if TYPE_CHECKING:
    from simulator.federation import Federation


EXAMPLES = [
    pytest.param("connect.{acme}", True, id="R10-equal"),
    pytest.param("xphone.connect.{acme}", True, id="R11-direct-subdomain"),
    pytest.param("company.xphone.{acme}", False, id="R12-other-branch"),
    pytest.param("{acme}", False, id="R13-parent"),
    pytest.param("xphone.{acme}", False, id="R14-sibling"),
]


@scenario(level="must", sources=("R9", "R10", "R11", "R12", "R13", "R14", "R15"), needs=("chat", "identity"))
@pytest.mark.parametrize(("template", "allowed"), EXAMPLES)
def test_fqdn_of_the_domain_connect_acme(federation: Federation, template: str, allowed: bool) -> None:
    """A Skype for Business partner with open federation accepts the domain itself or one label below it as FQDN."""
    acme = federation.fresh_domain("acme")
    server = federation.server(f"connect.{acme}", Fqdn.parse(template.format(acme=acme)))
    partner = federation.partner(opposite=server)
    alice, bob = server.user("alice"), partner.user("bob")

    outward = bob.chat_with(alice).say("to Acme")
    bob.chat_with(alice).close()
    inward = alice.chat_with(bob).say("from Acme")

    if allowed:
        outward.must_succeed()
        inward.must_succeed()
        alice.expect_message("to Acme", from_=bob)
        bob.expect_message("from Acme", from_=alice)
    else:
        outward.must_fail(phase="discovery")
        inward.must_fail(status=504)
        bob.must_have_no_message()
