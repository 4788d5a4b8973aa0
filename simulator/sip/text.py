"""Scan the text of header values: top-level splits, parameters, quoted strings, numbers (RFC 3261 §25.1)."""

from __future__ import annotations

import re

from simulator.errors import RemoteProtocolError

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
"token of RFC 3261 §25.1; use `fullmatch`."

Params = dict[str, str | None]
"Parameters in order, names in lower case, None for one without `=`."

_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MARKS = {separator: re.compile(rf'["<{separator}]') for separator in ",;"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BLANK = " \t"


def split_top_level(text: str, separator: str = ",") -> list[str]:
    """The parts of `text` between separators that stand outside quotes and angle brackets, stripped but else untouched.

    `separator` is `,` or `;`. Raises RemoteProtocolError on an unbalanced quote or bracket (RFC 3261 §7.3.1).
    """
    if separator not in text:
        return [text.strip(_BLANK)]
    if '"' not in text and "<" not in text:
        return [part.strip(_BLANK) for part in text.split(separator)]
    search = _MARKS[separator].search
    parts: list[str] = []
    start = position = 0
    while (mark := search(text, position)) is not None:
        position = mark.start()
        character = text[position]
        if character == '"':
            position = end_of_quoted(text, position)
        elif character == "<":
            position = text.find(">", position) + 1
            if not position:
                raise RemoteProtocolError(f"no '>' closes the '<' in {shown(text)}")
        else:
            parts.append(text[start:position].strip(_BLANK))
            start = position = position + 1
    parts.append(text[start:].strip(_BLANK))
    return parts


def end_of_quoted(text: str, start: int) -> int:
    """The index behind the quoted string that opens at `start`; RemoteProtocolError when nothing closes it."""
    quoted = _QUOTED.match(text, start)
    if quoted is None:
        raise RemoteProtocolError(f"a quote is never closed in {shown(text)}")
    return quoted.end()


def unquote(text: str) -> str:
    """What a quoted string says: without its quotes and backslashes; any other text comes back as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return _ESCAPE.sub(r"\1", inner) if "\\" in inner else inner


def quote(text: str) -> str:
    """`text` as a quoted string, with quotes and backslashes escaped (RFC 3261 §25.1)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse_params(text: str) -> Params:
    """The parameters of a text like `;tag=1;epid="x";gruu`, which is empty or begins with its `;`.

    Names come in lower case, in order; values are unquoted; a parameter without `=` has the value None. Of two
    parameters with one name the first counts. Raises RemoteProtocolError on an empty parameter or name and on an
    unbalanced quote.
    """
    params: Params = {}
    if not text:
        return params
    if '"' in text:
        parts = split_top_level(text, ";")
    else:
        parts = text.split(";")
        if " " not in text and "\t" not in text:
            return _plain_params(parts, text)
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        name = name.strip(_BLANK).lower()
        if not name:
            raise RemoteProtocolError(f"a parameter has no name in {shown(text)}")
        if name not in params:
            params[name] = _param_value(value.strip(_BLANK), text) if equals else None
    return params


def _plain_params(parts: list[str], text: str) -> Params:
    """What most parameters are: without quotes and blanks."""
    params: Params = {}
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        params.setdefault(name.lower(), value if equals else None)
    if "" in params:
        raise RemoteProtocolError(f"a parameter has no name in {shown(text)}")
    return params


def _param_value(value: str, text: str) -> str:
    if value[:1] != '"':
        return value
    if end_of_quoted(value, 0) != len(value):
        raise RemoteProtocolError(f"text follows a quoted parameter value in {shown(text)}")
    return unquote(value)


def format_params(params: Params) -> str:
    """The reverse of `parse_params`: `;name=value` for each, quoted where the value is no token."""
    return "".join(f";{name}" if value is None else f";{name}={_as_param(value)}" for name, value in params.items())


_BARE_VALUE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:/]+")


def _as_param(value: str) -> str:
    return value if _BARE_VALUE.fullmatch(value) else quote(value)


def parse_number(text: str, what: str, maximum: int) -> int:
    """A run of ASCII digits between 0 and `maximum`; RemoteProtocolError names `what` otherwise."""
    digits = text.strip(_BLANK)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise RemoteProtocolError(f"{what} is no number: {shown(text)}")
    number = int(digits)
    if number > maximum:
        raise RemoteProtocolError(f"{what} is over {maximum}: {digits}")
    return number


def shown(text: str) -> str:
    """`text` for an error sentence: quoted, control characters escaped, cut at 80 characters."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
