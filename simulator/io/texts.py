"""What a text must be to be sent as a chat message at all."""

from __future__ import annotations

import re

from simulator.errors import LocalProtocolError


def must_be_sendable(text: str) -> None:
    """Raise LocalProtocolError for half a surrogate pair, which no charset holds, and for NUL, which ends a text on the
    way to most clients; nothing has been sent then."""
    found = _UNSENDABLE.search(text)
    if found is not None:
        what = "the character NUL" if found[0] == "\0" else f"half a surrogate pair (U+{ord(found[0]):04X})"
        raise LocalProtocolError(f"The text holds {what} at index {found.start()} and cannot be sent; leave it out.")


_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
