"""The control API as a page for somebody who implements it, made of the contract and the capabilities."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from simulator.connect_server.control.contract import OPERATIONS, Operation
from simulator.connect_server.control.models import VERSION
from simulator.sut.capabilities import CAPABILITIES

_HEAD = f"""\
# The control API, version {VERSION}

A server that offers this HTTP API can be tested by sipfed without a line of Python: tests act as its users and as its
administrator. The embedded Connect Server offers it, too (`sipfed connect-server --config connect.toml --control
127.0.0.1:8061`), so there is a model to try things on. `openapi.json` beside this page is the same contract for
programs; a running server has it at `/openapi.json`.

Write into `sut.toml` (`sipfed init` makes one):

```toml
[sut]
driver = "http"
[http]
url = "http://127.0.0.1:8061"
token_file = "control.token"
```

Rules for all operations:

- Every request has the header `Authorization: Bearer <token>`; without it the answer is 401. Listen on loopback, or
  behind a tunnel: whoever has the token commands the server.
- Bodies are JSON. An error is `application/problem+json` (RFC 9457) with one sentence in `detail`, which ends up in the
  report of the test. That a message cannot be delivered is no error: it is a delivery with `delivered: false`.
- Users go by what stands before the @, people at partners by `sip:user@domain`, percent-encoded in paths.
- Reads with `after` and `wait` go on from a cursor and may be held back, so that nobody asks again and again.
- Only `describe` is needed. Each other operation belongs to a capability: name those in the answer to `describe` that
  you have, and the scenarios that need others are skipped, with the reason. `sipfed probe` shows which ones work.
- `beginTest` and `endTest` may be left out as well if every other change can be taken back by the API itself.

"""


def page() -> str:
    """The page, as Markdown."""
    return _HEAD + "\n".join([*_capabilities(), "", *_operations()])


def _capabilities() -> Iterator[str]:
    yield "## Capabilities\n"
    yield "| word | what tests may do then | operations |"
    yield "| --- | --- | --- |"
    for name, capability in CAPABILITIES.items():
        ids = ", ".join(f"`{one.id}`" for one in OPERATIONS if one.capability == name)
        yield f"| `{name}` | {capability.about} | {ids} |"


def _operations() -> Iterator[str]:
    yield "## Operations\n"
    for operation in OPERATIONS:
        yield f"### {operation.id}\n"
        query = "?after=…&wait=…" if operation.feed else ""
        yield f"`{operation.method} {operation.path}{query}`\n"
        yield f"{operation.summary} {operation.description}".strip() + "\n"
        if operation.capability:
            yield f"Capability: `{operation.capability}`.\n"
        yield from _fields("Takes", operation.body)
        yield from _fields("Answers", operation.result, operation)


def _fields(verb: str, model: type[BaseModel] | None, operation: Operation | None = None) -> Iterator[str]:
    if model is None:
        if operation is not None:
            yield "Answers 204, without a body.\n"
        return
    yield f"{verb} `{model.__name__}`: {(model.__doc__ or '').strip()}\n"
    for name, field in model.model_fields.items():
        must = "" if field.is_required() else " (may be left out)"
        yield f"- `{name}`{must}" + (f": {field.description}" if field.description else "")
    yield ""
