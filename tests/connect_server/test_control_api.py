"""The control API over HTTP: who may use it, what it answers, and how its mistakes read."""

from __future__ import annotations

import json
import stat
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote

import jsonschema
import pytest

from simulator.connect_server.control import document
from simulator.connect_server.control.contract import OPERATIONS
from simulator.connect_server.control.service import read_token, token_from
from simulator.errors import ConfigurationError
from simulator.federation import Engine, Federation
from simulator.names import Fqdn, SipDomain
from simulator.sut.embedded import default_settings
from simulator.sut.process import ServerProcess, as_toml


class Client:
    """Asks a server and checks every answer against the OpenAPI document that the server itself hands out."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.document = self._fetch("GET", "/openapi.json")[1]

    def ask(self, operation_id: str, body: object = None, *, query: str = "", **path: str) -> Any:
        operation = next(one for one in OPERATIONS if one.id == operation_id)
        place = operation.path.format(**{name: quote(value, safe="") for name, value in path.items()})
        status, answer, _ = self._fetch(operation.method, place + query, body)
        described = self.document["paths"][operation.path][operation.method.lower()]["responses"]
        response = described.get(str(status), described["default"])
        if content := response.get("content"):
            (media,) = content.values()
            jsonschema.validate(answer, {**media["schema"], "components": self.document["components"]})
        else:
            assert answer is None
        return answer

    def raw(self, method: str, path: str, data: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
        return self._fetch(method, path, data=data, headers=headers)

    def _fetch(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, Any]:
        content = data if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        request = urllib.request.Request(self.url + path, content, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null"), response.headers
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"null"), error.headers


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    try:
        engine.start_embedded()
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="module")
def server(engine: Engine) -> Iterator[ServerProcess]:
    domain, fqdn = SipDomain.parse("other.test"), Fqdn.parse("connect.other.test")
    settings = default_settings(engine.surroundings, domain, fqdn, engine.authority.issue(str(fqdn)))
    process = ServerProcess(engine.authority.write_file("connect.toml", as_toml(settings).encode()))
    engine.publish(settings.domain, settings.fqdn, str(settings.listen.address), settings.listen.port)
    yield process
    process.close()


@pytest.fixture
def api(server: ServerProcess) -> Iterator[Client]:
    client = Client(server.url, server.token)
    client.ask("beginTest", {"name": "a test"})
    yield client
    assert client.ask("endTest") == {"errors": []}


@pytest.fixture
def federation(engine: Engine) -> Iterator[Federation]:
    federation = Federation(engine)
    yield federation
    federation.close()


# Who may use it


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic {token}", "Bearer {token}x", "Bearer gr\xfcn"])
def test_without_the_token_nothing_is_answered(api: Client, given: str) -> None:
    status, answer, headers = api.raw("GET", "/server", Authorization=given.format(token=api.token))

    assert status == 401
    assert headers["Content-Type"].startswith("application/problem+json")
    assert headers["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer <token>" in answer["detail"]


def test_the_contract_can_be_read_without_the_token(api: Client) -> None:
    status, answer, _ = api.raw("GET", "/openapi.json", Authorization="")

    assert status == 200
    assert answer == json.loads(document.text())


def test_a_token_is_made_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "control.token"

    token = token_from(path)

    assert len(token) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token_from(path) == token
    assert token_from(tmp_path / "other.token") != token


def test_a_token_file_that_cannot_serve_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigurationError, match="holds no token"):
        token_from(tmp_path / "empty")
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_token(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        token_from(tmp_path / "no folder" / "token")


# Mistakes


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "words"),
    [
        ("GET", "/nothing", None, 404, "There is nothing at /nothing; /openapi.json lists what there is."),
        ("DELETE", "/server", None, 405, "/server takes GET, not DELETE."),
        ("GET", "/users/nobody/messages", None, 404, "there is no user 'nobody'; there is alice, anna, carol, dave."),
        ("POST", "/users/alice/messages", b"{", 400, "The body is no JSON"),
        ("POST", "/users/alice/messages", b"{}", 400, "to: Field required; text: Field required"),
        ("POST", "/users/alice/messages", b'{"to":"a@b.test","text":"x","txet":1}', 400, "txet: Extra inputs"),
        ("POST", "/users/alice/messages", b'{"to":"sip:","text":"x"}', 422, "sip:"),
        ("POST", "/users/alice/messages", b'"' + b"x" * 300_000 + b'"', 413, "at most 262144 bytes"),
        ("GET", "/users/alice/messages?after=-1&wait=61", None, 400, "after: Input should be greater"),
        ("GET", "/users/alice/messages?aftr=1", None, 400, "aftr: Extra inputs"),
        ("PUT", "/users/alice/presence", b'{"availability":"asleep"}', 400, "availability: Input should be"),
        ("PUT", "/routes/a..b", b'{"host":"x.test"}', 422, "'a..b' is not a valid name"),
        ("PATCH", "/routes/b.test", b'{"enabled":true}', 404, "there is no such static route"),
        ("DELETE", "/instances/7", None, 404, "There is no instance '7'."),
        ("PUT", "/certificates/ffffff/active", None, 422, "It names no certificate; there is"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(
    api: Client, method: str, path: str, data: bytes | None, status: int, words: str
) -> None:
    answered, problem, headers = api.raw(method, path, data)

    assert (answered, problem["status"]) == (status, status)
    assert headers["Content-Type"].startswith("application/problem+json")
    assert words in problem["detail"]
    jsonschema.validate(problem, api.document["components"]["schemas"]["Failure"])


# What it does


def test_it_says_who_it_is(api: Client) -> None:
    info = api.ask("describe")

    assert (info["domain"], info["fqdn"]) == ("other.test", "connect.other.test")
    assert "chat" in info["capabilities"]
    assert api.ask("readHealth") == {"ok": True, "reason": ""}
    assert [user["name"] for user in api.ask("listUsers")["items"] if user["federates"]] == ["alice", "anna"]


def test_a_read_waits_until_there_is_something(api: Client, federation: Federation) -> None:
    bob = federation.partner().user("bob")
    answers: list[Any] = []
    reader = threading.Thread(
        target=lambda: answers.append(api.ask("readInbox", user="alice", query="?after=0&wait=50"))
    )
    reader.start()

    bob.chat_with("alice@other.test").say("Hello").must_succeed()

    reader.join(40)
    (answer,) = answers
    assert [item["text"] for item in answer["items"]] == ["Hello"]
    assert answer["next"] == 1
    assert api.ask("readInbox", user="alice", query="?after=1&wait=0.01") == {"items": [], "next": 1}


def test_a_user_chats_types_watches_and_decides(api: Client, federation: Federation) -> None:
    bob = federation.partner().user("bob")
    bob.ignores("typing")
    delivery = api.ask("sendMessage", {"to": bob.uri, "text": "Hello"}, user="alice")
    assert (delivery["delivered"], delivery["status"]) == (True, 200)
    bob.expect_message("Hello", from_="alice@other.test")
    assert api.ask("showTyping", {"to": bob.uri}, user="alice")["phase"]
    api.ask("endChat", user="alice", to=bob.uri)

    assert api.ask("watch", user="alice", to=bob.uri)["delivered"]
    seen = api.ask("readSeen", user="alice", query="?wait=20")["items"]
    assert (seen[0]["presentity"], seen[0]["availability"]) == (bob.uri, "available")
    assert [one["uri"] for one in api.ask("readRoster", user="alice")["items"]] == [bob.uri]
    assert {"user": "sip:alice@other.test", "other": bob.uri, "watching": True} in (
        api.ask("listSubscriptions")["items"]
    )
    assert api.ask("readWatchStates", user="alice", query="?wait=20")["items"][-1]["state"] == "active"
    assert api.ask("unwatch", user="alice", to=bob.uri)["delivered"]

    api.ask("setConsent", {"policy": "ask"}, user="alice")
    watch = bob.watch("alice@other.test")
    watch.expect_state("pending")
    assert bob.uri in api.ask("readWatchers", user="alice", query="?wait=20")["items"]
    api.ask("answerConsent", {"allowed": True}, user="alice", to=bob.uri)
    watch.expect("available")
    api.ask("setPresence", {"availability": "busy", "note": "in a call"}, user="alice")
    watch.expect("busy", note="in a call")
    assert api.ask("readTyping", user="alice") == {"items": [], "next": 0}


def test_an_administrator_changes_ways_and_licences_and_the_end_of_the_test_undoes_it(
    api: Client, federation: Federation
) -> None:
    before = api.ask("readOrganisation")
    api.ask("putRoute", {"host": "sip.fabrikam.test", "enabled": False}, domain="fabrikam.test")
    api.ask("switchRoute", {"enabled": True}, domain="fabrikam.test")
    route = {"domain": "fabrikam.test", "host": "sip.fabrikam.test", "port": 5061, "enabled": True}
    assert api.ask("listRoutes") == {"items": [route]}
    api.ask("deleteRoute", domain="fabrikam.test")
    assert api.ask("listRoutes") == {"items": []}
    switches = api.ask("changeSwitches", {"open_federation": False})
    assert switches == {"static_routes": True, "open_federation": False}

    api.ask("putLocation", {"federation": False}, name="Munich")
    api.ask("putGroup", {"federation": None}, name="Sales")
    assert api.ask("changeUser", {"location": "Munich", "group": "Sales"}, user="alice")["federates"] is False
    assert api.ask("changeUser", {"federation": True}, user="alice")["federates"] is True
    assert api.ask("changeUser", {"office_plus": False}, user="alice")["federates"] is False
    changed = api.ask("changeOrganisation", {"server_licence": False, "federation": False})
    assert (changed["server_licence"], changed["federation"]) == (False, False)

    api.ask("endTest")
    api.ask("beginTest", {})
    assert api.ask("readOrganisation") == before
    assert api.ask("changeSwitches", {})["open_federation"] is True
    assert next(user for user in api.ask("listUsers")["items"] if user["name"] == "alice")["federates"] is True


def test_what_the_server_decides_is_in_its_log_until_the_next_test(api: Client, federation: Federation) -> None:
    bob = federation.partner(srv=False).user("bob")
    bob.chat_with("alice@other.test").say("Trust me").must_fail()

    found = api.ask("readLog", query="?wait=10")["items"]
    assert any("refused" in sentence for sentence in found)
    assert api.ask("listConnections")["items"][0]["outgoing"] is False

    api.ask("beginTest", {})
    assert api.ask("readLog")["items"] == []


def test_another_server_is_started_and_stopped(api: Client, engine: Engine) -> None:
    issued = engine.authority.issue("connect.third.test")
    address, port = engine.addresses.take()
    instance = api.ask(
        "startInstance",
        {
            "domain": "third.test",
            "fqdn": "connect.third.test",
            "certificate_chain": issued.chain_pem.decode(),
            "private_key": issued.key_pem.decode(),
            "address": address,
            "port": port,
        },
    )
    third = Client(instance["url"], instance["token"])
    assert third.ask("describe")["domain"] == "third.test"
    assert third.raw("GET", "/server", Authorization=f"Bearer {api.token}")[0] == 401

    api.ask("stopInstance", id=instance["id"])
    with pytest.raises(URLError):
        third.ask("describe")


def test_time_passes_when_told(api: Client, federation: Federation) -> None:
    bob = federation.partner().user("bob")
    api.ask("watch", user="alice", to=bob.uri)
    states = api.ask("readWatchStates", user="alice", query="?wait=20")
    assert [one["state"] for one in states["items"]][-1] == "active"

    api.ask("advanceClock", {"seconds": 48 * 3600})

    later = api.ask("readWatchStates", user="alice", query=f"?after={states['next']}&wait=20")["items"]
    assert later[0]["state"] == "terminated", "the subscription has expired, for the partner's clock stood still"
