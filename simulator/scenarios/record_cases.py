"""Shapes of a partner's DNS records as cases: those by which it is found, and those by which it is not (§8)."""

from __future__ import annotations

from typing import Final

from simulator.scenarios import Case
from simulator.scenarios.record_sets import (
    RecordSet,
    beside_a_dead_address,
    edge_record,
    flattened_target,
    many_targets,
    nothing,
    srv,
    target_below_a_wildcard,
    under,
    under_another_domain,
    wildcard_address,
)

FOUND: Final = (
    Case(
        "target-is-the-domain",
        RecordSet(edge_record, fqdn="{domain}"),
        sources=("R10",),
        words="the name of the domain itself",
    ),
    Case("target-directly-below", RecordSet(edge_record), sources=("R11",), words="a name one label below the domain"),
    Case(
        "target-two-labels-below",
        RecordSet(edge_record, fqdn="sip.emea.{domain}"),
        sources=("C9", "C16"),
        words="a name two labels below the domain",
    ),
    Case(
        "target-is-the-parent",
        RecordSet(edge_record, fqdn="{parent}", domain="connect.{base}"),
        sources=("C9", "R13"),
        words="the parent of the domain",
    ),
    Case(
        "target-is-a-sibling",
        RecordSet(edge_record, fqdn="sip.{parent}", domain="connect.{base}"),
        sources=("C9", "R14"),
        words="a sibling of the domain",
    ),
    Case(
        "target-elsewhere",
        RecordSet(edge_record, fqdn="sipfed.{other}"),
        sources=("C9", "R79"),
        words="a name in another domain",
    ),
    Case("target-in-capitals", RecordSet(srv((0, 0, "SIP.{domain}"))), sources=("F7.2",), words="a name in capitals"),
    Case(
        "domain-with-umlaut",
        RecordSet(edge_record, domain="xn--bcher-kva.{base}"),
        sources=("F7.5",),
        words="a name in a domain with an umlaut",
    ),
    Case(
        "weight-zero-beside-others",
        RecordSet(srv((0, 0, "{fqdn}"), (10, 50, "spare.{domain}"))),
        sources=("F1.19",),
        words="one of weight 0 beside one of a lower rank",
    ),
    Case(
        "priority-and-weight-of-teams",
        RecordSet(srv((100, 1, "{fqdn}"))),
        sources=("R79", "F3.1"),
        words="one with priority 100 and weight 1",
    ),
    Case(
        "second-target-without-address",
        RecordSet(srv((0, 0, "{fqdn}"), (0, 0, "gone.{domain}"))),
        sources=("F1.13",),
        words="one beside another of the same rank that has no address",
    ),
    Case(
        "best-target-without-address",
        RecordSet(srv((0, 0, "gone.{domain}"), (10, 0, "{fqdn}"))),
        sources=("F1.19",),
        words="one behind a better one that has no address",
    ),
    Case(
        "second-address-answers",
        RecordSet(beside_a_dead_address),
        sources=("F1.18",),
        words="one with two addresses, at the first of which nobody listens",
    ),
    Case(
        "address-by-wildcard",
        RecordSet(target_below_a_wildcard, a=False),
        sources=("F1.21",),
        words="one whose address a wildcard gives",
    ),
    Case(
        "alias-flattened",
        RecordSet(flattened_target, a=False),
        sources=("R8", "C13"),
        words="one that the provider calls an ALIAS, and that has an address",
    ),
    Case(
        "answer-over-tcp", RecordSet(many_targets), sources=("F1.19",), words="one of so many that the answer needs TCP"
    ),
)
"""By these the partner is reached, and believed."""

NOT_FOUND: Final = (
    Case("target-dot", RecordSet(srv((0, 0, "."))), sources=("F1.19",), words="its target is `.`"),
    Case("address-only", RecordSet(nothing), sources=("R40",), words="there is only an address, of sip.<domain>"),
    Case(
        "address-of-the-domain-only",
        RecordSet(nothing, fqdn="{domain}"),
        sources=("R40",),
        words="there is only an address, of the domain itself",
    ),
    Case(
        "wildcard-address-only",
        RecordSet(wildcard_address),
        sources=("F1.21",),
        words="there is only a wildcard, with an address",
    ),
    Case(
        "another-domain-has-it",
        RecordSet(under_another_domain),
        sources=("C3", "R15"),
        words="it stands under another domain",
    ),
    Case("srv-of-the-other-service", RecordSet(under("_sip._tls")), sources=("R40",), words="it is that of _sip._tls"),
    Case(
        "srv-over-udp",
        RecordSet(under("_sipfederationtls._udp")),
        sources=("R40",),
        words="it is that of _sipfederationtls._udp",
    ),
    Case(
        "srv-below-the-host",
        RecordSet(under("_sipfederationtls._tcp.sip")),
        sources=("R15", "R40"),
        words="it stands below the host, not the domain",
    ),
)
"""By these it is neither."""
