"""What an INVITE asks for, and how what is no chat of two is refused."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chat.first_message import first_message_headers
from simulator.chat.formats import HTML_TEXT, PLAIN_TEXT
from simulator.chat.invitation import (
    ImOffer,
    InviteRefusal,
    Kind,
    classify_invite,
    new_conversation_id,
    why_multiparty,
)
from simulator.chat.other_sessions import (
    SessionOffer,
    conference_offer,
    file_offer,
    media_offer,
    multiparty_headers,
    old_file_offer,
)
from simulator.chat.rules import AGAINST_POLICY, NOT_IMPLEMENTED, SFB, ChatRules, RefusalAnswer
from simulator.chat.sdp import CALL_TYPE_IM, im_offer
from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.message import Request
from tests.chat.messages import invite

HOST = "192.0.2.57"
BYSTANDERS = ["sip:user1@contoso.test", "sip:user2@fabrikam.test", "sip:user3@contoso.test"]


def offering(offer: SessionOffer) -> Request:
    return invite(*offer.headers, body=offer.body, content_type=offer.content_type)


def refused(request: Request, rules: ChatRules = SFB) -> InviteRefusal:
    answer = classify_invite(request, rules)
    assert isinstance(answer, InviteRefusal)
    return answer


def taken(request: Request, rules: ChatRules = SFB) -> ImOffer:
    answer = classify_invite(request, rules)
    assert isinstance(answer, ImOffer)
    return answer


class TestAChatOfTwo:
    @pytest.mark.parametrize("content_type", ["application/sdp", CALL_TYPE_IM, "Application/SDP ; call-type=im"])
    def test_is_taken_however_its_description_is_marked(self, content_type: str) -> None:
        offer = taken(invite(("Ms-Conversation-ID", "AdKj=="), content_type=content_type))

        assert offer.description is not None
        assert offer.description.accept_types == ("text/plain",)
        assert offer.conversation_id == "AdKj=="
        assert (offer.first_message, offer.first_problem) == (None, None)

    def test_may_leave_its_description_to_the_ack(self) -> None:
        assert taken(invite(body=b"", content_type=None)).description is None

    def test_brings_its_first_text_in_the_form_that_is_preferred(self) -> None:
        request = invite(*first_message_headers("qwe", [PLAIN_TEXT, HTML_TEXT]))

        plain, rich = taken(request).first_message, taken(request, SFB.but(prefer=["text/html"])).first_message
        assert plain is not None
        assert rich is not None
        assert (plain.media_type, rich.media_type) == ("text/plain", "text/html")
        assert plain.text == rich.text == "qwe"

    def test_is_taken_when_its_first_text_cannot_be_read_and_the_reason_is_told(self) -> None:
        offer = taken(invite(("ms-text-format", "text/plain; ms-body=c")))

        assert offer.first_message is None
        assert offer.first_problem is not None
        assert "no base64" in offer.first_problem

    def test_may_be_one_of_lcs_2005_unless_the_rules_say_otherwise(self) -> None:
        request = invite(body=im_offer(HOST, media="x-ms-message"))

        assert taken(request).description is not None
        assert refused(request, SFB.but(x_ms_message=False)).kind is Kind.MEDIA

    def test_names_its_two_endpoints(self) -> None:
        request = invite(("EndPoints", "<sip:user1@contoso.test>, <sip:user2@fabrikam.test>"))

        assert taken(request)

    def test_may_support_chats_of_several_as_long_as_it_requires_none(self) -> None:
        assert taken(invite(("Supported", "com.microsoft.rtc-multiparty"), ("TriggeredInvite", "FALSE")))


OTHERS = {
    "conference": (conference_offer("sip:user1@contoso.test;gruu;opaque=app:conf:focus:id:1"), Kind.CONFERENCE),
    "old file": (old_file_offer(HOST), Kind.FILE_TRANSFER),
    "file": (file_offer(HOST), Kind.FILE_TRANSFER),
    "file request": (SessionOffer("application/ms-filetransfer+xml", b"<request/>"), Kind.FILE_TRANSFER),
    "audio": (media_offer(HOST), Kind.MEDIA),
    "audio and video": (media_offer(HOST, ["audio", "video"]), Kind.MEDIA),
    "data": (media_offer(HOST, ["data"]), Kind.MEDIA),
    "screen": (media_offer(HOST, ["applicationsharing"]), Kind.MEDIA),
    "call in two forms": (media_offer(HOST, alternatives=True), Kind.MEDIA),
}
SWITCH = {Kind.CONFERENCE: "conference", Kind.FILE_TRANSFER: "file_transfer", Kind.MEDIA: "media"}


class TestWhatIsNoChat:
    @pytest.mark.parametrize(("offer", "kind"), OTHERS.values(), ids=OTHERS)
    def test_is_refused_with_488(self, offer: SessionOffer, kind: Kind) -> None:
        answer = refused(offering(offer))

        assert (answer.kind, answer.status, answer.reason) == (kind, 488, "Not Acceptable Here")
        assert answer.headers == ()
        assert answer.sentence.endswith(".")

    @pytest.mark.parametrize("switched", [NOT_IMPLEMENTED, AGAINST_POLICY, RefusalAnswer(403, "Forbidden")])
    @pytest.mark.parametrize(("offer", "kind"), OTHERS.values(), ids=OTHERS)
    def test_is_refused_as_its_switch_says(self, offer: SessionOffer, kind: Kind, switched: RefusalAnswer) -> None:
        answer = refused(offering(offer), SFB.but(**{SWITCH[kind]: switched}))

        assert (answer.kind, answer.status, answer.reason) == (kind, switched.status, switched.reason)

    def test_is_warned_of_where_a_policy_refuses_it(self) -> None:
        answer = refused(offering(file_offer(HOST)), SFB.but(file_transfer=AGAINST_POLICY))

        assert answer.headers == (("Warning", '309 lcs.microsoft.com "Contents not allowed by policy"'),)

    def test_names_the_media_in_the_log(self) -> None:
        assert "offers audio, video" in refused(offering(media_offer(HOST, ["audio", "video"]))).sentence
        assert "offers data in several" in refused(offering(media_offer(HOST, ["data"], alternatives=True))).sentence

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/json", b"{}"),
            ("text/plain", b"hello"),
            ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: image/gif\r\n\r\n\r\n--b--"),
            ("multipart/related; boundary=b", b"--b\r\nContent-Type: application/sdp\r\n\r\n\r\n--b--"),
        ],
    )
    def test_is_an_unsupported_type_where_nobody_knows_it(self, content_type: str, body: bytes) -> None:
        answer = refused(invite(body=body, content_type=content_type))

        assert (answer.kind, answer.status) == (Kind.UNKNOWN, 415)
        assert answer.headers == (("Accept", "application/sdp"),)

    def test_is_an_error_of_the_peer_where_it_is_broken(self) -> None:
        for body, content_type in ((b"hello", "application/sdp"), (b"--", "multipart/mixed"), (b"x", "nonsense")):
            with pytest.raises(RemoteProtocolError) as caught:
                classify_invite(invite(body=body, content_type=content_type))
            assert caught.value.status_hint == 400


class TestAChatOfSeveral:
    @pytest.mark.parametrize(
        ("headers", "words"),
        [
            ([("EndPoints", ", ".join(f"<{uri}>" for uri in BYSTANDERS))], "EndPoints are 3"),
            ([("TriggeredInvite", "TRUE")], "TriggeredInvite"),
            ([("Require", "com.microsoft.rtc-multiparty")], "requires com.microsoft.rtc-multiparty"),
            (multiparty_headers(BYSTANDERS), "requires com.microsoft.rtc-multiparty"),
            (multiparty_headers(BYSTANDERS[:2], required=False), "TriggeredInvite"),
        ],
    )
    def test_is_known_by_any_of_its_headers(self, headers: list[tuple[str, str]], words: str) -> None:
        request = invite(*headers)

        assert words in (why_multiparty(request) or "")
        answer = refused(request)
        assert (answer.kind, answer.status) == (Kind.MULTIPARTY, 488)
        assert words in answer.sentence

    def test_is_taken_as_one_of_two_where_the_rules_say_so(self) -> None:
        assert taken(invite(*multiparty_headers(BYSTANDERS)), SFB.but(multiparty=None))


def test_a_conversation_has_an_id_of_its_own() -> None:
    ids = {new_conversation_id() for _ in range(100)}

    assert len(ids) == 100
    assert {len(base64.b64decode(one, validate=True)) for one in ids} == {22}


@pytest.mark.parametrize(
    "make",
    [
        lambda: conference_offer("sip:a\0b"),
        lambda: old_file_offer(HOST, name="a\r\nIP-Address: b"),
        lambda: file_offer(HOST, name="\0"),
        lambda: media_offer("contoso.test"),
    ],
)
def test_values_that_would_break_an_offer_are_our_own_mistake(make: Callable[[], SessionOffer]) -> None:
    with pytest.raises(LocalProtocolError):
        make()


CONTENT_TYPES = [
    "application/sdp", "application/ms-conf-invite+xml",
    "multipart/mixed;boundary=b", "multipart/alternative;boundary=b",
]  # fmt: skip


@given(
    st.lists(st.sampled_from([b"v=0\r\n", b"m=message 5060 sip null\r\n", b"m=audio 1 RTP/AVP 0\r\n", b"--b\r\n",
                              b"Content-Type: application/sdp\r\n", b"\r\n", b"--b--", b"\xff"])),
    st.sampled_from(CONTENT_TYPES),
    st.sampled_from(["", "TRUE", "text/plain;ms-body=cXdl", "text/x-msmsgsinvite", "<sip:a@b>,<sip:a@b>", "a;;"]),
    st.sampled_from(["TriggeredInvite", "ms-text-format", "EndPoints", "Require", "ms-im-format"]),
)  # fmt: skip
def test_no_invite_makes_the_classifier_fall_over(
    pieces: list[bytes], content_type: str, value: str, name: str
) -> None:
    try:
        classify_invite(invite((name, value), body=b"".join(pieces), content_type=content_type))
    except RemoteProtocolError as error:
        assert error.status_hint in (400, 415)
