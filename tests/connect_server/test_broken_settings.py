"""Broken settings files: each gives all of its mistakes at once, with their lines and what to write instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes.ca import Authority
from simulator.connect_server.serve import read_settings
from simulator.errors import ConfigurationError

HEAD = """\
domain = "acme.test"
fqdn = "connect.acme.test"
trusted_roots = "roots.pem"
[listen]
address = "127.0.0.1"
[certificate]
chain = "connect.chain.pem"
key = "connect.key.pem"
"""
"Eight lines without a mistake; what a file adds begins on line 9."

ADDED = {
    "a group that is not there": (
        "[[users]]\nname = 'alice'\ngroup = 'Sales'\nlocation = 'Munich'\n[[locations]]\nname = 'Berlin'\n",
        [
            ("line 11, users[0].group", 'no group "Sales"; there is no group at all. Add it with a line [[groups]]'),
            ("line 12, users[0].location", 'no location "Munich"; there is "Berlin"'),
        ],
    ),
    "two of a name": (
        "[[groups]]\nname='A'\n[[groups]]\nname='a'\n[[locations]]\nname='B'\n[[locations]]\nname='B'\n",
        [
            ("line 12, groups[1].name", 'groups[0] has the name "a" already'),
            ("line 16, locations[1].name", 'locations[0] has the name "B" already'),
        ],
    ),
    "names of nothing": (
        "[[groups]]\nname = ''\n[[locations]]\nname = ' Munich'\n",
        [
            ("line 10, groups[0].name", '"" is no name'),
            ("line 12, locations[0].name", '" Munich" is no name; write at least one letter, and no blank'),
        ],
    ),
    "switches of all levels": (
        "[federation]\nenabled = 1\n[licences]\nserver = 'yes'\n[[groups]]\nname='A'\nfederation = 'on'\n"
        "[[users]]\nname = 'bob'\nfederation = 0\noffice_plus = 'true'\n",
        [
            ("line 10, federation.enabled", "1 is no switch"),
            ("line 12, licences.server", '"yes" is no switch'),
            ("line 15, groups[0].federation", '"on" is no switch'),
            ("line 18, users[0].federation", "0 is no switch"),
            ("line 19, users[0].office_plus", '"true" is no switch'),
        ],
    ),
    "words that are not known": (
        "[federation]\nprecedence = 'user'\n[certificate_rules]\nusage = 'client'\nauthority = true\n"
        "scopes = 'user'\nunsuitable = 'ignore'\n",
        [
            ("line 10, federation.precedence", '"user" is not known here; write "nearest" or "every"'),
            ("line 12, certificate_rules.usage", '"client" is not known here; write "server" or "both"'),
            ("line 13, certificate_rules.authority", 'true is not known here; write "any" or "recognised"'),
            ("line 14, certificate_rules.scopes", 'write "both" or "machine"'),
            ("line 15, certificate_rules.unsuitable", 'write "refuse" or "warn"'),
        ],
    ),
    "revocation and the name rule": (
        "[partner_certificates]\nrevocation = 'none'\nusage = 'both'\n[open_federation]\nname_rule = 'off'\n",
        [
            ("line 10, partner_certificates.revocation", 'write "off", "soft" or "hard"'),
            ("line 11, partner_certificates.usage", 'write "server" or "role"'),
            ("line 13, open_federation.name_rule", 'write "warn" or "refuse"'),
        ],
    ),
    "routes": (
        "[static_routes]\nenabled = 'no'\n[[static_routes.routes]]\ndomain = 'fabrikam'\nhost = 'sip fabrikam.test'\n"
        "port = 0\nprotocol = 'tcp'\n",
        [
            ("line 10, static_routes.enabled", '"no" is no switch'),
            ("line 12, static_routes.routes[0].domain", "at least two labels"),
            ("line 13, static_routes.routes[0].host", "space"),
            ("line 14, static_routes.routes[0].port", "0 is no port; write a number from 1"),
            ("line 15, static_routes.routes[0].protocol", "There is no such setting"),
        ],
    ),
    "three routes to one domain": (
        "".join(f"[[static_routes.routes]]\ndomain='b.test'\nhost='{name}.b.test'\n" for name in "abc"),
        [
            ("line 13, static_routes.routes[1].domain", "static_routes.routes[0] leads to b.test already"),
            ("line 16, static_routes.routes[2].domain", "static_routes.routes[0] leads to b.test already"),
        ],
    ),
    "an incomplete route": (
        "[[static_routes.routes]]\nenabled = true\n",
        [
            ("line 9, static_routes.routes[0].domain", "It is missing"),
            ("line 9, static_routes.routes[0].host", "It is missing"),
        ],
    ),
    "a table in the wrong shape": (
        "[groups]\nname = 'A'\n[[licences]]\nserver = true\n",
        [
            ("line 9, groups", "begin each with a line [[groups]]"),
            ("line 11, licences", "write a line [licences]"),
        ],
    ),
    "an unknown table and an unknown key": (
        "[lincences]\nserver = true\n[federation]\nprecedense = 'every'\n",
        [
            ("line 9, lincences", "did you mean licences?"),
            ("line 12, federation.precedense", "did you mean precedence?"),
        ],
    ),
    "a user twice, in any case of letters": (
        "".join(f"[[users]]\nname = '{name}'\n" for name in ("bob", "BOB", "Bob")),
        [
            ("line 12, users[1].name", 'users[0] has the name "BOB" already'),
            ("line 14, users[2].name", 'users[0] has the name "Bob" already'),
        ],
    ),
    "users that cannot be addressed": (
        "[[users]]\nname = 'a@b'\n[[users]]\nname = 'a b'\n[[users]]\nname = 7\n[[users]]\ndisplay_name = 'X'\n",
        [
            ("line 10, users[0].name", "holds an @"),
            ("line 12, users[1].name", "cannot stand before an @"),
            ("line 14, users[2].name", "7 is no text"),
            ("line 15, users[3].name", "It is missing"),
        ],
    ),
    "name servers": (
        "[dns]\nserver = '127.0.0.1:99999'\nsearch = 'acme.test'\n",
        [("line 10, dns.server", "is no name server"), ("line 11, dns.search", "There is no such setting")],
    ),
    "a user's place without text": (
        "[[users]]\nname = 'bob'\ngroup = 1\nlocation = ['Munich']\n",
        [("line 11, users[0].group", "1 is no text"), ("line 12, users[0].location", "a list is no text")],
    ),
}
"What stands below HEAD, and every mistake in it."

CHANGED = {
    "no domain and no port": (
        ('domain = "acme.test"\n', ""),
        ('address = "127.0.0.1"', 'address = "127.0.0.1"\nport = -1'),
        [("domain", "write domain = ... above the first table"), ("line 5, listen.port", "-1 is no port")],
    ),
    "names that are none": (
        ('"acme.test"', '"acme_x.test"'),
        ('"connect.acme.test"', '"*.acme.test"'),
        [("line 1, domain", "underscore"), ("line 2, fqdn", "wildcard")],
    ),
    "files that are not there": (
        ("roots.pem", "no-roots.pem"),
        ("connect.chain.pem", "none.pem"),
        [("line 3, trusted_roots", "There is no file"), ("line 7, certificate.chain", "There is no file")],
    ),
    "files that hold something else": (
        ("roots.pem", "connect.key.pem"),
        ("connect.chain.pem", "connect.key.pem"),
        [
            ("line 3, trusted_roots", "holds no PEM certificates"),
            ("line 7, certificate.chain", "holds no PEM certificates"),
        ],
    ),
    "a key of another certificate and a wrong address": (
        ("connect.key.pem", "other.key.pem"),
        ('"127.0.0.1"', '"127.0.0.300"'),
        [("line 5, listen.address", "is no IP address"), ("line 6, certificate", "that of another certificate")],
    ),
    "no key": (
        ('key = "connect.key.pem"\n', ""),
        ('"acme.test"', "7"),
        [("line 1, domain", "7 is no text"), ("line 6, certificate", "The key is missing")],
    ),
    "two sources of the certificate": (
        ('key = "connect.key.pem"', 'key = "connect.key.pem"\nstore = "certificates"'),
        ('fqdn = "connect.acme.test"\n', ""),
        [("fqdn", "It is missing"), ("line 5, certificate", "either chain = ... and key = ..., or store = ... alone")],
    ),
    "no source of the certificate": (
        ('chain = "connect.chain.pem"\n', ""),
        ('key = "connect.key.pem"\n', ""),
        [("line 6, certificate", "either chain = ... and key = ..., or store = ... alone")],
    ),
    "a store that is a file": (
        ('chain = "connect.chain.pem"\n', 'store = "roots.pem"\n'),
        ('key = "connect.key.pem"\n', "[federation]\nprecedence = 1\n"),
        [
            ("line 7, certificate.store", "a store is a folder"),
            ("line 9, federation.precedence", "1 is not known here"),
        ],
    ),
    "no certificate and no interface": (
        ('[certificate]\nchain = "connect.chain.pem"\nkey = "connect.key.pem"\n', ""),
        ('[listen]\naddress = "127.0.0.1"\n', ""),
        [("listen", "write a line [listen]"), ("certificate", "write a line [certificate]")],
    ),
}
"Two lines of HEAD with something else in their place, and every mistake."

UNFIT = {
    "a wildcard certificate": ("wildcard", "", [("line 6, certificate", "the wildcard *.acme.test would fit")]),
    "a certificate of another name": ("wrong-name", "", [("line 6, certificate", "not to connect.acme.test")]),
    "an expired certificate": ("expired", "", [("line 6, certificate", "it expired on")]),
    "one that is not valid yet": ("not-yet-valid", "", [("line 6, certificate", "is not valid before")]),
    "one for clients only": ("client-only", "", [("line 6, certificate", "not made for server authentication")]),
    "one with a weak key": ("rsa-1024", "", [("line 6, certificate", "1024 bits")]),
    "a self-signed one": ("self-signed", "", [("line 6, certificate", "self-signed")]),
    "one for servers only, where both are wanted": (
        "server-only",
        "[certificate_rules]\nusage = 'both'\n",
        [("line 6, certificate", "not made for client authentication")],
    ),
    "one of an unknown authority, where a known one is wanted": (
        "untrusted",
        "[certificate_rules]\nauthority = 'recognised'\n",
        [("line 6, certificate", "is not trusted here")],
    ),
    "a name that breaks the rule, where it is enforced, and an expired certificate": (
        "expired",
        "[open_federation]\nenabled = true\nname_rule = 'refuse'\n",
        [("line 2, fqdn", "does not lie in"), ("line 6, certificate", "it expired on")],
    ),
}
"Files without a mistake, whose certificate is not fit for use."


@pytest.fixture
def folder(tmp_path: Path, authority: Authority) -> Path:
    issued, other = authority.issue("connect.acme.test"), authority.issue("other.acme.test")
    (tmp_path / "roots.pem").write_bytes(authority.root_pem)
    (tmp_path / "connect.chain.pem").write_bytes(issued.chain_pem)
    (tmp_path / "connect.key.pem").write_bytes(issued.key_pem)
    (tmp_path / "other.key.pem").write_bytes(other.key_pem)
    return tmp_path


def must_name(folder: Path, text: str, expected: list[tuple[str, str]]) -> None:
    """The file gives these mistakes and no other, from top to bottom."""
    file = folder / "connect.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_settings(file)
    found = [str(problem).replace(f"{folder}{os.sep}", "") for problem in caught.value.problems]
    assert len(found) == len(expected), found
    for problem, (place, words) in zip(found, expected, strict=True):
        assert problem.startswith(f"connect.toml, {place}: "), found
        assert words in problem, found


def test_the_head_itself_is_without_mistake(folder: Path) -> None:
    (folder / "connect.toml").write_text(HEAD)

    read_settings(folder / "connect.toml")


def test_there_are_enough_of_them() -> None:
    assert len(ADDED) + len(CHANGED) + len(UNFIT) >= 30


@pytest.mark.parametrize("what", ADDED)
def test_what_was_added_is_named_with_all_its_mistakes(folder: Path, what: str) -> None:
    added, expected = ADDED[what]

    must_name(folder, HEAD + added, expected)


@pytest.mark.parametrize("what", CHANGED)
def test_what_was_changed_is_named_with_all_its_mistakes(folder: Path, what: str) -> None:
    first, second, expected = CHANGED[what]
    text = HEAD
    for old, new in (first, second):
        assert old in text
        text = text.replace(old, new, 1)

    must_name(folder, text, expected)


@pytest.mark.parametrize("what", UNFIT)
def test_an_unfit_certificate_is_a_mistake_of_the_file(folder: Path, authority: Authority, what: str) -> None:
    profile, added, expected = UNFIT[what]
    text = HEAD
    if "name that breaks" in what:
        text = text.replace('fqdn = "connect.acme.test"', 'fqdn = "connect.other.test"')
    issued = authority.issue("connect.other.test" if "name that breaks" in what else "connect.acme.test", profile)
    (folder / "connect.chain.pem").write_bytes(issued.chain_pem)
    (folder / "connect.key.pem").write_bytes(issued.key_pem)

    must_name(folder, text + added, expected)


def test_a_store_without_an_active_certificate_says_how_to_choose_one(folder: Path) -> None:
    text = HEAD.replace('chain = "connect.chain.pem"\nkey = "connect.key.pem"\n', 'store = "certificates"\n')

    must_name(folder, text, [("line 7, certificate.store", "activate NAME` chooses one")])
