"""The contract as it is written down: valid, complete, and the same in every form."""

from __future__ import annotations

import inspect
import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from simulator.connect_server.control import document
from simulator.connect_server.control.contract import OPERATIONS, Operation
from simulator.connect_server.control.handlers import Handlers
from simulator.connect_server.serve import CAPABILITIES as OFFERED
from simulator.sut.capabilities import CAPABILITIES
from simulator.sut.contract_page import page
from simulator.sut.remote import NEEDED

by_id = pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.id for operation in OPERATIONS])


def test_the_document_is_openapi_3_1() -> None:
    validate(json.loads(document.text()), cls=OpenAPIV31SpecValidator)


def test_the_document_that_is_shipped_is_that_of_the_contract() -> None:
    """`sipfed connect-server --openapi` writes it anew."""
    assert document.FILE.read_text(encoding="utf-8") == document.text()


def test_the_page_that_is_shipped_is_that_of_the_contract() -> None:
    """`simulator.sut.contract_page.page` writes it anew."""
    assert document.PAGE.read_text(encoding="utf-8") == page()


def test_every_capability_of_the_contract_is_one_of_the_catalogue() -> None:
    assert {operation.capability for operation in OPERATIONS} - {None} <= set(CAPABILITIES)
    assert set(OFFERED) <= set(CAPABILITIES)


def test_ids_and_places_are_there_once() -> None:
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


@by_id
def test_an_operation_is_described_in_sentences(operation: Operation) -> None:
    assert operation.summary.endswith(".")
    assert not operation.description or operation.description.endswith(".")


@by_id
def test_the_server_takes_what_the_contract_says(operation: Operation) -> None:
    handler = getattr(Handlers, operation.action)
    parameters = [one for one in inspect.signature(handler).parameters.values() if one.name != "self"]

    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return
    assert {one.name for one in parameters} == set(operation.arguments)


def test_what_a_capability_needs_are_actions_of_it() -> None:
    actions = {operation.action for operation in OPERATIONS}
    assert {action for needed in NEEDED.values() for action in needed} <= actions
