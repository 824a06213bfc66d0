"""Every document this program sends is one the service's schema accepts."""

from __future__ import annotations

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.contract.documents import (
    CANCEL_DELETION,
    CANCEL_FIELD,
    CREATE_SUBSCRIPTION,
    DELETE_SUBSCRIPTION,
    LINK_FIELD,
    RETRIEVAL_LINK,
    START_DELETION,
    START_DOCUMENTS,
    START_FIELDS,
    START_RETRIEVAL,
    SUBSCRIPTION,
    SUBSCRIPTIONS,
    poll_document,
    schema_text,
)
from bwp_tui.domain.task import Kind

SCHEMA: GraphQLSchema = build_schema(schema_text())

FIXED = [
    *(START_RETRIEVAL, START_DELETION, CANCEL_DELETION, RETRIEVAL_LINK),
    *(CREATE_SUBSCRIPTION, DELETE_SUBSCRIPTION, SUBSCRIPTION, SUBSCRIPTIONS),
]
POLLS = st.lists(st.tuples(st.sampled_from(Kind), st.text(min_size=1, max_size=40)), min_size=1, max_size=25)


def _operation(document: str) -> OperationDefinitionNode:
    [operation] = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


@pytest.mark.parametrize("document", FIXED)
def test_a_document_fits_the_schema_and_has_a_name(document: str) -> None:
    assert validate(SCHEMA, parse(document)) == []
    assert _operation(document).name is not None


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


def test_the_named_fields_are_the_ones_the_documents_ask_for() -> None:
    named = {START_DOCUMENTS[kind]: START_FIELDS[kind] for kind in Kind}
    for document, field in {**named, CANCEL_DELETION: CANCEL_FIELD, RETRIEVAL_LINK: LINK_FIELD}.items():
        [selection] = _operation(document).selection_set.selections
        assert selection.name.value == field  # type: ignore[attr-defined]  # it is a field
