"""Header fields, raw and in order (RFC 3261 §7.3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.header_names import COMPACT_FORMS, key_of
from simulator.sip.headers import Headers
from simulator.sip.views import View


@pytest.fixture
def headers() -> Headers:
    return Headers.from_lines(
        ["Via: one, two", "VIA : three", "v:four", "Subject:  a, b ", "X-Own: 1", "x-own: 2", "k: timer"]
    )


@pytest.mark.parametrize("name", ["via", "Via", "VIA", "vIa", "v", "V"])
def test_every_spelling_of_a_name_finds_the_same_headers(headers: Headers, name: str) -> None:
    assert headers.get(name) == "one, two"
    assert headers.get_all(name) == ["one, two", "three", "four"]
    assert headers.values(name) == ["one", "two", "three", "four"]
    assert name in headers
    assert headers.count(name) == 3


def test_every_compact_form_stands_for_its_full_name() -> None:
    registered = (
        "accept-contact referred-by content-type request-disposition content-encoding from call-id reject-contact "
    )
    registered += "supported content-length contact event refer-to subject to allow-events via session-expires identity"
    assert [key_of(letter) for letter in "abcdefijklmorstuvxy"] == registered.split()
    for letter, full in COMPACT_FORMS.items():
        assert key_of(letter) == key_of(letter.upper()) == key_of(full.title()) == full
    assert key_of("g") == "g"


def test_unknown_headers_are_found_without_regard_to_case(headers: Headers) -> None:
    assert headers.get_all("X-OWN") == ["1", "2"]
    assert headers.get("X-Other") is None
    assert headers.get("X-Other", "default") == "default"
    assert headers.get_all("X-Other") == []
    assert "X-Other" not in headers


def test_iteration_gives_names_as_written_and_values_without_blanks(headers: Headers) -> None:
    assert list(headers)[:4] == [("Via", "one, two"), ("VIA", "three"), ("v", "four"), ("Subject", "a, b")]
    assert len(headers) == 7


def test_raw_lines_stay_as_they_came(headers: Headers) -> None:
    assert headers.lines[1:4] == ("VIA : three", "v:four", "Subject:  a, b ")


def test_a_folded_header_is_one_value_and_stays_folded_on_the_wire() -> None:
    headers = Headers.from_lines(["Subject: first", "  second ", "\tthird", "   ", "To: x"])
    assert headers.get("subject") == "first second third"
    assert headers.lines == ("Subject: first\r\n  second \r\n\tthird\r\n   ", "To: x")
    assert len(headers) == 2


@pytest.mark.parametrize("line", ["Via", "", ": x", "Vi a: x", "Vi\x00a: x", "Größe: 1", "(x): 1"])
def test_a_line_that_is_no_header_is_refused(line: str) -> None:
    with pytest.raises(RemoteProtocolError):
        Headers.from_lines(["To: x", line])


def test_the_first_line_cannot_continue_anything() -> None:
    with pytest.raises(RemoteProtocolError, match="blank"):
        Headers.from_lines([" To: x"])


def test_empty_list_elements_are_dropped_and_quoted_commas_kept() -> None:
    headers = Headers.from_lines(['Contact: "a, b" <sip:c,d@e> ,, <sip:f>', "Contact:"])
    assert headers.values("m") == ['"a, b" <sip:c,d@e>', "<sip:f>"]


def test_prepend_puts_a_via_on_top_and_add_puts_at_the_end(headers: Headers) -> None:
    headers.prepend("Via", "zero")
    headers.add("via", "five")
    assert headers.values("Via") == ["zero", "one", "two", "three", "four", "five"]
    assert headers.lines[0] == "Via: zero"
    assert headers.lines[-1] == "via: five"


def test_set_replaces_all_where_the_first_one_stood(headers: Headers) -> None:
    headers.set("X-Own", "3")
    assert headers.get_all("x-own") == ["3"]
    assert headers.lines[4:] == ("X-Own: 3", "k: timer")
    headers.set("X-New", "4")
    assert headers.lines[-1] == "X-New: 4"


def test_remove_takes_all_and_remove_first_takes_one(headers: Headers) -> None:
    headers.remove_first("Via")
    assert headers.values("Via") == ["three", "four"]
    headers.remove("v")
    assert "Via" not in headers
    assert len(headers) == 4
    headers.remove("Via")
    headers.remove_first("Via")
    assert len(headers) == 4


def test_a_copy_goes_its_own_way(headers: Headers) -> None:
    copy = headers.copy()
    assert copy == headers
    copy.add("X-Own", "3")
    assert headers.get_all("X-Own") == ["1", "2"]
    assert copy != headers


def test_a_second_header_where_one_is_allowed_is_the_peers_mistake(headers: Headers) -> None:
    assert headers.only("subject") == "a, b"
    assert headers.only("to") is None
    with pytest.raises(RemoteProtocolError, match="3 times"):
        headers.only("via")


def test_raw_lines_are_found_by_their_keys() -> None:
    headers = Headers.from_lines(["t:  <sip:a@b> ", "VIA: 1", "Subject: x", "v: 2\r\n ,3"])
    assert headers.line_of("to") == "t:  <sip:a@b> "
    assert headers.lines_of(frozenset({"via", "to"})) == ["t:  <sip:a@b> ", "VIA: 1", "v: 2\r\n ,3"]
    with pytest.raises(ValueError, match="from"):
        headers.line_of("from")


@pytest.mark.parametrize("known", ["lines", "block", "both"])
def test_lines_and_block_say_the_same_after_every_change(known: str) -> None:
    headers = Headers.unchecked(["Via: 1", "To: 2"])
    changes: tuple[Callable[[], None], ...] = (
        lambda: headers.add("A", "3"),
        lambda: headers.prepend("v", "4"),
        lambda: headers.set("To", "5"),
        lambda: headers.add("B", "6"),
        lambda: headers.remove("A"),
        lambda: headers.prepend("C", "7"),
        lambda: headers.add_raw("D: 8"),
        lambda: headers.remove_first("Via"),
    )
    for change in changes:
        if known == "block":
            headers = Headers.from_block(headers.block)
        elif known == "lines":
            assert headers.get("Via") is not None
        else:
            assert headers.block.count("\r\n") == len(headers)
        change()
        assert headers.block == "".join(f"\r\n{line}" for line in headers.lines)
        assert [name for name, _ in headers] == [line.partition(":")[0] for line in headers.lines]
        assert headers.copy() == headers
    assert headers.block == "\r\nC: 7\r\nVia: 1\r\nTo: 5\r\nB: 6\r\nD: 8"


@pytest.mark.parametrize("change", ["add", "set", "prepend", "build"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("Subject", "a\r\nVia: x"), ("Subject", "a\nb"), ("Subject", "a\rb"), ("Sub ject", "a"), ("", "a"), ("To:", "a"),
     ("Subject", "\ud800")],
)  # fmt: skip
def test_we_never_write_a_header_that_would_be_two(change: str, name: str, value: str) -> None:
    headers = Headers([("To", "x")])
    with pytest.raises(LocalProtocolError):
        Headers([("From", "y"), (name, value)]) if change == "build" else getattr(headers, change)(name, value)
    assert headers.lines == ("To: x",)


def test_bytes_that_are_no_utf8_can_be_written_again() -> None:
    headers = Headers([("Subject", b"\xff\xfe".decode("utf-8", "surrogateescape"))])
    assert headers.lines[0].encode("utf-8", "surrogateescape") == b"Subject: \xff\xfe"


def test_every_change_makes_a_view_look_again() -> None:
    def state(headers: Headers) -> str:
        return "|".join(headers.lines)

    made: list[int] = []

    def count_and_tell(headers: Headers) -> str:
        made.append(1)
        return state(headers)

    class Seen:
        headers = Headers([("To", "x")])
        state = View("state", count_and_tell)

    message, headers = Seen(), Seen.headers
    seen = [message.state]
    assert message.state == seen[0]
    assert made == [1], "it is made once"
    changes: tuple[Callable[[], None], ...] = (
        lambda: headers.add("A", "1"),
        lambda: headers.prepend("B", "2"),
        lambda: headers.set("A", "3"),
        lambda: headers.set("C", "4"),
        lambda: headers.remove_first("A"),
        lambda: headers.remove("B"),
        lambda: headers.add_raw("no header"),
    )
    for change in changes:
        change()
        seen.append(message.state)
    assert len(set(seen)) == len(changes) + 1


def test_any_line_can_be_written_on_purpose() -> None:
    headers = Headers([("To", "x")])
    headers.add_raw("From y")
    headers.add("Via", "z")
    headers.add_raw("Subject: a\r\n b")
    assert headers.lines == ("To: x", "From y", "Via: z", "Subject: a\r\n b")
    assert (headers.get("via"), headers.get("subject"), headers.get("from")) == ("z", "a b", None)
    with pytest.raises(RemoteProtocolError, match="no colon"):
        headers.check()
    assert Headers.unchecked(headers.lines).lines == headers.lines


def test_parsed_headers_are_counted_with_folded_ones_once() -> None:
    headers = Headers.from_lines(["a: 1", " 2", "b: 3", "c: 4"])
    assert len(headers) == 3
    headers.remove("a")
    assert len(headers) == 2
    assert len(Headers()) == 0
    assert Headers().lines == ()
