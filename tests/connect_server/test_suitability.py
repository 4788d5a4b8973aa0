"""Which certificates can be the server's own: every shape of the CA, and all that is wrong with each (R56-R60, R66)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.ca import PROFILES, Authority, Issued
from fakes.ca.profiles import Profile
from simulator.connect_server.key_files import KeyFile, KeyState, check_key, parse_chain, read_key
from simulator.connect_server.settings import CertificateRules
from simulator.connect_server.suitability import Demands, Fitness, expires_soon, time_left
from simulator.names import Fqdn

FQDN = Fqdn.parse("connect.acme.test")
NOW = datetime.now(UTC)
STRICT = CertificateRules(usage="both", authority="recognised", scopes="machine")

REFUSED = {
    "client-only": {"key-usage"},
    "any-eku": {"key-usage"},
    "wildcard": {"wildcard"},
    "wrong-name": {"wrong-name"},
    "cn-only": {"no-name"},
    "expired": {"expired"},
    "not-yet-valid": {"not-yet-valid"},
    "self-signed": {"self-signed"},
    "rsa-1024": {"weak-key"},
    "sha1": {"weak-signature"},
}
"What every server refuses, and for what."
ONLY_WARNED_OF = {
    "server-only": {"no-client-usage"},
    "server-only-intermediate": {"no-client-usage"},
    "any-eku": {"no-client-usage"},
    "constrained": {"name-constraints"},
    "untrusted": {"untrusted"},
    "missing-intermediate": {"missing-intermediate"},
    "200-day": set(),
    "398-day": {"long-lifetime"},
}
"What the default takes and warns of, and the strict reading refuses but for the last two."
SHAPES = [profile for profile in PROFILES.values() if not profile.needs_publisher]


def fitness(
    authority: Authority,
    issued: Issued,
    rules: CertificateRules = CertificateRules(),  # noqa: B008 - it is frozen
    *,
    at: datetime = NOW,
    key: KeyFile | None = None,
) -> Fitness:
    chain = parse_chain(issued.chain_pem)
    demands = Demands(FQDN, rules, (authority.root,))
    return demands.fitness(chain, key or check_key(issued.key_pem, chain[0]), at=at)


def kinds(answer: Fitness) -> set[str]:
    return {flaw.kind for flaw in answer.flaws}


@pytest.mark.parametrize("profile", SHAPES, ids=lambda profile: profile.name)
def test_every_shape_is_refused_for_what_is_wrong_with_it_or_not_at_all(authority: Authority, profile: Profile) -> None:
    answer = fitness(authority, authority.issue(str(FQDN), profile))

    assert kinds(answer) == REFUSED.get(profile.name, set())
    assert answer.usable is (profile.name not in REFUSED)
    if profile.name in ONLY_WARNED_OF:
        assert {warning.kind for warning in answer.warnings} == ONLY_WARNED_OF[profile.name]


@pytest.mark.parametrize(
    ("profile", "kind"),
    [
        ("server-only", "no-client-usage"),
        ("server-only-intermediate", "no-client-usage"),
        ("untrusted", "untrusted"),
        ("missing-intermediate", "missing-intermediate"),
        ("constrained", "name-constraints"),
    ],
)
def test_the_strict_reading_refuses_what_the_other_warns_of(authority: Authority, profile: str, kind: str) -> None:
    issued = authority.issue(str(FQDN), profile)

    assert kinds(fitness(authority, issued, STRICT)) == {kind}
    assert fitness(authority, issued).usable


def test_dual_usage_is_fit_under_both_readings_and_warned_of_under_none(authority: Authority) -> None:
    for rules in (CertificateRules(), STRICT):
        answer = fitness(authority, authority.issue(str(FQDN)), rules)
        assert (answer.flaws, answer.warnings) == ((), ())


@pytest.mark.cites("C4", "C7")
def test_the_warning_about_lets_encrypt_says_why(authority: Authority) -> None:
    (warning,) = fitness(authority, authority.issue(str(FQDN), "server-only")).warnings

    for words in ("not made for client authentication", "Let's Encrypt", "2026-07-08", "Skype for Business"):
        assert words in warning.detail


def test_all_reasons_come_at_once(authority: Authority) -> None:
    shape = replace(PROFILES["wildcard"], usages=("client",), ended=timedelta(days=1), key="rsa-1024", signer="rsa")
    other = authority.issue("other.acme.test")
    chain = parse_chain(authority.issue(str(FQDN), shape).chain_pem)

    answer = Demands(FQDN, STRICT, (authority.root,)).fitness(
        chain, check_key(other.key_pem, chain[0]), at=NOW, scope="user", scope_problem="it is bob's (R55)"
    )

    assert kinds(answer) == {"wildcard", "key-usage", "expired", "weak-key", "key-foreign", "scope"}
    sentence = answer.sentence()
    for words in ("*.acme.test", "server authentication", "expired on", "1024 bits", "another certificate", "bob"):
        assert words in sentence


def test_a_wildcard_beside_the_right_name_is_warned_of(authority: Authority) -> None:
    answer = fitness(authority, authority.issue(str(FQDN), sans=["*.acme.test"]))

    assert answer.usable
    assert [warning.kind for warning in answer.warnings] == ["holds-wildcard"]


@pytest.mark.cites("R66")
def test_a_self_signed_certificate_is_refused_even_where_it_is_a_trusted_root(authority: Authority) -> None:
    issued = authority.issue(str(FQDN), "self-signed")
    chain = parse_chain(issued.chain_pem)

    answer = Demands(FQDN, CertificateRules(), chain).fitness(chain, check_key(issued.key_pem, chain[0]), at=NOW)

    assert "self-signed" in kinds(answer)


# The key


def test_a_key_that_is_not_there_is_missing(authority: Authority, tmp_path: Path) -> None:
    leaf = authority.issue(str(FQDN)).leaf

    found = read_key(tmp_path / "none.key", leaf)

    assert found.state is KeyState.MISSING
    assert "none.key" in found.problem


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"", KeyState.MALFORMED),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", KeyState.MALFORMED),
    ],
)
def test_a_key_that_is_none_is_malformed(authority: Authority, content: bytes, state: KeyState) -> None:
    assert check_key(content, authority.issue(str(FQDN)).leaf).state is state


def test_an_encrypted_key_is_told_how_to_be_opened(authority: Authority) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    issued = authority.issue(str(FQDN))
    key = load_pem_private_key(issued.key_pem, None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))

    found = check_key(locked, issued.leaf)

    assert found.state is KeyState.ENCRYPTED
    assert "openssl pkey" in found.problem


def test_what_cannot_be_read_is_unfit_but_not_presentable_either(authority: Authority) -> None:
    answer = fitness(authority, authority.issue(str(FQDN)), key=KeyFile(KeyState.UNREADABLE, "it is not ours"))

    assert not answer.usable
    assert not answer.presentable


def test_an_unfit_certificate_with_its_key_can_be_presented_for_a_test(authority: Authority) -> None:
    answer = fitness(authority, authority.issue(str(FQDN), "wildcard"))

    assert not answer.usable
    assert answer.presentable


# The end of its life


@pytest.mark.parametrize(
    ("days", "first_warned"),
    [(6, 1.5), (7, 1.75), (47, 11.75), (90, 22.5), (100, 25), (200, 30), (398, 30)],
)
@pytest.mark.cites("R67", "C8")
def test_the_notice_is_a_quarter_of_the_lifetime_and_at_most_30_days(
    authority: Authority, days: int, first_warned: float
) -> None:
    leaf = authority.issue(str(FQDN), valid_days=days).leaf
    end = leaf.not_valid_after_utc
    hour = timedelta(hours=1)  # the certificate begins an hour early, which makes it that much longer

    assert not expires_soon(leaf, leaf.not_valid_before_utc)
    assert not expires_soon(leaf, end - timedelta(days=first_warned) - hour)
    assert expires_soon(leaf, end - timedelta(days=first_warned) + hour)
    assert expires_soon(leaf, end)
    assert not expires_soon(leaf, end + hour)  # then it has ended, which is another matter


def test_the_notice_says_that_nobody_else_activates_the_new_one(authority: Authority) -> None:
    issued = authority.issue(str(FQDN), valid_days=47)

    (warning,) = fitness(authority, issued, at=issued.leaf.not_valid_after_utc - timedelta(days=3)).warnings

    assert warning.kind == "expires-soon"
    assert "3 days" in warning.detail
    assert "R68" in warning.detail


@pytest.mark.parametrize(
    ("left", "words"), [(72, "3 days"), (48, "2 days"), (47, "47 hours"), (0, "0 hours"), (-1, "none")]
)
def test_the_time_left_is_told_in_words(authority: Authority, left: int, words: str) -> None:
    leaf = authority.issue(str(FQDN)).leaf

    assert time_left(leaf, leaf.not_valid_after_utc - timedelta(hours=left)) == words
