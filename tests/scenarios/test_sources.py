"""The sentences of the requirements and facts, and which ids are known."""

from __future__ import annotations

from simulator.scenarios.sources import cited, requirements, sentences, unknown


def test_every_requirement_and_contradiction_has_a_sentence() -> None:
    assert requirements() == (*(f"R{n}" for n in range(1, 82)), *(f"C{n}" for n in range(1, 22)))
    assert all(sentence.endswith(".") for sentence in sentences().values())


def test_an_id_is_known_by_its_sentence_or_as_the_place_of_a_document() -> None:
    known = ["R57", "C21", "F2.10", "RFC 5922 §7.2", "RFC 2782", "MS-SIPRE §3.1", "dialect §2.3", "BR 7.1.2.7.10"]
    assert unknown(known) == ["BR 7.1.2.7.10"]
    assert unknown(["R82", "F9.1", "RFC", "r57", "RFC 5922 7.2"]) == ["R82", "F9.1", "RFC", "r57", "RFC 5922 7.2"]


def test_only_sources_with_a_sentence_are_quoted() -> None:
    assert cited(("RFC 5922 §7.2", "F2.2")) == ["F2.2: Wildcard certificates are not supported for SIP federation."]
