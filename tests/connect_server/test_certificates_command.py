"""`sipfed certificates`: what an administrator sees and does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fakes.ca import Authority
from simulator.cli import main

FQDN = "connect.acme.test"
SETTINGS = """\
domain = "acme.test"
fqdn = "connect.acme.test"
trusted_roots = "roots.pem"
[listen]
address = "127.0.0.1"
[certificate]
store = "certificates"
"""

Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, authority: Authority) -> Command:
    (tmp_path / "roots.pem").write_bytes(authority.root_pem)
    config = tmp_path / "connect.toml"
    config.write_text(SETTINGS)
    return lambda *arguments, **options: CliRunner().invoke(
        main, ["certificates", "--config", str(config), *arguments], **options
    )


def files(folder: Path, authority: Authority, profile: str = "dual") -> tuple[str, str]:
    issued = authority.issue(FQDN, profile)
    chain, key = folder / f"{profile}.pem", folder / f"{profile}.key"
    chain.write_bytes(issued.chain_pem)
    key.write_bytes(issued.key_pem)
    return str(chain), str(key)


def test_from_the_first_certificate_to_its_renewal(command: Command, tmp_path: Path, authority: Authority) -> None:
    assert "holds no certificate" in command("list").output

    added = command("add", *files(tmp_path, authority), "--name", "first")
    assert added.exit_code == 0
    assert added.output.startswith("Added machine/first, valid until ")
    assert "It is not active." in added.output
    assert "machine/first: can be used" in command("list").output

    activated = command("activate", "first")
    assert activated.output.startswith("machine/first is the active certificate now.")
    assert "SIGHUP" in activated.output

    command("add", *files(tmp_path, authority), "--name", "second")
    listed = command("list").output
    assert "machine/first: active" in listed
    assert "machine/second: can be used" in listed

    command("activate", "second")
    assert command("remove", "first").output == "Removed machine/first.\n"
    assert "first" not in command("list").output


def test_the_list_shows_every_field(command: Command, tmp_path: Path, authority: Authority) -> None:
    command("add", *files(tmp_path, authority, "server-only"), "--scope", "user", "--name", "le")

    listed = command("list").output

    for words in (
        "user/le: can be used",
        f"names:      {FQDN}",
        "usages:     server authentication\n",
        "key:        P-256, private key readable",
        "chain:      2 certificates",
        "thumbprint:",
        "SHA-256:",
        "Warning: it is not made for client authentication",
    ):
        assert words in listed


def test_programs_get_the_list_as_json(command: Command, tmp_path: Path, authority: Authority) -> None:
    command("add", *files(tmp_path, authority, "wildcard"))
    (tmp_path / "certificates" / "machine" / "junk.pem").write_text("nothing")

    document = json.loads(command("list", "--json").output)

    (one,) = document["certificates"]
    assert not one["usable"]
    assert one["names"] == ["*.acme.test"]
    assert "wildcard" in one["problems"][0]
    assert "junk.pem" in document["problems"][0]


def test_an_unfit_one_is_refused_with_every_reason(command: Command, tmp_path: Path, authority: Authority) -> None:
    command("add", *files(tmp_path, authority, "wildcard"), "--name", "bad")

    result = command("activate", "bad")

    assert result.exit_code == 2
    assert "machine/bad: The certificate cannot be used because only the wildcard *.acme.test" in result.output


@pytest.mark.parametrize("how", ["file", "prompt"])
def test_a_pkcs12_file_is_added_with_its_password(
    command: Command, tmp_path: Path, authority: Authority, how: str
) -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
    from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

    issued = authority.issue(FQDN)
    key = load_pem_private_key(issued.key_pem, None)
    container = tmp_path / "connect.pfx"
    container.write_bytes(
        serialize_key_and_certificates(None, key, issued.leaf, None, BestAvailableEncryption(b"geheim"))  # type: ignore[arg-type]
    )
    (tmp_path / "password").write_text("geheim\n")

    if how == "file":
        result = command("add", str(container), "--password-file", str(tmp_path / "password"), "--name", "p12")
    else:
        result = command("add", str(container), "--name", "p12", input="geheim\n")

    assert result.exit_code == 0
    assert "Added machine/p12" in result.output
    assert "geheim" not in result.output


def test_a_wrong_password_is_a_sentence(command: Command, tmp_path: Path) -> None:
    (tmp_path / "connect.pfx").write_bytes(b"\x30\x82nothing")

    result = command("add", str(tmp_path / "connect.pfx"), input="x\n")

    assert result.exit_code == 2
    assert "the file is no PKCS#12 file at all" in result.output


def test_without_a_store_in_the_settings_it_says_what_to_write(
    command: Command, tmp_path: Path, authority: Authority
) -> None:
    chain, key = files(tmp_path, authority)
    config = tmp_path / "connect.toml"
    config.write_text(SETTINGS.replace('store = "certificates"', f"chain = '{chain}'\nkey = '{key}'"))

    result = command("list")

    assert result.exit_code == 2
    assert "write store = ... to choose from several" in result.output


def test_without_settings_it_says_how_to_give_them() -> None:
    result = CliRunner().invoke(main, ["certificates", "list"])

    assert result.exit_code == 2
    assert "--config FILE" in result.output
