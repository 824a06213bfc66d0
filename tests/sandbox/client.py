"""A plain client of the practice API, and a clock that moves when a test says so."""

from __future__ import annotations

import http.client
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from bwp_tui.sandbox.server import Sandbox
from tests.waiting import PATIENCE_S

Json = dict[str, Any]

RETRIEVAL_FIELDS = "taskId status submissionDate lastUpdatedDate dataSubject { type email }"
RETRIEVAL = (
    "query Retrieval($taskId: String!) {\n  personalDataRetrievalTask(taskId: $taskId) { "
    + RETRIEVAL_FIELDS
    + " dataRetrievalLink errors { code message } }\n}"
)
DELETION = (
    "query Deletion($taskId: String!) {\n  personalDataDeletionTask(taskId: $taskId) { "
    "taskId status submissionDate dataSubject { type email } errors { code message } }\n}"
)
START_RETRIEVAL = (
    "mutation Start($input: StartPersonalDataRetrievalTaskInput!) {\n"
    "  startPersonalDataRetrievalTask(input: $input) { taskId }\n}"
)
START_DELETION = (
    "mutation Start($input: StartPersonalDataDeletionTaskInput!) {\n"
    "  startPersonalDataDeletionTask(input: $input) { taskId }\n}"
)
CANCEL = "mutation Cancel($taskId: String!) {\n  cancelPersonalDataDeletionTask(taskId: $taskId) { taskId }\n}"


START = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""The first instant of the clock of these tests."""


@dataclass(frozen=True)
class Reply:
    """A whole HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def document(self) -> Json:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    def members(self) -> list[str]:
        with zipfile.ZipFile(BytesIO(self.body)) as bundle:
            assert bundle.testzip() is None
            return bundle.namelist()


def exchange(
    address: str, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Reply:
    """Send one request on a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        given = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, given, answer.read())
    finally:
        connection.close()


class Client:
    """Speaks to a started sandbox as a merchant's program does."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._token: str | None = None

    def ask_token(self, **changes: str) -> Reply:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._sandbox.client_id,
            "client_secret": self._sandbox.client_secret,
            **changes,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return exchange(self._sandbox.address, "POST", "/token", urlencode(form).encode(), kind)

    def new_token(self) -> str:
        self._token = self.ask_token().document()["access_token"]
        assert isinstance(self._token, str)
        return self._token

    def headers(self, **changes: str) -> dict[str, str]:
        given = {
            "Authorization": f"Bearer {self._token or self.new_token()}",
            "Content-Type": "application/json",
            "x-api-target-id": self._sandbox.target_id,
            "x-api-version": "2024-11-01",
        }
        return given | {name.replace("_", "-"): value for name, value in changes.items()}

    def send(self, query: str, variables: Json | None = None, **headers: str) -> Reply:
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        return exchange(self._sandbox.address, "POST", "/graphql", body, self.headers(**headers))

    def call(self, query: str, variables: Json | None = None, **headers: str) -> Json:
        reply = self.send(query, variables, **headers)
        assert reply.status == 200
        return reply.document()

    def start_retrieval(self, email: str, client_token: str | None = None) -> str:
        given = self.call(START_RETRIEVAL, {"input": start_input(email, client_token)})
        return str(given["data"]["startPersonalDataRetrievalTask"]["taskId"])

    def start_deletion(self, email: str, holding_period: int | None = None) -> str:
        wanted = start_input(email, None)
        if holding_period is not None:
            wanted["holdingPeriod"] = holding_period
        given = self.call(START_DELETION, {"input": wanted})
        return str(given["data"]["startPersonalDataDeletionTask"]["taskId"])

    def retrieval(self, task_id: str) -> Json:
        found = self.call(RETRIEVAL, {"taskId": task_id})["data"]["personalDataRetrievalTask"]
        assert isinstance(found, dict)
        return found

    def deletion(self, task_id: str) -> Json:
        found = self.call(DELETION, {"taskId": task_id})["data"]["personalDataDeletionTask"]
        assert isinstance(found, dict)
        return found

    def link(self, task_id: str) -> str:
        return str(self.retrieval(task_id)["dataRetrievalLink"])


def start_input(email: str, client_token: str | None) -> Json:
    token = {} if client_token is None else {"clientToken": {"token": client_token}}
    return {"dataSubject": {"type": "SHOPPER", "email": email}, **token}


def fetch(link: str, method: str = "GET", **headers: str) -> Reply:
    """Ask for a pre-signed link; `If_Match="…"` sends `If-Match`."""
    parts = urlsplit(link)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return exchange(parts.netloc, method, f"{parts.path}?{parts.query}", None, given)
