"""Every input that the fuzzer kept because it reached new code goes through the same rules here (tests/fuzz)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.sip_rules import LIMITS, VIEWS, check

CORPUS = sorted((Path(__file__).parent.parent / "corpus" / "fuzz").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name[:12])
def test_what_the_fuzzer_found_is_handled(path: Path) -> None:
    check(path.read_bytes())


def test_there_is_a_corpus_and_it_is_small() -> None:
    assert 50 < len(CORPUS) < 1000
    assert sum(path.stat().st_size for path in CORPUS) < 300_000


def test_every_header_with_a_view_is_looked_at() -> None:
    assert {"via", "from", "to", "cseq", "contact", "session-expires", "ms-diagnostics"} <= VIEWS.keys()
    assert "vias" in VIEWS["via"]


def test_the_rules_can_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = b"\0MESSAGE sip:a@b SIP/2.0\r\nl: 1\r\n\r\nx"
    check(wire)
    monkeypatch.setattr("simulator.sip.headers.Headers.block", "\r\nl: 2")
    with pytest.raises(AssertionError, match="not what was sent"):
        check(wire)
    assert LIMITS.body < 1000
