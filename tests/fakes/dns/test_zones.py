"""Zones in Python, and the set that shows them to the world."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import dns.message
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import FakeError
from fakes.dns import Zone, ZoneSet


def written(zone: Zone) -> list[str]:
    """The records of a zone without the SOA and NS that all have."""
    return [str(record) for record in zone.records if record.type not in ("SOA", "NS")]


def addresses(zones: ZoneSet, name: str) -> set[str] | str:
    """The A records that the set answers with, or the code that it refuses with."""
    reply = zones.respond(dns.message.make_query(name, "A").to_wire(), transport="tcp")
    assert reply is not None
    return {str(record.value) for record in reply.answers} or reply.rcode.name


@pytest.fixture
def zones() -> ZoneSet:
    return ZoneSet([Zone("fabrikam.test").a("sip", "127.0.0.1"), Zone("contoso.test").a("sip", "127.0.0.2")])


class TestBuilding:
    @pytest.mark.parametrize("owner", ["sip", "sip.fabrikam.test", "sip.fabrikam.test.", "sip.Fabrikam.TEST"])
    def test_owners_may_be_relative_or_absolute(self, owner: str) -> None:
        zone = Zone("fabrikam.test").a(owner, "127.0.0.1")

        assert [line.lower() for line in written(zone)] == ["sip.fabrikam.test. 5 in a 127.0.0.1"]

    @pytest.mark.parametrize("owner", ["", "@", "fabrikam.test", "fabrikam.test."])
    def test_the_apex_may_be_written_in_four_ways(self, owner: str) -> None:
        assert written(Zone("fabrikam.test").a(owner, "127.0.0.1")) == ["fabrikam.test. 5 IN A 127.0.0.1"]

    def test_targets_are_absolute(self) -> None:
        zone = Zone("fabrikam.test").srv("_s._tcp", 1, 2, 3, "sip.contoso.test").srv("_none._tcp", 0, 0, 0, ".")

        assert written(zone) == [
            "_s._tcp.fabrikam.test. 5 IN SRV 1 2 3 sip.contoso.test.",
            "_none._tcp.fabrikam.test. 5 IN SRV 0 0 0 .",
        ]

    def test_the_root_can_be_a_zone(self) -> None:
        zones = ZoneSet([Zone(".").a("sip.anything.test", "127.0.0.1")])

        assert addresses(zones, "sip.anything.test") == {"127.0.0.1"}
        assert addresses(zones, "nobody.test") == "NXDOMAIN"
        zones.remove_zone(".")
        assert addresses(zones, "nobody.test") == "REFUSED"

    def test_a_time_to_live_can_be_given_for_the_zone_and_for_a_record(self) -> None:
        zone = Zone("fabrikam.test", ttl=60).a("a", "127.0.0.1").a("b", "127.0.0.1", ttl=0)

        assert [line.split()[1] for line in written(zone)] == ["60", "0"]

    def test_the_same_record_twice_is_one(self) -> None:
        """RFC 2181 §5."""
        zone = Zone("fabrikam.test").a("sip", "127.0.0.1").a("SIP", "127.0.0.1", "127.0.0.2")

        assert [line.split()[-1] for line in written(zone)] == ["127.0.0.1", "127.0.0.2"]

    def test_records_can_be_removed_by_type_or_all(self) -> None:
        zone = Zone("fabrikam.test").a("sip", "127.0.0.1").aaaa("sip", "::1").a("web", "127.0.0.2")

        assert written(zone.copy().remove("SIP", "A")) == [
            "sip.fabrikam.test. 5 IN AAAA ::1",
            "web.fabrikam.test. 5 IN A 127.0.0.2",
        ]
        assert written(zone.copy().remove("sip")) == ["web.fabrikam.test. 5 IN A 127.0.0.2"]
        assert len(written(zone)) == 3

    def test_an_alias_may_take_the_place_of_removed_records(self) -> None:
        zone = Zone("fabrikam.test").a("sip", "127.0.0.1").remove("sip").cname("sip", "edge.fabrikam.test")

        assert written(zone) == ["sip.fabrikam.test. 5 IN CNAME edge.fabrikam.test."]

    def test_every_change_counts_the_serial_up(self) -> None:
        zone = Zone("fabrikam.test")
        before = str(zone.records[0]).split()[6]
        zone.a("sip", "127.0.0.1").remove("sip")

        assert int(str(zone.records[0]).split()[6]) == int(before) + 2

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda zone: zone.a("x", "127.0.0.256"), "An A record needs an IPv4 address: .*127.0.0.256"),
            (lambda zone: zone.a("x", "::1"), "An A record needs an IPv4 address: .*::1"),
            (lambda zone: zone.aaaa("x", "127.0.0.1"), "An AAAA record needs an IPv6 address: .*127.0.0.1"),
            (lambda zone: zone.a("x"), "The A record of x.fabrikam.test. needs at least one value"),
            (lambda zone: zone.a("x.contoso.test.", "127.0.0.1"), "outside the zone fabrikam.test"),
            (lambda zone: zone.a("x..y", "127.0.0.1"), "each label has 1 to 63 characters"),
            (lambda zone: zone.a("x" * 64, "127.0.0.1"), "each label has 1 to 63 characters"),
            (lambda zone: zone.a(".".join(["x" * 60] * 4), "127.0.0.1"), "more than 255 octets"),
            (lambda zone: zone.a("bücher", "127.0.0.1"), "printable ASCII"),
            (lambda zone: zone.a("two words", "127.0.0.1"), "printable ASCII"),
            (lambda zone: zone.ns("*", "ns.x.test"), "cannot be delegated: nobody agrees what that means"),
            (lambda zone: zone.alias("sip", "x.test"), "can have one ALIAS, and then no A and AAAA records"),
            (lambda zone: zone.alias("www", "x.test"), "cannot be an alias .* and own other records"),
            (lambda zone: zone.copy().alias("@", "x.test").alias("@", "y.test"), "can have one ALIAS"),
            (lambda zone: zone.txt("x"), "The TXT record of x.fabrikam.test. needs at least one value"),
            (lambda zone: zone.caa("@", 256, "issue", "ca.test"), "The flags of a CAA record are 0 to 255, not 256"),
            (lambda zone: zone.caa("@", 0, "is sue", "ca.test"), "has ASCII letters and digits only, unlike 'is sue'"),
            (lambda zone: zone.soa(primary="a.test", mailbox="b.test", serial=-1, minimum=0), "A serial is 0 to"),
            (lambda zone: zone.soa(primary="a..test", mailbox="b.test", serial=1, minimum=0), "each label has 1 to 63"),
            (lambda zone: zone.srv("_s._tcp", 65536, 0, 1, "x.test"), "The priority of an SRV record is 0 to 65535"),
            (lambda zone: zone.srv("_s._tcp", 0, -1, 1, "x.test"), "The weight of an SRV record is 0 to 65535"),
            (lambda zone: zone.srv("_s._tcp", 0, 0, 70000, "x.test"), "The port of an SRV record is 0 to 65535"),
            (lambda zone: zone.srv("_s._tcp", 0, 0, 1, ""), "each label has 1 to 63 characters"),
            (lambda zone: zone.a("x", "127.0.0.1", ttl=-1), "A TTL is 0 to 2147483647 seconds, not -1"),
            (lambda zone: zone.cname("sip", "x.test"), "cannot be an alias .* and own other records"),
            (lambda zone: zone.cname("@", "x.test"), "apex fabrikam.test. owns the SOA record"),
            (lambda zone: zone.cname("www", "x.test"), "cannot be an alias .* and own other records"),
            (lambda zone: zone.a("www", "127.0.0.1"), "cannot be an alias .* and own other records"),
            (lambda zone: zone.remove("nobody"), "no record at nobody.fabrikam.test. to remove"),
            (lambda zone: zone.remove("sip", "SRV"), "no SRV at sip.fabrikam.test. to remove"),
            (lambda zone: zone.remove("@", "SOA"), "no SOA at fabrikam.test. to remove"),
            (lambda zone: zone.remove("sip", "TXT"), "no TXT at sip.fabrikam.test. to remove"),
            (lambda zone: zone.remove("sip", "SPF"), "'SPF' is no record type here; there are A, AAAA, ALIAS"),
        ],
    )
    def test_a_mistake_is_a_sentence_and_changes_nothing(
        self, fabrikam: Zone, change: Callable[[Zone], Zone], sentence: str
    ) -> None:
        before = fabrikam.records

        with pytest.raises(FakeError, match=sentence):
            change(fabrikam)
        assert fabrikam.records == before

    @pytest.mark.parametrize("origin", ["", "a..b", "grüße.test", "x" * 64])
    def test_an_origin_that_is_no_name_is_refused(self, origin: str) -> None:
        with pytest.raises(FakeError, match="cannot be a DNS name"):
            Zone(origin)


labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)


@settings(deadline=None)  # a busy machine is no defect
@given(owned=st.dictionaries(names, st.sets(st.ip_addresses(v=4).map(str), min_size=1, max_size=3), max_size=8))
def test_what_is_put_in_comes_out_and_nothing_else(owned: dict[str, set[str]]) -> None:
    """Every name has its addresses, every name between it and the apex exists, and a name beside it does not."""
    zone = Zone("fabrikam.test")
    for owner, ips in owned.items():
        zone.a(owner, *ips)
    zones = ZoneSet([zone])

    for owner, ips in owned.items():
        assert addresses(zones, f"{owner}.fabrikam.test") == ips
        parts = owner.split(".")
        for above in (".".join(parts[start:]) for start in range(1, len(parts))):
            assert addresses(zones, f"{above}.fabrikam.test") == owned.get(above, "NOERROR")
        assert addresses(zones, f"beside-the-names-drawn.{owner}.fabrikam.test") == "NXDOMAIN"


class TestChanging:
    def test_zones_come_and_go(self, zones: ZoneSet) -> None:
        assert addresses(zones, "sip.adatum.test") == "REFUSED"
        zones.add_zone(Zone("adatum.test").a("sip", "127.0.0.3"))
        assert addresses(zones, "sip.adatum.test") == {"127.0.0.3"}
        assert list(zones.origins) == ["fabrikam.test", "contoso.test", "adatum.test"]

        zones.remove_zone("ADATUM.test.")
        assert addresses(zones, "sip.adatum.test") == "REFUSED"
        assert addresses(zones, "sip.fabrikam.test") == {"127.0.0.1"}
        assert list(zones.origins) == ["fabrikam.test", "contoso.test"]

    def test_a_zone_can_be_replaced_whole(self, zones: ZoneSet) -> None:
        zones.replace_zone(Zone("Fabrikam.test").a("edge", "127.0.0.9"))

        assert addresses(zones, "edge.fabrikam.test") == {"127.0.0.9"}
        assert addresses(zones, "sip.fabrikam.test") == "NXDOMAIN"

    def test_what_went_in_is_a_copy(self, zones: ZoneSet) -> None:
        zone = Zone("adatum.test")
        zones.add_zone(zone)
        zone.a("sip", "127.0.0.3")
        zones.zone("fabrikam.test").remove("sip")

        assert addresses(zones, "sip.adatum.test") == "NXDOMAIN"
        assert addresses(zones, "sip.fabrikam.test") == {"127.0.0.1"}
        with zones.edit("adatum.test") as edited:
            edited.a("edge", "127.0.0.4")
        assert addresses(zones, "sip.adatum.test") == "NXDOMAIN"

    def test_an_edit_shows_at_its_end_only(self, zones: ZoneSet) -> None:
        with zones.edit("fabrikam.test") as zone:
            zone.remove("sip").a("edge", "127.0.0.9")
            assert addresses(zones, "sip.fabrikam.test") == {"127.0.0.1"}
        assert addresses(zones, "sip.fabrikam.test") == "NXDOMAIN"
        assert addresses(zones, "edge.fabrikam.test") == {"127.0.0.9"}

    def test_an_edit_that_fails_changes_nothing(self, zones: ZoneSet) -> None:
        with pytest.raises(FakeError, match="IPv4"), zones.edit("fabrikam.test") as zone:
            zone.remove("sip").a("sip", "nonsense")

        assert addresses(zones, "sip.fabrikam.test") == {"127.0.0.1"}

    def test_the_zone_with_the_longest_origin_answers(self, zones: ZoneSet) -> None:
        zones.add_zone(Zone("test").a("sip.fabrikam", "127.0.0.66").a("sip.adatum", "127.0.0.3"))

        assert addresses(zones, "sip.fabrikam.test") == {"127.0.0.1"}
        assert addresses(zones, "sip.adatum.test") == {"127.0.0.3"}

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda zones: zones.add_zone(Zone("FABRIKAM.test")), "There is a zone FABRIKAM.test already"),
            (lambda zones: zones.remove_zone("adatum.test"), "There is no zone adatum.test. here; there are: fabrikam"),
            (lambda zones: zones.zone("adatum.test"), "There is no zone adatum.test. here"),
        ],
    )
    def test_a_mistake_is_a_sentence(self, zones: ZoneSet, change: Callable[[ZoneSet], object], sentence: str) -> None:
        with pytest.raises(FakeError, match=sentence):
            change(zones)

    def test_nobody_ever_sees_half_a_zone(self) -> None:
        """One thread swaps two versions of a zone, two others ask: each answer is wholly of one version."""
        versions = [
            Zone("fabrikam.test").a("sip", *(f"127.{number}.0.{host}" for host in range(1, 9))) for number in (1, 2)
        ]
        zones = ZoneSet([versions[0]])
        complete = [{f"127.{number}.0.{host}" for host in range(1, 9)} for number in (1, 2)]

        def swap() -> None:
            for turn in range(300):
                zones.replace_zone(versions[turn % 2])

        def ask() -> list[set[str] | str]:
            return [addresses(zones, "sip.fabrikam.test") for _ in range(100)]

        with ThreadPoolExecutor(3) as threads:
            swapping = threads.submit(swap)
            asking = [threads.submit(ask) for _ in range(2)]
            swapping.result()
            assert all(seen in complete for asked in asking for seen in asked.result())
