"""What stands in the attributes of presence documents: numbers and URIs (dialect facts §3.4)."""

from __future__ import annotations

import re

from simulator.errors import RemoteProtocolError


def whole_number(value: str | None, what: str) -> int:
    """A number as documents carry it; RemoteProtocolError names `what` where it is none."""
    if value is None or re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value) is None:
        raise RemoteProtocolError(f"{what} is {(value or '')[:40]!r}, not a whole number of at most nine digits.")
    return int(value)


def uri_of(value: str | None) -> str | None:
    """A URI with its scheme: AOL and Microsoft's older format leave `sip:` out (dialect facts §3.4 c, d)."""
    value = (value or "").strip()
    if not value:
        return None
    scheme, colon, _ = value.partition(":")
    return value if colon and "@" not in scheme else f"sip:{value}"
