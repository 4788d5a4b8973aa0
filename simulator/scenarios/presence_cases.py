"""Tables of the area `presence`: states with what may be seen of them, formats, Accept lists, times, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulator.errors import ExpectationFailed
from simulator.scenarios.grades import Outcomes
from simulator.scenarios.marking import Case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.federation import Federation
    from simulator.io.account import PresenceSeen
    from simulator.io.user import User
    from simulator.io.watch import Watch
    from simulator.partner import Persona
    from simulator.sip.message import Response

PIDF: Final = "application/pidf+xml"
XPIDF: Final = "application/xpidf+xml"
MSRTC: Final = "text/xml+msrtc.pidf"
ENHANCED: Final = "application/msrtc-event-categories+xml"
LISTS: Final = ("application/rlmi+xml", "multipart/related")

SEEN_AS: Final[dict[str, set[str]]] = {
    "available": {"available"},
    "busy": {"busy", "busy-idle"},
    "do-not-disturb": {"do-not-disturb", "busy"},
    "be-right-back": {"be-right-back", "away"},
    "away": {"away", "available-idle"},
    "offline": {"offline", "unknown"},
}
"""What a watcher may see of each state: itself, or the nearest that PIDF can say (dialect facts §3.5)."""


def _state(
    availability: str, activity: str | None = None, *, as_: str | None = None
) -> tuple[dict[str, str], set[str]]:
    shown = {"availability": availability} | ({"activity": activity} if activity else {})
    return shown, SEEN_AS[as_ or availability]


STATES_OF_USERS: Final = (
    *(Case(state, *_state(state), words=state) for state in SEEN_AS),
    Case("on-the-phone", *_state("busy", "on-the-phone"), words="on the phone"),
)

_OF_TEAMS = {
    "Available": "available",
    "In a meeting": "busy",
    "On a call": "busy",
    "Presenting": "do-not-disturb",
    "Focusing": "do-not-disturb",
    "Be right back": "be-right-back",
    "Off work": "away",
    "Out of office": "away",
    "Offline": "offline",
}

STATES_OF_PARTNERS: Final = (
    *(Case(f"{persona}-{state}", persona, *_state(state)) for persona in ("sfb-2019", "generic") for state in SEEN_AS),
    Case("sfb-2019-on-the-phone", "sfb-2019", *_state("busy", "on-the-phone")),
    Case("sfb-2019-in-presentation", "sfb-2019", *_state("do-not-disturb", "in-presentation")),
    *(
        Case(f"teams-{word.lower().replace(' ', '-')}", "teams", *_state(word, as_=state))
        for word, state in _OF_TEAMS.items()
    ),
)

_UNDERSTOOD_OR_406: Final[Outcomes] = {"delivered": "ok", "failed 406": "ok"}
FORMATS: Final = (
    Case("pidf-rfc-4480", PIDF, "rfc4480", words="PIDF as in RFC 4480", outcomes={"delivered": "ok"}),
    Case("pidf-of-microsoft", PIDF, "rpid-status", words="PIDF as Microsoft writes it", outcomes={"delivered": "ok"}),
    Case("enhanced", ENHANCED, "rfc4480", words="enhanced presence", outcomes=_UNDERSTOOD_OR_406),
    Case("msrtc", MSRTC, "rfc4480", words="MSRTC PIDF", outcomes=_UNDERSTOOD_OR_406),
    Case("xpidf", XPIDF, "rfc4480", words="XPIDF", outcomes=_UNDERSTOOD_OR_406),
)
"""PIDF is what every federated server writes (MS-PRES 1.3.3); of the others the server asks for those that it reads."""

ACCEPT_LISTS: Final = (
    Case("skype-for-business", (ENHANCED, MSRTC, XPIDF, PIDF, *LISTS), True, outcomes={"delivered": "ok"}),
    Case("pidf-alone", (PIDF,), False, outcomes={"delivered": "ok"}),
    Case("old-gateway-without-body", (XPIDF, MSRTC, PIDF), False, outcomes={"delivered": "ok"}),
    Case("communicator-2007-without-pidf", (ENHANCED, *LISTS), True, outcomes=_UNDERSTOOD_OR_406),
    Case("xpidf-alone", (XPIDF,), False, outcomes=_UNDERSTOOD_OR_406),
)

EXPIRIES: Final = (Case("a-minute", 60), Case("ten-minutes", 600), Case("an-hour", 3600), Case("a-day", 86_400))
GRANTS: Final = (Case("two-minutes", 120), Case("an-hour", 3600), Case("eight-hours", 28_800))

REFUSALS: Final = (
    Case("unknown-user", "nobody", 404, words="somebody who does not exist"),
    Case("signed-out", "away", 480, words="somebody who is nowhere signed in"),
    Case("denied", "denies", 403, words="somebody who has denied it"),
    Case("not-enabled", "excluded", 403, words="somebody who may not federate", sources=("F3.8", "F4.5")),
)


def without_extensions() -> Persona:
    """Skype for Business without BENOTIFY, piggybacked notifications and auto-extension, which it refuses with 420."""
    from simulator.partner import SFB_2019

    return SFB_2019.but(
        name="without-extensions", benotify=False, piggyback=False, autoextend=False, required_ok=("timer",)
    )


def server_notifies(federation: Federation, user: User, watch: Watch, state: str) -> PresenceSeen:
    """Bring the server to notify once more, and wait for what it shows.

    Where its users can be told what to show, `user` shows that state. Elsewhere the watcher refreshes, which must be
    notified as well (RFC 6665 §4.2.1.2), whatever the state is.
    """
    if "presence" in federation.sut.capabilities:
        user.set_presence(state)
        return watch.expect(state)
    watch.refresh().must_succeed()
    return watch.expect()


def must_show(watch: Watch, seen_as: set[str], *, last: bool = False) -> None:
    """The next notification with a state shows one of these; with `last`, the one that comes to stay does."""
    seen = watch.expect()
    while last and seen.state is not None and seen.state.availability not in seen_as:
        seen = watch.expect()
    assert seen.state is not None
    if seen.state.availability not in seen_as:
        raise ExpectationFailed(
            f"The watcher must see one of {', '.join(sorted(seen_as))}, but sees {seen.state.availability} "
            f"({seen.content_type} by {seen.came_by})."
        )


def must_each_see_their_own(watches: Mapping[Watch, tuple[User, str]]) -> None:
    """Each watch comes to show the state of the user that it is of, and none that only another one of them is in."""
    try:
        for watch, (_, state) in watches.items():
            watch.expect(state)
        for watch, (watched, _) in watches.items():
            for other, state in watches.values():
                if other is not watched:
                    watch.must_not_have_seen(state)
    except ExpectationFailed as missed:
        strays = [
            f"who watches {watched.uri} was shown {state!r}, which only {other.uri} ever was"
            for watch, (watched, _) in watches.items()
            for other, state in dict.fromkeys(watches.values())
            if other is not watched and state in watch.shown
        ]
        if not strays:
            raise
        raise ExpectationFailed(
            f"The server mixes up whose presence is whose: {'; '.join(dict.fromkeys(strays))}. {missed} "
            "Look at how it ties a notification to its subscription, and a subscription to its user."
        ) from None


def until_the_end(answer: Response) -> float:
    """Most of the seconds that a 200 to SUBSCRIBE grants: past the refresh, and short of the end."""
    granted = answer.expires
    if not granted:
        raise ExpectationFailed("The 200 to a SUBSCRIBE must say for how long it is (Expires, RFC 6665 §4.2.1.1).")
    return granted - 30 if granted > 120 else granted * 0.75
