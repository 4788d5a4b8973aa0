"""The words of the coarser formats as tables: PIDF and RPID activities, XPIDF substates (dialect facts §3.4 d, e)."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.presence.state import Activity, Availability

A = Availability

PIDF_WORDS: Mapping[Availability, str | None] = {
    A.AVAILABLE: None,
    A.AVAILABLE_IDLE: "away",
    A.BUSY: "busy",
    A.BUSY_IDLE: "busy",
    A.DO_NOT_DISTURB: "busy",
    A.BE_RIGHT_BACK: "away",
    A.AWAY: "away",
    A.OFFLINE: None,
    A.UNKNOWN: None,
}
"The activity that carries each state: a Microsoft watcher of PIDF understands these two words only."

PIDF_IMPLIED: Mapping[str, Availability] = {
    "busy": A.BUSY,
    "away": A.AWAY,
    "appointment": A.BUSY,
    "in-a-conference": A.BUSY,
    "in-a-meeting": A.BUSY,
    "in-presentation": A.BUSY,
    "on-the-phone": A.BUSY,
    "urgent-interruptions-only": A.BUSY,
    "holiday": A.AWAY,
    "lunch": A.AWAY,
    "meal": A.AWAY,
    "off-work": A.AWAY,
    "out-of-office": A.AWAY,
    "permanent-absence": A.AWAY,
    "sleeping": A.AWAY,
    "vacation": A.AWAY,
}
"What an activity says of somebody whose status is open, after `RPID_WORDS` was read back."

RPID_WORDS: Mapping[str, str] = {Activity.IN_A_MEETING: "meeting", Activity.IN_PRESENTATION: "presentation"}
"The tokens of Microsoft's for which RFC 4480 §3.2 has another word."

RPID_ELEMENTS = frozenset(
    "appointment away breakfast busy dinner holiday in-transit looking-for-work lunch meal meeting on-the-phone "  # noqa: SIM905 - a word list reads better as words
    "performance permanent-absence playing presentation shopping sleeping spectator steering travel tv unknown "
    "vacation working worship".split()
)
"The activities that RFC 4480 §3.2 names as elements; any other token travels as the text of <rpid:other>."

XPIDF_WORDS: Mapping[Availability, tuple[str, str]] = {
    A.AVAILABLE: ("open", "online"),
    A.AVAILABLE_IDLE: ("open", "idle"),
    A.BUSY: ("inuse", "busy"),
    A.BUSY_IDLE: ("inuse", "busy"),
    A.DO_NOT_DISTURB: ("inuse", "busy"),
    A.BE_RIGHT_BACK: ("inuse", "berightback"),
    A.AWAY: ("inuse", "away"),
    A.OFFLINE: ("closed", "away"),
    A.UNKNOWN: ("closed", "unknown"),
}
"Status and substatus for each state."

XPIDF_STATES: Mapping[str, tuple[Availability, str | None]] = {
    "online": (A.AVAILABLE, None),
    "away": (A.AWAY, None),
    "idle": (A.AVAILABLE_IDLE, None),
    "busy": (A.BUSY, None),
    "berightback": (A.BE_RIGHT_BACK, None),
    "onthephone": (A.BUSY, Activity.ON_THE_PHONE),
    "outtolunch": (A.AWAY, Activity.LUNCH),
}
"What a substatus says of somebody whose status is not closed."
