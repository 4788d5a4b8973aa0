"""Compression of a link by NEGOTIATE, offered and refused ([MS-SIPCOMP]; dialect facts §1.3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakSet

from simulator.io.link import Link
from simulator.io.link_user import RequestTimedOut
from simulator.sip.fields import new_call_id, new_tag
from simulator.sip.message import Request, Response

if TYPE_CHECKING:
    from simulator.io.user_agent import UserAgent
    from simulator.sip.transaction import ServerTransaction

METHOD = "NEGOTIATE"
HEADER = "Compression"
AGREED = "compression was agreed on, which is not spoken here"


class Compression:
    """Offers compression on connections of ours and refuses it on those of others; nothing here is ever compressed."""

    def __init__(self, agent: UserAgent, algorithm: str) -> None:
        self._agent = agent
        self._algorithm = algorithm
        self.unanswered: WeakSet[Link] = WeakSet()
        "Connections on which an offer was given up, and may still be answered."

    async def offer(self, link: Link, wait: float) -> Link | None:
        """Offer it as the first request and wait for the answer, at most `wait` seconds of the federation's clock.

        Whatever the answer is, the link stays uncompressed; but after a 2xx that takes the offer the peer expects what
        is not spoken here: the link is closed then, and None returned.
        """
        answer = link.request(self._request(link), add_via=False)
        over = asyncio.Event()
        timer = self._agent.timers.call_at(self._agent.now + wait, over.set)
        answer.add_done_callback(lambda _answer: over.set())
        await over.wait()
        timer.cancel()
        peer = link.expected or link.peer_address
        if not answer.done():
            self._agent.log(f"{peer} does not answer the offer of compression; the link stays uncompressed.")
            self.unanswered.add(link)
            answer.add_done_callback(lambda late: self._on_late_answer(link, late))
            return link
        try:
            response = answer.result()
        except RequestTimedOut:
            return link
        said = f"{response.status} {response.reason}".rstrip()
        if not _takes(response):
            self._agent.log(f"{peer} answers the offer of compression with {said}; the link stays uncompressed.")
            return link
        self._agent.log(f"{peer} takes the offer of compression, which is not spoken here: another link is opened.")
        link.close(AGREED)
        return None

    def _on_late_answer(self, link: Link, answer: asyncio.Future[Response]) -> None:
        self.unanswered.discard(link)
        if not answer.cancelled() and answer.exception() is None and _takes(answer.result()):
            self._agent.log(f"{link.expected} takes the offer of compression late: the link is closed.")
            link.close(AGREED)

    def on_offer(self, link: Link, transaction: ServerTransaction, status: int) -> None:
        """Answer the offer of a peer with `status`."""
        self._agent.respond(link, transaction, status)

    def _request(self, link: Link) -> Request:
        """As the specification's example: a Via without branch, and Max-Forwards 0."""
        own_address, own_port = link.own_address
        peer, _, port = link.peer_address.rpartition(":")
        return Request.build(
            METHOD,
            f"sip:{peer}:{port}",
            [
                ("Via", f"SIP/2.0/TLS {own_address}:{own_port}"),
                ("CSeq", f"1 {METHOD}"),
                ("Call-ID", new_call_id()),
                ("From", f"<sip:{self._agent.fqdn}>;tag={new_tag()}"),
                ("To", f"<sip:{link.expected or peer}>"),
                (HEADER, self._algorithm),
                ("Max-Forwards", "0"),
            ],
        )


def _takes(response: Response) -> bool:
    return response.status < 300 and HEADER in response.headers
