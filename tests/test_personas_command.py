"""`sipfed personas`: what a user reads of the personas."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from simulator.cli import main
from simulator.partner import PERSONAS, SFB_2019, register, unregister


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["personas", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_names_every_persona_with_a_line() -> None:
    lines = run().splitlines()

    for persona in PERSONAS.values():
        assert any(line.startswith(f"{persona.name} ") and line.endswith(persona.about) for line in lines)


def test_a_name_shows_every_switch_with_value_mark_and_meaning() -> None:
    shown = run("teams")

    assert "teams: Microsoft Teams" in shown
    for _, name, _ in PERSONAS["teams"].values():
        assert f"  {name} = " in shown
    assert "  domain_blocked = 403 Forbidden (inside 1027)  [memory]\n" in shown
    assert "403 or 504, nobody knows which" in shown
    assert "how it writes SIP" in shown


def test_a_program_can_read_both() -> None:
    everybody = json.loads(run("--json"))
    assert [entry["name"] for entry in everybody] == list(PERSONAS)
    assert "switches" not in everybody[0]

    switches = {entry["name"]: entry for entry in json.loads(run("sfb-2019", "--json"))["switches"]}
    assert switches["connections"]["value"] == 4
    assert switches["connections"]["mark"] == "doc"
    assert switches["no_srv"]["value"]["status"] == 504
    assert "OutgoingTlsCountForFederatedPartners" in switches["connections"]["about"]


def test_a_registered_persona_is_among_them_and_marks_what_is_its_own() -> None:
    register(SFB_2019.but(name="acme-variant", about="As Acme has it", connections=2))
    try:
        assert "acme-variant  As Acme has it" in run()
        assert "  connections = 2  [own]" in run("acme-variant")
    finally:
        unregister("acme-variant")


def test_a_misspelt_name_is_a_sentence() -> None:
    result = CliRunner().invoke(main, ["personas", "temas"])

    assert result.exit_code == 2
    assert "there is no 'temas'; did you mean 'teams'?" in result.output


@pytest.mark.parametrize("name", [*PERSONAS])
def test_what_is_shown_fits_a_terminal(name: str) -> None:
    explanations = [line for line in run(name).splitlines() if line.startswith("      ")]

    assert explanations
    assert max(map(len, explanations)) <= 100
