"""Every document this program sends is one the service's schema accepts."""

from __future__ import annotations

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.contract.documents import (
    CANCEL_DELETION,
    CREATE_SUBSCRIPTION,
    DELETE_SUBSCRIPTION,
    RETRIEVAL_LINK,
    START,
    SUBSCRIPTION,
    SUBSCRIPTIONS,
    GraphQLOperation,
    poll_document,
    schema_text,
)
from bwp_tui.domain.task import Kind

SCHEMA: GraphQLSchema = build_schema(schema_text())

FIXED = [
    *(*START.values(), CANCEL_DELETION, RETRIEVAL_LINK),
    *(CREATE_SUBSCRIPTION, DELETE_SUBSCRIPTION, SUBSCRIPTION, SUBSCRIPTIONS),
]
POLLS = st.lists(st.tuples(st.sampled_from(Kind), st.text(min_size=1, max_size=40)), min_size=1, max_size=25)


def _operation(document: str) -> OperationDefinitionNode:
    [operation] = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


@pytest.mark.parametrize("operation", FIXED)
def test_a_document_fits_the_schema_and_has_a_name(operation: GraphQLOperation) -> None:
    assert validate(SCHEMA, parse(operation.document)) == []
    assert _operation(operation.document).name is not None


@given(POLLS)
def test_a_poll_of_any_tasks_fits_the_schema(tasks: list[tuple[Kind, str]]) -> None:
    document, variables = poll_document(tasks)

    assert validate(SCHEMA, parse(document)) == []
    assert list(variables.values()) == [task_id for _, task_id in tasks]
    aliases = [field.alias.value for field in _operation(document).selection_set.selections]  # type: ignore[attr-defined]  # all are fields
    assert aliases == list(variables)


def test_a_poll_never_makes_a_link() -> None:
    document, _ = poll_document([(Kind.RETRIEVAL, "a"), (Kind.DELETION, "b")])
    assert "dataRetrievalLink" not in document


def test_a_poll_keeps_task_ids_out_of_the_document() -> None:
    document, variables = poll_document([(Kind.DELETION, 'x") { hostile }')])
    assert "hostile" not in document
    assert variables == {"t0": 'x") { hostile }'}


def test_a_poll_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        poll_document([])


@pytest.mark.parametrize("operation", FIXED)
def test_the_named_field_is_the_one_that_the_document_asks_for(operation: GraphQLOperation) -> None:
    [selection] = _operation(operation.document).selection_set.selections
    assert selection.name.value == operation.field  # type: ignore[attr-defined]  # it is a field
