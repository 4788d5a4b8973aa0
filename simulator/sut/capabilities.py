"""What a server under test may be able to do: the words that scenarios need and drivers declare."""

from __future__ import annotations

from typing import Final

CAPABILITIES: Final[dict[str, str]] = {
    "chat": "Its users can be told to send a message, and say what became of it.",
    "presence": "Its users can be told to watch somebody and to change what they show.",
    "observe-inbox": "What reached a user can be read.",
    "open-federation": "It finds partners by DNS, and that can be switched off and on (R39).",
    "static-routes": "Static routes can be added and switched (R27, R31, R37).",
    "licences": "It has a user without a licence and one whose location has federation switched off (R4, R5).",
    "identity": "Another instance with other names and certificates can be started.",
}
"""A scenario that needs a word which does not stand here is a mistake of the catalogue, not of the server."""
