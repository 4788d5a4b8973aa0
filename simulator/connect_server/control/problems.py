"""Errors of the control API as problem+json (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from pydantic import ValidationError

from simulator.errors import SipfedError

CONTENT_TYPE = "application/problem+json"


class ControlError(SipfedError):
    """A request that cannot be fulfilled; the text is the `detail` of the problem."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """The answer for an error."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return web.json_response(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def mistakes_of(error: ValidationError) -> str:
    """All that is wrong with a body or a query, as one sentence."""
    found = [f"{'.'.join(map(str, each['loc'])) or 'the body'}: {each['msg']}" for each in error.errors()]
    return f"The request is not as the contract says: {'; '.join(found)}."
