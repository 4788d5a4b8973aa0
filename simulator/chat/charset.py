"""From bytes to text and back: the charset parameter of a text body (RFC 2046 §4.1.2)."""

from __future__ import annotations

import codecs

from simulator.errors import LocalProtocolError, RemoteProtocolError

CHARSETS = frozenset(
    ["utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be", "koi8-r"]
    + ["gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]
    + [f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)]
    + [f"cp{number}" for number in (1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 874, 932, 949, 950)]
)
"Python's names of the charsets that are texts; codecs such as `unicode_escape` are not for bytes of a stranger."


def decode(body: bytes, charset: str) -> str:
    """The text behind the bytes of a peer, which is left as it is: no normalisation, no line ends changed.

    Raises RemoteProtocolError with status_hint 415 for a charset that is not understood, and 400 for bytes that are not
    in it (half a surrogate pair is in no charset).
    """
    try:
        codec = codecs.lookup(charset)
    except (LookupError, ValueError):
        codec = None
    if codec is None or codec.name not in CHARSETS:
        raise RemoteProtocolError(f"The charset {charset[:40]!r} is not understood here.", status_hint=415)
    try:
        return codec.decode(body, "strict")[0]
    except UnicodeError as error:
        raise RemoteProtocolError(f"The body says it is {charset[:40]}, but its bytes are not.") from error


def encode(text: str) -> bytes:
    """UTF-8, which is all that is ever written here.

    Raises LocalProtocolError for half a surrogate pair, which no charset holds.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        half, place = text[error.start], error.start
        raise LocalProtocolError(
            f"The text holds half a surrogate pair (U+{ord(half):04X} at index {place}) and cannot be sent; "
            "write the whole character instead, such as '\\U0001f600'."
        ) from error
