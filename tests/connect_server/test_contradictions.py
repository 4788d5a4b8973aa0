"""Every contradiction of the requirements has a decision, and every setting that a decision names is there."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from fakes.ca import Authority
from simulator.connect_server.advice import certificate_warnings, warnings
from simulator.connect_server.contradictions import CONTRADICTIONS, Decision
from simulator.connect_server.identity import own_certificate
from simulator.connect_server.settings import EXAMPLE, CertificateFiles, Listen, Route, ServerSettings, StaticRoutes
from simulator.connect_server.tables import FileTable
from simulator.names import Fqdn, SipDomain, parse_host
from simulator.toml.tables import Shape

TABLES = Shape(FileTable).tables
WITH_READINGS = [decision for decision in CONTRADICTIONS if decision.values]


def test_every_contradiction_has_a_decision() -> None:
    assert [decision.id for decision in CONTRADICTIONS] == [f"C{number}" for number in range(1, 22)]


@pytest.mark.parametrize("decision", CONTRADICTIONS, ids=lambda decision: decision.id)
def test_a_decision_says_what_and_why(decision: Decision) -> None:
    assert decision.requirements
    assert all(requirement[0] == "R" and 1 <= int(requirement[1:]) <= 81 for requirement in decision.requirements)
    for text in (decision.question, decision.decision, decision.reason):
        assert text.endswith((".", "?"))


@pytest.mark.parametrize(
    "decision", [decision for decision in CONTRADICTIONS if decision.setting], ids=lambda decision: decision.id
)
def test_the_setting_of_a_decision_is_in_the_settings_file(decision: Decision) -> None:
    *table, key = decision.setting.split(".")

    assert key in TABLES[tuple(table)].model_fields


@pytest.mark.parametrize("decision", WITH_READINGS, ids=lambda decision: decision.id)
def test_every_reading_can_be_written_and_the_first_is_the_default(decision: Decision) -> None:
    table, key = decision.setting.split(".")
    model = TABLES[(table,)]

    for value in decision.values:
        assert getattr(model.model_validate({key: value}), key) == value
    assert getattr(model.model_validate({}), key) == decision.values[0]
    assert tomllib.loads(EXAMPLE)[table][key] == decision.values[0]


def test_a_reading_that_is_not_named_cannot_be_written() -> None:
    for decision in WITH_READINGS:
        table, key = decision.setting.split(".")
        with pytest.raises(ValueError, match=r"is not known here|is no switch"):
            TABLES[(table,)].model_validate({key: "something else"})


@pytest.mark.cites("C1", "C4", "C7", "C10", "C12")
def test_every_warning_of_a_decision_is_given(settings: ServerSettings, authority: Authority, tmp_path: Path) -> None:
    """One server that breaks with somebody in every way that is only warned of."""
    now = datetime.now(UTC)
    issued = authority.issue("connect.other.test", "server-only")
    (tmp_path / "chain.pem").write_bytes(issued.chain_pem)
    (tmp_path / "key.pem").write_bytes(issued.key_pem)
    settings = replace(
        settings,
        fqdn=Fqdn.parse("connect.other.test"),
        listen=Listen(ip_address("127.0.0.1"), 5062),
        certificate=CertificateFiles(tmp_path / "chain.pem", tmp_path / "key.pem"),
        static_routes=StaticRoutes(True, (Route(SipDomain.parse("b.test"), parse_host("192.0.2.1")),)),
    )

    given = [*warnings(settings), *certificate_warnings(settings, own_certificate(settings, now), now)]

    places = {problem.place for problem in given}
    assert {decision.warning for decision in CONTRADICTIONS if decision.warning} <= places
