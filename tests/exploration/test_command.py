"""`sipfed explore`: what it prints, and its exit codes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main


def explore(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explore", *arguments])


def test_it_says_what_was_explored_and_how_often() -> None:
    result = explore("--examples", "15", "--seed", "7")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Exploring; --seed 7 repeats it.\n")
    assert "message to the partner:\n" in result.output
    assert "message from the partner:\n" in result.output
    assert "15 federations in " in result.output
    assert result.output.endswith("The server does what the requirements say.\n")


def test_histories_are_counted_by_what_is_done_in_them() -> None:
    result = explore("--stateful", "--examples", "3", "--steps", "5", "--seed", "7")
    assert result.exit_code == 0, result.output
    assert "3 histories in " in result.output
    assert result.output.endswith("Nothing went wrong.\n")


def test_a_disagreement_ends_with_1_the_topology_and_the_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.connect_server import entitlement, server

    judge = entitlement.entitlement
    monkeypatch.setattr(server, "entitlement", lambda settings, user: judge(settings, replace(user, federation=True)))
    result = explore("--examples", "400", "--seed", "7", "--persona", "generic")
    assert result.exit_code == 1, result.output
    assert "disagree in a plain federation, but\n  persona: generic\n  user: dave\n" in result.output
    assert "Federation is switched off for the user's location (R5)" in result.output
    assert "MESSAGE" in result.output


def test_each_topology_is_printed_on_demand() -> None:
    result = explore("--examples", "3", "--seed", "7", "--verbose", "--persona", "teams")
    assert result.output.count("a plain federation") == 3
    assert result.output.count("persona: teams") == 3


def test_a_seed_is_made_and_printed() -> None:
    result = explore("--examples", "1", "--time", "0")
    assert result.exit_code == 0, result.output
    assert "Exploring; --seed " in result.output


def test_an_unknown_persona_is_a_sentence_and_2() -> None:
    result = explore("--persona", "lync")
    assert result.exit_code == 2
    assert "nobody can say what must happen with lync" in result.output
