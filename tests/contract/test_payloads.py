"""Answers are read whatever keys miss, are null or are new; what cannot be understood says so and quotes nothing."""

from __future__ import annotations

import json
import traceback
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bwp_tui.contract.payloads import (
    ContractViolation,
    TaskPayload,
    error_name,
    parse_access_token,
    parse_link,
    parse_mutation,
    parse_response,
    parse_task,
)
from bwp_tui.contract.value_readers import ACCESS_TOKEN_LIFE_S
from bwp_tui.domain.task import TaskError
from bwp_tui.domain.text import clean, clean_line

SESAME = "open-" + "sesame"  # in two, so that a traceback's source line does not hold it

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
TASK_KEYS = ["status", "submissionDate", "lastUpdatedDate", "dataSubject", "holdingPeriod", "errors", "extra"]
ERROR_KEYS = ["message", "path", "extensions", "locations", "errorType"]
CLASSIFICATIONS = st.dictionaries(st.sampled_from(["type", "code", "details", "errorType", "errorCode"]), JSON) | JSON


@given(st.dictionaries(st.sampled_from(TASK_KEYS), JSON), st.text(min_size=1))
def test_any_task_with_a_status_is_read(fields: dict[str, Any], status: str) -> None:
    if not clean_line(status):
        status = "NEW_STATUS"
    task = parse_task({**fields, "status": status}, "id-1")

    assert task.task_id == "id-1"
    assert task.status == clean_line(status)
    assert task.holding_period is None or 0 <= task.holding_period < 100_000
    assert all(error.message == clean(error.message) for error in task.errors)


@given(st.text(), st.text())
def test_texts_come_back_cleaned_and_the_address_raw(email: str, message: str) -> None:
    task = parse_task(
        {"status": "FAILED", "dataSubject": {"email": email}, "errors": [{"code": None, "message": message}]}, "id-1"
    )
    assert task.email == email
    assert task.cleaned_email == clean_line(email)
    assert [error.message for error in task.errors] == [clean(message).strip()][: bool(clean(message).strip())]


def test_null_entries_and_codes_of_errors_are_no_trouble() -> None:
    errors = [None, {"code": None, "message": "why"}, {"code": "NEW_CODE"}, {}, "text"]
    task = parse_task({"status": "FAILED", "errors": errors}, "id-1")
    assert task.errors == (TaskError(None, "why"), TaskError("NEW_CODE", ""))


@pytest.mark.parametrize("told", ["yesterday", "", 17, None, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_an_instant_that_is_none_is_left_out(told: object) -> None:
    assert parse_task({"status": "IN_PROGRESS", "submissionDate": told}, "id-1").submission_date is None


@pytest.mark.parametrize(("told", "days"), [(5, 5), ("5", 5), (5.0, 5), (True, None), (-1, None), (10**30, None)])
def test_a_holding_period_is_a_small_number_of_days(told: object, days: int | None) -> None:
    assert parse_task({"status": "ON_HOLD", "holdingPeriod": told}, "id-1").holding_period == days


@pytest.mark.parametrize("fields", [None, [], "x", {}, {"status": None}, {"status": " "}, {"status": 3}])
def test_a_task_without_a_status_is_a_breach(fields: object) -> None:
    with pytest.raises(ContractViolation, match="status"):
        parse_task(fields, "id-1")


@pytest.mark.parametrize("read", [parse_task, parse_link])
def test_the_answer_about_another_task_is_a_breach(read: Any) -> None:
    with pytest.raises(ContractViolation, match="another task"):
        read({"status": "COMPLETED", "taskId": "id-2"}, "id-1")


@pytest.mark.parametrize("value", [{}, {"taskId": None}, {"taskId": ""}, {"taskId": "a\x1b]b"}, {"taskId": True}])
def test_an_unusable_task_id_is_a_breach(value: object) -> None:
    with pytest.raises(ContractViolation, match="taskId"):
        parse_mutation(value)


def test_a_mutation_that_answers_nothing_is_a_breach() -> None:
    with pytest.raises(ContractViolation, match="MutationPayload"):
        parse_mutation(None)


def test_a_task_id_may_be_a_number() -> None:
    assert parse_mutation({"taskId": 1234}).task_id == "1234"


def test_a_model_takes_its_own_names_too() -> None:
    # What fakes and tests build must not lose its values on the way through the readers.
    now = datetime.fromisoformat("2026-01-02T03:04:05+00:00")
    error = TaskError("C", "m")
    task = TaskPayload(task_id="a", status="FAILED", submission_date=now, email="j@example.com", errors=(error,))
    assert (task.submission_date, task.email, task.errors) == (now, "j@example.com", (error,))


@given(st.dictionaries(st.sampled_from(ERROR_KEYS), JSON), CLASSIFICATIONS, JSON)
def test_any_error_is_read(fields: dict[str, Any], classification: object, data: object) -> None:
    error = {**fields, "extensions": {"classification": classification}}
    answer = parse_response(json.dumps({"errors": [error], "data": data}).encode())
    [read] = answer.errors
    assert read.message == clean_line(read.message)
    assert not read.classified or read.type


def test_a_classification_may_be_a_text() -> None:
    body = {"errors": [{"message": "m", "extensions": {"classification": "ValidationError"}}]}
    answer = parse_response(json.dumps(body).encode())
    assert (answer.errors[0].type, answer.errors[0].classified) == ("ValidationError", False)


@pytest.mark.parametrize("where", [{"errorType": "Odd"}, {"extensions": {"code": "Odd"}}])
def test_a_name_in_another_place_is_read_but_is_no_classification(where: dict[str, Any]) -> None:
    [error] = parse_response(json.dumps({"errors": [{"message": "m", **where}]}).encode()).errors
    assert (error.type, error.classified) == ("Odd", False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"data":',
        b"{}",
        b'{"errors": []}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"message": "Forbidden"}',
    ],
)
def test_what_is_no_answer_is_a_breach(body: bytes) -> None:
    with pytest.raises(ContractViolation):
        parse_response(body)


@pytest.mark.parametrize(
    ("told", "life"),
    [
        (900, 900),
        ("120", 120),
        (None, ACCESS_TOKEN_LIFE_S),
        ("soon", ACCESS_TOKEN_LIFE_S),
        (0, ACCESS_TOKEN_LIFE_S),
        (-5, ACCESS_TOKEN_LIFE_S),
        (True, ACCESS_TOKEN_LIFE_S),
        (1e300, 86_400),
        ([], ACCESS_TOKEN_LIFE_S),
    ],
)
def test_a_token_life_is_read_in_every_form(told: object, life: float) -> None:
    body = json.dumps({"access_token": "abc", "token_type": "Bearer", "expires_in": told}).encode()
    assert parse_access_token(body).expires_in == life


def test_a_token_without_its_life_lives_fifteen_minutes() -> None:
    assert parse_access_token(b'{"access_token": "abc"}').expires_in == 900


def test_a_token_life_beyond_all_numbers_is_not_believed() -> None:
    assert parse_access_token(b'{"access_token": "abc", "expires_in": Infinity}').expires_in == ACCESS_TOKEN_LIFE_S


@pytest.mark.parametrize("token", [None, "", "a b", f"{SESAME}\n", "ünlock", 5])
def test_an_unusable_token_is_a_breach_that_does_not_quote_it(token: object) -> None:
    with pytest.raises(ContractViolation) as caught:
        parse_access_token(json.dumps({"access_token": token, "other": SESAME}).encode())
    assert SESAME not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_a_token_stays_out_of_the_repr() -> None:
    assert "sesame" not in repr(parse_access_token(b'{"access_token": "sesame"}'))


def test_a_refused_token_request_gives_its_code() -> None:
    assert error_name(b'{"error": "invalid_client\\u001b[2J"}') == "invalid_client\\x1b[2J"
    assert error_name(b"<html>") is None


@pytest.mark.parametrize("key", ["__type", "code", "errorType"])
def test_an_error_is_named_as_aws_services_do_it(key: str) -> None:
    assert error_name(json.dumps({key: "a#ThrottlingException", "message": "m"}).encode()) == "a#ThrottlingException"
