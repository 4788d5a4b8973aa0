"""What Skype for Business writes into ms-diagnostics when a discovery leads nowhere (F1.14, F1.22, F1.28)."""

from __future__ import annotations

import random

import pytest

from simulator.discovery import S4B, Answer, DiscoveryFailed, DiscoveryFailure, DiscoveryPlan, SrvRecord, Status
from simulator.names import SipDomain
from simulator.partner.diagnostics import Diagnostic, diagnostic_of

FABRIKAM = SipDomain.parse("fabrikam.test")


def failed(*records: SrvRecord, status: Status = "noerror") -> DiscoveryFailed:
    """What becomes of a domain with these SRV records and no addresses."""
    plan = DiscoveryPlan.open(FABRIKAM, S4B, rng=random.Random(1))
    plan.answer(plan.open_questions[0], Answer(status, records))
    while (question := plan.next_question()) is not None:
        plan.answer(question, Answer("nodata"))
    assert isinstance(plan.result, DiscoveryFailed)
    return plan.result


def test_a_refused_target_is_told_as_the_log_of_an_edge_tells_it() -> None:
    """Word for word as in the Cisco document (fact 1 of section 0), with more than one target."""
    diagnostic = diagnostic_of(
        failed(SrvRecord(0, 0, 5061, "sip.contoso.test."), SrvRecord(1, 0, 5062, "Sip.a.fabrikam.test"))
    )

    assert diagnostic is not None
    assert diagnostic.header("edge.acme.test") == (
        "ms-diagnostics",
        '1009;reason="No match for domain in DNS SRV results";domain="fabrikam.test";'
        'fqdn1="sip.contoso.test:5061";fqdn2="Sip.a.fabrikam.test:5062";source="edge.acme.test"',
    )


@pytest.mark.parametrize(
    ("failure", "value"),
    [
        (failed(), '1008;reason="Unable to resolve DNS SRV record";domain="fabrikam.test"'),
        (failed(status="nxdomain"), '1008;reason="Unable to resolve DNS SRV record";domain="fabrikam.test"'),
        (failed(status="timeout"), '1008;reason="Unable to resolve DNS SRV record";domain="fabrikam.test"'),
        (
            failed(SrvRecord(0, 0, 5061, "sip.fabrikam.test")),
            '1014;reason="Unable to resolve DNS A record";domain="fabrikam.test"',
        ),
    ],
)
def test_the_public_header_leaves_out_who_wrote_it(failure: DiscoveryFailed, value: str) -> None:
    diagnostic = diagnostic_of(failure)

    assert diagnostic is not None
    assert diagnostic.public_header() == ("ms-diagnostics-public", value)


def test_no_id_is_invented_for_what_no_source_names() -> None:
    assert diagnostic_of(failed(SrvRecord(0, 0, 5061, "."))) is None
    assert {failure.diagnostic for failure in DiscoveryFailure} == {1008, 1009, 1014, None}


def test_every_id_has_its_text() -> None:
    for failure in DiscoveryFailure:
        result = DiscoveryFailed(failure, "", (), FABRIKAM, failed().asked, "nodata")
        assert (diagnostic_of(result) is None) is (failure.diagnostic is None)


def test_a_zone_cannot_write_into_the_header() -> None:
    diagnostic = Diagnostic(1009, "No", (("fqdn1", 'a"b\\c\r\nEvil: 1'),))

    assert diagnostic.public_header()[1] == '1009;reason="No";fqdn1="a\\"b\\\\c  Evil: 1"'
