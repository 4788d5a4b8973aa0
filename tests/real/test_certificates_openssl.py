"""The CA's certificates before the `openssl` program, which shares no code with what made them (F2.12, F2.17)."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.ca import PROFILES, Authority, Issued, Publisher
from fakes.ca.certificates import Window, constraints, make_intermediate, make_leaf, make_root

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FQDN = "sip.fabrikam.test"
T = TypeVar("T")

ERRORS = {
    3: "no CRL",
    8: "CRL not signed by issuer",
    9: "not yet valid",
    10: "expired",
    12: "CRL expired",
    18: "self-signed",
    20: "issuer unknown",
    23: "revoked",
    26: "wrong purpose",
    47: "name not permitted",
    62: "wrong host name",
}
"The X509_V_ERR numbers, whose texts differ between versions."


@dataclass(frozen=True)
class OpenSsl:
    """The program and the one root that it is told to trust."""

    path: Path
    root: Path

    def verify(self, chain: Path, *options: str, at: datetime = AT) -> str:
        """`ok`, or the name of the first error. Trusts the root only; the chain file is leaf and intermediate."""
        trust = ["-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", str(self.root)]
        command = [str(self.path), "verify", *trust, "-untrusted", str(chain)]
        command += ["-attime", str(int(at.timestamp())), *options, str(chain)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            assert result.stdout == f"{chain}: OK\n"
            return "ok"
        code = re.search(r"^error (\d+) at", result.stderr, re.MULTILINE)
        assert code, result.stderr
        return ERRORS[int(code[1])]

    def show(self, certificate: Path, *options: str) -> str:
        command = [str(self.path), "x509", "-in", str(certificate), "-noout", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with Authority(["acme.example"], tmp_path, at=AT) as authority:
        authority.publish("http://ca.example", dead="http://dead.example")
        yield authority


@pytest.fixture
def openssl(program: Callable[[str], Path], authority: Authority) -> OpenSsl:
    return OpenSsl(program("openssl"), authority.write_root())


SERVER = ("-purpose", "sslserver", "-verify_hostname", FQDN)
CLIENT = ("-purpose", "sslclient")
OK = ("ok", "ok")
VERDICTS = {
    **dict.fromkeys(PROFILES, OK),
    "server-only": ("ok", "wrong purpose"),
    **dict.fromkeys((name for name in PROFILES if name.startswith("lets-encrypt")), ("ok", "wrong purpose")),
    "client-only": ("wrong purpose", "ok"),
    "any-eku": ("wrong purpose", "wrong purpose"),
    "server-only-intermediate": ("ok", "wrong purpose"),
    "wildcard": OK,  # more lenient than Skype for Business, which is why there is a verdict of our own
    "cn-only": OK,  # likewise
    "wrong-name": ("wrong host name", "ok"),
    "constrained": ("name not permitted", "name not permitted"),
    "expired": ("expired", "expired"),
    "not-yet-valid": ("not yet valid", "not yet valid"),
    "untrusted": ("issuer unknown", "issuer unknown"),
    "self-signed": ("self-signed", "self-signed"),
    "missing-intermediate": ("issuer unknown", "issuer unknown"),
}
"What OpenSSL says of each profile as (server, client); the name is checked of the server only, revocation of none."


def _write(authority: Authority, profile: str) -> Path:
    return authority.write(authority.issue(FQDN, profile))[0]


@pytest.mark.parametrize("profile", PROFILES)
def test_openssl_finds_exactly_the_fault_that_the_profile_is_about(
    openssl: OpenSsl, authority: Authority, profile: str
) -> None:
    chain = _write(authority, profile)

    assert (openssl.verify(chain, *SERVER), openssl.verify(chain, *CLIENT)) == VERDICTS[profile]


def test_openssl_takes_the_wrong_name_for_what_it_names(openssl: OpenSsl, authority: Authority) -> None:
    chain = _write(authority, "wrong-name")

    assert openssl.verify(chain, "-verify_hostname", "wrong-name.fabrikam.test") == "ok"


def test_openssl_takes_the_expired_one_at_a_time_when_it_was_valid(openssl: OpenSsl, authority: Authority) -> None:
    chain = _write(authority, "expired")

    assert openssl.verify(chain, *SERVER, at=AT - timedelta(days=1, seconds=1)) == "ok"


def test_openssl_accepts_a_leaf_from_an_hour_before_its_issue_until_its_end(
    openssl: OpenSsl, authority: Authority
) -> None:
    chain = _write(authority, "dual")

    assert openssl.verify(chain, at=AT - timedelta(hours=1) + timedelta(seconds=1)) == "ok"
    assert openssl.verify(chain, at=AT - timedelta(hours=1, seconds=1)) == "not yet valid"
    assert openssl.verify(chain, at=AT + timedelta(days=7, seconds=-1)) == "ok"
    assert openssl.verify(chain, at=AT + timedelta(days=7, seconds=1)) == "expired"


@pytest.mark.parametrize("name", ["sip.acme.example", "127.0.0.20", "::1"])
def test_openssl_accepts_every_name_that_the_ca_may_speak_for(
    openssl: OpenSsl, authority: Authority, name: str
) -> None:
    chain, _ = authority.write(authority.issue(name))
    option = "-verify_hostname" if name.endswith("example") else "-verify_ip"

    assert openssl.verify(chain, option, name) == "ok"


@pytest.mark.parametrize("profile", ["wildcard", "dual"])
def test_openssl_accepts_the_names_of_a_host_right_below_the_permitted_domain(
    openssl: OpenSsl, authority: Authority, profile: str
) -> None:
    chain, _ = authority.write(authority.issue("fabrikam.test", profile))

    assert openssl.verify(chain) == "ok"


@pytest.mark.parametrize("name", ["sip.fabrikam.com", "192.0.2.7"])
@pytest.mark.parametrize("limited", ["root", "intermediate"])
def test_openssl_refuses_a_name_outside_the_constraints_of_either_ca(
    program: Callable[[str], Path], tmp_path: Path, name: str, limited: str
) -> None:
    window = Window(AT - timedelta(days=1), AT + timedelta(days=1))
    narrow = constraints(["test", ipaddress.ip_network("127.0.0.0/8")])
    wide = constraints(["test", "com", ipaddress.ip_network("0.0.0.0/0")])
    root = make_root("root", window, narrow if limited == "root" else wide)
    issuer = make_intermediate("intermediate", window, narrow if limited == "intermediate" else wide, root)
    (tmp_path / "root.crt").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    openssl = OpenSsl(program("openssl"), tmp_path / "root.crt")

    def verdict(name: str) -> str:
        leaf, _ = make_leaf(issuer, [name], ["server"], window)
        chain = tmp_path / "chain.crt"
        chain.write_bytes(leaf.public_bytes(Encoding.PEM) + issuer.certificate.public_bytes(Encoding.PEM))
        return openssl.verify(chain)

    assert verdict(FQDN) == "ok"
    assert verdict(name) == "name not permitted"


def test_openssl_reads_the_crl_distribution_point(openssl: OpenSsl, tmp_path: Path) -> None:
    url = "http://127.0.0.1:8080/sipfed.crl"
    with Authority(folder=tmp_path, at=AT, crl_url=url) as authority:
        chain, _ = authority.write(authority.issue(FQDN))

        assert f"URI:{url}" in openssl.show(chain, "-ext", "crlDistributionPoints")


def test_openssl_takes_the_written_key_for_the_key_of_the_certificate(openssl: OpenSsl, authority: Authority) -> None:
    issued: Issued = authority.issue(FQDN)
    chain, key = authority.write(issued)

    command = [str(openssl.path), "pkey", "-in", str(key), "-pubout"]
    public = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert public == openssl.show(chain, "-pubkey")


class TestRevocation:
    """What the CA publishes, fetched over HTTP and judged by the program."""

    def serve(self, tmp_path: Path, work: Callable[[Authority, Path], T]) -> T:
        """Do `work` on a thread while a publisher runs; it gets the authority and the root's file."""

        async def main() -> T:
            with Authority(folder=tmp_path) as authority:
                async with Publisher(authority):
                    return await asyncio.to_thread(work, authority, authority.write_root())

        return asyncio.run(main())

    @pytest.mark.parametrize(
        ("profile", "wanted"),
        [
            ("dual", "ok"),
            ("rsa-2048", "ok"),
            ("rsa-pss", "ok"),
            ("revoked", "revoked"),
            ("crl-expired", "CRL expired"),
            ("crl-forged", "CRL not signed by issuer"),
            ("crl-garbage", "no CRL"),
            ("crl-missing", "no CRL"),
            ("no-crl", "no CRL"),
        ],
    )
    def test_openssl_fetches_the_list_and_finds_what_the_profile_is_about(
        self, program: Callable[[str], Path], tmp_path: Path, profile: str, wanted: str
    ) -> None:
        """Not `crl-unreachable`: to a closed port the program tries to connect again without end."""
        openssl = program("openssl")

        def work(authority: Authority, root: Path) -> str:
            chain = _write(authority, profile)
            return OpenSsl(openssl, root).verify(chain, "-crl_check", "-crl_download", at=datetime.now(UTC))

        assert self.serve(tmp_path, work) == wanted

    def test_openssl_finds_a_revoked_intermediate(self, program: Callable[[str], Path], tmp_path: Path) -> None:
        openssl = program("openssl")

        def work(authority: Authority, root: Path) -> str:
            chain = _write(authority, "dual")
            authority.revoke(authority.intermediate)
            return OpenSsl(openssl, root).verify(chain, "-crl_check_all", "-crl_download", at=datetime.now(UTC))

        assert self.serve(tmp_path, work) == "revoked"

    @pytest.mark.parametrize(
        ("profile", "verified", "status"),
        [
            ("ocsp", True, "good"),
            ("ocsp-revoked", True, "revoked"),
            ("ocsp-unknown", True, "unknown"),
            ("ocsp-delegated", True, "good"),
            ("ocsp-undelegated", False, "good"),
            ("ocsp-forged", False, "good"),
            ("ocsp-expired", True, "WARNING: Status times invalid"),
            ("ocsp-busy", False, "Responder Error: trylater (3)"),
            ("ocsp-garbage", False, ""),
            ("ocsp-missing", False, ""),
        ],
    )
    def test_openssl_asks_the_responder_and_verifies_who_signed(
        self, program: Callable[[str], Path], tmp_path: Path, profile: str, verified: bool, status: str
    ) -> None:
        openssl = program("openssl")

        def work(authority: Authority, root: Path) -> str:
            chain = _write(authority, profile)
            issuer = tmp_path / "issuer.crt"
            issuer.write_bytes(authority.intermediate.public_bytes(Encoding.PEM))
            url = OpenSsl(openssl, root).show(chain, "-ocsp_uri").strip()
            command = [str(openssl), "ocsp", "-issuer", str(issuer), "-cert", str(chain), "-url", url]
            command += ["-CAfile", str(root), "-verify_other", str(issuer)]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            return result.stdout + result.stderr

        printed = self.serve(tmp_path, work)
        assert ("Response verify OK" in printed) is verified, printed
        assert status in printed
