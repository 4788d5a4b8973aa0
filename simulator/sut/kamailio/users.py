"""The users behind Kamailio: one user agent that talks with nobody but Kamailio, over mutual TLS on its inner port."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from simulator.discovery import Answer, Question
from simulator.io.account import Account
from simulator.io.dialect import Dialect
from simulator.io.peering import Peering, StaticWay, Way
from simulator.io.resolver import Resolver
from simulator.io.user_agent import UserAgent
from simulator.names import Fqdn, SipDomain
from simulator.presence import pidf
from simulator.presence.state import PresenceState
from simulator.sip.message import Request, Response

DIALECT = Dialect(user_agent="", server="")
PUBLISHED_FOR = 86400
"Seconds that a published state is asked to live; Kamailio may cut that short."


@dataclass(frozen=True)
class ThroughKamailio(Peering):
    """Every domain, our own too, is reached through Kamailio, and only Kamailio may speak for any of them."""

    fqdn: Fqdn
    "Its name."
    inner_port: int
    "Where it takes what its users send."

    def way_to(self, domain: SipDomain, user: str = "") -> Way:
        del user
        return StaticWay(domain, self.fqdn, self.inner_port)


class BesideKamailio(Resolver):
    """Knows where Kamailio is, whatever the records of a test say of its name."""

    def __init__(self, server: tuple[str, int], fqdn: Fqdn, address: str) -> None:
        """`server` is the DNS for everything else."""
        super().__init__(server)
        self._name = str(fqdn)
        self._known = {"AAAA" if ":" in address else "A": Answer("noerror", (address,))}

    async def ask(self, question: Question) -> Answer:
        if question.name.rstrip(".").lower() == self._name:
            return self._known.get(question.type, Answer("nodata"))
        return await super().ask(question)


class KamailioUsers(UserAgent):
    """Users whose presence is kept by Kamailio's presence server, which gets it by PUBLISH (RFC 3903)."""

    def __init__(self, **parts: Any) -> None:
        """`parts` are those of `UserAgent`."""
        super().__init__(**parts)
        self._etags: dict[str, str] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def show(self, account: Account, state: PresenceState) -> None:
        """Whoever watches from now on is to see it: it is there once Kamailio has answered."""
        account.state = state
        await self.send_state(account)

    def publish(self, account: Account, state: PresenceState) -> None:
        account.state = state
        self.in_background(self.send_state(account))

    async def send_state(self, account: Account) -> None:
        """PUBLISH what the account shows, after all that was published for it before."""
        async with self._turns[account.uri]:
            response = await self._send_state(account)
            if response.status == 412:  # Kamailio has lost the state: RFC 3903 §4.5 has us begin anew
                self._etags.pop(account.uri, None)
                response = await self._send_state(account)
            if response.status >= 300:
                self.log(f"PUBLISH of {account.uri} was answered {response.status} {response.reason}")
            elif etag := response.headers.get("SIP-ETag"):
                self._etags[account.uri] = etag

    async def _send_state(self, account: Account) -> Response:
        headers = [("Event", "presence"), ("Expires", str(PUBLISHED_FOR))]
        if etag := self._etags.get(account.uri):
            headers.append(("SIP-If-Match", etag))
        body = pidf.write(account.state, account.uri, layout=self.dialect.pidf_layout)
        request: Request = self.writer.initial_request(
            "PUBLISH", account, account.uri, headers=headers, body=body, content_type=pidf.CONTENT_TYPE
        )
        return await self.exchange(account.uri, request)
