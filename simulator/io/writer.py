"""Writes requests in the dialect of one product, as one element with an edge and users in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from ipaddress import ip_interface
from typing import Final

from simulator.chat import sdp
from simulator.chat.invitation import new_conversation_id
from simulator.io.account import Account
from simulator.io.dialect import Dialect
from simulator.io.transport import SipTransport
from simulator.names import Fqdn
from simulator.sip.dialog import Dialog
from simulator.sip.fields import NameAddr, new_call_id, new_tag
from simulator.sip.message import Request, Response

Header = tuple[str, str]
CLIENT_PORT: Final = 50092
"From where the user's client seems to have come to the edge."


class Writer:
    """What the dialect decides about a message: addresses, routes, and the headers that all of its kind carry."""

    def __init__(self, dialect: Dialect, fqdn: Fqdn, transport: SipTransport) -> None:
        self.dialect = dialect
        self.record_route = ""
        "Our own Record-Route value; every request inside a dialog must bring it back byte for byte."
        self.edge_headers: list[Header] = []
        "What the edge adds to every request that leaves."
        self._fqdn = fqdn
        self._transport = transport

    def new_record_route(self) -> str:
        """Long and meaningless as that of a Microsoft edge (dialect facts §2.1); empty where the dialect has none."""
        if not self.dialect.record_routes:
            return ""
        key, signature = secrets.token_urlsafe(150), secrets.token_urlsafe(30)
        server = f"{self._fqdn}:{self._transport.port}"
        return f"<sip:{server};transport=tls;lr;ms-key-info={key};ms-route-sig={signature}>"

    def is_our_route(self, request: Request) -> bool:
        """Whether a request inside a dialog brought our Record-Route back as it was, if we gave one."""
        return not self.record_route or (bool(request.routes) and request.routes[0] == self.record_route)

    @property
    def media_address(self) -> str:
        """The address in session descriptions; it has no meaning (dialect facts §4.1)."""
        return self._transport.address or "127.0.0.1"

    def request_headers(self, account: Account) -> list[Header]:
        """What every request of a user carries."""
        dialect, headers = self.dialect, list[Header]()
        if dialect.client_via:
            client = f"{self.media_address}:{CLIENT_PORT}"
            headers.append(("Via", f"SIP/2.0/TLS {client};ms-received-port={CLIENT_PORT};ms-received-cid=3E8A00"))
        if dialect.user_agent:
            headers.append(("User-Agent", dialect.user_agent))
        if dialect.asserted_identity:
            name = f'"{account.display_name}"' if account.display_name else ""
            headers.append(("P-Asserted-Identity", f"{name}<{account.uri}>"))
        return [*headers, *self.edge_headers, *dialect.further_headers]

    def message_headers(self, account: Account) -> list[Header]:
        """What a MESSAGE or INFO inside an IM session carries (dialect facts §4.3)."""
        return [
            *self.request_headers(account),
            *(("Supported", option) for option in self.dialect.supported_in_message),
        ]

    def routing_headers(self) -> list[Header]:
        """What keeps us in the path of a dialog that a request of ours can begin (RFC 3261 §16.6, RFC 6665 §4.3)."""
        return [("Record-Route", self.record_route)] if self.record_route else []

    def contact(self, account: Account) -> str:
        """The Contact value of a user."""
        if self.dialect.gruu_contact:
            return f"<{account.uri};opaque=user:epid:{account.epid}AAA;gruu>"
        user = account.uri.removeprefix("sip:").partition("@")[0]
        return f"<sip:{user}@{self._fqdn}:{self._transport.port};transport=tls>"

    def answer_headers(self) -> list[Header]:
        """What a 200 to INVITE carries: the option tags and the methods."""
        return self._abilities(self.dialect.supported_in_answer or self.dialect.supported)

    def _abilities(self, options: Iterable[str]) -> list[Header]:
        return [*(("Supported", option) for option in options), ("Allow", ", ".join(self.dialect.allow))]

    def invite_headers(self, account: Account, remote: str, conversation: str) -> list[Header]:
        """What an INVITE carries beside that (dialect facts §4.1)."""
        headers = self._abilities(self.dialect.supported)
        if conversation:
            headers.append(("Ms-Conversation-ID", conversation))
        if self.dialect.participants:
            headers += [("Roster-Manager", account.uri), ("EndPoints", f"<{account.uri}>, <{remote}>")]
        if self.dialect.keep_alive:
            headers.append(("ms-keep-alive", self.dialect.keep_alive))
        if self.dialect.subnet:
            headers.append(("ms-subnet", network_of(self.media_address)))
        if self.dialect.history:
            headers.append(("history-info", f"<{remote}>;index=1"))
        return headers

    def new_conversation(self) -> str:
        """A fresh `Ms-Conversation-ID`; empty where the dialect has none."""
        return new_conversation_id() if self.dialect.conversation_id else ""

    def im_description(self, *, own_uri: str | None = None) -> tuple[str, bytes]:
        """Content-Type and body of the session description of an IM session: the offer, with `own_uri` the answer."""
        body = sdp.im_offer(self.media_address, accept_types=self.dialect.accept_types, own_uri=own_uri)
        return self.dialect.sdp_type if own_uri is None else sdp.CONTENT_TYPE, body

    def standalone_request(
        self, method: str, account: Account, remote: str, *, body: bytes = b"", content_type: str | None = None
    ) -> Request:
        """A request outside any dialog that makes none, such as MESSAGE: it has no Contact (RFC 3428 §4)."""
        headers = [
            ("Max-Forwards", "70"),
            ("From", self._from(account)),
            ("To", f"<{remote}>"),
            ("Call-ID", new_call_id()),
            ("CSeq", f"1 {method}"),
            *self.request_headers(account),
        ]
        return Request.build(method, remote, headers, body, content_type)

    def initial_request(
        self,
        method: str,
        account: Account,
        remote: str,
        *,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Request:
        """A request outside any dialog that makes one, without Via (RFC 3261 §8.1.1)."""
        return Request.build(
            method,
            remote,
            [
                ("Max-Forwards", "70"),
                *self.routing_headers(),
                ("From", self._from(account)),
                ("To", f"<{remote}>"),
                ("Call-ID", new_call_id()),
                ("CSeq", f"1 {method}"),
                ("Contact", self.contact(account)),
                *self.request_headers(account),
                *headers,
            ],
            body,
            content_type,
        )

    def put_into_route(self, response: Response) -> None:
        """Add our Record-Route to a response that makes a dialog, above those of the request (RFC 3261 §16.6)."""
        if self.record_route:
            response.headers.prepend("Record-Route", self.record_route)

    def drop_own_routes(self, dialog: Dialog) -> None:
        """Take ourselves out of the route set: the edge and its users are one here."""
        dialog.routes = tuple(route for route in dialog.routes if route != self.record_route)

    def leave_out_own_route(self, request: Request) -> None:
        """The same for a request that was written together with its dialog: the ACK to the 2xx that made it."""
        routes = request.routes
        if self.record_route in routes:
            request.headers.remove("Route")
            for route in routes:
                if route != self.record_route:
                    request.headers.add("Route", route)

    def _from(self, account: Account) -> str:
        if self.dialect.epid:
            name = f'"{account.display_name}"' if account.display_name else ""
            return f"{name}<{account.uri}>;tag={new_tag()};epid={account.epid}"
        return NameAddr.build(account.uri, display_name=account.display_name, tag=new_tag()).raw


def network_of(address: str) -> str:
    """The network of an address, as a client of Lync says it: 192.0.2.0 (dialect facts §2.4)."""
    return str(ip_interface(f"{address}/{64 if ':' in address else 24}").network.network_address)


def mark_via(response: Response, peer_address: str) -> None:
    """Say in the topmost Via where the request came from, in Microsoft's words (dialect facts §2.1)."""
    host, _, port = peer_address.rpartition(":")
    line, top = response.headers.get("Via") or "", response.top_via.raw
    marks = f";received={host};ms-received-port={port};ms-received-cid={int(port):X}00"
    response.headers.remove_first("Via")
    response.headers.prepend("Via", f"{top}{marks}{line[len(top) :]}")
