"""What a server under test may be able to do: the words that scenarios need and drivers declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a server can be told to do, or that can be seen of it."""

    about: str
    "What a scenario may then do."
    supply: str
    "What the owner of a server does to give it."
    implies: tuple[str, ...] = ()
    "Capabilities that come with it."


CAPABILITIES: Final[dict[str, Capability]] = {
    "receive": Capability(
        "A user of it takes messages from partners.", "name an existing user as [sut.users.alice] in sut.toml"
    ),
    "chat": Capability(
        "Its users can be told to send a message, and say what became of it.",
        "implement sendMessage of the control API, or give the command send_message",
        ("receive", "reach"),
    ),
    "reach": Capability(
        "It contacts a partner by itself: by a message of its user, or by the NOTIFY that a watcher is owed.",
        "let its users send messages (chat), or let partners watch them (show-presence)",
    ),
    "typing": Capability(
        "Its users can be told to show that they write, and what they are shown can be read.",
        "implement showTyping and readTyping of the control API, or give the commands of that name",
    ),
    "show-presence": Capability(
        "Partners can watch its users.",
        "let partners subscribe to the presence of the users in sut.toml",
        ("reach",),
    ),
    "presence": Capability(
        "Its users can be told to watch somebody and to change what they show.",
        "implement setPresence, watch, unwatch and readSeen of the control API, or give the commands of that name",
        ("show-presence",),
    ),
    "consent": Capability(
        "Its users can be told to allow or block who asks to watch them.",
        "implement setConsent, answerConsent and readWatchers of the control API, or give the commands of that name",
    ),
    "observe-inbox": Capability(
        "What reached a user can be read.", "implement readInbox of the control API, or give the command read_inbox"
    ),
    "open-federation": Capability(
        "It finds partners by DNS (R39).", "switch open federation on and write open_federation = true in sut.toml"
    ),
    "switch-open-federation": Capability(
        "Open federation can be switched off and on (R39).",
        "implement changeSwitches of the control API, or give the command switch_open_federation",
        ("open-federation",),
    ),
    "static-routes": Capability(
        "Static routes can be added and switched (R27, R31, R37).",
        "implement putRoute and changeSwitches of the control API, or give the commands put_route and "
        "switch_static_routes",
    ),
    "licences": Capability(
        "It has a user without a licence and one whose location has federation switched off (R4, R5).",
        "name two such users as [sut.users.carol] and [sut.users.dave] in sut.toml, each with federation = false",
    ),
    "groups": Capability(
        "Licences and the switches of locations and groups can be changed (R4–R6).",
        "implement changeUser and changeGroup of the control API",
    ),
    "certificates": Capability(
        "Its certificates can be listed, added and chosen (R54–R65).",
        "implement listCertificates, addCertificate and activateCertificate of the control API",
    ),
    "observe-connections": Capability(
        "Its connections and subscriptions can be read.",
        "implement listConnections and listSubscriptions of the control API",
    ),
    "observe-log": Capability("What it decided, and why, can be read.", "implement readLog of the control API"),
    "identity": Capability(
        "Another instance with other names and certificates can be started.",
        "implement startInstance of the control API",
    ),
    "time": Capability(
        "Its clock can be set ahead together with that of the partners.",
        "implement advanceClock of the control API, or run these scenarios in real time with --slow",
    ),
}
"""A scenario that needs a word which does not stand here is a mistake of the catalogue, not of the server."""


def with_implied(names: Iterable[str]) -> frozenset[str]:
    """The names together with all that they imply."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += CAPABILITIES[name].implies
    return frozenset(found)


def explain_missing(server: str, missing: Iterable[str], hints: Mapping[str, str] | None = None) -> str:
    """One sentence for a scenario that does not run: what the server lacks, and how to supply it, or by `hints` of its
    driver what there is to say instead."""
    known = {name: f" ({(hints or {}).get(name, CAPABILITIES[name].supply)})" for name in CAPABILITIES}
    parts = [f"{name}{known.get(name, '')}" for name in sorted(missing)]
    return f"{server} lacks the capability {', and '.join(parts)}"
