"""Header fields, raw and in order (RFC 3261 §7.3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.headers import COMPACT_FORMS, Headers, key_of
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


def test_text_is_appended_to_the_raw_line() -> None:
    headers = Headers.from_lines(["t:  <sip:a@b> "])
    headers.append_to_first("To", ";tag=1")
    assert headers.lines == ("t:  <sip:a@b> ;tag=1",)
    with pytest.raises(KeyError):
        headers.append_to_first("From", ";tag=1")


@pytest.mark.parametrize("change", ["add", "set", "prepend"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("Subject", "a\r\nVia: x"), ("Subject", "a\nb"), ("Subject", "a\rb"), ("Sub ject", "a"), ("", "a"), ("To:", "a"),
     ("Subject", "\ud800")],
)  # fmt: skip
def test_we_never_write_a_header_that_would_be_two(change: str, name: str, value: str) -> None:
    headers = Headers([("To", "x")])
    with pytest.raises(LocalProtocolError):
        getattr(headers, change)(name, value)
    assert headers.lines == ("To: x",)


def test_a_line_break_cannot_be_appended_either() -> None:
    headers = Headers([("To", "x")])
    with pytest.raises(LocalProtocolError):
        headers.append_to_first("To", "\r\nVia: y")
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
    other = Headers([("Via", "copied")])
    changes: tuple[Callable[[], None], ...] = (
        lambda: headers.add("A", "1"),
        lambda: headers.prepend("B", "2"),
        lambda: headers.set("A", "3"),
        lambda: headers.set("C", "4"),
        lambda: headers.append_to_first("A", "x"),
        lambda: headers.copy_from(other, frozenset({"via"})),
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
    assert [headers.exceed(number) for number in (2, 3, 4)] == [True, False, False]
    headers.remove("a")
    assert [headers.exceed(number) for number in (1, 2)] == [True, False]
    assert not Headers().exceed(0)
    assert Headers().lines == ()
