"""The control API as an HTTP server: routes from the contract, a bearer token, problems in sentences."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.connect_server.control import document
from simulator.connect_server.control.contract import OPERATIONS, Operation
from simulator.connect_server.control.handlers import Handlers
from simulator.connect_server.control.models import LONGEST_WAIT
from simulator.connect_server.control.problems import ControlError, mistakes_of, problem
from simulator.errors import ConfigurationError, InvalidName, RemoteProtocolError

OPEN_PATHS = frozenset({document.PATH})
"What may be read without the token: the contract itself."
LARGEST_BODY = 256 * 1024
"Bytes of a request body."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ReadOn(BaseModel):
    """The query of a feed."""

    model_config = ConfigDict(extra="forbid")
    after: int = Field(0, ge=0)
    wait: float = Field(0, ge=0, le=LONGEST_WAIT)


def make_app(handlers: Handlers, token: str) -> web.Application:
    """The application for one server; whoever has `token` may do everything."""
    app = web.Application(middlewares=[_problems, _guard(token)], client_max_size=LARGEST_BODY)
    app.router.add_get(document.PATH, _send_document)
    for operation in OPERATIONS:
        action = getattr(handlers, operation.action)
        app.router.add_route(operation.method, operation.path, _handler(operation, action))
    return app


async def _send_document(_request: web.Request) -> web.StreamResponse:
    return web.json_response(text=document.text())


def _handler(operation: Operation, action: Callable[..., Awaitable[BaseModel | None]]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        arguments: dict[str, Any] = dict(request.match_info)
        if operation.body is not None:
            body = operation.body.model_validate(await _json(request))
            arguments |= {name: getattr(body, name) for name in operation.body.model_fields}
        if operation.feed:
            arguments |= ReadOn.model_validate(dict(request.query)).model_dump()
        result = await action(**arguments)
        if result is None:
            return web.Response(status=204)
        return web.json_response(text=result.model_dump_json())

    return handle


async def _json(request: web.Request) -> object:
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ControlError(400, "The body is no JSON; send an object as the contract says.") from None


def _guard(token: str) -> Any:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if request.path not in OPEN_PATHS and not hmac.compare_digest(given, expected):
            detail = "The bearer token is missing or wrong; send the header `Authorization: Bearer <token>`."
            return problem(401, detail, {"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return guard


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error that is the client's to mend into a sentence."""
    try:
        return await handler(request)
    except ControlError as error:
        return problem(error.status, str(error))
    except ValidationError as error:
        return problem(400, mistakes_of(error))
    except (ConfigurationError, InvalidName, RemoteProtocolError) as error:
        return problem(422, str(error))
    except web.HTTPNotFound:
        return problem(404, f"There is nothing at {request.path}; {document.PATH} lists what there is.")
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        return problem(405, f"{request.path} takes {allowed}, not {request.method}.", {"Allow": allowed})
    except web.HTTPRequestEntityTooLarge:
        return problem(413, f"The body is too large; at most {LARGEST_BODY} bytes are taken.")
