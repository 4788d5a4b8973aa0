"""The driver `http`: a server that implements the control API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel

from simulator.connect_server.control import models as m
from simulator.connect_server.control.contract import BY_ACTION, Operation
from simulator.io.transport import os_sentence
from simulator.sut.actions import ActionFailed, Refused, result_of
from simulator.sut.base import ServerUnderTest, Surroundings
from simulator.sut.remote import Identity, RemoteServer
from simulator.sut.settings import SutSettings

DEFAULT_TIMEOUT = 60.0


def http(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """The driver: asks the server who it is."""
    assert settings.http is not None
    where = settings.http
    return connect(around, where.url, where.token, timeout=where.timeout, settings=settings)


def connect(
    around: Surroundings,
    url: str,
    token: str,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    settings: SutSettings | None = None,
    on_close: Callable[[], object] = lambda: None,
) -> RemoteServer:
    """The server whose control API is at `url`; ActionFailed when it cannot be asked who it is."""
    actions = HttpActions(url, token, timeout)
    try:
        info = around.loop.run(actions.perform(BY_ACTION["describe"], {}))
        assert isinstance(info, m.ServerInfo)
        if info.contract.partition(".")[0] != m.VERSION.partition(".")[0]:
            raise ActionFailed(f"{url} speaks version {info.contract} of the control API; {m.VERSION} is needed.")
    except BaseException:
        around.loop.run(actions.close())
        raise
    users = {role: user.name for role, user in settings.users.items()} if settings else {}
    return RemoteServer(around, Identity.from_info(info, settings), actions, names=users, on_close=on_close)


class HttpActions:
    """Operations as HTTP requests; one connection is kept open."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self._url = url
        self._token = token
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    def can(self, action: str) -> bool:
        return action in BY_ACTION

    async def perform(self, operation: Operation, arguments: dict[str, Any]) -> BaseModel | None:
        path = operation.path.format(
            **{name: quote(str(arguments[name]), safe="") for name in operation.path_parameters}
        )
        body = None
        if operation.body is not None:
            fields = {name: arguments[name] for name in operation.body.model_fields if name in arguments}
            body = operation.body.model_validate(fields).model_dump_json(exclude_none=True).encode()
        query = {name: str(arguments[name]) for name in ("after", "wait")} if operation.feed else None
        timeout = self._timeout + float(arguments.get("wait", 0))
        status, answer = await self._exchange(operation, path, query, body, timeout)
        where = f"{operation.method} {self._url}{path}"
        if status >= 400:
            detail = answer.get("detail") or answer.get("title") if isinstance(answer, dict) else None
            told = f"{where} was answered {status}: {detail or 'no reason was given'}"
            raise Refused(told) if status in (409, 422) else ActionFailed(told)
        return result_of(operation, answer, where)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _exchange(
        self, operation: Operation, path: str, query: dict[str, str] | None, body: bytes | None, timeout: float
    ) -> tuple[int, object]:
        where = f"{operation.method} {self._url}{path}"
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            async with self._opened().request(
                operation.method,
                _verbatim(self._url + path),
                params=query,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                text = await response.text()
                if response.status == 204 or not text:
                    return response.status, None
                return response.status, await response.json(content_type=None)
        except TimeoutError:
            raise ActionFailed(f"{where} was not answered within {timeout:g} s.") from None
        except ValueError as error:
            raise ActionFailed(f"{where} was answered with what is no JSON.") from error
        except aiohttp.ClientConnectorError as error:
            raise ActionFailed(
                f"{where} got no connection ({os_sentence(error.os_error)}): start the server's control API, "
                "or correct url in the table [http]."
            ) from error
        except aiohttp.ClientError as error:
            raise ActionFailed(f"{where} failed: {error}.") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Authorization": f"Bearer {self._token}"}
            # Not the proxy of the environment: the server is on this machine, or at the end of a tunnel.
            self._session = aiohttp.ClientSession(headers=headers, trust_env=False)
        return self._session


def _verbatim(url: str) -> Any:
    from yarl import URL

    return URL(url, encoded=True)
