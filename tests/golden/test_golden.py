"""What every persona sends is what its golden files say; a change of a persona is a change of these files.

`pytest tests/golden --write-golden` writes them anew, for a review against the facts that the index names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

import pytest

from simulator.federation import Engine, Federation
from simulator.partner.personas import PERSONAS
from tests.golden.exchange import exchange, negotiation
from tests.golden.wire_files import golden_files

FOLDER = Path(__file__).parent.parent / "corpus" / "golden"
INDEX = tomllib.loads((FOLDER / "index.toml").read_text(encoding="utf-8"))
SHIPPED = tuple(PERSONAS)
EDGE = {"teams": "sipfed.online.lync.test"}
Sent = Callable[[str], dict[str, str]]


@pytest.fixture(scope="module")
def sent(request: pytest.FixtureRequest) -> Sent:
    """The messages of a persona by kind, from one conversation for each persona."""
    known: dict[str, dict[str, str]] = {}

    def of(name: str) -> dict[str, str]:
        if name not in known:
            known[name] = record(name)
            if request.config.getoption("--write-golden", default=False):
                write(name, known[name])
        return known[name]

    return of


def record(name: str) -> dict[str, str]:
    engine = Engine()
    engine.start_embedded()
    federation = Federation(engine)
    partner, other = exchange(federation, PERSONAS[name])
    compressing = negotiation(federation, PERSONAS[name])
    names = {str(other.domain): "contoso.test"}
    for one in (partner, compressing):
        names |= {str(one.edge.fqdn): EDGE.get(name, "sip.fabrikam.test"), str(one.domain): "fabrikam.test"}
    files = golden_files(federation.records, str(partner.domain), names)
    negotiate = golden_files(federation.records, str(compressing.domain), names)
    assert federation.close() == []
    assert engine.close() == []
    return files if name == "generic" else files | {"negotiate": negotiate["negotiate"]}


def write(name: str, files: dict[str, str]) -> None:
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.sip"):
        path.unlink()
    for kind, text in files.items():
        path_of(name, kind).write_bytes(text.encode("utf-8", "surrogateescape"))


def path_of(name: str, kind: str) -> Path:
    return FOLDER / name / f"{kind}.sip"


def kept(name: str) -> list[str]:
    return sorted(path.stem for path in (FOLDER / name).glob("*.sip"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_persona_sends_what_its_golden_files_say(sent: Sent, name: str) -> None:
    now = sent(name)

    changes: list[str] = []
    for kind in sorted({*now, *kept(name)}):
        path = path_of(name, kind)
        before = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
        after = now.get(kind, "")
        changes += unified_diff(before.splitlines(), after.splitlines(), f"{name}/{kind}.sip", "sent now", lineterm="")
        if before != after and before.splitlines() == after.splitlines():
            changes.append(f"{name}/{kind}.sip: the line ends differ")

    assert not changes, "\n".join([*changes, "", "If that is right: pytest tests/golden --write-golden"])


@pytest.mark.parametrize("name", SHIPPED)
def test_every_golden_file_cites_the_fact_that_it_follows(name: str) -> None:
    cited = INDEX["kinds"]

    assert [kind for kind in kept(name) if kind not in cited] == []


def test_the_index_names_no_kind_that_nobody_sends() -> None:
    somewhere = {kind for name in SHIPPED for kind in kept(name)}

    assert set(INDEX["kinds"]) == somewhere


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "generic"])
def test_the_personas_of_microsoft_send_all_that_the_facts_tell_of(name: str) -> None:
    """INVITE with its text, the provisional answers, texts, SUBSCRIBE in each form, NOTIFY and BENOTIFY, the probe."""
    wanted = {"invite-with-text", "100-invite", "101-invite", "200-invite", "ack", "message-plain", "bye", "cancel"}
    wanted |= {"subscribe", "subscribe-list", "subscribe-end", "200-subscribe-with-state", "options", "negotiate"}
    wanted |= {"notify-active-pidf", "benotify-active-msrtc-event-categories", "488-invite", "404-subscribe"}

    assert wanted <= set(kept(name))
