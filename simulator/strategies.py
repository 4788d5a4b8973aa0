"""Hypothesis strategies for tests of one's own: names (RFC 1035, RFC 3261 §25.1, RFC 5891), presence and chat texts.

Every value that is drawn is valid unless the strategy's name says otherwise; impossible arguments raise
`hypothesis.errors.InvalidArgument` when the strategy is drawn from.
"""

from __future__ import annotations

import string
from datetime import UTC, datetime
from ipaddress import IPv4Address

import idna
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from simulator.names import MAX_LABEL, MAX_NAME, MAX_SIP_DOMAIN, Fqdn, SipDomain
from simulator.names.scripts import LOOKALIKES
from simulator.presence.state import Activity, Availability, NoteType, PresenceState

_LETTERS = string.ascii_lowercase
_ALPHANUMERIC = string.ascii_lowercase + string.digits
_LDH = _ALPHANUMERIC + "-"
_SCRIPTS = (
    "äöüßéèñçåøœ",
    "αβγδεζηθκλμνξοπρσςτυφχψω",
    "абвгдежзиклмнопрстуфхцчшщыьэюя",
    "中国公司日本東京例子",
    "אבגדהוזחטי",
)
"U-labels are drawn from one script each; the last one is written from right to left."
_IDN_LENGTH = 10
"Shortest maximum for which a U-label of one character surely fits as A-label."
_DOTS = ".。．｡"
_FULL_WIDTH = 0xFF01 - 0x21
"Distance from an ASCII character to its full-width form, which UTS 46 maps back."
_LOOKALIKES = {latin: [seen for seen, as_ in LOOKALIKES.items() if as_ == latin] for latin in LOOKALIKES.values()}
"For a Latin letter the letters of other scripts that pass for it."


@st.composite
def _ldh_labels(draw: DrawFn, max_length: int, top: bool) -> str:
    length = draw(st.integers(1, min(8, max_length)) | st.sampled_from((max_length, max(1, max_length - 1))))
    first = draw(st.sampled_from(_LETTERS if top else _ALPHANUMERIC))
    if length == 1:
        return first
    alphabet = draw(st.sampled_from((_LDH, "a0-")))  # few letters make rows of hyphens likely
    middle = draw(st.text(alphabet, min_size=length - 2, max_size=length - 2))
    label = first + middle + draw(st.sampled_from(_ALPHANUMERIC))
    return f"{label[:3]}0{label[4:]}" if label[2:4] == "--" else label  # that pair is reserved (RFC 5890 §2.3.1)


@st.composite
def _idn_labels(draw: DrawFn, max_length: int) -> str:
    script = draw(st.sampled_from(_SCRIPTS))
    longest = min(6, (max_length - 6) // 4)  # punycode takes up to four characters for one of ours
    text = draw(st.text(script, min_size=1, max_size=longest).filter(lambda text: len(idna.alabel(text)) <= max_length))
    return idna.alabel(text).decode("ascii")


def _one_label(max_length: int, idn: bool, top: bool) -> SearchStrategy[str]:
    """Simple labels come first and take one choice, so that examples shrink to them."""
    simple = st.text(_LETTERS if top else _ALPHANUMERIC, min_size=1, max_size=min(8, max_length))
    ascii_only = simple | _ldh_labels(max_length, top)
    return ascii_only | _idn_labels(max_length) if idn and max_length >= _IDN_LENGTH else ascii_only


@st.composite
def labels(draw: DrawFn, *, max_length: int = MAX_LABEL, idn: bool = True) -> str:
    """One label in lower case, of 1 to `max_length` characters; with `idn` some are A-labels (`xn--…`).

    A label of digits only is drawn too: it may stand anywhere but at the end of a name.
    """
    _must(1 <= max_length <= MAX_LABEL, f"max_length of a label is 1 to {MAX_LABEL}, not {max_length}")
    return draw(_one_label(max_length, idn, top=False))


@st.composite
def fqdns(draw: DrawFn, *, min_labels: int = 1, max_length: int = MAX_NAME, idn: bool = True) -> Fqdn:
    """Names of hosts with at least `min_labels` labels and at most `max_length` characters.

    Most are short; some fill `max_length` to the last character.
    """
    _must(min_labels >= 1, f"min_labels is at least 1, not {min_labels}")
    _must(
        2 * min_labels - 1 <= max_length <= MAX_NAME,
        f"max_length is {2 * min_labels - 1} to {MAX_NAME} for {min_labels} labels, not {max_length}",
    )
    return Fqdn(draw(_label_tuples(min_labels, max_length, idn)))


@st.composite
def sip_domains(draw: DrawFn, *, min_labels: int = 2, max_length: int = MAX_SIP_DOMAIN, idn: bool = True) -> SipDomain:
    """SIP domains: as `fqdns`, with two labels or more and short enough for its SRV name (230 characters)."""
    _must(min_labels >= 2, f"min_labels of a SIP domain is at least 2, not {min_labels}")
    _must(
        2 * min_labels - 1 <= max_length <= MAX_SIP_DOMAIN,
        f"max_length is {2 * min_labels - 1} to {MAX_SIP_DOMAIN} for {min_labels} labels, not {max_length}",
    )
    return SipDomain(draw(_label_tuples(min_labels, max_length, idn)))


@st.composite
def _label_tuples(draw: DrawFn, min_labels: int, max_length: int, idn: bool) -> tuple[str, ...]:
    """Built from the right, always leaving room for the labels that must still come."""
    fill = draw(st.integers(0, 7)) == 7
    count = min_labels + (0 if fill else draw(st.integers(0, 3)))
    room = max_length
    names: list[str] = []
    while room > 0 and (len(names) < count or fill):
        due = max(0, min_labels - len(names) - 1)
        longest = min(MAX_LABEL, room - 2 * due)
        if fill and not due:
            size = longest - 1 if room - longest == 1 else longest
            label = draw(_exact_labels(size, top=not names))
        else:
            label = draw(_one_label(longest, idn, top=not names))
        names.insert(0, label)
        room -= len(label) + 1
    return tuple(names)


@st.composite
def _exact_labels(draw: DrawFn, length: int, top: bool) -> str:
    first = draw(st.sampled_from(_LETTERS if top else _ALPHANUMERIC))
    return first + draw(st.text(_ALPHANUMERIC, min_size=length - 1, max_size=length - 1))


@st.composite
def spellings(draw: DrawFn, name: Fqdn | SipDomain, *, unicode: bool = True) -> str:
    """Other ways to write `name`, all of which parse to it: upper case, a trailing dot, and with `unicode` U-labels,
    full-width letters and the dots of UTS 46.
    """
    written = [draw(_label_spellings(label, unicode)) for label in name.labels]
    text = written[0]
    for label in written[1:]:
        text += draw(st.sampled_from(_DOTS if unicode else ".")) + label
    return text + draw(st.sampled_from(("", ".")))


@st.composite
def _label_spellings(draw: DrawFn, label: str, unicode: bool) -> str:
    text = idna.ulabel(label) if unicode and draw(st.booleans()) else label
    ways = draw(st.lists(st.integers(0, 2 if unicode else 1), min_size=len(text), max_size=len(text)))
    return "".join(_written(character, way) for character, way in zip(text, ways, strict=True))


def _written(character: str, way: int) -> str:
    upper = character.upper()
    if way == 1 and len(upper) == 1 and upper.lower() == character:
        return upper
    if way == 2 and character.isascii():
        return chr(ord(character) + _FULL_WIDTH)
    return character


@st.composite
def lookalikes(draw: DrawFn, name: Fqdn | SipDomain) -> str:
    """Another name that looks like `name`: some of its letters are Cyrillic or Greek ones that fonts draw alike.

    Up to four letters are changed, none of them in an A-label, in a label of more than 40 characters or in the top
    label. `name` has at most 190 characters, and at least one letter that has a look-alike.
    """
    _must(len(str(name)) <= 190, f"{name} has more than 190 characters")
    places = [
        (index, place)
        for index, label in enumerate(name.labels[:-1])
        if not label.startswith("xn--") and len(label) <= 40
        for place, letter in enumerate(label)
        if letter in _LOOKALIKES
    ]
    _must(bool(places), f"no letter of {name} has a look-alike")
    changed = [list(label) for label in name.labels]
    for index, place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=4, unique=True)):
        changed[index][place] = draw(st.sampled_from(_LOOKALIKES[name.labels[index][place]]))
    return ".".join("".join(label) for label in changed)


@st.composite
def ipv4_spellings(draw: DrawFn, *, canonical: bool = True) -> str:
    """Texts that C libraries read as an IPv4 address (`inet_aton`); `canonical=False` leaves out the dotted quad.

    None of them is ever a name (P7): `127.0.0.1`, `127.1`, `0x7f.1`, `2130706433`, `0177.0.0.1`.
    """
    address = draw(st.ip_addresses(v=4))
    assert isinstance(address, IPv4Address)
    if canonical and draw(st.booleans()):
        return str(address)
    value = int(address)
    parts = draw(st.integers(1, 4))
    numbers = [value >> 24 & 255, value >> 16 & 255, value >> 8 & 255, value & 255][: parts - 1]
    numbers.append(value & (1 << 8 * (5 - parts)) - 1)
    written = [
        draw(st.sampled_from((f"{number}", f"0x{number:x}", f"0X{number:X}", f"0{number:o}"))) for number in numbers
    ]
    text = ".".join(written)
    return f"0x{numbers[0]:x}{text[len(written[0]) :]}" if text == str(address) else text


@st.composite
def invalid_names(draw: DrawFn) -> str:
    """Texts that are no host name at all: a valid name with one mistake (P6), such as `_`, `*` or a 64th letter."""
    name = draw(fqdns(min_labels=2, max_length=120, idn=False))
    labels = list(name.labels)
    index = draw(st.integers(0, len(labels) - 1))
    label = labels[index]
    labels[index] = draw(
        st.sampled_from(
            (
                "",
                "*",
                f"_{label}",
                f"-{label}",
                f"{label}-",
                f"{label} {label}",
                f"{label}@{label}",
                f"ab--{label}",
                "xn--0",
                "a" * (MAX_LABEL + 1),
                "☃",
            )
        )
    )
    text = ".".join(labels)
    return f"{text}." if text.endswith(".") else text


_PIECES = (
    "😀", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "☺\ufe0f",
    "שלום", "مرحبا", "\u202eabc\u202c", "\u200f", "\u2067א\u2069",
    "é", "e\u0301", "Å", "A\u030a", "\u1100\u1161", "ﬁ", "Z͑ͫ̓",
    "中文", "日本語", "Grüße", "\xa0", "\u200b", "\ufeff", "\u2028", "\ufffd", "\U0010ffff",
    " ", "  ", "\t", "\r\n", "\n", "\r", "\n\n",
    "<b>", "&amp;", "&nbsp;", "{\\rtf1}", "\\par", "\\u233?", "--", "=", "=20", ".", "%", ";", '"', "'",
)  # fmt: skip
"What goes wrong in chats: joined and coloured emoji, directions, composed and decomposed letters, and markup."


@st.composite
def chat_texts(draw: DrawFn, *, max_size: int = 200, controls: bool = False) -> str:
    """Texts of up to `max_size` characters that a person could send, many of them awkward.

    Line ends and tabs are drawn, half a surrogate pair never is; with `controls` also NUL and its kin, which HTML and
    XML cannot hold.
    """
    _must(max_size >= 0, f"max_size is at least 0, not {max_size}")
    kinds = st.characters(exclude_categories=["Cs"] if controls else ["Cs", "Cc"])
    pieces = draw(st.lists(st.text(kinds, max_size=8) | st.sampled_from(_PIECES), max_size=max(1, max_size // 4)))
    return "".join(pieces)[:max_size]


def _must(true: bool, otherwise: str) -> None:
    if not true:
        raise InvalidArgument(otherwise)


_XML_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from(
    "\t\n\r<>&\"'\x85"
)
"Whatever an XML document can hold (XML 1.0 §2.2), with those that it must escape more often than chance has them."


def presence_texts(*, max_size: int = 40) -> SearchStrategy[str]:
    """Texts of notes and names: any characters that XML can carry, markup, line ends and blank texts included."""
    return st.text(_XML_CHARACTERS, max_size=max_size)


@st.composite
def presence_states(draw: DrawFn, *, max_note: int = 60) -> PresenceState:
    """What a person may show: each availability, known and unknown activities, notes of up to `max_note` characters."""
    moments = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
    return PresenceState(
        draw(st.sampled_from(Availability)),
        draw(
            st.none() | st.sampled_from([*Activity, "busy", "away", "meeting", "other"]) | presence_texts(max_size=20)
        ),
        draw(st.none() | presence_texts(max_size=max_note)),
        draw(st.sampled_from(NoteType)),
        draw(st.none() | presence_texts()),
        draw(st.none() | st.sampled_from(["computer", "phone"])),
        draw(st.none() | moments),
    )
