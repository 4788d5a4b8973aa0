"""Requests that no product sends, from the embedded server over its real connection to a partner."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.federation import Federation
from simulator.io.user import User
from simulator.partner import Partner
from simulator.sip.message import Request, Response
from simulator.sut import EmbeddedServer


def request_to(
    federation: Federation,
    partner: Partner,
    method: str,
    *,
    to: str = "bob",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Request:
    """A request of Alice's to a user of the partner, outside of dialogs."""
    agent = server_of(federation).server.agent
    alice = agent.accounts[f"sip:alice@{federation.sut.domain}"]
    remote = f"sip:{to}@{partner.domain}"
    return agent.writer.initial_request(method, alice, remote, headers=headers, body=body, content_type=content_type)


def send(federation: Federation, partner: Partner, request: Request) -> Response:
    """The final response to `request` on a connection of the server to the partner."""
    agent = server_of(federation).server.agent

    async def exchange() -> Response:
        link = await agent.link_to(partner.domain)
        return await link.request(request)

    return federation._engine.loop.run(exchange())


def server_of(federation: Federation) -> EmbeddedServer:
    assert isinstance(federation.sut, EmbeddedServer)
    return federation.sut


def listening(user: User) -> User:
    """The same user, who takes messages without an expectation for each."""
    user.ignores("messages")
    return user
