"""How the operations of the control API are done with a server: by HTTP, by commands, or by a person."""

from __future__ import annotations

from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from simulator.connect_server.control.contract import Operation
from simulator.errors import SipfedError


class ActionFailed(SipfedError):
    """The server under test, or what drives it, did not do what it was told; the text says what came instead."""


class Refused(ActionFailed):
    """The server under test was told, and says no: it could be asked, but not for that."""


class Actions(Protocol):
    """One way to have operations done; all calls are made on the loop."""

    def can(self, action: str) -> bool:
        """Whether there is a way to do it at all."""

    async def perform(self, operation: Operation, arguments: dict[str, Any]) -> BaseModel | None:
        """Do it and return its result; ActionFailed says why that did not work."""

    async def close(self) -> None:
        """Let go of what is held."""


def result_of(operation: Operation, answer: object, where: str) -> BaseModel | None:
    """The result of an operation from its JSON; ActionFailed with every field that is not as the contract says."""
    if operation.result is None:
        return None
    try:
        return operation.result.model_validate(answer)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'all'}: {each['msg']}" for each in error.errors())
        raise ActionFailed(f"{where}: the answer to {operation.id} is not as the contract says: {found}.") from error
