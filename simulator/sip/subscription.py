"""Both ends of a subscription: who watches, and who notifies (RFC 6665)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.dialog import Dialog
from simulator.sip.fields import EventHeader, new_tag
from simulator.sip.headers import key_of
from simulator.sip.message import Request, Response
from simulator.sip.transaction import Timers

DEFAULT_EXPIRES = 3600
"Seconds, where neither side names a time: what the presence package says (RFC 3856 §6.4)."
ENDING_STATUSES = frozenset({404, 405, 410, 416, *range(480, 486), 489, 501, 604})
"Refusals of a refresh or of a NOTIFY that end the subscription; any other leaves it (RFC 6665 §4.1.2.2, §4.2.2)."
RETRY_AT_ONCE = frozenset({"deactivated", "timeout"})
NEVER_RETRY = frozenset({"rejected", "noresource", "invariant"})
"Reasons of an end; after any other, probation and giveup among them, the peer's retry-after counts (§4.1.3)."
OF_THE_FIRST_SUBSCRIBE = frozenset(
    {"via", "from", "to", "call-id", "cseq", "route", "max-forwards", "expires", "content-type", "content-length"}
)
"Headers of the first SUBSCRIBE that a refresh does not repeat; it makes its own, and needs no body."


class SubscriptionPhase(Enum):
    """Where a subscription stands, for both ends (RFC 6665 §4.1.2, Figure 1)."""

    REQUESTED = "requested"
    "Subscriber only: no NOTIFY has come."
    PENDING = "pending"
    "Not allowed yet, and not refused."
    ACTIVE = "active"
    TERMINATED = "terminated"


class SubscriberUsage:
    """The watching end of one subscription. Reads no clock and sends nothing itself.

    Send `subscribe` and what the methods return, hand in every response to those requests, `request_failed` where none
    came, and each NOTIFY whose `half_id_of` is `half_id`. It is refreshed by `handle_timeout` before it runs out.
    """

    def __init__(self, subscribe: Request, now: float, *, timers: Timers | None = None) -> None:
        """`subscribe` is without Via, with a From tag, a Contact and an Event; its Expires is what will be asked for
        again at each refresh, 0 fetches the state once."""
        event = subscribe.event
        if subscribe.method != "SUBSCRIBE" or not subscribe.from_.tag or event is None:
            raise LocalProtocolError("A subscription begins with a SUBSCRIBE with a From tag and an Event.")
        self.subscribe = subscribe
        "The SUBSCRIBE that began it, or the last one of several tries (423)."
        self.event: EventHeader = event
        self.state = SubscriptionPhase.REQUESTED
        self.dialog: Dialog | None = None
        self.expires_at: float | None = None
        "When it runs out; None while nobody said."
        self.refresh_at: float | None = None
        self.refused_with: Response | None = None
        "The response that ended it."
        self.reason: str | None = None
        "The reason of the NOTIFY that ended it."
        self.retry_after: int | None = None
        "Seconds to wait before another try: 0 at once, None not at all (RFC 6665 §4.1.3)."
        self.ended_because = ""
        "Once TERMINATED: why, as a sentence without its stop."
        self._wanted = subscribe.expires
        self._timers = timers or Timers()
        self._notify_by: float | None = now + self._timers.patience
        self._open_cseq: int | None = subscribe.cseq.number
        self._ending = self._wanted == 0
        "No refresh any more: fetched once, or unsubscribed."
        self._unsubscribed = False

    @property
    def half_id(self) -> tuple[str, str]:
        """(Call-ID, our tag): all that is known of the dialog before the peer's tag is."""
        return (self.subscribe.call_id, self.subscribe.from_.tag or "")

    @staticmethod
    def half_id_of(notify: Request) -> tuple[str, str]:
        """The `half_id` of the subscription that a NOTIFY is for."""
        return (notify.call_id, notify.to.tag or "")

    @property
    def ended(self) -> bool:
        return self.state is SubscriptionPhase.TERMINATED

    def receive_response(self, response: Response, now: float) -> list[Request]:
        """A response to a SUBSCRIBE of this subscription; what it asks for: the SUBSCRIBE again after a 423."""
        status = response.status
        if status < 200 or response.cseq.number != self._open_cseq or self.ended:
            return []
        self._open_cseq = None
        try:
            if status < 300:
                self._granted(response, now)
                return []
            minimum = response.headers.get("Min-Expires", "")
            if status == 423 and minimum and minimum.isdecimal() and int(minimum) > (self._wanted or 0):
                self._wanted = int(minimum)
                return [self._again()]
        except RemoteProtocolError as error:
            self._end(f"a response could not be read: {error.reason}")
            return []
        if self.state is SubscriptionPhase.REQUESTED or self._ending or status in ENDING_STATUSES:
            self.refused_with = response
            self._end(f"the peer refused with {status}")
        return []

    def receive_notify(self, notify: Request, now: float) -> Response:
        """Take in a NOTIFY; the response to send. When that is a 200, its body is for the user.

        The first one makes the dialog, be it before or after the 200 (§4.4.1). 481 for another or an ended
        subscription, 489 for another event package, 400 without Subscription-State, 500 out of order.
        """
        try:
            return self._take_notify(notify, now)
        except RemoteProtocolError as error:
            return notify.respond(error.status_hint)

    def request_failed(self, request: Request, sentence: str) -> None:
        """A SUBSCRIBE got no final response (TransactionFailed): the first ends it, a refresh leaves it until it runs
        out."""
        if request.cseq.number == self._open_cseq:
            self._open_cseq = None
            if self.state is SubscriptionPhase.REQUESTED or self._ending:
                self._end(sentence.rstrip("."))

    def refresh(self) -> list[Request]:
        """The SUBSCRIBE that prolongs it; nothing while one is open or there is no dialog."""
        if self.dialog is None or self.ended or self._ending or self._open_cseq is not None:
            return []
        return [self._again()]

    def unsubscribe(self, now: float) -> list[Request]:
        """The SUBSCRIBE with Expires 0; the NOTIFY that follows it ends the subscription, or 64*T1 without one
        (§4.1.2.3). Before the dialog is there, nothing can be sent, and it ends here and now."""
        if self.ended or self._ending:
            return []
        if self.dialog is None:
            self._end("we gave it up")
            return []
        self._ending = self._unsubscribed = True
        self._wanted = 0
        self._notify_by = now + self._timers.patience
        return [self._again()]

    def next_timeout(self) -> float | None:
        if self.ended:
            return None
        return min(filter(None, (self._notify_by, self.refresh_at, self.expires_at)), default=None)

    def handle_timeout(self, now: float) -> list[Request]:
        """What is due: a refresh; or the end, because no NOTIFY came (timer N, §4.1.2.4) or the time ran out."""
        if self.ended:
            return []
        if self._notify_by is not None and now >= self._notify_by:
            self._end("we ended it" if self._unsubscribed else "no NOTIFY came")
        elif self.expires_at is not None and now >= self.expires_at:
            self._end("it ran out")
        elif self.refresh_at is not None and now >= self.refresh_at:
            self.refresh_at = None
            return self.refresh()
        return []

    # Parts

    def _granted(self, response: Response, now: float) -> None:
        if self.dialog is None:
            self.dialog = Dialog.as_caller(self.subscribe, response)
        else:
            self.dialog.update(response)
        granted = response.expires
        if granted is None:
            granted = DEFAULT_EXPIRES if self._wanted is None else self._wanted
        if not self._ending:
            self._lives_until(now + granted, now)

    def _take_notify(self, notify: Request, now: float) -> Response:
        if self.half_id_of(notify) != self.half_id or self.ended:
            return notify.respond(481)
        event = notify.event
        if event is None or event.package.lower() != self.event.package.lower():
            return notify.respond(489)
        if event.id != self.event.id:
            return notify.respond(481)
        said = notify.subscription_state
        if said is None:
            return notify.respond(400, "Missing Subscription-State")
        if self.dialog is None:
            self.dialog = Dialog.as_subscriber(self.subscribe, notify)
        else:
            refusal = self.dialog.receive(notify)
            if refusal is not None:
                return refusal
        if said.state == "terminated":
            self.reason = said.reason
            self.retry_after = _retry(said.reason, said.retry_after)
            peer = f"the peer ended it, reason {said.reason or 'not given'}"
            self._end("we ended it" if self._unsubscribed else peer)
            return notify.respond(200)
        self.state = SubscriptionPhase.PENDING if said.state == "pending" else SubscriptionPhase.ACTIVE
        if not self._ending:
            self._notify_by = None
            if said.expires is not None:
                self._lives_until(now + said.expires, now)
        return notify.respond(200)

    def _lives_until(self, end: float, now: float) -> None:
        """Refresh a minute before the end, which leaves a refresh its 64*T1; of a short life, after half of it."""
        self.expires_at = end
        self.refresh_at = end - min(60.0, (end - now) / 2)

    def _again(self) -> Request:
        """The next SUBSCRIBE: in the dialog, or, before there is one, the first one with the next number."""
        expires = [] if self._wanted is None else [("Expires", str(self._wanted))]
        if self.dialog is not None:
            repeated = [
                (name, value) for name, value in self.subscribe.headers if key_of(name) not in OF_THE_FIRST_SUBSCRIBE
            ]
            request = self.dialog.request("SUBSCRIBE", headers=[*repeated, *expires])
        else:
            request = self.subscribe.copy()
            request.headers.set("CSeq", f"{self.subscribe.cseq.number + 1} SUBSCRIBE")
            request.headers.set("Expires", str(self._wanted))
            self.subscribe = request
        self._open_cseq = request.cseq.number
        self.refresh_at = None
        return request

    def _end(self, because: str) -> None:
        self.state = SubscriptionPhase.TERMINATED
        self.ended_because = because
        self.expires_at = self.refresh_at = self._notify_by = None
        if self.dialog is not None:
            self.dialog.terminate()


class NotifierUsage:
    """The watched end of one subscription. Reads no clock and sends nothing itself.

    After `accept` send `response`, then at once what `notify` returns (§4.2.1.2). Hand in the responses to the NOTIFYs,
    `request_failed` where none came, and each SUBSCRIBE of the dialog `id`.
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
        self._limits = (DEFAULT_EXPIRES, DEFAULT_EXPIRES)
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
    ) -> NotifierUsage:
        """Grant a SUBSCRIBE that came: for the time it asks for or `default_expires`, `max_expires` at most, seconds.

        `contact` is our Contact value; `headers` go into each 2xx, `notify_headers` into each NOTIFY. A `pending`
        subscription sees no body before `authorize`. Raises RemoteProtocolError, to be answered with its status hint,
        on a SUBSCRIBE without Event (489, §8.2.1) or with headers that cannot be read.
        """
        event = subscribe.event
        if event is None:
            raise RemoteProtocolError("the SUBSCRIBE has no Event", status_hint=489)
        granted = min(default_expires if subscribe.expires is None else subscribe.expires, max_expires)
        extra = tuple(headers)
        response = subscribe.respond(
            status,
            to_tag=to_tag or new_tag(),
            headers=[("Contact", contact), ("Expires", str(granted)), *extra],
        )
        usage = cls(subscribe, response, Dialog.as_callee(subscribe, response), event)
        usage.state = SubscriptionPhase.PENDING if pending else SubscriptionPhase.ACTIVE
        usage.expires_at = now + granted
        usage.body = (body, content_type)
        usage._limits = (default_expires, max_expires)
        usage._headers = tuple(notify_headers)
        usage._response_headers = extra
        return usage

    @property
    def id(self) -> tuple[str, str, str]:
        """The dialog's id, as `Dialog.id_of` gives it for what comes in."""
        return self.dialog.id

    @property
    def ended(self) -> bool:
        return self.state is SubscriptionPhase.TERMINATED

    def notify(self, now: float) -> list[Request]:
        """The NOTIFY of the state as it is; the last one where the time is over, as it is at once for a fetch."""
        if self.ended:
            return []
        if now >= self.expires_at:
            return self._finish("timeout", "it was fetched once", None, with_body=True)
        left = round(self.expires_at - now)
        return [self._build(f"{self.state.value};expires={left}", with_body=True)]

    def publish(self, body: bytes, content_type: str | None, now: float) -> list[Request]:
        """The state changed: the NOTIFY that says so; none while pending or after the end."""
        self.body = (body, content_type)
        return self.notify(now) if self.state is SubscriptionPhase.ACTIVE else []

    def authorize(self, now: float) -> list[Request]:
        """A pending subscription becomes active, and sees the state."""
        if self.state is not SubscriptionPhase.PENDING:
            return []
        self.state = SubscriptionPhase.ACTIVE
        return self.notify(now)

    def terminate(self, reason: str, *, retry_after: int | None = None) -> list[Request]:
        """End it: the last NOTIFY with this reason: deactivated, probation, rejected, timeout, giveup, noresource or
        invariant (§4.1.3)."""
        return self._finish(reason, f"we ended it, reason {reason}", retry_after, with_body=False)

    def receive_subscribe(self, request: Request, now: float) -> tuple[Response, list[Request]]:
        """A SUBSCRIBE in the dialog, a refresh or, with Expires 0, the end: the response, then the NOTIFY that must
        follow."""
        try:
            refusal = self._judge(request)
            wanted = request.expires
        except RemoteProtocolError as error:
            refusal, wanted = request.respond(error.status_hint), None
        if refusal is not None:
            return refusal, []
        default, maximum = self._limits
        granted = min(default if wanted is None else wanted, maximum)
        contact = self.dialog.contact
        response = request.respond(
            200,
            headers=[
                *([("Contact", contact)] if contact else []),
                ("Expires", str(granted)),
                *self._response_headers,
            ],
        )
        if granted == 0:
            return response, self._finish("timeout", "the peer ended it", None, with_body=False)
        self.expires_at = now + granted
        return response, self.notify(now)

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

    def _build(self, state: str, *, with_body: bool) -> Request:
        body, content_type = self.body
        if self.state is SubscriptionPhase.PENDING or not with_body or not body:
            body, content_type = b"", None
        headers = [("Event", self.event.raw), ("Subscription-State", state), *self._headers]
        return self.dialog.request("NOTIFY", headers=headers, body=body, content_type=content_type)

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


def too_brief(subscribe: Request, minimum: int) -> Response | None:
    """The 423 for a SUBSCRIBE that asks for less than `minimum` seconds and less than an hour (§4.2.1.1); else None."""
    wanted = subscribe.expires
    if wanted is None or wanted == 0 or wanted >= min(minimum, 3600):
        return None
    return subscribe.respond(423, to_tag=new_tag(), headers=[("Min-Expires", str(minimum))])


def _retry(reason: str | None, retry_after: int | None) -> int | None:
    """Seconds until another try makes sense; without a reason, or with an unknown one, as the peer says."""
    if reason in NEVER_RETRY:
        return None
    return 0 if reason in RETRY_AT_ONCE else retry_after or 0
