"""Typed header values (RFC 3261 §20, RFC 6665 §8)."""

from __future__ import annotations

import pytest

from simulator.errors import RemoteProtocolError
from simulator.sip.fields import (
    CSeq,
    EventHeader,
    MediaType,
    NameAddr,
    SubscriptionState,
    Via,
    new_branch,
    new_call_id,
    new_tag,
)
from simulator.sip.text import format_params, parse_params, quote, split_top_level, unquote


class TestVia:
    def test_an_edge_via_keeps_its_quoted_opaque_and_its_text(self) -> None:
        text = 'SIP/2.0/TLS 10.0.0.4:5061;branch=z9hG4bKC62D.F5BE;branched=FALSE;ms-internal-info="dh;lA,yw=="'
        via = Via.parse(text)
        assert (via.transport, via.host, via.port, via.branch) == ("TLS", "10.0.0.4", 5061, "z9hG4bKC62D.F5BE")
        assert via.params["ms-internal-info"] == "dh;lA,yw=="
        assert str(via) == via.raw == text

    def test_a_client_via_without_branch_is_fine(self) -> None:
        via = Via.parse("SIP/2.0/TLS 192.0.2.195:50092;ms-received-port=50092;ms-received-cid=5C3600")
        assert via.branch is None
        assert list(via.params) == ["ms-received-port", "ms-received-cid"]

    def test_rport_without_a_value_is_there_and_none(self) -> None:
        via = Via.parse("SIP/2.0/TLS h;rport;received=192.0.2.1")
        assert via.params == {"rport": None, "received": "192.0.2.1"}

    def test_blanks_may_stand_around_every_separator(self) -> None:
        via = Via.parse("SIP  / 2.0  /\tTCP \t spindle.example.com  : 5070 ;  branch  =   z9hG4bK9ikj8 ")
        assert (via.transport, via.host, via.port, via.branch) == ("TCP", "spindle.example.com", 5070, "z9hG4bK9ikj8")

    @pytest.mark.parametrize(
        ("text", "host", "sent_by"),
        [
            ("SIP/2.0/TLS [2001:DB8::9]:5061;branch=z", "2001:DB8::9", "[2001:db8::9]:5061"),
            ("SIP/2.0/TLS [2001:db8::9]", "2001:db8::9", "[2001:db8::9]"),
            ("SIP/2.0/TLS Edge.Contoso.COM:5061", "Edge.Contoso.COM", "edge.contoso.com:5061"),
            ("SIP/2.0/TLS edge.contoso.com", "edge.contoso.com", "edge.contoso.com"),
        ],
    )
    def test_the_sender_is_a_name_an_address_or_an_ipv6_reference(self, text: str, host: str, sent_by: str) -> None:
        via = Via.parse(text)
        assert (via.host, via.sent_by) == (host, sent_by)

    @pytest.mark.parametrize(
        "text",
        [
            "", "SIP/2.0/TLS", "SIP/2.0 host", "SIP/3.0/TLS host", "HTTP/2.0/TLS host", "SIP/2.0/ host",
            "SIP/2.0/TLS host:x",
            "SIP/2.0/TLS host;;branch=x", "SIP/2.0/TLS host;=x", 'SIP/2.0/TLS host;x="y', 'SIP/2.0/TLS host;x="y"z',
            "SIP/2.0/TLS ho st",
            "SIP / 2.0 / TLS", "SIP/2.0/T(S host", "SIP/2.0/TLS [::1", "SIP/2.0/TLS ;branch=x",
        ],
    )  # fmt: skip
    def test_what_is_no_via_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            Via.parse(text)


class TestNameAddr:
    def test_no_blank_is_needed_before_the_bracket(self) -> None:
        who = NameAddr.parse('"User One"<sip:user1@contoso.com>;tag=9d5c2a38ba;epid=b84a59c035')
        assert (who.display_name, who.uri, who.tag) == ("User One", "sip:user1@contoso.com", "9d5c2a38ba")
        assert who.params["epid"] == "b84a59c035"
        assert who.parsed_uri.domain == "contoso.com"

    def test_a_quoted_name_may_hold_any_character(self) -> None:
        who = NameAddr.parse(r'"Mr. \"<sip:x@y>\", \\ ;tag=no Ж" <sip:user1@contoso.com>;tag=yes')
        assert who.display_name == r'Mr. "<sip:x@y>", \ ;tag=no Ж'
        assert (who.uri, who.tag) == ("sip:user1@contoso.com", "yes")

    def test_a_bare_uri_gives_its_parameters_to_the_header(self) -> None:
        who = NameAddr.parse("sip:user2@fabrikam.com;tag=1c2d")
        assert (who.uri, who.tag, who.display_name) == ("sip:user2@fabrikam.com", "1c2d", "")

    def test_a_bracketed_uri_keeps_its_parameters_even_of_the_same_name(self) -> None:
        who = NameAddr.parse("<sip:pool.contoso.com;lr;tag=inner>;ms-rrsig=x;tag=outer")
        assert who.tag == "outer"
        assert who.parsed_uri.params == {"lr": None, "tag": "inner"}

    def test_a_bare_uri_may_have_a_quoted_parameter_with_brackets_in_it(self) -> None:
        who = NameAddr.parse('sip:a@contoso.com;note="<;>";tag=1')
        assert (who.uri, who.params) == ("sip:a@contoso.com", {"note": "<;>", "tag": "1"})

    def test_names_of_tokens_need_no_quotes_and_a_star_is_a_contact(self) -> None:
        assert NameAddr.parse("User One <sip:a@b>").display_name == "User One"
        assert NameAddr.parse("*").uri == "*"

    @pytest.mark.parametrize(
        "text",
        [
            "", "user", '"User" sip:a@b', '"User <sip:a@b>', "<sip:a@b", "<sip:a@b> tag=1", '"User" x <sip:a@b>',
            "<>", "<sip:a b@c>",
            "< sip:a@b>", "sip:a@b?Subject=x", '"Joe" <sip:joe@example.org>;;;;', "<sip:a@b>;", 'Bob "x" <sip:a@b>',
            "<sip:a@b>;x=\"y",
        ],
    )  # fmt: skip
    def test_what_names_nobody_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            NameAddr.parse(text)

    def test_a_built_value_says_what_went_in(self) -> None:
        who = NameAddr.build("sip:a@contoso.com", display_name='The "A" \\ team', tag="t1")
        assert who.raw == '"The \\"A\\" \\\\ team" <sip:a@contoso.com>;tag=t1'
        assert (who.display_name, who.uri, who.tag) == ('The "A" \\ team', "sip:a@contoso.com", "t1")
        assert NameAddr.build("sip:a@contoso.com").raw == "<sip:a@contoso.com>"


class TestCSeq:
    def test_number_and_method_may_stand_apart(self) -> None:
        assert CSeq.parse("1 INVITE") == CSeq.parse("0001 \t INVITE") == CSeq(1, "INVITE")
        assert CSeq.parse("2147483647 MESSAGE").number == 2**31 - 1
        assert str(CSeq(7, "BYE")) == "7 BYE"

    @pytest.mark.parametrize(
        "text", ["", "1", "INVITE", "x INVITE", "-1 INVITE", "2147483648 ACK", "1 IN VITE", "1 INV(TE", "² BYE"]
    )
    def test_what_is_no_sequence_number_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            CSeq.parse(text)


class TestEventsAndBodies:
    def test_an_event_has_a_package_and_maybe_an_id(self) -> None:
        event = EventHeader.parse("presence.winfo ;ID=42")
        assert (event.package, event.id) == ("presence.winfo", "42")
        assert EventHeader.parse("presence").id is None

    def test_a_subscription_state_says_how_long_and_why(self) -> None:
        state = SubscriptionState.parse("Terminated;reason=Probation;retry-after=30;expires=0")
        assert (state.state, state.reason, state.retry_after, state.expires) == ("terminated", "probation", 30, 0)
        bare = SubscriptionState.parse("active")
        assert (bare.state, bare.reason, bare.retry_after, bare.expires) == ("active", None, None, None)

    def test_a_media_type_is_lower_case_and_keeps_its_parameters(self) -> None:
        media = MediaType.parse('Multipart / Related; type="application/rlmi+xml"; start=resourceList; boundary=50UB=x')
        assert media.name == "multipart/related"
        assert media.params == {"type": "application/rlmi+xml", "start": "resourceList", "boundary": "50UB=x"}

    @pytest.mark.parametrize(
        ("parse", "text"),
        [
            (EventHeader.parse, ""),
            (EventHeader.parse, "pre sence"),
            (SubscriptionState.parse, ";expires=1"),
            (SubscriptionState.parse, "active;expires=soon"),
            (SubscriptionState.parse, "active;expires=4294967296"),
            (MediaType.parse, "text"),
            (MediaType.parse, "text/"),
            (MediaType.parse, "text/pl ain"),
        ],
    )
    def test_malformed_values_are_refused(self, parse, text: str) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(RemoteProtocolError):
            parse(text)


class TestText:
    def test_commas_split_only_outside_quotes_and_brackets(self) -> None:
        text = r'"a, \"b" <sip:c,d@e>;x="y,z" , <sip:f> ,g'
        assert split_top_level(text) == [r'"a, \"b" <sip:c,d@e>;x="y,z"', "<sip:f>", "g"]

    @pytest.mark.parametrize("text", ['a,"b', "a,<b", 'a,"b\\"', '<a>,"'])
    def test_what_is_never_closed_cannot_be_split(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            split_top_level(text)

    def test_the_first_of_two_parameters_with_one_name_counts(self) -> None:
        assert parse_params(";tag=1;TAG=2;x=;y") == {"tag": "1", "x": "", "y": None}

    def test_parameters_are_written_so_that_they_read_back(self) -> None:
        params: dict[str, str | None] = {"lr": None, "tag": "a.b", "note": 'x;"y\\', "empty": ""}
        assert format_params(params) == ';lr;tag=a.b;note="x;\\"y\\\\";empty=""'
        assert parse_params(format_params(params)) == params

    def test_quotes_and_backslashes_survive_quoting(self) -> None:
        assert unquote(quote('a"b\\c')) == 'a"b\\c'
        assert unquote("plain") == "plain"
        assert unquote('"') == '"'


def test_made_identifiers_never_repeat_and_look_as_they_must() -> None:
    made = [make() for make in (new_tag, new_branch, new_call_id) for _ in range(100)]
    assert len(set(made)) == 300
    assert new_branch().startswith("z9hG4bK")
    assert len(new_call_id()) == 32
    assert not set(new_call_id() + new_tag()) - set("0123456789abcdef")
