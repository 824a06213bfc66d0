"""The variables of the start mutations are what the schema's inputs take."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_schema, coerce_input_value, type_from_ast
from graphql.language import parse_type

from bwp_tui.contract.documents import schema_text
from bwp_tui.contract.inputs import start_variables
from bwp_tui.domain.task import Kind

TOKEN = "3f1f8f6e-6c1b-4a56-9a0e-0d2f4b8b6c11"
INPUTS = {Kind.RETRIEVAL: "StartPersonalDataRetrievalTaskInput!", Kind.DELETION: "StartPersonalDataDeletionTaskInput!"}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(("holding_period", "reason"), [(None, None), (0, "asked by post"), (180, None)])
def test_the_variables_fit_the_input(kind: Kind, holding_period: int | None, reason: str | None) -> None:
    variables = start_variables(kind, "jane@example.com", TOKEN, holding_period, reason)

    expected: Any = type_from_ast(build_schema(schema_text()), parse_type(INPUTS[kind]))
    assert coerce_input_value(variables["input"], expected)


def test_what_is_absent_is_left_out() -> None:
    assert start_variables(Kind.DELETION, "jane@example.com", TOKEN) == {
        "input": {
            "dataSubject": {"type": "SHOPPER", "email": "jane@example.com"},
            "clientToken": {"token": TOKEN},
        }
    }


def test_a_holding_period_of_zero_is_sent() -> None:
    variables: Any = start_variables(Kind.DELETION, "jane@example.com", TOKEN, 0, "asked by post")
    assert (variables["input"]["holdingPeriod"], variables["input"]["reason"]) == (0, "asked by post")


def test_a_retrieval_has_neither_holding_period_nor_reason() -> None:
    variables = start_variables(Kind.RETRIEVAL, "jane@example.com", TOKEN, 5, "asked by post")
    assert variables == start_variables(Kind.RETRIEVAL, "jane@example.com", TOKEN)
