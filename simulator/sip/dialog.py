"""A dialog: what two user agents keep of each other between requests (RFC 3261 §12)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from random import randint

from simulator.errors import RemoteProtocolError
from simulator.sip.fields import NameAddr
from simulator.sip.message import Request, Response

DialogId = tuple[str, str, str]
"(Call-ID, local tag, remote tag); a missing tag of an RFC 2543 peer is the empty text (§12.1.1)."

TARGET_REFRESH = frozenset({"INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "BENOTIFY", "REFER"})
"Requests whose Contact moves the remote target (RFC 3261 §12.2, RFC 3311 §5, RFC 6665 §4.4.1)."
DIALOG_ENDING = frozenset({408, 481})
"A final response of these to a request of ours says that the peer's end is gone (RFC 3261 §12.2.1.2)."


class DialogState(Enum):
    EARLY = "early"
    "Made by a provisional response."
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Dialog:
    """One end of a dialog. Builds requests without Via; judges the peer's requests; keeps route set and remote target.

    From, To and every Route go out byte for byte as they came in, unknown parameters included: a Microsoft edge signs
    its Record-Route values and refuses a changed one.
    """

    def __init__(
        self,
        *,
        call_id: str,
        local: NameAddr,
        remote: NameAddr,
        target: str,
        routes: Iterable[str],
        state: DialogState,
        local_cseq: int,
        remote_cseq: int | None,
        contact: str | None,
    ) -> None:
        """`as_caller`, `as_callee` and `as_subscriber` are how a dialog is usually made."""
        self.call_id = call_id
        self.local = local
        "Our From, tag included, as it goes into every request."
        self.remote = remote
        "The peer's, which is our To."
        self.target = target
        "The remote target: the URI of the peer's last Contact."
        self.routes = tuple(routes)
        "The route set in the order of our Route headers, raw values."
        self.state = state
        self.local_cseq = local_cseq
        "The CSeq number of our last request; 0 before the first."
        self.remote_cseq = remote_cseq
        self.contact = contact
        "Our own Contact value; goes into requests that refresh the target."
        self.flaws: list[str] = []
        "What the peer left out when the dialog was made, in sentences."

    # Making one

    @classmethod
    def as_caller(cls, request: Request, response: Response) -> Dialog:
        """From our request and a 1xx or 2xx to it (§12.1.2). A response without Contact, which a 2xx must have, leaves
        the Request-URI as target and a flaw. Raises RemoteProtocolError on headers that cannot be read."""
        local = request.from_
        dialog = cls(
            call_id=response.call_id,
            local=local,
            remote=response.to,
            target=request.uri,
            routes=reversed(response.record_routes),
            state=DialogState.EARLY,
            local_cseq=request.cseq.number,
            remote_cseq=None,
            contact=request.headers.get("Contact"),
        )
        dialog.update(response)
        if response.status >= 200:
            if response.contact is None:
                dialog.flaws.append(f"The {response.status} has no Contact (RFC 3261 §12.1.1).")
            if not response.to.tag:
                dialog.flaws.append(f"The {response.status} has no To tag (RFC 3261 §12.1.1).")
        return dialog

    @classmethod
    def as_callee(cls, request: Request, response: Response) -> Dialog:
        """From the peer's request and our 1xx (101 to 199) or 2xx to it, whose To carries our tag (§12.1.1)."""
        contact = request.contact
        dialog = cls(
            call_id=request.call_id,
            local=response.to,
            remote=request.from_,
            target=request.from_.uri if contact is None else contact.uri,
            routes=request.record_routes,
            state=DialogState.CONFIRMED if response.status >= 200 else DialogState.EARLY,
            local_cseq=0,
            remote_cseq=request.cseq.number,
            contact=response.headers.get("Contact"),
        )
        if contact is None:
            dialog.flaws.append(f"The {request.method} has no Contact (RFC 3261 §8.1.1.8).")
        return dialog

    @classmethod
    def as_subscriber(cls, subscribe: Request, notify: Request) -> Dialog:
        """From our SUBSCRIBE and the NOTIFY that came before its 200: its From tag makes it (RFC 6665 §4.4.1)."""
        contact = notify.contact
        dialog = cls(
            call_id=subscribe.call_id,
            local=subscribe.from_,
            remote=notify.from_,
            target=subscribe.uri if contact is None else contact.uri,
            routes=notify.record_routes,
            state=DialogState.CONFIRMED,
            local_cseq=subscribe.cseq.number,
            remote_cseq=notify.cseq.number,
            contact=subscribe.headers.get("Contact"),
        )
        if contact is None:
            dialog.flaws.append("The NOTIFY has no Contact (RFC 6665 §8.1.2).")
        return dialog

    # Which one

    @property
    def id(self) -> DialogId:
        return (self.call_id, self.local.tag or "", self.remote.tag or "")

    @staticmethod
    def id_of(message: Request | Response) -> DialogId:
        """The id of the dialog that a *received* message belongs to: we are To in a request, From in a response."""
        to, from_ = message.to.tag or "", message.from_.tag or ""
        return (message.call_id, to, from_) if isinstance(message, Request) else (message.call_id, from_, to)

    # Requests of ours

    def request(
        self,
        method: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Request:
        """The next request in this dialog, without Via (§12.2.1.1). Our Contact is added where the method refreshes the
        target and `headers` bring none. For ACK use `ack`."""
        self.local_cseq += 1
        own = list(headers)
        if method in TARGET_REFRESH and self.contact and not any(name.lower() in ("contact", "m") for name, _ in own):
            own.insert(0, ("Contact", self.contact))
        return self._build(method, self.local_cseq, own, body, content_type)

    def ack(self, invite_cseq: int, *, headers: Iterable[tuple[str, str]] = ()) -> Request:
        """The ACK to the 2xx of our INVITE of that CSeq number, for `send_ack` (§13.2.2.4)."""
        return self._build("ACK", invite_cseq, list(headers), b"", None)

    @property
    def next_hop(self) -> str:
        """The URI that decides where requests go: the first route's, or the remote target."""
        return (_uri_of(self.routes[0]) if self.routes else None) or self.target

    def _build(
        self, method: str, cseq: int, headers: list[tuple[str, str]], body: bytes, content_type: str | None
    ) -> Request:
        uri, routes = self._request_uri_and_routes()
        dialog_headers = [
            ("Max-Forwards", "70"),
            *(("Route", route) for route in routes),
            ("From", self.local.raw),
            ("To", self.remote.raw),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        return Request.build(method, uri, dialog_headers + headers, body, content_type)

    def _request_uri_and_routes(self) -> tuple[str, tuple[str, ...]]:
        """Loose routing leaves the target in the Request-URI; a strict router gets its own URI there (§12.2.1.1)."""
        first = _uri_of(self.routes[0]) if self.routes else None
        if first is None or any(_param_name(param) == "lr" for param in first.split(";")[1:]):
            return self.target, self.routes
        return _as_request_uri(first), (*self.routes[1:], f"<{self.target}>")

    # What the peer says

    def update(self, response: Response) -> None:
        """Take in a response to a request of ours that makes or refreshes the dialog: the 2xx that follows an early
        dialog recomputes the route set (§13.2.2.4), a 2xx to a target refresh moves the target, 481 and 408 end it.
        Raises RemoteProtocolError where its headers cannot be read."""
        status = response.status
        if self.state is DialogState.EARLY and response.cseq.method in ("INVITE", "SUBSCRIBE"):
            if 200 <= status < 300:
                self.remote = response.to
                self.routes = tuple(reversed(response.record_routes))
                self.state = DialogState.CONFIRMED
            elif status >= 300:
                self.state = DialogState.TERMINATED
        elif status in DIALOG_ENDING:
            self.state = DialogState.TERMINATED
        if 100 < status < 300 and response.cseq.method in TARGET_REFRESH:
            contact = response.contact
            if contact is not None:
                self.target = contact.uri

    def receive(self, request: Request) -> Response | None:
        """Judge a request of the peer in this dialog: None when it is in order, else the response to send.

        481 for another or an ended dialog, 500 for a CSeq number that is not above the last one (§12.2.2; with a
        Retry-After for INVITE, §14.2). A target refresh in order moves the remote target. ACK and CANCEL repeat the
        number of their INVITE and are not judged by it.
        """
        if self.id_of(request) != self.id or self.state is DialogState.TERMINATED:
            return request.respond(481)
        if request.method in ("ACK", "CANCEL"):
            return None
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            retry = [("Retry-After", str(randint(0, 10)))] if request.method == "INVITE" else []
            return request.respond(500, headers=retry)
        self.remote_cseq = number
        if request.method in TARGET_REFRESH:
            contact = request.contact
            if contact is not None:
                self.target = contact.uri
        return None

    def terminate(self) -> None:
        self.state = DialogState.TERMINATED

    def __repr__(self) -> str:
        return f"<{self.state.value} dialog {self.id}>"


def _uri_of(route: str) -> str | None:
    """The URI in a route. None where it cannot be read: that is the peer's own affair, and it goes back as it came."""
    try:
        return NameAddr.parse(route).uri
    except RemoteProtocolError:
        return None


def _param_name(param: str) -> str:
    return param.partition("=")[0].strip().lower()


def _as_request_uri(uri: str) -> str:
    """Without URI headers and method parameter, which a Request-URI must not have (RFC 3261 Table 1)."""
    head, *params = uri.partition("?")[0].split(";")
    return ";".join([head, *(param for param in params if _param_name(param) != "method")])
