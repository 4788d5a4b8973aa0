"""`sipfed explore` on servers that run elsewhere: what can be told to them is explored, and what cannot is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from tests.sut.foreign import Foreign


def explore(sut: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["explore", "--sut", str(sut), "--seed", "7", *arguments])


@pytest.fixture(params=["embedded-process", "http"])
def sut(request: pytest.FixtureRequest, tmp_path: Path, foreign: Foreign) -> Path:
    """A server that can be told everything, in another process."""
    if request.param == "http":
        foreign.start()
        return foreign.sut_toml("http")
    file = tmp_path / "process.toml"
    file.write_text('[sut]\ndriver = "embedded-process"\n')
    return file


def test_federations_are_explored_on_it(sut: Path) -> None:
    result = explore(sut, "--examples", "40")
    assert result.exit_code == 0, result.output
    assert "message to the partner:\n" in result.output
    assert "Office Plus Pack" in result.output
    assert "left out" not in result.output
    assert result.output.endswith("The server does what the requirements say.\n")


def test_histories_are_explored_on_it(sut: Path) -> None:
    result = explore(sut, "--stateful", "--examples", "3")
    assert result.exit_code == 0, result.output
    assert result.output.endswith("Nothing went wrong.\n")


def test_of_a_server_with_nothing_but_an_address_what_partners_can_do_is_explored(foreign: Foreign) -> None:
    foreign.start()
    result = explore(foreign.sut_toml("wire-only", "open_federation = true"), "--examples", "20")
    assert result.exit_code == 0, result.output
    assert "message from the partner:\n" in result.output
    assert "message to the partner:\n" not in result.output
    left_out = "chat, presence, static-routes, switch-open-federation, identity, licences"
    assert f"\nWhat takes {left_out} was left out: the server cannot be told or asked it.\n" in result.output


@pytest.mark.parametrize(
    ("arguments", "line", "capability"),
    [(["--stateful"], "open_federation = true", "chat"), ([], "open_federation = false", "open-federation")],
)
def test_what_such_a_server_lacks_is_a_sentence_and_2(
    foreign: Foreign, arguments: list[str], line: str, capability: str
) -> None:
    foreign.start()
    result = explore(foreign.sut_toml("wire-only", line), *arguments)
    assert result.exit_code == 2, result.output
    assert f"the server at connect.acme.test lacks the capability {capability}; to supply it, " in result.output
    assert "Traceback" not in result.output
