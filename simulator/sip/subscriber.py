"""The watching end of a subscription (RFC 6665 §4.1, MS-SIP 3.5 and 3.6)."""

from __future__ import annotations

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.dialog import Dialog
from simulator.sip.fields import EventHeader, SubscriptionState
from simulator.sip.header_names import key_of
from simulator.sip.message import Request, Response
from simulator.sip.options import NO_OPTIONS, SubscriptionOptions
from simulator.sip.subscription_terms import DEFAULT_EXPIRES, ENDING_STATUSES, SubscriptionPhase
from simulator.sip.transaction import Timers

RETRY_AT_ONCE = frozenset({"deactivated", "timeout"})
NEVER_RETRY = frozenset({"rejected", "noresource", "invariant"})
"Reasons of an end; after any other, probation and giveup among them, the peer's retry-after counts (§4.1.3)."
OF_THE_FIRST_SUBSCRIBE = frozenset(
    {"via", "from", "to", "call-id", "cseq", "route", "max-forwards", "expires", "content-type", "content-length"}
)
"Headers of the first SUBSCRIBE that a refresh does not repeat; it makes its own, and needs no body."


class SubscriberUsage:
    """The watching end of one subscription. Reads no clock and sends nothing itself.

    Send `subscribe` and what the methods return, hand in every response to those requests, `request_failed` where none
    came, and each NOTIFY whose `half_id_of` is `half_id`. It is refreshed by `handle_timeout` before it runs out.
    A BENOTIFY goes to `receive_benotify`, and its transaction is forgotten.
    """

    def __init__(
        self,
        subscribe: Request,
        now: float,
        *,
        timers: Timers | None = None,
        options: SubscriptionOptions = NO_OPTIONS,
    ) -> None:
        """`subscribe` is without Via, with a From tag, a Contact and an Event; its Expires is what will be asked for
        again at each refresh, 0 fetches the state once. With `options`, a copy is sent that asks for them."""
        event = subscribe.event
        if subscribe.method != "SUBSCRIBE" or not subscribe.from_.tag or event is None:
            raise LocalProtocolError("A subscription begins with a SUBSCRIBE with a From tag and an Event.")
        self.subscribe = subscribe
        "The SUBSCRIBE that began it, or the last one of several tries (423, 420)."
        if options.tags:
            self.subscribe = subscribe.copy()
            for name, value in options.headers():
                self.subscribe.headers.add(name, value)
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
        self.options = options
        "The extensions that we ask for; fewer after a 420."
        self.agreed = NO_OPTIONS
        "Those that the last 2xx names too."
        self.piggybacked: Response | None = None
        "The last 2xx that carried a notification: its body is for the user, as that of a NOTIFY."
        self._wanted = subscribe.expires
        self._granted_seconds = DEFAULT_EXPIRES
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

    @property
    def forgotten(self) -> bool:
        """Whether the notifier does not know any more what it had granted: 481 to a refresh (§4.1.2.2)."""
        refused = self.refused_with
        return refused is not None and refused.status == 481 and self.dialog is not None and not self._ending

    def receive_response(self, response: Response, now: float) -> list[Request]:
        """A response to a SUBSCRIBE of this subscription; what it asks for: the SUBSCRIBE again, after a 423 for as
        long as the peer wants, after a 420 without the extensions that it names (MS-SIP 3.5.5.1)."""
        status = response.status
        if status < 200 or response.cseq.number != self._open_cseq or self.ended:
            return []
        self._open_cseq = None
        try:
            if status < 300:
                self._granted(response, now)
                return []
            minimum = response.min_expires if status == 423 else None
            if minimum is not None and minimum > (self._wanted or 0):
                self._wanted = minimum
                return [self._again()]
            if status == 420 and self._do_without({tag.lower() for tag in response.unsupported}):
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

    def receive_benotify(self, benotify: Request, now: float) -> bool:
        """Take in a BENOTIFY, which is never answered; whether it is in order, and its body for the user. Not where it
        was not asked for."""
        if not self.options.benotify:
            return False
        try:
            return self._take_notify(benotify, now).status == 200
        except RemoteProtocolError:
            return False

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

    def give_up(self, because: str) -> None:
        """End it without a word; what the notifier still sends is answered with 481."""
        if not self.ended:
            self._end(because)

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
        self._granted_seconds = granted
        if not self._ending:
            self._lives_until(now + granted, now)
        self.agreed = self.options.shared_with(response)
        if self.options.piggyback and (number := response.ms_piggyback_cseq) is not None:
            self._take_piggyback(response, number, now)

    def _take_piggyback(self, response: Response, number: int, now: float) -> None:
        """The notification in a 2xx, unless a NOTIFY that was sent after it has overtaken it."""
        assert self.dialog is not None
        if self.dialog.remote_cseq is not None and number <= self.dialog.remote_cseq:
            return
        self.dialog.remote_cseq = number
        self.piggybacked = response
        self._take_state(response.subscription_state or SubscriptionState.parse("active"), now)

    def _do_without(self, refused: set[str]) -> bool:
        """Whether some of our extensions are refused; then they are neither offered nor required any more."""
        less = self.options.without(refused)
        if less == self.options:
            return False
        gone = set(self.options.tags) - set(less.tags)
        self.options = less
        self.subscribe = self.subscribe.copy()
        headers = self.subscribe.headers
        for name in ("Supported", "Proxy-Require"):
            kept = [tag for tag in headers.values(name) if tag.lower() not in gone]
            headers.remove(name)
            for tag in kept:
                headers.add(name, tag)
        return True

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
        self._take_state(said, now)
        return notify.respond(200)

    def _take_state(self, said: SubscriptionState, now: float) -> None:
        if said.state == "terminated":
            self.reason = said.reason
            self.retry_after = _retry(said.reason, said.retry_after)
            peer = f"the peer ended it, reason {said.reason or 'not given'}"
            self._end("we ended it" if self._unsubscribed else peer)
            return
        self.state = SubscriptionPhase.PENDING if said.state == "pending" else SubscriptionPhase.ACTIVE
        if self._ending:
            return
        self._notify_by = None
        if said.expires is not None:
            self._lives_until(now + said.expires, now)
        elif self.agreed.autoextend:
            self._lives_until(now + self._granted_seconds, now)

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
            if self._wanted is not None:
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


def _retry(reason: str | None, retry_after: int | None) -> int | None:
    """Seconds until another try makes sense; without a reason, or with an unknown one, as the peer says."""
    if reason in NEVER_RETRY:
        return None
    return 0 if reason in RETRY_AT_ONCE else retry_after or 0
