"""Conversations and subscriptions that a partner holds by hand with a user of the server (RFC 3261 §12, RFC 6665)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from simulator.errors import ExpectationFailed
from simulator.scenarios.by_hand import by_hand
from simulator.scenarios.traffic import requests_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.partner.mishaps import Mishap
    from simulator.partner.wire import Wire
    from simulator.sip.message import Request, Response

SDP = (
    "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=session\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    "m=message 5060 sip null\r\na=accept-types:text/plain \r\n"
)
"What a chat of two is offered with (dialect facts §4.1)."
SDP_TYPE = "application/sdp"
ASKING = ("Event: presence", "Accept: application/pidf+xml", "Expires: 600")
"The headers of a SUBSCRIBE in order."

_numbers = itertools.count(1)


class HeldDialog:
    """A dialog of `bob` with alice, whose requests the test writes."""

    def __init__(
        self,
        federation: Federation,
        partner: Partner,
        method: str,
        *,
        more: Sequence[str] = (),
        instead: Mapping[str, str | None] | None = None,
        body: str = "",
        content_type: str = SDP_TYPE,
    ) -> None:
        """The first request has been answered when this returns."""
        self._federation, self._partner = federation, partner
        self.wire = partner.edge.wire()
        "The connection on which it began."
        name = f"dialog-{next(_numbers)}@{partner.edge.fqdn}"
        self._lines: dict[str, str | None] = {
            "Call-ID": f"Call-ID: {name}",
            "From": f"From: <sip:bob@{partner.domain}>;tag=held",
            "Contact": f"Contact: <sip:bob@{partner.edge.fqdn}:{partner.edge.port};transport=tls>",
            **(instead or {}),
        }
        self.call_id = name
        "By which what belongs to it is known."
        self.cseq = 1
        "The number of the last request."
        request = by_hand(
            federation, partner, method, instead=self._lines, more=more, body=body, content_type=content_type
        )
        self.first = request
        "The bytes that began it."
        self.wire.send(request)
        self.answer: Response = self.wire.expect_answer(method)
        "The final answer to the first request."

    def must_be_there(self) -> None:
        """The first request was answered with 2xx; ExpectationFailed otherwise."""
        if not 200 <= self.answer.status < 300:
            raise ExpectationFailed(
                f"The {self.answer.cseq.method} must be accepted, but was answered {self.answer.status} "
                f"{self.answer.reason}."
            )

    def request(
        self,
        method: str,
        *,
        cseq: int | None = None,
        more: Sequence[str] = (),
        instead: Mapping[str, str | None] | None = None,
        body: str = "",
        content_type: str = "text/plain;charset=UTF-8",
        of: Partner | None = None,
    ) -> bytes:
        """A further request of the dialog; `cseq` instead of the next number, `of` as another partner writes it."""
        if method != "ACK":
            self.cseq = cseq or self.cseq + 1
        contact = self.answer.contact
        target = contact.uri if contact is not None else f"sip:alice@{self._federation.sut.domain}"
        lines: dict[str, str | None] = {
            **self._lines,
            "Request-Line": f"{method} {target} SIP/2.0",
            "To": f"To: <sip:alice@{{server}}>;tag={self.answer.to.tag}",
            "CSeq": f"CSeq: {self.cseq} {method}",
            **(instead or {}),
        }
        if method in ("MESSAGE", "BYE", "ACK"):
            lines["Contact"] = None
        way = [f"Route: {route}" for route in reversed(self.answer.record_routes)]
        return by_hand(
            self._federation,
            of or self._partner,
            method,
            instead=lines,
            more=[*way, *more],
            body=body,
            content_type=content_type,
        )

    def ask(self, method: str, *, on: Wire | None = None, **parts: object) -> Response:
        """Send a further request, by default on the first connection; its final answer, and not one to another."""
        wire = on or self.wire
        wire.send(self.request(method, **parts))  # type: ignore[arg-type]
        while (answer := wire.expect_answer(method)).cseq.number != self.cseq:
            pass
        return answer


class HeldSession(HeldDialog):
    """An IM session that bob has begun."""

    def __init__(self, federation: Federation, partner: Partner, *, acknowledged: bool = True) -> None:
        """It is open when this returns; with `acknowledged` its ACK has gone out. ExpectationFailed when refused."""
        super().__init__(federation, partner, "INVITE", body=SDP)
        self.must_be_there()
        if acknowledged:
            self.wire.send(self.request("ACK", instead={"CSeq": "CSeq: 1 ACK"}))

    def must_go_on(self, text: str = "and on") -> None:
        """A message of bob is taken, and shown to alice as the only one; ExpectationFailed otherwise."""
        alice = self._federation.sut.user("alice")
        status = self.ask("MESSAGE", body=text).status
        if status != 200:
            raise ExpectationFailed(f"The conversation must go on, but its next message was answered {status}.")
        alice.expect_message(text)
        alice.must_have_no_message()


class HeldSubscription(HeldDialog):
    """A subscription of bob to the presence of alice; its notifications are answered with `status`."""

    def __init__(
        self,
        federation: Federation,
        partner: Partner,
        *,
        more: Sequence[str] = ASKING,
        instead: Mapping[str, str | None] | None = None,
        body: str = "",
        content_type: str = SDP_TYPE,
        status: int = 200,
        beside: HeldSubscription | None = None,
        arrivals: Mishap | None = None,
    ) -> None:
        """The SUBSCRIBE has been answered when this returns. `beside` is another one with the same partner, `arrivals`
        what answers its notifications already."""
        if beside is not None:
            arrivals = beside._arrivals
        self._arrivals: Mishap = arrivals or partner.edge.answers("NOTIFY", status, admitted=True)
        super().__init__(
            federation, partner, "SUBSCRIBE", more=more, instead=instead, body=body, content_type=content_type
        )
        self._taken = 0

    @property
    def notifications(self) -> list[Request]:
        """Those that came so far, in order."""
        sent = requests_to(self._federation, self._partner, "NOTIFY", "BENOTIFY")
        return [notify for notify in sent if notify.call_id == self.call_id]

    def notified(self) -> Request:
        """The next notification; ExpectationFailed when none comes. A server that notifies on the connection of the
        SUBSCRIBE, where nobody would answer, is not judged."""
        self.must_be_there()
        self._taken += 1
        while True:
            before = len(self._arrivals.requests)
            if len(found := self.notifications) >= self._taken:
                return found[self._taken - 1]
            try:
                self._arrivals.must_have_happened(times=before + 1)
            except ExpectationFailed:
                if self.wire.has_brought("NOTIFY"):
                    pytest.skip("the server notifies on the connection that the watcher has opened")
                raise ExpectationFailed(
                    f"Notification {self._taken} of the subscription {self.call_id} never reached {self._partner}: "
                    "look at what the server asked the DNS, whether it dialled, and how TLS ended."
                ) from None
