"""The font hint of Microsoft's clients."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.font import FontHint, read_msgr, write_msgr
from simulator.errors import LocalProtocolError

HEX = st.from_regex(r"[0-9a-f]{1,6}", fullmatch=True)
HINTS = st.builds(
    FontHint,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(["", "B", "BI", "IU", "BIUS", "S"]),
    HEX,
    HEX,
    HEX,
)


@given(HINTS)
def test_what_we_write_is_what_we_read(hint: FontHint) -> None:
    value = write_msgr(hint)

    assert "=" not in value
    assert read_msgr(value) == hint


def test_our_hint_begins_as_one_of_skype_for_business_does() -> None:
    assert write_msgr(FontHint()).startswith("WAAtAE0ATQBTAC0A")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("X-MMS-IM-Format: FN=Segoe%20UI; EF=; CO=0; CS=0; PF=0\r\n\r\n", FontHint()),
        ("X-MMS-IM-Format: FN=A;EF=B;CO=ff;CS=1;PF=2", FontHint("A", "B", "ff", "1", "2")),
        ("X-MMS-IM-Format:FN=A", FontHint("A")),
        ("X-MMS-IM-Format: FN=A; EF=XYZ", None),
        ("X-MMS-IM-Format: FN=A; CO=red", None),
        ("X-Other: FN=A", None),
        ("", None),
    ],
)
def test_a_hint_is_read_as_far_as_it_can_be(text: str, hint: FontHint | None) -> None:
    assert read_msgr(base64.b64encode(text.encode("utf-16-le")).decode().rstrip("=")) == hint


@pytest.mark.parametrize("value", ["WAAt", "!", "WAAtAE0ATQBTAC0A", "A", "ü"])
def test_a_hint_that_cannot_be_read_is_none(value: str) -> None:
    assert read_msgr(value) is None


@given(st.text(max_size=60))
def test_no_hint_makes_the_reader_fall_over(value: str) -> None:
    read_msgr(value)


@pytest.mark.parametrize(
    "hint", [FontHint(effects="IB"), FontHint(colour="red"), FontHint(pitch=""), FontHint("\ud83d")]
)
def test_a_hint_that_nobody_could_read_is_our_own_mistake(hint: FontHint) -> None:
    with pytest.raises(LocalProtocolError):
        write_msgr(hint)
