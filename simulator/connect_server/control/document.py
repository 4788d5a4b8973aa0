"""The contract as an OpenAPI 3.1 document and as a page for people, both made from the table of operations."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from simulator.connect_server.control.contract import OPERATIONS, Operation
from simulator.connect_server.control.models import LONGEST_WAIT, VERSION, Failure

PATH: Final = "/openapi.json"
FILE: Final = Path(__file__).with_name("openapi.json")
"The document as it is shipped."
PAGE: Final = Path(__file__).with_name("README.md")
"The page as it is shipped."

_SCHEMAS = "#/components/schemas/"
_DESCRIPTION = (
    "A server under test that offers this API can be driven by sipfed: tests act as its users and administrator. "
    "Listen on loopback, or behind a tunnel, and take only requests with the bearer token. An operation whose "
    "capability the server does not name in `describe` need not exist; the scenarios that need it are then skipped. "
    "Errors are problem+json with one sentence in `detail`."
)


@cache
def text() -> str:
    """The OpenAPI document as JSON."""
    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"


def build() -> dict[str, Any]:
    """The OpenAPI document."""
    models = {model for operation in OPERATIONS for model in (operation.body, operation.result) if model} | {Failure}
    _, schemas = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template=_SCHEMAS + "{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "sipfed control API", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas["$defs"],
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": operation.id, "summary": operation.summary}
    about = operation.description
    if operation.capability:
        about += f"{' ' if about else ''}Capability: `{operation.capability}`."
        made["x-capability"] = operation.capability
    if about:
        made["description"] = about
    parameters = [_parameter(name) for name in operation.path_parameters] + (_FEED if operation.feed else [])
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        made["requestBody"] = {"required": True, "content": _content(operation.body.__name__)}
    done: dict[str, Any] = {"204": {"description": "Done."}}
    if operation.result is not None:
        about_result = (operation.result.__doc__ or "").strip()
        done = {"200": {"description": about_result, "content": _content(operation.result.__name__)}}
    failure = {"description": "What is wrong.", "content": _content("Failure", "application/problem+json")}
    made["responses"] = {**done, "default": failure}
    return made


def _content(model: str, media_type: str = "application/json") -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _SCHEMAS + model}}}


_ABOUT_PARAMETERS: Final = {
    "user": "What stands before the @ of a user of the server.",
    "to": "`sip:user@domain`, percent-encoded.",
    "domain": "The partner's SIP domain.",
    "name": "The name for people; upper and lower case are the same.",
    "fingerprint": "SHA-256 in hexadecimal digits, or so much of it that no other begins so.",
    "id": "From the answer that started it.",
}
_FEED: Final = [
    {
        "name": "after",
        "in": "query",
        "description": "The cursor: `next` of the answer before; 0 for the beginning of the test.",
        "schema": {"type": "integer", "minimum": 0, "default": 0},
    },
    {
        "name": "wait",
        "in": "query",
        "description": "Seconds that the answer may be held back while there is nothing.",
        "schema": {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
    },
]


def _parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _ABOUT_PARAMETERS[name],
        "schema": {"type": "string"},
    }
