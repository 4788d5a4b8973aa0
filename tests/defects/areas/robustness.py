"""Faults in how the server takes odd, broken and hostile SIP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.defects.frame import defect
from tests.defects.server import is_server


@defect(caught_by=("robustness/headers-that-claim-trust[message-trust]",), says=("whatever its headers say",))
def believes_trust_headers(patch: pytest.MonkeyPatch) -> None:
    """A sender is believed whose message says that an edge has verified it."""
    from simulator.io.admission import Admission

    on_request = Admission.on_request

    def gullible(self: Any, link: Any, transaction: Any, request: Any) -> None:
        said = request.headers.get("ms-edge-proxy-message-trust") or ""
        if is_server(self._agent) and "verified" in said:
            self._agent.reception.take(link, transaction, request)
        else:
            on_request(self, link, transaction, request)

    patch.setattr(Admission, "on_request", gullible)


@defect(
    caught_by=("robustness/sender-hidden-behind-an-asserted-identity",),
    says=("must not be shown a message of bob@", "believed one unproven"),
)
def shows_whom_nobody_has_proven(patch: pytest.MonkeyPatch) -> None:
    """The asserted identity is proven, and another one, that of From, is shown."""
    from simulator.connect_server.server import ConnectServer

    patch.setattr(ConnectServer, "on_arrival", lambda _self, _link, _request: None)


@defect(caught_by=("robustness/stray-ack",), says=("An ACK is never answered",))
def answers_an_ack(patch: pytest.MonkeyPatch) -> None:
    """An ACK that belongs to nothing is answered."""
    from simulator.io.user_agent import UserAgent

    on_ack = UserAgent.on_ack

    def polite(self: Any, link: Any, request: Any) -> None:
        from simulator.sip.dialog import Dialog

        on_ack(self, link, request)
        if is_server(self) and Dialog.id_of(request) not in self.dialogs:
            link.send_raw(bytes(request.respond(481, to_tag="stray")))

    patch.setattr(UserAgent, "on_ack", polite)


@defect(
    caught_by=("robustness/turned-away[unknown-method]",),
    also=("chat", "dialogs"),
    says=("must be answered 405 or 501",),
)
def trips_over_an_unknown_method(patch: pytest.MonkeyPatch) -> None:
    """A method that the server does not know is answered 500."""
    from simulator.io.user_agent import UserAgent

    not_allowed = UserAgent.not_allowed

    def trip(self: Any, link: Any, transaction: Any) -> None:
        if is_server(self):
            self.respond(link, transaction, 500)
        else:
            not_allowed(self, link, transaction)

    patch.setattr(UserAgent, "not_allowed", trip)


@defect(caught_by=("robustness/turned-away[unknown-option]",), also=("presence", "chat", "dialogs"))
def ignores_what_is_required(patch: pytest.MonkeyPatch) -> None:
    """A request that requires an unknown option is taken all the same."""
    from simulator.io import reception

    patch.setattr(reception, "bad_extension", lambda *_parts, **_named: None)


@defect(
    caught_by=("robustness/turned-away[unknown-content]",), also=("chat", "dialogs"), says=("must be answered 415",)
)
def takes_what_it_cannot_show(patch: pytest.MonkeyPatch) -> None:
    """A message whose content cannot be shown is confirmed."""
    from simulator.io.chats import Chats

    refuse = Chats._refuse_body

    def confirm(self: Any, link: Any, transaction: Any, account: Any, error: Any) -> None:
        if is_server(self._agent):
            self._agent.respond(link, transaction, 200)
        else:
            refuse(self, link, transaction, account, error)

    patch.setattr(Chats, "_refuse_body", confirm)


@defect(caught_by=("robustness/record-route-comes-back-as-it-was",), also=("chat", "presence", "policy"))
def breaks_a_record_route_parameter(patch: pytest.MonkeyPatch) -> None:
    """Of a long Record-Route value the end is cut off."""
    from simulator.io.user_agent import UserAgent

    send_response = UserAgent.send_response

    def cut(self: Any, link: Any, transaction: Any, response: Any) -> None:
        values = response.headers.all_of("record-route")
        if is_server(self) and any(len(value) > 255 for value in values):
            response.headers.remove("Record-Route")
            for value in values:
                response.headers.add("Record-Route", value if len(value) <= 255 else value[:254] + ">")
        send_response(self, link, transaction, response)

    patch.setattr(UserAgent, "send_response", cut)


@defect(
    caught_by=("robustness/turned-away[stray-bye]", "robustness/turned-away[unknown-user]"),
    also=("chat", "presence", "dialogs", "policy", "licensing", "routes", "discovery", "resilience", "trust"),
)
def hangs_up_on_every_refusal(patch: pytest.MonkeyPatch) -> None:
    """The server ends the connection of whomever it refuses one request."""
    from simulator.io.user_agent import UserAgent

    refuse = UserAgent.refuse

    def offended(self: Any, link: Any, transaction: Any, refusal: Any, *, headers: Any = ()) -> None:
        refuse(self, link, transaction, refusal, headers=headers)
        if is_server(self):
            link.close("offended")

    patch.setattr(UserAgent, "refuse", offended)


def _refuses_requests(patch: pytest.MonkeyPatch, status: int, wrong: Any) -> None:
    from simulator.io.user_agent import UserAgent

    on_request = UserAgent.on_request

    def strict(self: Any, link: Any, transaction: Any, request: Any) -> None:
        if is_server(self) and wrong(request):
            self.respond(link, transaction, status)
        else:
            on_request(self, link, transaction, request)

    patch.setattr(UserAgent, "on_request", strict)


@defect(caught_by=("robustness/odd-but-legal[via-without-branch]", "robustness/offer-of-compression"))
def demands_a_branch(patch: pytest.MonkeyPatch) -> None:
    """A request whose Via has no branch is answered 400."""
    _refuses_requests(patch, 400, lambda request: not request.top_via.branch)


@defect(caught_by=("robustness/offer-of-compression",))
def counts_the_last_hop(patch: pytest.MonkeyPatch) -> None:
    """A request with Max-Forwards 0 is answered 483, although it is at its goal."""
    _refuses_requests(patch, 483, lambda request: request.headers.get("Max-Forwards") == "0")


@defect(caught_by=("robustness/odd-but-legal[unknown-headers]",))
def refuses_what_it_does_not_know(patch: pytest.MonkeyPatch) -> None:
    """A request with a header that the server does not know is answered 400."""
    _refuses_requests(patch, 400, lambda request: "X-Nobody-Knows" in request.headers)


@defect(
    caught_by=("robustness/stranger-at-the-port[*]", "robustness/garbage-inside-tls[*]"),
    also=("certificates", "resilience", "routes/routes-server-speaks-no-tls", "trust"),
)
def a_bad_connection_spoils_the_next(patch: pytest.MonkeyPatch) -> None:
    """After a connection that broke a rule the server hangs up on the next."""
    from simulator.io.transport import SipTransport
    from simulator.io.user_agent import UserAgent
    from simulator.sut.embedded import EmbeddedServer

    on_closed, accept, begin_test = UserAgent.on_closed, SipTransport._accept, EmbeddedServer.begin_test
    offended: set[int] = set()

    class HangsUp(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

    def take_offence(self: Any, link: Any) -> None:
        on_closed(self, link)
        if is_server(self) and link.fault:
            offended.add(id(self.transport))

    def accept_unless_offended(self: SipTransport) -> asyncio.Protocol:
        if id(self) not in offended:
            return accept(self)
        offended.discard(id(self))
        return HangsUp()

    def forgive(self: EmbeddedServer) -> None:
        offended.clear()
        begin_test(self)

    patch.setattr(SipTransport, "_accept", accept_unless_offended)
    patch.setattr(EmbeddedServer, "begin_test", forgive)
    patch.setattr(UserAgent, "on_closed", take_offence)
