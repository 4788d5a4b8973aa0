"""The certificate store on disk: two scopes, one active certificate, and who may read which key (R54-R75)."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from fakes.ca import Authority, Issued
from simulator.connect_server.certificate_list import describe, describe_all
from simulator.connect_server.certificates import CertificateStore
from simulator.connect_server.key_files import KeyState, parse_chain
from simulator.connect_server.settings import CertificateRules, ServerSettings
from simulator.connect_server.suitability import Demands
from simulator.errors import ConfigurationError

FQDN = "connect.acme.test"
NOW = datetime.now(UTC)
NOBODY = 65534
unix_only = pytest.mark.skipif(sys.platform == "win32", reason="the modes of files are those of Unix")
root_only = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can become another account"
)


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return CertificateStore(tmp_path / "certificates")


@pytest.fixture
def demands(settings: ServerSettings) -> Demands:
    return Demands.of(settings)


@pytest.fixture
def open_store() -> Iterator[CertificateStore]:
    """In a folder that every account can look into, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="sipfed-test-"))
    folder.chmod(0o755)
    yield CertificateStore(folder)
    shutil.rmtree(folder)


@contextmanager
def running_as(uid: int) -> Iterator[None]:
    """What the operating system lets that account do."""
    assert sys.platform != "win32"
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


def problems_of(caught: pytest.ExceptionInfo[ConfigurationError]) -> str:
    return str(caught.value)


# Adding


@pytest.mark.cites("R26", "R53", "R63")
def test_what_is_added_is_in_the_list_and_not_active(store: CertificateStore, authority: Authority) -> None:
    issued = authority.issue(FQDN)

    added = store.add(issued.chain_pem, issued.key_pem)

    (listed,) = store.certificates()
    assert listed == added
    assert listed.leaf == issued.leaf
    assert listed.key.state is KeyState.READABLE
    assert listed.scope == "machine"
    assert not listed.active
    assert store.active() is None


def test_certificates_of_one_name_lie_beside_each_other(store: CertificateStore, authority: Authority) -> None:
    for _ in range(3):
        issued = authority.issue(FQDN)
        store.add(issued.chain_pem, issued.key_pem)

    assert len({certificate.name for certificate in store.certificates()}) == 3


@unix_only
def test_the_key_is_for_this_account_alone(store: CertificateStore, authority: Authority) -> None:
    issued = authority.issue(FQDN)

    added = store.add(issued.chain_pem, issued.key_pem)

    key = store.folder / "machine" / f"{added.name}.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_the_key_may_stand_in_the_same_file(store: CertificateStore, authority: Authority) -> None:
    issued = authority.issue(FQDN)

    added = store.add(issued.key_pem + issued.chain_pem, None)

    assert added.key.state is KeyState.READABLE
    assert b"CERTIFICATE" not in added.key.pem


def test_a_file_that_is_dropped_into_a_scope_has_been_added(store: CertificateStore, authority: Authority) -> None:
    """As an ACME client on the server leaves it there: it then appears in the list (R69, R72, R73)."""
    issued = authority.issue(FQDN)
    (store.folder / "user").mkdir(parents=True)
    (store.folder / "user" / "renewed.pem").write_bytes(issued.chain_pem)
    (store.folder / "user" / "renewed.key").write_bytes(issued.key_pem)

    (listed,) = store.certificates()

    assert str(listed) == "user/renewed"
    assert listed.key.state is KeyState.READABLE


def test_a_certificate_without_its_key_is_listed_as_such(store: CertificateStore, authority: Authority) -> None:
    (store.folder / "machine").mkdir(parents=True)
    (store.folder / "machine" / "alone.pem").write_bytes(authority.issue(FQDN).chain_pem)

    assert store.find("alone").key.state is KeyState.MISSING


def test_what_is_no_certificate_is_told_apart(store: CertificateStore, authority: Authority) -> None:
    (store.folder / "machine").mkdir(parents=True)
    (store.folder / "machine" / "note.pem").write_text("nothing")
    issued = authority.issue(FQDN)
    store.add(issued.chain_pem, issued.key_pem)

    assert len(store.certificates()) == 1
    (problem,) = store.problems()
    assert "note.pem" in problem.place


def test_the_same_certificate_is_not_added_twice_to_a_scope(store: CertificateStore, authority: Authority) -> None:
    issued = authority.issue(FQDN)
    store.add(issued.chain_pem, issued.key_pem)
    store.add(issued.chain_pem, issued.key_pem, scope="user")

    with pytest.raises(ConfigurationError, match="in the store already"):
        store.add(issued.chain_pem, issued.key_pem)


def test_the_key_of_another_certificate_is_refused(store: CertificateStore, authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="another certificate"):
        store.add(authority.issue(FQDN).chain_pem, authority.issue(FQDN).key_pem)

    assert store.certificates() == []


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_holds_no_certificate_is_refused(store: CertificateStore, authority: Authority, content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="certificate"):
        store.add(content, authority.issue(FQDN).key_pem)


@pytest.mark.parametrize("name", ["../../evil", "a/b", "*.acme.test", ".hidden", "CON\x00"])
def test_a_name_cannot_lead_out_of_the_store(store: CertificateStore, authority: Authority, name: str) -> None:
    issued = authority.issue(FQDN)

    added = store.add(issued.chain_pem, issued.key_pem, name=name)

    assert (store.folder / "machine" / f"{added.name}.pem").is_file()
    assert {path.parent for path in store.folder.rglob("*.pem")} == {store.folder / "machine"}


def test_a_name_that_is_taken_is_a_sentence(store: CertificateStore, authority: Authority) -> None:
    first, second = authority.issue(FQDN), authority.issue(FQDN)
    store.add(first.chain_pem, first.key_pem, name="connect")

    with pytest.raises(ConfigurationError, match="exists"):
        store.add(second.chain_pem, second.key_pem, name="connect")

    assert store.find("connect").leaf == first.leaf


# PKCS#12


def pkcs12(issued: Issued, password: bytes | None) -> bytes:
    leaf, *others = parse_chain(issued.chain_pem)
    key = load_pem_private_key(issued.key_pem, None)
    how = NoEncryption() if password is None else BestAvailableEncryption(password)
    return serialize_key_and_certificates(b"connect", key, leaf, others, how)  # type: ignore[arg-type]


@pytest.mark.parametrize("password", ["geheim", "gehéim ß", None])
def test_a_pkcs12_file_is_added_with_its_chain(
    store: CertificateStore, authority: Authority, password: str | None
) -> None:
    issued = authority.issue(FQDN)

    added = store.add_pkcs12(pkcs12(issued, password.encode() if password else None), password)

    assert added.chain == parse_chain(issued.chain_pem)
    assert added.key.state is KeyState.READABLE


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_wrong_password_is_a_sentence(store: CertificateStore, authority: Authority, password: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        store.add_pkcs12(pkcs12(authority.issue(FQDN), b"geheim"), password)

    assert caught.value.problems[0].place == "password"


def test_a_pkcs12_file_without_key_is_refused(store: CertificateStore, authority: Authority) -> None:
    content = serialize_key_and_certificates(b"connect", None, authority.issue(FQDN).leaf, None, NoEncryption())

    with pytest.raises(ConfigurationError, match="no private key"):
        store.add_pkcs12(content, None)


# Choosing one


@pytest.mark.cites("R65", "R75")
def test_exactly_one_is_active(store: CertificateStore, authority: Authority, demands: Demands) -> None:
    for name in ("first", "second"):
        issued = authority.issue(FQDN)
        store.add(issued.chain_pem, issued.key_pem, name=name)

    for name in ("first", "second", "first"):
        chosen = store.activate(name, demands, NOW)

        assert chosen.active
        assert [certificate.name for certificate in store.certificates() if certificate.active] == [name]
        assert store.active() == chosen


def test_renewal_adds_and_does_not_activate(store: CertificateStore, authority: Authority, demands: Demands) -> None:
    """R68: the renewed certificate must be chosen by hand."""
    old, new = authority.issue(FQDN, valid_days=3), authority.issue(FQDN, valid_days=90)
    store.add(old.chain_pem, old.key_pem, name="old")
    store.activate("old", demands, NOW)

    store.add(new.chain_pem, new.key_pem, name="new")

    active = store.active()
    assert active is not None
    assert active.leaf == old.leaf


def test_files_that_are_overwritten_do_not_become_active(
    store: CertificateStore, authority: Authority, demands: Demands
) -> None:
    old, new = authority.issue(FQDN), authority.issue(FQDN)
    store.add(old.chain_pem, old.key_pem, name="connect")
    store.activate("connect", demands, NOW)

    (store.folder / "machine" / "connect.pem").write_bytes(new.chain_pem)
    (store.folder / "machine" / "connect.key").write_bytes(new.key_pem)

    assert store.active() is None


@pytest.mark.cites("R54", "C5")
def test_one_in_both_scopes_is_active_in_one(store: CertificateStore, authority: Authority, demands: Demands) -> None:
    issued = authority.issue(FQDN)
    store.add(issued.chain_pem, issued.key_pem, name="connect")
    store.add(issued.chain_pem, issued.key_pem, name="connect", scope="user")

    store.activate("user/connect", demands, NOW)

    assert [str(certificate) for certificate in store.certificates() if certificate.active] == ["user/connect"]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("wildcard", "wildcard"),
        ("wrong-name", "not to connect.acme.test"),
        ("client-only", "server authentication"),
        ("expired", "expired on"),
        ("not-yet-valid", "not valid before"),
        ("rsa-1024", "1024 bits"),
        ("self-signed", "self-signed"),
    ],
)
@pytest.mark.cites("R56", "R58")
def test_an_unfit_certificate_is_refused_and_the_active_one_stays(
    store: CertificateStore, authority: Authority, demands: Demands, profile: str, words: str
) -> None:
    good, bad = authority.issue(FQDN), authority.issue(FQDN, profile)
    store.add(good.chain_pem, good.key_pem, name="good")
    store.add(bad.chain_pem, bad.key_pem, name="bad")
    store.activate("good", demands, NOW)

    with pytest.raises(ConfigurationError) as caught:
        store.activate("bad", demands, NOW)

    assert words in problems_of(caught)
    active = store.active()
    assert active is not None
    assert active.name == "good"


def test_a_test_may_choose_an_unfit_one(store: CertificateStore, authority: Authority, demands: Demands) -> None:
    issued = authority.issue(FQDN, "wildcard")
    store.add(issued.chain_pem, issued.key_pem, name="bad")

    lenient = replace(demands, rules=CertificateRules(unsuitable="warn"))

    assert store.activate("bad", lenient, NOW).active


@pytest.mark.cites("R59")
def test_one_without_its_key_is_never_chosen(store: CertificateStore, authority: Authority, demands: Demands) -> None:
    (store.folder / "machine").mkdir(parents=True)
    (store.folder / "machine" / "alone.pem").write_bytes(authority.issue(FQDN).chain_pem)

    for rules in (CertificateRules(), CertificateRules(unsuitable="warn")):
        with pytest.raises(ConfigurationError, match="no private key"):
            store.activate("alone", replace(demands, rules=rules), NOW)


def test_it_is_named_by_name_scope_or_fingerprint(store: CertificateStore, authority: Authority) -> None:
    issued = authority.issue(FQDN)
    added = store.add(issued.chain_pem, issued.key_pem, name="connect")
    colons = ":".join(added.thumbprint[i : i + 2] for i in range(0, 40, 2))

    for selector in ("connect", "machine/connect", added.fingerprint, added.fingerprint[:6], colons):
        assert store.find(selector) == added


@pytest.mark.parametrize("selector", ["", "nobody", "abc", "machine/", "user/connect"])
def test_a_name_that_fits_none_is_answered_with_those_that_are_there(
    store: CertificateStore, authority: Authority, selector: str
) -> None:
    issued = authority.issue(FQDN)
    store.add(issued.chain_pem, issued.key_pem, name="connect")

    with pytest.raises(ConfigurationError, match="no certificate; there is machine/connect"):
        store.find(selector)


def test_a_name_that_fits_two_is_answered_with_both(store: CertificateStore, authority: Authority) -> None:
    issued = authority.issue(FQDN)
    store.add(issued.chain_pem, issued.key_pem, name="connect")
    store.add(issued.chain_pem, issued.key_pem, name="connect", scope="user")

    with pytest.raises(ConfigurationError, match="more than one certificate; there is machine/connect, user/connect"):
        store.find("connect")


def test_the_active_one_cannot_be_removed(store: CertificateStore, authority: Authority, demands: Demands) -> None:
    issued, other = authority.issue(FQDN), authority.issue(FQDN)
    store.add(issued.chain_pem, issued.key_pem, name="active")
    store.add(other.chain_pem, other.key_pem, name="other")
    store.activate("active", demands, NOW)

    with pytest.raises(ConfigurationError, match="activate another one first"):
        store.remove("active")
    store.remove("other")

    assert [certificate.name for certificate in store.certificates()] == ["active"]
    assert sorted(path.name for path in (store.folder / "machine").iterdir()) == ["active.key", "active.pem"]


# Who may read it


@root_only
def test_a_machine_key_is_closed_to_an_account_until_it_is_given_access(
    open_store: CertificateStore, authority: Authority, demands: Demands
) -> None:
    """R61, R74: like the private key of a certificate in the store of the local computer."""
    issued = authority.issue(FQDN)
    added = open_store.add(issued.chain_pem, issued.key_pem, name="connect")
    key = open_store.folder / "machine" / "connect.key"

    with running_as(NOBODY):
        closed = open_store.find("connect")
        answer = closed.fitness(demands, NOW)
    key.chmod(0o644)
    with running_as(NOBODY):
        opened = open_store.find("connect")

    assert added.fitness(demands, NOW).usable  # an administrator may
    assert closed.key.state is KeyState.UNREADABLE
    assert [flaw.kind for flaw in answer.flaws] == ["key-unreadable"]
    assert str(key) in answer.sentence()
    assert "setfacl" in answer.sentence()
    assert opened.key.state is KeyState.READABLE


@root_only
def test_an_unreadable_key_is_not_activated(
    open_store: CertificateStore, authority: Authority, demands: Demands
) -> None:
    issued = authority.issue(FQDN)
    open_store.add(issued.chain_pem, issued.key_pem, name="connect")

    with running_as(NOBODY), pytest.raises(ConfigurationError, match="cannot be read"):
        open_store.activate("connect", demands, NOW)


@root_only
def test_the_store_of_a_user_is_no_use_to_another_account(
    open_store: CertificateStore, authority: Authority, demands: Demands
) -> None:
    """R55, and even root is another account."""
    issued = authority.issue(FQDN)
    open_store.add(issued.chain_pem, issued.key_pem, name="connect", scope="user")
    folder = open_store.folder / "user"
    assert open_store.find("connect").fitness(demands, NOW).usable

    os.chown(folder, NOBODY, -1)
    with pytest.raises(ConfigurationError, match=r"user store of .*\(R55\)"):
        open_store.activate("connect", demands, NOW)


@root_only
def test_a_user_scope_that_is_closed_is_told_of(open_store: CertificateStore, authority: Authority) -> None:
    issued = authority.issue(FQDN)
    open_store.add(issued.chain_pem, issued.key_pem, scope="user")

    with running_as(NOBODY):
        assert open_store.certificates() == []
        (problem,) = open_store.problems()

    assert problem.place == str(open_store.folder / "user")
    assert "may not read it" in problem.message


@root_only
def test_who_may_not_write_is_told_so(open_store: CertificateStore, authority: Authority, demands: Demands) -> None:
    issued, other = authority.issue(FQDN), authority.issue(FQDN)
    open_store.add(issued.chain_pem, issued.key_pem, name="connect")
    (open_store.folder / "machine" / "connect.key").chmod(0o644)

    with running_as(NOBODY):
        with pytest.raises(ConfigurationError, match="cannot be changed by the account"):
            open_store.activate("connect", demands, NOW)
        with pytest.raises(ConfigurationError, match="cannot be changed by the account"):
            open_store.add(other.chain_pem, other.key_pem)
        with pytest.raises(ConfigurationError, match="cannot be changed by the account"):
            open_store.remove("connect")

    assert [certificate.name for certificate in open_store.certificates()] == ["connect"]


# The list


@pytest.mark.cites("R62", "R64")
def test_the_list_has_everything_that_one_chooses_by(
    store: CertificateStore, authority: Authority, demands: Demands
) -> None:
    issued = authority.issue(FQDN, "rsa-2048", sans=["sip.acme.test"])
    store.add(issued.chain_pem, issued.key_pem, name="connect")
    store.activate("connect", demands, NOW)

    (info,) = describe_all(store, demands, NOW)

    assert (info.name, info.scope, info.active, info.usable) == ("connect", "machine", True, True)
    assert info.names == (FQDN, "sip.acme.test")
    assert info.subject == FQDN
    assert info.issuer
    assert info.usages == ("server authentication", "client authentication")
    assert info.key == "RSA 2048"
    assert info.private_key == "readable"
    assert info.chain_length == 2
    assert datetime.fromisoformat(info.valid_until) == issued.leaf.not_valid_after_utc
    assert datetime.fromisoformat(info.valid_from) == issued.leaf.not_valid_before_utc
    assert info.time_left == "7 days"
    assert len(info.thumbprint) == 40
    assert len(info.fingerprint) == 64
    assert int(info.serial_number, 16) == issued.leaf.serial_number


@pytest.mark.parametrize(
    ("profile", "key", "usages", "subject"),
    [
        ("dual", "P-256", 2, FQDN),
        ("p-384", "P-384", 2, FQDN),
        ("ed25519", "Ed25519", 2, FQDN),
        ("no-eku", "P-256", 0, FQDN),
        ("sip-domain-eku", "P-256", 3, FQDN),
        ("no-cn", "P-256", 2, ""),
    ],
)
def test_every_kind_of_certificate_can_be_listed(
    store: CertificateStore, authority: Authority, demands: Demands, profile: str, key: str, usages: int, subject: str
) -> None:
    issued = authority.issue(FQDN, profile)

    info = describe(store.add(issued.chain_pem, issued.key_pem), demands, NOW)

    assert (info.key, len(info.usages), info.subject) == (key, usages, subject)
    assert info.usable


def test_the_list_says_why_one_cannot_be_used_and_what_to_look_out_for(
    store: CertificateStore, authority: Authority, demands: Demands
) -> None:
    issued = authority.issue(FQDN, "server-only", at=NOW - timedelta(days=20), valid_days=10)
    store.add(issued.chain_pem, issued.key_pem)

    (info,) = describe_all(store, demands, NOW)

    assert not info.usable
    assert [problem for problem in info.problems if "expired on" in problem]
    assert [warning for warning in info.warnings if "Let's Encrypt" in warning]
    assert info.time_left == "none"
