"""The Connect Server's settings: a file that works, and every mistake in one that does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from fakes.ca import Authority
from simulator.connect_server.advice import warnings
from simulator.connect_server.settings import (
    EXAMPLE,
    CertificateFiles,
    DnsServer,
    Group,
    Listen,
    Location,
    OpenFederation,
    Route,
    ServerSettings,
    StaticRoutes,
    User,
    load,
)
from simulator.errors import ConfigurationError
from simulator.names import Fqdn, SipDomain, parse_host

MINIMAL = """\
domain = "acme.test"
fqdn = "connect.acme.test"
trusted_roots = "roots.pem"
[listen]
address = "127.0.0.1"
[certificate]
chain = "connect.chain.pem"
key = "connect.key.pem"
"""
"Eight lines; what a test adds begins on line 9."

Mistakes = Callable[[str], list[str]]


@pytest.fixture
def file(tmp_path: Path, authority: Authority) -> Path:
    issued = authority.issue("connect.acme.test")
    (tmp_path / "roots.pem").write_bytes(authority.root_pem)
    (tmp_path / "connect.chain.pem").write_bytes(issued.chain_pem)
    (tmp_path / "connect.key.pem").write_bytes(issued.key_pem)
    return tmp_path / "connect.toml"


@pytest.fixture
def mistakes(file: Path) -> Mistakes:
    """Loads a text and gives the mistakes, without the folder of the file."""

    def load_text(text: str) -> list[str]:
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError) as caught:
            load(file)
        assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
        return [str(problem).replace(f"{file.parent}{os.sep}", "") for problem in caught.value.problems]

    return load_text


def example_settings(folder: Path) -> ServerSettings:
    return ServerSettings(
        domain=SipDomain.parse("acme.test"),
        fqdn=Fqdn.parse("connect.acme.test"),
        listen=Listen(ip_address("127.0.0.1"), 5061),
        certificate=CertificateFiles(folder / "connect.chain.pem", folder / "connect.key.pem"),
        trusted_roots=folder / "roots.pem",
        dns=DnsServer(ip_address("127.0.0.1"), 5353),
        users=(
            User("alice", "Alice Example", True, location="Munich", group="Sales"),
            User("carol", "carol", office_plus=False),
        ),
        locations=(Location("Munich", True),),
        groups=(Group("Sales", True),),
        static_routes=StaticRoutes(
            True, (Route(SipDomain.parse("fabrikam.test"), parse_host("sip.fabrikam.test"), 5061),)
        ),
        open_federation=OpenFederation(True),
    )


@pytest.mark.cites("R27", "R32", "R33", "R35", "R43")
def test_the_example_is_loaded_as_it_reads(file: Path) -> None:
    file.write_text(EXAMPLE)

    assert load(file) == example_settings(file.parent)
    assert warnings(load(file)) == []


def test_the_example_shows_every_setting() -> None:
    from simulator.connect_server.tables import FileTable
    from simulator.toml.tables import Shape

    for table in Shape(FileTable).tables.values():
        for setting in table.model_fields:
            assert re.search(rf"^(# )?{setting} = |^\[\[?(\w+\.)?{setting}\]", EXAMPLE, re.MULTILINE), setting


def test_what_may_be_left_out_has_its_default(file: Path) -> None:
    file.write_text(MINIMAL + '[[static_routes.routes]]\ndomain = "b.test"\nhost = "b.test"\n[[users]]\nname = "bob"\n')

    settings = load(file)

    assert settings.listen.port == 5061
    assert settings.dns is None
    assert settings.users == (User("bob", "bob", federation=None, office_plus=True),)
    assert settings.static_routes == StaticRoutes(
        False, (Route(SipDomain.parse("b.test"), Fqdn.parse("b.test"), 5061, True),)
    )
    assert settings.open_federation == OpenFederation(False)


def test_windows_line_ends_and_byte_order_mark_do_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())

    assert load(file) == example_settings(file.parent)


def test_settings_cannot_change_under_a_running_server(tmp_path: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        example_settings(tmp_path).domain = SipDomain.parse("b.test")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("127.0.0.1", DnsServer(ip_address("127.0.0.1"), 53)),
        ("127.0.0.1:5353", DnsServer(ip_address("127.0.0.1"), 5353)),
        ("::1", DnsServer(ip_address("::1"), 53)),
        ("[::1]:5353", DnsServer(ip_address("::1"), 5353)),
    ],
)
def test_a_name_server_is_an_address_with_or_without_port(file: Path, text: str, server: DnsServer) -> None:
    file.write_text(f'{MINIMAL}[dns]\nserver = "{text}"')

    assert load(file).dns == server


# Users and routes


def test_a_user_is_found_in_any_case_of_letters(tmp_path: Path) -> None:
    settings = example_settings(tmp_path)

    assert settings.user("ALICE") == settings.users[0]
    assert settings.user("dave") is None


def test_a_route_is_used_while_it_and_static_routes_are_on() -> None:
    fabrikam, contoso = SipDomain.parse("fabrikam.test"), SipDomain.parse("contoso.test")
    off = Route(fabrikam, parse_host("old.fabrikam.test"), enabled=False)
    on = Route(fabrikam, parse_host("sip.fabrikam.test"))
    other = Route(contoso, parse_host("127.0.0.1"))

    assert StaticRoutes(True, (off, on, other)).route_to(fabrikam) is on
    assert StaticRoutes(True, (off, on, other)).route_to(contoso) is other
    assert StaticRoutes(True, (off, other)).route_to(fabrikam) is None
    assert StaticRoutes(False, (off, on, other)).route_to(contoso) is None
    assert StaticRoutes(True, (on,)).route_to(SipDomain.parse("sub.fabrikam.test")) is None


# Warnings


@pytest.mark.parametrize("fqdn", ["connect.acme.com", "acme.test", "a.b.acme.test"])
def test_a_name_that_breaks_the_name_rule_is_warned_of(tmp_path: Path, fqdn: str) -> None:
    settings = replace(example_settings(tmp_path), domain=SipDomain.parse("x.acme.test"), fqdn=Fqdn.parse(fqdn))

    (warning,) = warnings(settings)
    assert warning.place == "fqdn"
    assert fqdn in warning.message
    assert "R9" in warning.message
    assert "R52" in warning.message


def test_a_name_that_equals_the_domain_is_not_warned_of(tmp_path: Path) -> None:
    assert warnings(replace(example_settings(tmp_path), fqdn=Fqdn.parse("acme.test"))) == []


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_route_to_an_address_is_warned_of(tmp_path: Path, address: str) -> None:
    settings = example_settings(tmp_path)
    routes = (*settings.static_routes.routes, Route(SipDomain.parse("contoso.test"), parse_host(address)))

    (warning,) = warnings(replace(settings, static_routes=StaticRoutes(True, routes)))
    assert warning.place == "static_routes.routes[1].host"
    assert address in warning.message
    assert "R34" in warning.message


# Mistakes


def test_every_mistake_is_named_with_its_line_from_top_to_bottom(mistakes: Mistakes) -> None:
    text = MINIMAL.replace('"acme.test"', '"acme..test"') + (
        "[[users]]\n"
        'nmae = "alice"\n'
        "federation = 1\n"
        "[static_routes]\n"
        "enabled = true\n"
        "[[static_routes.routes]]\n"
        'domain = "fabrikam.test"\n'
        'host = "sip.fabrikam.test"\n'
        "[[static_routes.routes]]\n"
        'domain = "contoso.test"\n'
        'host = "*.contoso.test"\n'
        "port = 70000\n"
    )

    assert mistakes(text) == [
        "connect.toml, line 1, domain: 'acme..test' is not a valid name: it has an empty label (two dots in a row, or "
        "a dot at the start).",
        "connect.toml, line 9, users[0].name: It is missing; write name = ... in the table [[users]].",
        "connect.toml, line 10, users[0].nmae: There is no such setting; did you mean name?",
        "connect.toml, line 11, users[0].federation: 1 is no switch; write true or false, without quotation marks.",
        "connect.toml, line 19, static_routes.routes[1].host: '*.contoso.test' is not a valid name: '*' is a wildcard, "
        "which stands for names but is none.",
        "connect.toml, line 20, static_routes.routes[1].port: 70000 is no port; write a number from 1 to 65535.",
    ]


@pytest.mark.parametrize(
    ("added", "mistake"),
    [
        ("[dns]\nserver = 53", "line 10, dns.server: 53 is no text; write it in quotation marks."),
        (
            "[dns]\nserver = 'localhost'",
            'line 10, dns.server: "localhost" is no name server; write address or address:port, such as 127.0.0.1:53 '
            "or [::1]:53.",
        ),
        ("[dns]", "line 9, dns.server: It is missing; write server = ... in the table [dns]."),
        ("[open_federation]\nenabled = 'yes'", 'enabled: "yes" is no switch; write true or false, without quotation'),
        ("[[users]]\nname = 'a@acme.test'", 'users[0].name: "a@acme.test" holds an @; write only what stands before'),
        ("[[users]]\nname = 'a b'", 'line 10, users[0].name: "a b" cannot stand before an @'),
        ("[[users]]\nname = ''", 'line 10, users[0].name: "" cannot stand before an @'),
        (
            "[[users]]\nname = 'bob'\n[[users]]\nname = 'Bob'",
            'line 12, users[1].name: users[0] has the name "Bob" already.',
        ),
        ("[users]\nname = 'bob'", "line 9, users: a table stands where a list of tables is needed; begin each with"),
        ("users = 3", "users: There is no such setting here; begin each with a line [[users]]."),
        ("[[users]]\nname = 'a'\n[[users]]\n", "line 11, users[1].name: It is missing"),
        (
            "[open_federation]\nport = 1",
            "open_federation.port: There is no such setting here; write port = ... in the table [listen].",
        ),
        (
            "[open_federation]\nfoo = 1",
            "open_federation.foo: There is no such setting; known here are enabled, name_rule, aliases.",
        ),
        ("[Open-Federation]", "line 9, Open-Federation: There is no such setting; did you mean open_federation?"),
        ("[[routes]]", "routes: There is no such setting here; begin each with a line [[static_routes.routes]]."),
        ('["a b"]', "line 9, 'a b': There is no such setting; known here are domain, fqdn,"),
        ("['\\u001b[2J']", r"line 9, '\\u001b[2J': There is no such setting"),
        (
            "[[static_routes.routes]]\ndomain='b.test'\nhost='b.test'\n"
            "[[static_routes.routes]]\ndomain='B.test'\nhost='c.test'",
            "line 13, static_routes.routes[1].domain: static_routes.routes[0] leads to b.test already; only one",
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_write_instead(mistakes: Mistakes, added: str, mistake: str) -> None:
    (found,) = mistakes(MINIMAL + added + "\n")

    assert mistake in found


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (
            'domain = "acme.test"\n',
            "",
            "connect.toml, domain: It is missing; write domain = ... above the first table.",
        ),
        ("[listen]\n", "[listen]\nport = -1\n", "line 5, listen.port: -1 is no port; write a number from 0 to 65535."),
        ("[listen]\n", "[listen]\nport = true\n", "listen.port: true is no port"),
        ("[listen]\n", '[listen]\nport = "5061"\n', 'listen.port: "5061" is no port'),
        ('"127.0.0.1"', '"localhost"', 'listen.address: "localhost" is no IP address, such as 192.168.1.100 or ::1.'),
        ('fqdn = "connect.acme.test"', "fqdn = 7", "line 2, fqdn: 7 is no text"),
        ("connect.key.pem", "other.pem", "line 8, certificate.key: There is no file other.pem."),
        (
            '[listen]\naddress = "127.0.0.1"\n',
            "",
            "connect.toml, listen: It is missing; write a line [listen] and its settings below it.",
        ),
        (
            '[listen]\naddress = "127.0.0.1"\n',
            'listen = "127.0.0.1"\n',
            'line 4, listen: "127.0.0.1" stands where a table is needed; write a line [listen]',
        ),
    ],
)
def test_a_changed_line_is_named_with_what_to_write_instead(
    mistakes: Mistakes, old: str, new: str, mistake: str
) -> None:
    assert old in MINIMAL
    (found,) = mistakes(MINIMAL.replace(old, new))

    assert mistake in found


def test_one_of_two_routes_to_a_domain_may_be_switched_off(file: Path) -> None:
    file.write_text(
        MINIMAL
        + "[[static_routes.routes]]\ndomain='b.test'\nhost='b.test'\nenabled=false\n"
        + "[[static_routes.routes]]\ndomain='B.test'\nhost='c.test'\n"
    )

    assert len(load(file).static_routes.routes) == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("domain = \n", "connect.toml, line 1, column 10: This is no TOML: Invalid value"),
        ("a = 1\nb = 2\na = 3\n", "connect.toml, line 3, column "),
        ("[listen\n", "connect.toml, line 1, column "),
        ('a = 1\nb = "open', "connect.toml, line 2, column "),
    ],
)
def test_what_is_no_toml_is_named_with_line_and_column(mistakes: Mistakes, text: str, place: str) -> None:
    (found,) = mistakes(text)

    assert found.startswith(place)
    assert "This is no TOML: " in found


def test_a_file_that_is_not_there_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: The file cannot be read: No such file"):
        load(tmp_path / "none.toml")


def test_a_file_in_another_charset_is_named_with_the_line(file: Path) -> None:
    file.write_bytes(b'domain = "acme.test"\nfqdn = "\xe4"\n')

    with pytest.raises(ConfigurationError, match=r"connect\.toml, line 2: This is not UTF-8"):
        load(file)


def test_bottomless_nesting_is_a_mistake_not_a_crash(mistakes: Mistakes) -> None:
    assert len(mistakes("a = " + "[" * 100_000)) == 1


def test_settings_can_be_made_without_loading_pydantic() -> None:
    code = "import sys, simulator.connect_server.settings; sys.exit('pydantic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
