"""Golden wire files: every kind of chat message as we send it, and what those of others say.

A file in tests/corpus/chat that we write is compared byte for byte with what the code makes now. To accept a change,
run `python -m tests.chat.test_wire_files`, and review the diff against the fact beside the file's name here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.chat.composing import Composing, read_composing, write_composing
from simulator.chat.delivery import Recipient, read_imdn, write_imdn
from simulator.chat.first_message import confirming_options, first_message_headers
from simulator.chat.font import FontHint
from simulator.chat.formats import ALTERNATIVES, FORMATS, HTML_TEXT, PLAIN_TEXT, RTF_TEXT
from simulator.chat.invitation import ImOffer, Kind, classify_invite
from simulator.chat.other_sessions import (
    SessionOffer,
    conference_offer,
    file_offer,
    media_offer,
    multiparty_headers,
    old_file_offer,
)
from simulator.chat.rules import AGAINST_POLICY, SFB
from simulator.chat.sdp import CALL_TYPE_IM, CONTENT_TYPE, im_offer
from simulator.chat.text import encode, read_body
from simulator.sip.message import Message, Request, Response, parse
from tests.chat.messages import request

FOLDER = Path(__file__).parent.parent / "corpus" / "chat"
HOST = "192.0.2.57"
CALLER, CALLEE = "sip:user1@contoso.test", "sip:user2@fabrikam.test"
TEXT = "Grüße 😀 שלום\n<b> & {x}\\\n\n  two blanks"
LYNC = (
    "text/plain", "multipart/alternative", "image/gif", "text/rtf", "text/html", "application/x-ms-ink",
    "application/ms-imdn+xml", "text/x-msmsgsinvite",
)  # fmt: skip
ID = ("Ms-Conversation-ID", "AdKjt1Xy9lDJ8KRjRYaBRsRaq4N/vw==")


@dataclass(frozen=True)
class WireFile:
    """One file and what is known of it."""

    name: str
    source: str
    "Where the dialect facts say that it looks so."
    says: object
    "What it is understood as."
    ours: Callable[[], Message] | None = None
    "How we write it; None for a message of others."


def message(form: str) -> Callable[[], Message]:
    def write() -> Message:
        content_type, body = encode(TEXT, FORMATS[form])
        return request("MESSAGE", body=body, content_type=content_type)

    return write


def typing(state: Composing, form: str) -> Callable[[], Message]:
    def write() -> Message:
        method, content_type, body = write_composing(state, form)  # type: ignore[arg-type]
        return request(method, body=body, content_type=content_type)

    return write


def invite(*headers: tuple[str, str], content_type: str = CONTENT_TYPE, media: str = "message") -> Message:
    body = im_offer(HOST, accept_types=LYNC, media=media)
    return request("INVITE", [ID, *headers], body=body, content_type=content_type)


def offer(of: Callable[[], SessionOffer]) -> Callable[[], Message]:
    def write() -> Message:
        made = of()
        return request("INVITE", [ID, *made.headers], body=made.body, content_type=made.content_type)

    return write


def answer(status: int, *headers: tuple[str, str], body: bytes = b"") -> Message:
    invited = invite()
    assert isinstance(invited, Request)
    content_type = CONTENT_TYPE if body else None
    return invited.respond(status, to_tag="ab12", headers=headers, body=body, content_type=content_type)


def consumed() -> Message:
    options = [("Supported", option) for option in confirming_options(SFB.confirmation)]
    return answer(200, *options, body=im_offer(HOST, accept_types=LYNC, own_uri=CALLEE))


def by_policy() -> Message:
    asked = offer(lambda: file_offer(HOST))()
    assert isinstance(asked, Request)
    refused = classify_invite(asked, SFB.but(file_transfer=AGAINST_POLICY))
    assert not isinstance(refused, ImOffer)
    return answer(refused.status, *refused.headers)


FILES = [
    WireFile("message-plain", "§4.3, traceA", TEXT, message("plain")),
    WireFile("message-plain-font", "§4.3, [MS-CONFIM] 4.2.1", TEXT, message("plain+font")),
    WireFile("message-html", "§4.3, traceB: tags for line breaks", TEXT, message("html")),
    WireFile("message-rtf", "§4.3, traceB: begin and end of the document", TEXT, message("rtf")),
    WireFile("message-alternative", "§4.3, [MS-CONFIM] 4.2.1", TEXT, message("alternative")),
    WireFile("theirs-plain-font", "§4.3, sipmsg.c: msgr without padding", "/call us2"),
    WireFile("theirs-html", "§4.3, traceB: <SPAN …>", "qwe\nsecond"),
    WireFile("theirs-rtf", "§4.3, traceB: fonts, colours, RTL, lyncflags", "Grüße, 😀 и שלום\nsecond"),
    WireFile("theirs-alternative", "§4.3, [MS-CONFIM] 4.2.1: an encoding for each part", "Grüße"),
    WireFile("info-typing", "§4.4, sipe-user.c", Composing(True), typing(Composing(True), "info")),
    WireFile("info-idle", "§4.4, sipe-user.c", Composing(False), typing(Composing(False), "info")),
    WireFile(
        "message-composing",
        "§4.4, RFC 3994 §6",
        Composing(True, "text/plain", 60),
        typing(Composing(True, "text/plain", 60), "iscomposing"),
    ),
    WireFile(
        "notify-imdn",
        "§4.5, [MS-CONFIM]",
        (2, 408),
        lambda: request(
            "NOTIFY",
            content_type="application/ms-imdn+xml",
            body=write_imdn(2, [Recipient("sip:bob@contoso.test", 408, (("ms-diagnostics", "6001;reason=x"),))]),
        ),
    ),
    WireFile("invite", "§4.1, traceB", None, invite),
    WireFile("invite-call-type", "§4.1, newer clients", None, lambda: invite(content_type=CALL_TYPE_IM)),
    WireFile("invite-lcs-2005", "§4.1, sipe-im.c: x-ms-message", None, lambda: invite(media="x-ms-message")),
    WireFile(
        "invite-first-message",
        "§4.1, §4.2, traceB",
        "qwe",
        lambda: invite(*first_message_headers("qwe", [PLAIN_TEXT, HTML_TEXT, RTF_TEXT])),
    ),
    WireFile("invite-several", "§4.2, sipe-incoming.c", Kind.MULTIPARTY,
             lambda: invite(*multiparty_headers([CALLER, CALLEE, "sip:user3@contoso.test"]))),
    WireFile("invite-conference", "§4.2: the type; the inside from memory", Kind.CONFERENCE,
             offer(lambda: conference_offer(f"{CALLER};gruu;opaque=app:conf:focus:id:7XKQ", subject="Übergabe"))),
    WireFile("invite-old-file", "§4.2: the type; the inside from memory", Kind.FILE_TRANSFER,
             offer(lambda: old_file_offer(HOST))),
    WireFile("invite-file", "§4.2: the types; the inside from memory", Kind.FILE_TRANSFER,
             offer(lambda: file_offer(HOST))),
    WireFile("invite-audio", "§4.2", Kind.MEDIA, offer(lambda: media_offer(HOST, ["audio", "video"]))),
    WireFile("invite-call", "§4.2: multipart/alternative SDP", Kind.MEDIA,
             offer(lambda: media_offer(HOST, alternatives=True))),
    WireFile("200-consumed", "§4.1, §4.2, sipe-im.c", 200, consumed),
    WireFile("202-accepted", "§4.5, [MS-CONFIM]", 202, lambda: answer(202, ("Message-Id", "2"))),
    WireFile("606-policy", "§4.2, §2.5", 606, by_policy),
]  # fmt: skip
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def path(file: WireFile) -> Path:
    return FOLDER / f"{file.name}.sip"


def understood(found: Message) -> object:
    if isinstance(found, Response):
        return found.status
    assert isinstance(found, Request)
    if found.method == "INVITE":
        offered = classify_invite(found)
        if not isinstance(offered, ImOffer):
            return offered.kind
        return offered.first_message.text if offered.first_message is not None else None
    if found.method == "NOTIFY":
        report = read_imdn(found.body)
        return report.message_id, report.recipients[0].status
    assert found.content_type is not None
    if found.method == "INFO" or found.content_type == "application/im-iscomposing+xml":
        return read_composing(found.content_type, found.body)
    return read_body(found.headers.get("Content-Type"), found.body).text


@pytest.mark.parametrize("file", [file for file in FILES if file.ours is not None], ids=lambda file: file.name)
def test_what_we_send_has_not_changed(file: WireFile) -> None:
    assert file.ours is not None
    assert bytes(file.ours()).decode() == path(file).read_bytes().decode()


@every_file
def test_a_file_is_a_whole_message_and_comes_back_byte_for_byte(file: WireFile) -> None:
    found = parse(path(file).read_bytes())

    found.validate()
    assert bytes(found) == path(file).read_bytes()
    assert found.content_length == len(found.body)


@every_file
def test_a_file_is_understood(file: WireFile) -> None:
    assert understood(parse(path(file).read_bytes())) == file.says


def test_every_file_stands_in_the_table() -> None:
    assert {found.stem for found in FOLDER.iterdir()} == {file.name for file in FILES}


def test_the_fonts_of_others_are_read() -> None:
    found = parse((FOLDER / "theirs-plain-font.sip").read_bytes())

    read = read_body(found.headers.get("Content-Type"), found.body)
    assert read.font == FontHint("MS Shell Dlg", "B", "ff0000", "0", "0")


def test_each_alternative_of_others_is_read() -> None:
    found = parse((FOLDER / "theirs-alternative.sip").read_bytes())

    for media_type in ALTERNATIVES.media_types:
        read = read_body(found.headers.get("Content-Type"), found.body, prefer=[media_type])
        assert (read.text, read.media_type) == ("Grüße", media_type)


if __name__ == "__main__":
    for ours in FILES:
        if ours.ours is not None:
            path(ours).write_bytes(bytes(ours.ours()))
