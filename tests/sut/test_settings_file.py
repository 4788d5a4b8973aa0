"""sut.toml: one that works, and every mistake in one that does not, with its line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.errors import ConfigurationError
from simulator.names import Fqdn, SipDomain
from simulator.sut.binding import read_bind
from simulator.sut.settings import Network, SutUser, load

Mistakes = Callable[[str], list[str]]

NAMED = 'domain = "acme.test"\nfqdn = "connect.acme.test"\naddress = "127.0.0.20"\n'
HTTP = '[sut]\ndriver = "http"\n[http]\nurl = "http://127.0.0.1:1"\ntoken = "t"\n'
"Five lines; what a test adds begins on line 6."
COMMAND = f'[sut]\ndriver = "command"\n{NAMED}[command.actions]\n'
"Six lines."


@pytest.fixture
def mistakes(tmp_path: Path) -> Mistakes:
    def load_text(text: str) -> list[str]:
        path = tmp_path / "sut.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError) as caught:
            load(path)
        return [str(problem).replace(f"{tmp_path}{os.sep}", "") for problem in caught.value.problems]

    return load_text


def test_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "control.token").write_text("secret\n")
    (tmp_path / "roots.pem").write_text("")
    (tmp_path / "sut.toml").write_text(
        '[sut]\ndriver = "http"\nname = "Connect 9"\n' + NAMED + "open_federation = true\n"
        'capabilities = ["chat"]\nwithout = ["typing"]\nprofile = "p.toml"\npreflight = false\nslow = true\n'
        'trusted_roots = "roots.pem"\n[sut.users.alice]\nname = "a.example"\n[sut.users.carol]\nfederation = false\n'
        '[sut.users.dave]\nfederation = false\n[network]\nbind = "10.0.0.5"\nports = "6000-6009"\ndns_port = 5300\n'
        'ca = "ca"\n[http]\nurl = "http://127.0.0.1:8061/"\ntoken_file = "control.token"\ntimeout = 5\n'
        "[options]\nx = 1\n"
    )

    settings = load(tmp_path / "sut.toml")

    assert (settings.driver, settings.name) == ("http", "Connect 9")
    assert (settings.domain, settings.fqdn) == (SipDomain.parse("acme.test"), Fqdn.parse("connect.acme.test"))
    assert settings.address == ("127.0.0.20", 5061)
    assert settings.capabilities == {"chat", "receive", "reach", "open-federation", "licences"}
    assert settings.without == {"typing"}
    assert settings.profile == tmp_path / "p.toml"
    assert (settings.preflight, settings.slow, settings.trusted_roots) == (False, True, tmp_path / "roots.pem")
    assert settings.users["alice"] == SutUser("a.example")
    assert settings.users["anna"] == SutUser("anna")
    assert settings.network == Network(read_bind("10.0.0.5"), (6000, 6009), 5300, tmp_path / "ca")
    assert settings.http is not None
    assert (settings.http.url, settings.http.token, settings.http.timeout) == ("http://127.0.0.1:8061", "secret", 5.0)
    assert "secret" not in repr(settings)
    assert settings.options == {"x": 1}


def test_a_driver_is_enough(tmp_path: Path) -> None:
    (tmp_path / "sut.toml").write_text('[sut]\ndriver = "embedded"\n')

    settings = load(tmp_path / "sut.toml")

    assert str(settings.server_fqdn) == "connect.acme.test"
    assert settings.network.dns == ("127.0.0.1", 0)


def test_all_mistakes_are_named_from_top_to_bottom(mistakes: Mistakes) -> None:
    found = mistakes(
        '[sut]\ndriver = "htpp"\ndomain = "acme..test"\ncapabilities = ["chat", "telepathy"]\nslow = "yes"\n'
        '[sut.users.alice]\nnmae = "x"\n[network]\nbind = "0.0.0.0"\nports = "9-3"\n'
    )

    assert [mistake.partition(": ")[0] for mistake in found] == [
        "sut.toml, line 2, sut.driver",
        "sut.toml, line 3, sut.domain",
        "sut.toml, line 4, sut.capabilities",
        "sut.toml, line 5, sut.slow",
        "sut.toml, line 7, sut.users.alice.nmae",
        "sut.toml, line 9, network.bind",
        "sut.toml, line 10, network.ports",
    ]
    assert "did you mean http?" in found[0]
    assert "did you mean name?" in found[4]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "sut.toml, sut: It is missing; write a line [sut] and its settings below it."),
        ("[sut]\n", "line 1, sut.driver: It is missing; write driver = ... in the table [sut]."),
        ("driver = 'http'\n[sut]\ndriver='embedded'", "line 1, driver: There is no such setting here; write driver = "),
        ('[sut]\ndriver = "http"\n', "http: It is missing; the driver http needs a table [http]."),
        ('[sut]\ndriver = "embedded"\n[http]\nurl="http://x"\ntoken="t"', "which reads no table [http]; take"),
        ('[sut]\ndriver = "wire-only"\ndomain="a.test"\nfqdn="a.test"', "line 1, sut.address: It is missing; the"),
        (HTTP.replace('token = "t"\n', ""), "line 3, http: Write either token or token_file"),
        (HTTP + 'token_file = "none"\n', "line 6, http.token_file: There is no file none."),
        (HTTP.replace("http://127.0.0.1:1", "127.0.0.1:1"), 'http.url: "127.0.0.1:1" is no base URL'),
        (HTTP + "timeout = 0\n", "line 6, http.timeout: 0 is no time; write seconds, more than 0"),
        (HTTP + "[sut.users]\nalice = 'x'\n", 'line 7, sut.users.alice: "x" stands where a table is needed'),
        (HTTP + "[network]\nbind = 'localhost'\n", 'line 7, network.bind: "localhost" is no IP address'),
        (HTTP + "[network]\nbind = '8.8.8.8'\n", "line 7, network.bind: 8.8.8.8 is a public address"),
        (HTTP + "[network]\nbind = '8.8.8.8'\npublic = '8.8.4.4'\n", 'write public = "8.8.8.8" beside it.'),
        (HTTP + "[network]\npublic = '8.8.8.8'\n", "network.public: It repeats what bind names, and there is no bind"),
        (HTTP + "[network]\nbind='10.0.0.1'\npublic = '10.0.0.2'\n", "what bind names, which is 10.0.0.1; take it"),
        (HTTP + "[network]\nbind='10.0.0.1, 8.8.8.8'\n", "8.8.8.8 is a public address"),
        (HTTP + "[network]\nbind='10.0.0.1/24'\n", '"10.0.0.1/24" is no range of addresses, such as 10.0.0.16/28'),
        (HTTP + "[network]\nbind='10.0.0.0/8'\n", '"10.0.0.0/8" are 16777216 addresses; 256 are enough'),
        (HTTP + "[network]\nbind=['10.0.0.0/24', '10.0.1.0/24']\n", "a list are 508 addresses; 256 are enough"),
        (HTTP + "[network]\nbind=[]\n", "network.bind: [] names no address"),
        (HTTP + "[network]\nports = '1-65536'\n", "network.ports: \"1-65536\" is no range of ports"),
        (HTTP + "[network]\ndns_port = 0\n", "network.dns_port: 0 is no port; write a number from 1 to 65535."),
        (HTTP.replace('"http"\n', '"http"\naddress = "x"\n', 1), 'line 3, sut.address: "x" is no place to connect to'),
        (
            HTTP.replace('"http"\n', '"http"\ncapabilities = ["chat"]\nwithout = ["chat"]\n', 1),
            'line 4, sut.without: "chat" stands in capabilities, too',
        ),
        (HTTP.replace('"http"\n', '"http"\ncapabilities = "chat"\n', 1), 'sut.capabilities: "chat" is no list'),
        (HTTP.replace('"http"\n', '"http"\nname = 9\n', 1), "line 3, sut.name: 9 is no text"),
        (COMMAND + 'send_mesage = ["x"]\n', "line 7, command.actions.send_mesage: There is no such action; did you"),
        (COMMAND + "send_message = []\n", "line 7, command.actions.send_message: a list is no command"),
        (COMMAND + 'send_message = "x {to}"\n', "command.actions.send_message: With shell = false a command is a list"),
        (COMMAND + 'send_message = ["x", "{too}"]\n', "{too} is no placeholder of it; there is {user}, {to}, {text}."),
        (COMMAND + 'list_users = ["x", "{user}"]\n', "{user} is no placeholder of it; there is none."),
        (COMMAND.replace(NAMED, ""), "sut.domain: It is missing; the driver command cannot ask the server for it."),
        ("[[sut]]\ndriver = 'http'\n", "sut: a list stands where a table is needed; write a line [sut]"),
        ("[sut]\ndriver = \n", "sut.toml, line 2, column 10: This is no TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_to_write_instead(mistakes: Mistakes, text: str, mistake: str) -> None:
    assert any(mistake in found for found in mistakes(text))


def test_a_public_address_that_is_asked_for_by_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "sut.toml").write_text(HTTP + "[network]\nbind = '8.8.8.8'\npublic = '8.8.8.8'\n")

    assert load(tmp_path / "sut.toml").network.bind == read_bind("8.8.8.8")


@pytest.mark.parametrize("written", ["'127.0.5.1, 127.0.5.2'", "['127.0.5.1', '127.0.5.2']", "'127.0.5.0/30'"])
def test_several_addresses_are_one_for_each_partner(tmp_path: Path, written: str) -> None:
    (tmp_path / "sut.toml").write_text(HTTP + f"[network]\nbind = {written}\n")

    network = load(tmp_path / "sut.toml").network

    assert network.bind is not None
    assert [str(one) for one in network.bind.addresses] == ["127.0.5.1", "127.0.5.2"]
    assert network.dns == ("127.0.5.1", 53)
