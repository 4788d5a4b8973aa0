"""What a developer sees when a test fails: the ladder, drawn from records alone."""

from __future__ import annotations

import re
from datetime import datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.evidence import Layer, Record, Recorder, render
from simulator.evidence.ladder import ASCII, NARROWEST_GAP, TIME_WIDTH, UNICODE
from simulator.evidence.visible import cells

INVITE = b"INVITE sip:bob@fabrikam.test SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"


class CountingClock:
    """Every look at it costs half a millisecond."""

    def __init__(self) -> None:
        self.seconds = 7.0

    def now(self) -> float:
        self.seconds += 0.0005
        return self.seconds

    def today(self) -> datetime:
        raise AssertionError("evidence has no calendar")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(CountingClock())


def rows(recorder: Recorder, **options: object) -> list[str]:
    return render(recorder.since(), **options).splitlines()  # type: ignore[arg-type]


def test_a_refused_federation_looks_like_this(recorder: Recorder) -> None:
    recorder.log("acme", "No route for fabrikam.test, so DNS is asked (R39).")
    recorder.dns_question("acme", "DNS", "_sipfederationtls._tcp.fabrikam.test", "SRV")
    recorder.dns_answer("DNS", "acme", "_sipfederationtls._tcp.fabrikam.test", "SRV", "NOERROR", ["0 0 5061 sip.fab"])
    recorder.tcp("acme", "fabrikam", "connected")
    recorder.tcp("fabrikam", "acme", "accepted")
    recorder.tls_refused("acme", "fabrikam", alert="bad_certificate", names=["*.fabrikam.test"], reason="A wildcard.")
    recorder.tls_refused_by("fabrikam", "acme", alert="bad_certificate")

    assert render(recorder.since(), lanes=["DNS", "acme", "fabrikam"]) == (
        "      ms DNS                                      acme                                     fabrikam\n"
        "     0.0  │                                         ● No route for fabrikam.test, so DNS is asked\n"
        "          │                                         │ (R39).                                   │\n"
        "     0.5  │ SRV _sipfederationtls._tcp.fabrikam.test ?                                         │\n"
        "          │◀┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄│                                          │\n"
        "     1.0  │┄┄ 0 0 5061 sip.fab ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶│                                          │\n"
        "     1.5  │                                         │╌╌ TCP connected ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▶│\n"
        "     2.5  │                                         │══ TLS refused: bad_certificate ═════════✗│\n"
        "          │                                         ● certificate for *.fabrikam.test: A wildcard.\n"
    )


def test_the_time_is_in_milliseconds_since_the_first_record(recorder: Recorder) -> None:
    recorder.log("acme", "first")
    recorder.record("acme", "log", "note", "later", at=7.0005 + 1.25)

    assert [row[:TIME_WIDTH].strip() for row in rows(recorder)] == ["ms", "0.0", "1250.0"]


def test_records_are_drawn_by_their_time_not_by_the_order_of_writing(recorder: Recorder) -> None:
    recorder.log("acme", "second")
    recorder.record("acme", "log", "note", "first", at=1.0)

    assert [row.split("● ")[1] for row in rows(recorder)[1:]] == ["first", "second"]


def test_what_both_ends_recorded_is_one_arrow(recorder: Recorder) -> None:
    recorder.sip_sent("acme", "fabrikam", INVITE)
    recorder.sip_received("fabrikam", "acme", INVITE)

    assert len([row for row in rows(recorder) if "INVITE" in row]) == 1


def test_the_receiver_may_have_recorded_it_first(recorder: Recorder) -> None:
    recorder.sip_received("fabrikam", "acme", INVITE)
    recorder.sip_sent("acme", "fabrikam", INVITE)

    (arrow,) = [row for row in rows(recorder, lanes=["acme", "fabrikam"]) if "INVITE" in row]
    assert arrow.endswith("▶│")


def test_the_same_message_sent_twice_is_two_arrows(recorder: Recorder) -> None:
    for _ in range(2):
        recorder.sip_sent("acme", "fabrikam", INVITE)
        recorder.sip_received("fabrikam", "acme", INVITE)

    assert len([row for row in rows(recorder) if "INVITE" in row]) == 2


def test_two_messages_that_differ_in_their_bodies_are_not_one(recorder: Recorder) -> None:
    recorder.sip_sent("acme", "fabrikam", INVITE + b"one")
    recorder.sip_received("fabrikam", "acme", INVITE + b"two")

    assert len([row for row in rows(recorder) if "INVITE" in row]) == 2


@pytest.mark.parametrize("length", range(1, 92, 3))
def test_a_label_leaves_its_arrow_visible_or_stands_above_it(recorder: Recorder, length: int) -> None:
    label = "x" * length
    recorder.sip_sent("acme", "fabrikam", label.encode())
    recorder.sip_sent("fabrikam", "acme", label.encode())

    drawn = [row.strip(" │") for row in rows(recorder)[1:]]
    if len(drawn) == 2:
        right, left = (row[TIME_WIDTH - 2 :].strip(" │") for row in drawn)
        assert re.fullmatch(rf"── {label} ─+▶", right)
        assert re.fullmatch(rf"◀─ {label} ─+", left)
    else:
        assert [label in row for row in drawn] == [True, False, True, False]
        assert length > 70


def test_what_only_the_partner_saw_is_drawn_too(recorder: Recorder) -> None:
    recorder.sip_received("fabrikam", "acme", INVITE)

    (arrow,) = [row for row in rows(recorder, lanes=["fabrikam", "acme"]) if "INVITE" in row]
    assert "│◀─ INVITE sip:bob@fabrikam.test ─" in arrow


def test_each_side_of_a_handshake_shows_its_names(recorder: Recorder) -> None:
    recorder.tls_established("acme", "fabrikam", version="TLSv1.3", names=["sip.fabrikam.test"])
    recorder.tls_established("fabrikam", "acme", version="TLSv1.3", names=["connect.acme.test"])
    recorder.tls_established("acme", "fabrikam", version="TLSv1.2", names=[])

    fabrikam, acme, nobody = rows(recorder, lanes=["acme", "fabrikam"])[1:]
    assert "│◀═ TLSv1.3, certificate: sip.fabrikam.test ═" in fabrikam
    assert "│══ TLSv1.3, certificate: connect.acme.test ═" in acme
    assert "TLSv1.2, certificate: none" in nobody


@pytest.mark.parametrize(
    ("rcode", "answers", "shown"),
    [
        ("NOERROR", ["127.0.0.1", "127.0.0.2"], "127.0.0.1; 127.0.0.2"),
        ("NOERROR", [], "no such record"),
        ("NXDOMAIN", [], "NXDOMAIN"),
    ],
)
def test_a_dns_answer_shows_its_records_or_why_there_are_none(
    recorder: Recorder, rcode: str, answers: list[str], shown: str
) -> None:
    recorder.dns_answer("DNS", "acme", "sip.fabrikam.test", "A", rcode, answers)

    assert f"┄ {shown} ┄" in rows(recorder)[1]


@pytest.mark.parametrize("what", ["refused", "timeout", "lost"])
def test_a_connection_that_fails_ends_in_a_cross(recorder: Recorder, what: str) -> None:
    recorder.record("acme", "tcp", what, "127.1.2.3:5061", peer="fabrikam")

    arrow, note = rows(recorder)[1:]
    assert f"TCP {what} " in arrow
    assert arrow.endswith("✗│")
    assert "● 127.1.2.3:5061" in note


@pytest.mark.parametrize(
    ("message", "label"),
    [
        (b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n", "200 OK (INVITE)"),
        (
            b"SIP/2.0 504 Server time-out\r\ncseq:7 MESSAGE\r\nms-diagnostics: 1009;reason=x\r\n\r\n",
            "504 Server time-out (MESSAGE), ms-diagnostics 1009",
        ),
        (b"NOTIFY sip:a@b SIP/2.0\r\nSubscription-State: active;expires=9\r\n\r\n", "NOTIFY sip:a@b (active)"),
        (
            b"NOTIFY sip:a@b SIP/2.0\r\nFrom: <sip:c@d>;tag=1\r\nSubscription-State: active\r\n\r\n"
            b"<p:basic>open</p:basic><rpid:activities id='x'><rpid:busy/></rpid:activities>",
            'NOTIFY sip:a@b (active) c: "open, busy"',
        ),
        (
            b'SIP/2.0 200 OK\r\nCSeq: 1 SUBSCRIBE\r\n\r\n<availability aggregate="300" description=""/>',
            '200 OK (SUBSCRIBE) "300"',
        ),
        (b"BENOTIFY sip:a@b SIP/2.0\r\n\r\n<availability>6500</availability>", 'BENOTIFY sip:a@b "6500"'),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\nhello", 'MESSAGE sip:a@b "hello"'),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 99, f'sip:a@b "{"x" * 29}…"'),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/html\r\n\r\n<p>", "MESSAGE sip:a@b ─"),
        (b"BYE sip:a@b;transport=tls;lr;ms-opaque=x SIP/2.0\r\n\r\n", "BYE sip:a@b ─"),
        (b"BYE sip:a@b SIP/2.0\r\nCSeq: 2 INVITE\r\n\r\n", "BYE sip:a@b, CSeq says INVITE"),
        (b"no SIP at all", "no SIP at all"),
        (b"", "(no start line)"),
    ],
)
def test_a_sip_message_is_shown_by_its_essentials(recorder: Recorder, message: bytes, label: str) -> None:
    recorder.sip_sent("acme", "fabrikam", message)

    assert label in rows(recorder)[1]


def test_participants_stand_in_order_of_appearance_behind_the_given_ones(recorder: Recorder) -> None:
    recorder.tcp("acme", "fabrikam", "connected")
    recorder.tcp("contoso", "DNS", "connected")

    assert rows(recorder)[0].split() == ["ms", "acme", "fabrikam", "contoso", "DNS"]
    assert rows(recorder, lanes=["DNS", "acme"])[0].split() == ["ms", "DNS", "acme", "fabrikam", "contoso"]


def test_a_given_participant_who_did_nothing_has_a_lane(recorder: Recorder) -> None:
    recorder.log("acme", "nothing came")

    assert "fabrikam" in rows(recorder, lanes=["acme", "fabrikam"])[0]


def test_a_long_label_stands_above_its_arrow_in_several_rows(recorder: Recorder) -> None:
    recorder.sip_sent("acme", "fabrikam", b"BYE sip:" + b"b" * 120 + b"@fabrikam.test SIP/2.0\r\n\r\n")

    *above, arrow = rows(recorder)[1:]
    assert len(above) == 3
    assert "".join(above).count("b") == 120 + "fabrikam.test".count("b")
    assert re.fullmatch(r" +│─+▶│", arrow)


def test_an_endless_label_is_cut_at_the_edge(recorder: Recorder) -> None:
    recorder.sip_sent("acme", "fabrikam", b"BYE sip:" + b"b" * 400 + b"@fabrikam.test SIP/2.0\r\n\r\n")

    *above, arrow = rows(recorder)[1:]
    assert len(above) == 3
    assert above[-1].endswith("b…")
    assert all(len(row) <= 100 for row in above)
    assert re.fullmatch(r" +│─+▶│", arrow)


def test_a_note_of_the_last_lane_is_wrapped_on_its_left(recorder: Recorder) -> None:
    recorder.log("fabrikam", "word " * 40)

    first, *more = rows(recorder, lanes=["acme", "fabrikam"])[1:]
    assert first.rstrip().endswith("●")
    assert "│ word word" not in first
    assert " ".join([first, *more]).count("word") == 40


def test_an_endless_note_is_cut(recorder: Recorder) -> None:
    recorder.log("acme", "word " * 400)

    *_, last = rows(recorder)
    assert len(rows(recorder)) == 5
    assert "…" in last


def test_only_the_newest_steps_are_drawn_and_the_others_are_counted(recorder: Recorder) -> None:
    for number in range(10):
        recorder.log("acme", f"step {number}")

    drawn = rows(recorder, limit=2)
    assert "8 earlier steps are left out" in drawn[1]
    assert [row.split("● ")[1] for row in drawn[2:]] == ["step 8", "step 9"]
    assert "4.5" in drawn[-1]


def test_nothing_recorded_is_said_so() -> None:
    assert render([]) == "Nothing was recorded.\n"


def test_text_of_a_peer_cannot_command_the_terminal(recorder: Recorder) -> None:
    recorder.sip_received("acme", "fabrikam", b"SIP/2.0 486 \x1b]0;owned\x07\xff\xe2\x80\xae\r\n\r\n")
    recorder.log("a\x1b[2J", "two\nlines\r\x9b")

    drawn = render(recorder.since())

    assert "\x1b" not in drawn
    assert r"\x1b]0;owned\x07\xff\u202e" in drawn
    assert r"two\nlines\r\x9b" in drawn
    assert r"a\x1b[2J" in drawn.splitlines()[0]


def test_colours_come_only_when_asked_for_and_change_nothing_else(recorder: Recorder) -> None:
    recorder.sip_sent("acme", "fabrikam", INVITE)
    recorder.sip_sent("fabrikam", "acme", b"SIP/2.0 486 Busy Here\r\n\r\n")
    recorder.log("acme", "Bob is busy.")

    plain, coloured = (render(recorder.since(), colour=colour) for colour in (False, True))

    assert "\x1b[" not in plain
    assert "\x1b[1;31m" in coloured.splitlines()[2]
    assert "\x1b[1;31m" not in coloured.splitlines()[1]
    without = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [row.rstrip() for row in without.splitlines()] == plain.splitlines()
    for row in coloured.splitlines():
        last = re.findall(r"\x1b\[([0-9;]*)m", row)[-1:]
        assert last in ([], ["0"]), "no colour runs into the next line"


def test_a_console_without_unicode_gets_ascii_only(recorder: Recorder) -> None:
    recorder.dns_question("acme", "DNS", "straße.test", "SRV")
    recorder.sip_sent("acme", "fabrikam", b"BYE sip:" + "ä".encode() * 200 + b" SIP/2.0\r\n\r\n")
    recorder.tls_refused("acme", "fabrikam", alert="unknown_ca")

    drawn = render(recorder.since(), ascii_only=True)

    assert drawn.isascii()
    assert r"stra\xdfe.test" in drawn
    assert "..." in drawn
    assert "==x|" in drawn


def test_wide_characters_keep_the_lanes_straight(recorder: Recorder) -> None:
    recorder.sip_sent("acme", "fabrikam", "MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\n\r\n日本👍é".encode())
    recorder.sip_sent("acme", "fabrikam", INVITE)

    wide, narrow = rows(recorder)[1:]
    assert len(cells(wide)) == len(cells(narrow))
    assert '"日本👍é"' in wide


NAMES = st.text(min_size=1, max_size=12)
WORDS = {
    "dns": ["question", "answer"],
    "tcp": ["connected", "accepted", "refused", "timeout", "closed", "lost"],
    "tls": ["established", "presented", "refused", "refused-by", "failed"],
    "sip": ["sent", "received"],
    "log": ["note"],
}
RECORDS = st.sampled_from(get_args(Layer)).flatmap(
    lambda layer: st.builds(
        Record,
        at=st.floats(0, 1e7),
        who=NAMES,
        peer=NAMES | st.just(""),
        layer=st.just(layer),
        what=st.sampled_from([*WORDS[layer], "something else"]),
        text=st.text(max_size=300),
        data=st.dictionaries(
            st.sampled_from(["name", "type", "rcode", "answers", "names", "version", "alert"]),
            st.text(max_size=80) | st.lists(st.text(max_size=40), max_size=3) | st.none() | st.integers(),
        ),
    )
)


@given(st.lists(RECORDS, min_size=1, max_size=8), st.integers(40, 160), st.booleans(), st.booleans())
def test_any_record_is_drawn_within_the_width_and_without_control_characters(
    records: list[Record], width: int, colour: bool, ascii_only: bool
) -> None:
    drawn = render(records, width=width, colour=colour, ascii_only=ascii_only)

    without_colour = re.sub(r"\x1b\[[0-9;]*m", "", drawn) if colour else drawn
    lanes = len({name for record in records for name in (record.who, record.peer)})
    for row in without_colour.split("\n"):
        assert row == "" or row.isprintable()
        assert len(cells(row)) <= max(width, TIME_WIDTH + (lanes + 1) * NARROWEST_GAP)
    assert not ascii_only or without_colour.isascii()


def test_both_sets_of_glyphs_take_one_column_each() -> None:
    for glyphs in (UNICODE, ASCII):
        single = (glyphs.lane, glyphs.right, glyphs.left, glyphs.failed, glyphs.note, *glyphs.shafts.values())
        assert all(len(glyph) == 1 for glyph in single)
        assert set(glyphs.shafts) == set(get_args(Layer))
