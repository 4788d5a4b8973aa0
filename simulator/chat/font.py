"""The font hint of a plain text, the parameter `msgr` ([MS-CONFIM] 4.2.1, dialect facts §4.3)."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from simulator.errors import LocalProtocolError

_HEADER: Final = "X-MMS-IM-Format:"
_EFFECTS = re.compile("B?I?U?S?")
_HEX = re.compile("[0-9A-Fa-f]{1,8}")


@dataclass(frozen=True, slots=True)
class FontHint:
    """How the sender's window would draw a text; a receiver may ignore all of it."""

    font: str = "Segoe UI"
    "FN: the name of the font."
    effects: str = ""
    "EF: letters of `BIUS`, in this order: bold, italic, underlined, struck out."
    colour: str = "0"
    "CO: up to eight hex digits, blue-green-red."
    charset: str = "0"
    "CS: the Windows charset, hex digits."
    pitch: str = "0"
    "PF: pitch and family, hex digits."


def write_msgr(hint: FontHint) -> str:
    """The value of `msgr`: base64, without its padding, of UTF-16LE text.

    Raises LocalProtocolError for a font or effects that no receiver could read back.
    """
    numbers = (hint.colour, hint.charset, hint.pitch)
    if not _EFFECTS.fullmatch(hint.effects) or not all(map(_HEX.fullmatch, numbers)):
        raise LocalProtocolError(f"{hint!r}: effects are letters of BIUS in this order, the others are hex digits.")
    try:
        font = quote(hint.font, safe="")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"The font name {hint.font!r} holds half a surrogate pair.") from error
    fields = f"FN={font}; EF={hint.effects}; CO={hint.colour}; CS={hint.charset}; PF={hint.pitch}"
    encoded = binascii.b2a_base64(f"{_HEADER} {fields}\r\n\r\n".encode("utf-16-le"), newline=False)
    return encoded.decode("ascii").rstrip("=")


def read_msgr(value: str) -> FontHint | None:
    """The hint behind `msgr`; None where it cannot be read, since no text is refused for its font."""
    try:
        text = binascii.a2b_base64(value + "=" * (-len(value) % 4), strict_mode=True).decode("utf-16-le")
    except (ValueError, UnicodeError):
        return None
    head, _, _ = text.partition("\r\n")
    if not head.startswith(_HEADER):
        return None
    fields = [part.partition("=") for part in head[len(_HEADER) :].split(";")]
    found = {name.strip().upper(): content.strip() for name, _, content in fields}
    numbers = [found.get(name) or "0" for name in ("CO", "CS", "PF")]
    effects = found.get("EF", "")
    if not _EFFECTS.fullmatch(effects) or not all(map(_HEX.fullmatch, numbers)):
        return None
    return FontHint(unquote(found.get("FN", "")), effects, *numbers)
