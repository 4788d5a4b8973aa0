"""Zones from BIND's zone files and from plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes import FakeError
from fakes.dns import Zone, ZoneSet

BIND = r"""
; what an administrator sends, with all that BIND allows
$TTL 300
@ IN SOA ns1 host.master (
        2026010101 ; serial
        7200 900 1209600
        60 )
        IN NS ns1
        IN NS ns.elsewhere.example.
        MX 10 mail
        CAA 0 issue "letsencrypt.org"
        TXT ( "v=spf1 -all" "two \"quoted\" \; here" )
        ALIAS host.provider.example.
ns1     A 192.0.2.1
*       A 192.0.2.9
a\.b    A 192.0.2.7
_sipfederationtls._tcp 0 SRV 0 0 5061 sip
SIP     A 192.0.2.2
        AAAA 2001:db8::1
www     CNAME sip
sub     NS ns.sub
7       PTR sip
x       TYPE65280 \# 3 010203
other.example. A 192.0.2.66
$ORIGIN deep.Fabrikam.test.
name    A 192.0.2.8
$ORIGIN Fabrikam.test.
$GENERATE 1-2 h$ A 192.0.2.$
"""
READ = [
    "Fabrikam.test. 300 IN SOA ns1.Fabrikam.test. host.master.Fabrikam.test. 2026010101 7200 900 1209600 60",
    "Fabrikam.test. 300 IN NS ns1.Fabrikam.test.",
    "Fabrikam.test. 300 IN NS ns.elsewhere.example.",
    "Fabrikam.test. 300 IN MX 10 mail.Fabrikam.test.",
    'Fabrikam.test. 300 IN CAA 0 issue "letsencrypt.org"',
    'Fabrikam.test. 300 IN TXT "v=spf1 -all" "two \\034quoted\\034 ; here"',
    "Fabrikam.test. 300 IN ALIAS host.provider.example.",
    "ns1.Fabrikam.test. 300 IN A 192.0.2.1",
    "*.Fabrikam.test. 300 IN A 192.0.2.9",
    "a\\046b.Fabrikam.test. 300 IN A 192.0.2.7",
    "_sipfederationtls._tcp.Fabrikam.test. 0 IN SRV 0 0 5061 sip.Fabrikam.test.",
    "SIP.Fabrikam.test. 300 IN A 192.0.2.2",
    "SIP.Fabrikam.test. 300 IN AAAA 2001:db8::1",
    "www.Fabrikam.test. 300 IN CNAME sip.Fabrikam.test.",
    "sub.Fabrikam.test. 300 IN NS ns.sub.Fabrikam.test.",
    "7.Fabrikam.test. 300 IN PTR sip.Fabrikam.test.",
    "x.Fabrikam.test. 300 IN TYPE65280 \\# 3 010203",
    "name.deep.Fabrikam.test. 300 IN A 192.0.2.8",
    "h1.Fabrikam.test. 300 IN A 192.0.2.1",
    "h2.Fabrikam.test. 300 IN A 192.0.2.2",
]


class TestZoneFiles:
    def test_all_that_bind_allows_is_read(self) -> None:
        zone = Zone.from_text(BIND, "Fabrikam.test")

        assert list(map(str, zone.records)) == READ
        assert zone.origin == "Fabrikam.test"

    def test_what_is_written_can_be_read_again(self) -> None:
        text = Zone.from_text(BIND, "Fabrikam.test").to_text()

        assert Zone.from_text(text, "fabrikam.test").to_text() == text

    def test_labels_that_mean_something_in_a_file_are_written_so_that_they_do_not(self) -> None:
        zone = Zone("x.test").a("a;b", "127.0.0.1").a("$c", "127.0.0.2").a("(d)", "127.0.0.3").a('"e"', "127.0.0.4")

        assert Zone.from_text(zone.to_text(), "x.test").records == zone.records

    def test_soa_and_ns_are_there_also_when_the_file_has_none(self) -> None:
        zone = Zone.from_text("$ORIGIN x.test.\n$TTL 5\nsip A 127.0.0.1\n")

        assert [record.type for record in zone.records] == ["SOA", "NS", "A"]
        assert str(zone.records[1]) == "x.test. 5 IN NS ns.x.test."

    def test_a_change_counts_the_serial_of_the_file_on(self) -> None:
        zone = Zone.from_text(BIND, "Fabrikam.test").a("new", "127.0.0.1")

        assert str(zone.records[0]).split()[6] == "2026010102"

    def test_a_file_is_read_from_a_path(self, tmp_path: Path) -> None:
        path = tmp_path / "x.zone"
        path.write_text("$TTL 5\nsip A 127.0.0.1\n", encoding="utf-8")

        assert str(Zone.from_file(path, "x.test").records[-1]) == "sip.x.test. 5 IN A 127.0.0.1"

    def test_a_file_that_is_not_there_is_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(FakeError, match=r"The zone file .*missing\.zone cannot be read: .*No such file"):
            Zone.from_file(tmp_path / "missing.zone", "x.test")

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("@ A nope", "my.zone:3: Text input is malformed"),
            ("x IN A", "my.zone:3: expecting an identifier"),
            ("@ CNAME y\n@ A 192.0.2.1", "my.zone"),
            ("x A 192.0.2.1\nx CNAME y", "my.zone"),
            ("@ CNAME y", "my.zone: The apex x.test. owns the SOA record"),
            ("x ALIAS y\nx A 192.0.2.1", "my.zone: x.x.test. can have one ALIAS"),
            ("* NS y", r"my.zone: \*.x.test. cannot be delegated"),
            ("x SOA a b 1 2 3 4 5", "my.zone: .*non-origin SOA"),
            ("x DNAME y", "my.zone: x.x.test. DNAME: this server knows no DNAME"),
            ("$INCLUDE /etc/passwd", r"my.zone:2: .*\$INCLUDE"),
            ("bücher A 192.0.2.1", "my.zone:2: 'bücher' is not ASCII; write IDNs as xn-- labels"),
        ],
    )
    def test_a_mistake_is_a_sentence_with_its_place(self, text: str, sentence: str) -> None:
        with pytest.raises(FakeError, match=sentence):
            Zone.from_text(f"$TTL 5\n{text}\n", "x.test", source="my.zone")

    def test_without_an_origin_there_is_nothing_to_read(self) -> None:
        with pytest.raises(FakeError, match=r"the zone file has no \$ORIGIN and none was given"):
            Zone.from_text("sip 5 A 127.0.0.1\n")


class TestPlainValues:
    def test_each_type_is_taken_as_text(self) -> None:
        zones = ZoneSet.from_dict(
            {
                "x.test": {
                    "@": {
                        "NS": "ns.y.test",
                        "TXT": ["v=spf1 -all", 'with "quotes"'],
                        "CAA": ['0 issue "ca.test"', "0 iodef mailto:a@x.test"],
                        "ALIAS": "sip.x.test",
                    },
                    "sip": {"A": {"ttl": 0, "values": ["127.0.0.1", "127.0.0.2"]}, "AAAA": ["::1"]},
                    "_s._tcp": {"SRV": "1 2 3 sip.x.test."},
                    "*": {"CNAME": "sip.x.test"},
                    "9": {"PTR": "sip.x.test"},
                },
                "y.test": {},
            },
            ttl=60,
        )

        assert zones.origins == ("x.test", "y.test")
        assert list(map(str, zones.zone("x.test").records[1:])) == [
            "x.test. 60 IN NS ns.y.test.",
            'x.test. 60 IN TXT "v=spf1 -all"',
            'x.test. 60 IN TXT "with \\034quotes\\034"',
            'x.test. 60 IN CAA 0 issue "ca.test"',
            'x.test. 60 IN CAA 0 iodef "mailto:a@x.test"',
            "x.test. 60 IN ALIAS sip.x.test.",
            "sip.x.test. 0 IN A 127.0.0.1",
            "sip.x.test. 0 IN A 127.0.0.2",
            "sip.x.test. 60 IN AAAA ::1",
            "_s._tcp.x.test. 60 IN SRV 1 2 3 sip.x.test.",
            "*.x.test. 60 IN CNAME sip.x.test.",
            "9.x.test. 60 IN PTR sip.x.test.",
        ]

    @pytest.mark.parametrize(
        ("names", "sentence"),
        [
            ({"x": {"A": "1"}}, "'x' A in zone x.test: An A record needs an IPv4 address"),
            ({"x": {"SRV": "1 2"}}, "'x' SRV in zone x.test: '1 2' is not `priority weight port target`"),
            ({"x": {"CAA": "issue"}}, "'issue' is not `flags tag value`"),
            ({"x": {"MX": "10 a"}}, "'MX' is no record type here; there are A, AAAA, ALIAS, CAA"),
            ({"x": {"SOA": "a"}}, "'SOA' is no record type here"),
            ({"x": "y"}, "'x' in zone x.test: give a mapping of types to values"),
            ({"x": {"A": {"value": "127.0.0.1"}}}, "a mapping here has `values` and perhaps `ttl`, not 'value'"),
            ({"x": {"A": {"ttl": "5", "values": ["127.0.0.1"]}}}, "the TTL is a whole number of seconds, not '5'"),
            ({"x": {"A": {"ttl": -5, "values": ["127.0.0.1"]}}}, "A TTL is 0 to 2147483647 seconds, not -5"),
            ({"x": {"A": []}}, "give one text or a list of texts"),
            ({"x": {"A": 5}}, "give one text or a list of texts"),
            ({"x": {"A": [5]}}, "give one text or a list of texts"),
        ],
    )
    def test_a_mistake_is_a_sentence_with_owner_and_type(self, names: dict[str, Any], sentence: str) -> None:
        with pytest.raises(FakeError, match=sentence):
            Zone.from_dict("x.test", names)
