"""Serve archives over pre-signed links as S3 does, with ranges, preconditions and XML errors."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from bwp_tui.domain.statuses import Status
from bwp_tui.domain.task import Kind
from bwp_tui.sandbox.archives import ArchiveFile, Archives
from bwp_tui.sandbox.faults import Faults
from bwp_tui.sandbox.http_connection import FileSlice, Headers, HttpRequest, HttpResponse
from bwp_tui.sandbox.links import LinkRefusedError, LinkSigner, link_path, wrong_signature
from bwp_tui.sandbox.sandbox_state import SandboxState, TaskSnapshot, UnknownTaskError

_RANGE: Final = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


@dataclass(slots=True)
class ArchiveServer:
    """Serves archives. `rate` returns bytes a second, None for as fast as it goes."""

    state: SandboxState
    links: LinkSigner
    archives: Archives
    faults: Faults
    request_ids: random.Random
    rate: Callable[[], int | None]
    _editions: Counter[str] = field(default_factory=Counter)

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Return the archive, a part of it, or S3's refusal."""
        self.state.count_call("download")
        try:
            task = self._authorized_task(request)
            archive = await self._archive(task)
            return self._part(request, archive)
        except LinkRefusedError as refusal:
            return self._refusal(refusal)

    def _authorized_task(self, request: HttpRequest) -> TaskSnapshot:
        if self.faults.hits("busy-store"):
            raise LinkRefusedError(503, "SlowDown", "Please reduce your request rate.")
        if "authorization" in request.headers:
            raise LinkRefusedError(
                400,
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                "parameter or the Authorization header should be specified",
            )
        if request.method != "GET":
            raise wrong_signature()
        task_id = self.links.check(request.path, request.query)
        return self._completed_task(task_id)

    def _completed_task(self, task_id: str) -> TaskSnapshot:
        gone = LinkRefusedError(
            404,
            "NoSuchKey",
            "The specified key does not exist.",
            Key=link_path(task_id).removeprefix("/"),
        )
        try:
            task = self.state.find(Kind.RETRIEVAL, task_id)
        except UnknownTaskError:
            raise gone from None
        if task.status is not Status.COMPLETED:
            raise gone
        return task

    async def _archive(self, task: TaskSnapshot) -> ArchiveFile:
        if self.faults.hits("changed-archive"):
            self._editions[task.task_id] += 1
        edition = self._editions[task.task_id]
        return await asyncio.to_thread(self.archives.archive, task.task_id, task.email, edition)

    def _part(self, request: HttpRequest, archive: ArchiveFile) -> HttpResponse:
        expected_etag = request.headers.get("if-match")
        if expected_etag is not None and expected_etag not in ("*", archive.etag):
            raise LinkRefusedError(
                412,
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
                Condition="If-Match",
            )
        span = None
        if not self.faults.hits("no-range") and request.headers.get("if-range", archive.etag) == archive.etag:
            span = _span(request.headers.get("range", ""), archive.size)
        headers: Headers = (("Content-Type", "application/zip"), ("ETag", archive.etag), ("Accept-Ranges", "bytes"))
        if span is None:
            return self._response(200, headers, FileSlice(archive.path, 0, archive.size))
        first, last = span
        headers = (*headers, ("Content-Range", f"bytes {first}-{last}/{archive.size}"))
        return self._response(206, headers, FileSlice(archive.path, first, last - first + 1))

    def _response(self, status: int, headers: Headers, part: FileSlice) -> HttpResponse:
        cut_after = None
        if self.faults.hits("cut-download"):
            share = 0.1 + 0.8 * self.faults.random_share("cut-download")
            cut_after = max(1, int(part.length * share))
        return HttpResponse(status, headers, part, self.rate, cut_after)

    def _refusal(self, refusal: LinkRefusedError) -> HttpResponse:
        elements = {
            "Code": refusal.code,
            "Message": refusal.message,
            **refusal.elements,
            "RequestId": self.request_ids.randbytes(8).hex().upper(),
            "HostId": "practice",
        }
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
        return HttpResponse(refusal.status, (("Content-Type", "application/xml"),), body.encode())


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte that a `Range` header asks for, or None where it asks for no single range."""
    found = _RANGE.fullmatch(header)
    if found is None:
        return None
    first, last, tail = found.groups()
    start = max(0, size - int(tail)) if tail is not None else int(first)
    end = min(size - 1, int(last)) if last else size - 1
    if start >= size or end < start:
        raise LinkRefusedError(
            416,
            "InvalidRange",
            "The requested range is not satisfiable",
            RangeRequested=header,
            ActualObjectSize=str(size),
        )
    return start, end
