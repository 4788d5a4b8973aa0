"""The watched end of a subscription (RFC 6665 §4.2, MS-SIP 3.4 and 3.6)."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.errors import RemoteProtocolError
from simulator.sip.dialog import Dialog
from simulator.sip.fields import EventHeader, new_tag
from simulator.sip.message import Request, Response
from simulator.sip.options import NO_OPTIONS, PIGGYBACK, PIGGYBACK_CSEQ, SubscriptionOptions
from simulator.sip.subscription_terms import DEFAULT_EXPIRES, ENDING_STATUSES, SubscriptionPhase, too_brief

FETCHED = "it was fetched once"


class NotifierUsage:
    """The watched end of one subscription. Reads no clock and sends nothing itself.

    After `accept` send `response`, then at once what `notify` returns (§4.2.1.2). Hand in the responses to the NOTIFYs,
    `request_failed` where none came, and each SUBSCRIBE of the dialog `id`. A BENOTIFY goes out by `send_one_way`.
    """

    def __init__(self, subscribe: Request, response: Response, dialog: Dialog, event: EventHeader) -> None:
        """Use `accept`."""
        self.subscribe = subscribe
        self.response = response
        "The 2xx to send first."
        self.dialog = dialog
        self.event = event
        self.state = SubscriptionPhase.ACTIVE
        self.expires_at = 0.0
        self.ended_because = ""
        "Once TERMINATED: why, as a sentence without its stop."
        self.body: tuple[bytes, str | None] = (b"", None)
        "The state that is notified: (body, Content-Type)."
        self.agreed = NO_OPTIONS
        "The extensions that the watcher asked for and we know."
        self._options = NO_OPTIONS
        self._granted = 0
        self._first = True
        self._piggybacked = False
        self._limits = (0, DEFAULT_EXPIRES, DEFAULT_EXPIRES)
        self._headers: tuple[tuple[str, str], ...] = ()
        self._response_headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def accept(
        cls,
        subscribe: Request,
        now: float,
        *,
        contact: str,
        body: bytes = b"",
        content_type: str | None = None,
        pending: bool = False,
        default_expires: int = DEFAULT_EXPIRES,
        max_expires: int = 86_400,
        status: int = 200,
        to_tag: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        notify_headers: Iterable[tuple[str, str]] = (),
        min_expires: int = 0,
        options: SubscriptionOptions = NO_OPTIONS,
    ) -> NotifierUsage:
        """Grant a SUBSCRIBE that came: for the time it asks for or `default_expires`, `max_expires` at most, seconds.

        `contact` is our Contact value; `headers` go into each 2xx, `notify_headers` into each NOTIFY. A `pending`
        subscription sees no body before `authorize`. A refresh for less than `min_expires` gets 423; ask `too_brief` of
        the first SUBSCRIBE before. Of the `options` those are used that the watcher supports. Raises
        RemoteProtocolError, to be answered with its status hint, on a SUBSCRIBE without Event (489, §8.2.1) or with
        headers that cannot be read.
        """
        event = subscribe.event
        if event is None:
            raise RemoteProtocolError("the SUBSCRIBE has no Event", status_hint=489)
        granted = min(default_expires if subscribe.expires is None else subscribe.expires, max_expires)
        agreed = options.shared_with(subscribe)
        extra = tuple(headers)
        response_headers = [("Contact", contact), ("Expires", str(granted)), *extra]
        response_headers += [("Supported", tag) for tag in agreed.tags]
        phase = SubscriptionPhase.PENDING if pending else SubscriptionPhase.ACTIVE
        shown: tuple[bytes, str | None] = (b"", None)
        if agreed.piggyback:
            word = f"{phase.value};expires={granted}" if granted else "terminated;reason=timeout"
            response_headers += [("Event", event.raw), ("Subscription-State", word), (PIGGYBACK_CSEQ, "1")]
            if body and not pending:
                shown = (body, content_type)
        response = subscribe.respond(
            status, to_tag=to_tag or new_tag(), headers=response_headers, body=shown[0], content_type=shown[1]
        )
        usage = cls(subscribe, response, Dialog.as_callee(subscribe, response), event)
        usage.state = phase
        usage.expires_at = now + granted
        usage.body = (body, content_type)
        usage.agreed, usage._options = agreed, options
        usage._granted = granted
        usage._limits = (min_expires, default_expires, max_expires)
        usage._headers = tuple(notify_headers)
        usage._response_headers = extra
        if agreed.piggyback:
            usage._first, usage._piggybacked = False, True
            usage.dialog.local_cseq = 1
            if not granted:
                usage._end(FETCHED)
        return usage

    @property
    def id(self) -> tuple[str, str, str]:
        """The dialog's id, as `Dialog.id_of` gives it for what comes in."""
        return self.dialog.id

    @property
    def ended(self) -> bool:
        return self.state is SubscriptionPhase.TERMINATED

    def notify(self, now: float) -> list[Request]:
        """The NOTIFY of the state as it is; the last one where the time is over, as it is at once for a fetch. Nothing
        the first time where the 2xx has said it already."""
        if self._piggybacked:
            self._piggybacked = False
            return []
        return self._tell(now)

    def publish(self, body: bytes, content_type: str | None, now: float) -> list[Request]:
        """The state changed: the NOTIFY that says so; none while pending or after the end."""
        self.body = (body, content_type)
        return self._tell(now) if self.state is SubscriptionPhase.ACTIVE else []

    def authorize(self, now: float) -> list[Request]:
        """A pending subscription becomes active, and sees the state."""
        if self.state is not SubscriptionPhase.PENDING:
            return []
        self.state = SubscriptionPhase.ACTIVE
        return self._tell(now)

    def terminate(self, reason: str, *, retry_after: int | None = None) -> list[Request]:
        """End it: the last NOTIFY with this reason: deactivated, probation, rejected, timeout, giveup, noresource or
        invariant (§4.1.3)."""
        return self._finish(reason, f"we ended it, reason {reason}", retry_after, with_body=False)

    def receive_subscribe(self, request: Request, now: float) -> tuple[Response, list[Request]]:
        """A SUBSCRIBE in the dialog, a refresh or, with Expires 0, the end: the response, then the NOTIFY that must
        follow."""
        if now >= self.expires_at and not self.ended:
            return request.respond(481), self.handle_timeout(now)
        try:
            refusal = self._judge(request)
            wanted, agreed = request.expires, self._options.shared_with(request)
        except RemoteProtocolError as error:
            return request.respond(error.status_hint), []
        minimum, default, maximum = self._limits
        refusal = refusal or too_brief(request, minimum)
        if refusal is not None:
            return refusal, []
        self.agreed = agreed
        self._granted = min(default if wanted is None else wanted, maximum)
        contact = self.dialog.contact
        response = request.respond(
            200,
            headers=[
                *([("Contact", contact)] if contact else []),
                ("Expires", str(self._granted)),
                *self._response_headers,
                *(("Supported", tag) for tag in agreed.without([PIGGYBACK]).tags),
            ],
        )
        if self._granted == 0:
            return response, self._finish("timeout", "the peer ended it", None, with_body=False)
        self.expires_at = now + self._granted
        return response, self._tell(now)

    def receive_response(self, response: Response) -> None:
        """A response to a NOTIFY; some refusals end the subscription (§4.2.2)."""
        if response.status in ENDING_STATUSES:
            self._end(f"the peer answered NOTIFY with {response.status}")

    def request_failed(self, sentence: str) -> None:
        """A NOTIFY got no final response (TransactionFailed): the subscription is gone (§4.2.2)."""
        self._end(sentence.rstrip("."))

    def next_timeout(self) -> float | None:
        return None if self.ended else self.expires_at

    def handle_timeout(self, now: float) -> list[Request]:
        """The last NOTIFY, `terminated;reason=timeout`, when nobody refreshed it in time (§4.2.2)."""
        if self.ended or now < self.expires_at:
            return []
        return self._finish("timeout", "it ran out", None, with_body=False)

    # Parts

    def _judge(self, request: Request) -> Response | None:
        if self.ended:
            return request.respond(481)
        event = request.event
        if event is None or event.package.lower() != self.event.package.lower():
            return request.respond(489)
        if event.id != self.event.id:
            return request.respond(481)
        return self.dialog.receive(request)

    def _tell(self, now: float) -> list[Request]:
        self._piggybacked = False
        if self.ended:
            return []
        if now >= self.expires_at:
            because = "it ran out" if self._granted else FETCHED
            return self._finish("timeout", because, None, with_body=True)
        if self.agreed.autoextend:
            self.expires_at = now + self._granted
        left = round(self.expires_at - now)
        return [self._build(f"{self.state.value};expires={left}", with_body=True)]

    def _build(self, state: str, *, with_body: bool) -> Request:
        body, content_type = self.body
        if self.state is SubscriptionPhase.PENDING or not with_body or not body:
            body, content_type = b"", None
        headers = [("Event", self.event.raw), ("Subscription-State", state), *self._headers]
        method = "BENOTIFY" if self.agreed.benotify and not self._first else "NOTIFY"
        self._first = False
        return self.dialog.request(method, headers=headers, body=body, content_type=content_type)

    def _finish(self, reason: str, because: str, retry_after: int | None, *, with_body: bool) -> list[Request]:
        if self.ended:
            return []
        wait = "" if retry_after is None else f";retry-after={retry_after}"
        last = self._build(f"terminated;reason={reason}{wait}", with_body=with_body)
        self._end(because)
        return [last]

    def _end(self, because: str) -> None:
        if not self.ended:
            self.state = SubscriptionPhase.TERMINATED
            self.ended_because = because
            self.dialog.terminate()
