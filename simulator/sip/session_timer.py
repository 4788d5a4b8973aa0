"""How long a session lives without a refresh, and who refreshes it: session timers (RFC 4028)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.errors import LocalProtocolError
from simulator.sip.header_names import key_of
from simulator.sip.message import Message, Request, Response

TIMER = "timer"
"The option tag (§10)."
LEAST = 90
"Seconds: no interval may be shorter, and what a missing Min-SE means (§4, §5)."


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """What one side wants of session timers. An InviteSession without it neither offers nor keeps one."""

    interval: int = 1800
    "Seconds that a session may live without a refresh: what we ask for, and what we grant at most."
    minimum: int = LEAST
    "Seconds: our Min-SE. A peer that wants less gets 422."
    we_refresh: bool | None = None
    "Whether we want to be the refresher; None leaves it to the peer where it may choose, and else to whoever called."
    method: Literal["UPDATE", "INVITE"] = "UPDATE"
    "How we refresh. UPDATE only as long as the peer's Allow names it, as §7.4 wants; INVITE else."

    def __post_init__(self) -> None:
        if not LEAST <= self.minimum <= self.interval:
            raise LocalProtocolError(f"A session interval is {LEAST} seconds at least, and not below its minimum.")


def supports_timer(message: Message) -> bool:
    """Whether the sender knows session timers."""
    return any(tag.lower() == TIMER for tag in (*message.supported, *message.require))


class SessionClock:
    """The session timer of one session: writes and reads its headers, and knows what is due.

    Hand in each 2xx to an INVITE or UPDATE, own or the peer's: it restarts the time, or ends it (§7.2, §9).
    """

    def __init__(self, wanted: SessionTimer) -> None:
        self.wanted = wanted
        self.interval: int | None = None
        "Seconds agreed on; None while there is no session timer."
        self.we_refresh = False
        self.refresh_at: float | None = None
        "When our refresh is due; None while one is open, or the peer refreshes."
        self.end_at: float | None = None
        "When the session has to be ended by BYE, because no refresh came: a little before its time is over (§10)."
        self._minimum = wanted.minimum
        self._peer_takes_update = False
        self._update_refused = False

    # As the one who sends INVITE or UPDATE

    def ask(self, given: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """The headers for an INVITE or UPDATE of ours that has those `given` already; what is given stands (§7.1)."""
        present = {key_of(name) for name, _ in given}
        refresher = self.we_refresh if self.interval is not None else self.wanted.we_refresh
        role = "" if refresher is None else f";refresher={'uac' if refresher else 'uas'}"
        headers = [("Supported", TIMER)] if not _names_in(given, TIMER) else []
        if "session-expires" not in present:
            headers.append(("Session-Expires", f"{self._asked}{role}"))
        if self._minimum > LEAST and "min-se" not in present:
            headers.append(("Min-SE", str(self._minimum)))
        return headers

    @property
    def refresh_method(self) -> Literal["UPDATE", "INVITE"]:
        update = self.wanted.method == "UPDATE" and self._peer_takes_update and not self._update_refused
        return "UPDATE" if update else "INVITE"

    def agreed(self, response: Response, now: float) -> None:
        """The peer's 2xx to an INVITE or UPDATE of ours; without Session-Expires there is no session timer, or none any
        more (§7.2). Raises RemoteProtocolError where it cannot be read."""
        self.learn(response)
        said = response.session_expires
        if said is None:
            self.stop()
        else:
            self._start(said.seconds, said.refresher != "uas", now)

    def raise_interval(self, response: Response) -> bool:
        """After a 422: whether the same request makes sense again, now with an interval as long as the peer wants
        (§7.3). Raises RemoteProtocolError where its Min-SE cannot be read."""
        wanted = response.min_se
        if response.status != 422 or wanted is None or wanted.seconds <= self._asked:
            return False
        self._minimum = wanted.seconds
        return True

    def refuse_update(self) -> None:
        """The peer does not know UPDATE: refresh by INVITE from now on."""
        self._update_refused = True

    def put_off(self, now: float, seconds: float | None = None) -> None:
        """A refresh of ours failed: try again in so many seconds, or after half of the time that is left."""
        if self.we_refresh and self.end_at is not None:
            self.refresh_at = now + (max(1.0, (self.end_at - now) / 2) if seconds is None else seconds)

    # As the one who answers INVITE or UPDATE

    def refusal(self, request: Request) -> Response | None:
        """The 422 for an interval below our minimum (§9); None for any other, and for a peer that does not know session
        timers. Raises RemoteProtocolError where the headers cannot be read."""
        asked = request.session_expires
        if asked is None or asked.seconds >= self.wanted.minimum or not supports_timer(request):
            return None
        return request.respond(422, headers=[("Min-SE", str(self.wanted.minimum))])

    def grant(self, request: Request, now: float) -> list[tuple[str, str]]:
        """Start the time; the headers for our 2xx: never more than the peer asks for, nor less than its Min-SE (§9).
        A peer that knows no session timers cannot refresh. Raises RemoteProtocolError as `refusal`."""
        self.learn(request)
        asked, least, knows = request.session_expires, request.min_se, supports_timer(request)
        interval = max(self.wanted.interval, LEAST if least is None else least.seconds)
        role = None
        if asked is not None:
            interval, role = min(interval, asked.seconds), asked.refresher
        if not knows:
            role = "uas"
        elif role is None:
            ours = self.we_refresh if self.interval is not None else self.wanted.we_refresh
            role = "uas" if ours else "uac"
        self._start(interval, role == "uas", now)
        headers = [("Session-Expires", f"{interval};refresher={role}")]
        return [*headers, ("Supported", TIMER), ("Require", TIMER)] if knows else headers

    def learn(self, message: Message) -> None:
        """See in the Allow of any message of the peer how it can be refreshed."""
        if "Allow" in message.headers:
            self._peer_takes_update = "UPDATE" in message.allow

    # Time

    def stop(self) -> None:
        """No session timer any more."""
        self.interval = self.refresh_at = self.end_at = None

    @property
    def _asked(self) -> int:
        return max(self.interval or self.wanted.interval, self._minimum)

    def _start(self, interval: int, we_refresh: bool, now: float) -> None:
        self.interval = interval
        self.we_refresh = we_refresh
        self.refresh_at = now + interval / 2 if we_refresh else None
        self.end_at = now + interval - min(32.0, interval / 3)


def _names_in(headers: Sequence[tuple[str, str]], word: str) -> bool:
    lists = (value for name, value in headers if key_of(name) == "supported")
    return any(item.strip().lower() == word for value in lists for item in value.split(","))
