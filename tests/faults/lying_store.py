"""A store that lies about what it sends, and the results that are had from it all the same.

`python -m tests.faults.lying_store --results 100` fetches so many, asking again for those that failed.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from unittest import mock

from bwp_tui.domain.downloads import Download
from bwp_tui.domain.times import utc_now
from bwp_tui.engine.downloads import resume_loop
from bwp_tui.sandbox.archive_server import ArchiveServer
from bwp_tui.sandbox.http_connection import FileSlice, Headers, HttpResponse
from bwp_tui.sandbox.server import Sandbox
from bwp_tui.store.open_store import open_store
from tests.engine.shop import Shop
from tests.manual_clock import ManualClock
from tests.practice import profile_of
from tests.waiting import eventually_in_loop

GARBAGE: Final = b"<Error><Code>InternalError</Code></Error>"
_MOST_ASKED: Final = 4

Lie = Callable[[HttpResponse], HttpResponse]
"""Makes another answer of the one that is true."""


def _bytes(answer: HttpResponse) -> bytes:
    if isinstance(answer.body, bytes):
        return answer.body
    with answer.body.path.open("rb") as file:
        file.seek(answer.body.start)
        return file.read(answer.body.length)


def _labelled(name: str, value: str) -> Lie:
    def lie(answer: HttpResponse) -> HttpResponse:
        others = tuple((key, old) for key, old in answer.headers if key.lower() != name.lower())
        return replace(answer, headers=(*others, (name, value)))

    return lie


def _gzip(answer: HttpResponse) -> HttpResponse:
    return replace(_labelled("Content-Encoding", "gzip")(answer), body=gzip.compress(_bytes(answer), 1))


def _half(answer: HttpResponse) -> HttpResponse:
    return replace(answer, body=_bytes(answer)[: answer.length // 2])


def _garbage(answer: HttpResponse) -> HttpResponse:
    return replace(answer, body=_bytes(answer) + GARBAGE)


def _instead(status: int, content_type: str, body: bytes) -> Lie:
    return lambda _answer: HttpResponse(status, (("Content-Type", content_type),), body)


def _refused(status: int, code: str) -> Lie:
    return _instead(status, "application/xml", f"<Error><Code>{code}</Code></Error>".encode())


LIES: Final[dict[str, Lie]] = {
    "cut, with a length that fits": _half,
    "packed once more": _gzip,
    "packed, it says": _labelled("Content-Encoding", "gzip"),
    "aws-chunked, it says": _labelled("Content-Encoding", "aws-chunked"),
    "a page, it says": _labelled("Content-Type", "text/html"),
    "another ETag": _labelled("ETag", '"another"'),
    "a page": _instead(200, "text/html", b"<html>Please sign in to this network.</html>"),
    "a sentence": _instead(200, "text/plain", b"Please sign in to this network."),
    "bytes behind the archive": _garbage,
    "RequestTimeout": _refused(400, "RequestTimeout"),
    "OperationAborted": _refused(409, "OperationAborted"),
    "TemporaryRedirect": _refused(307, "TemporaryRedirect"),
    "NoSuchKey": _refused(404, "NoSuchKey"),
}


@dataclass
class Outcome:
    """What came of it; `asked` counts downloads for each result, `wrong` says what is not as promised."""

    results: int
    used: Counter[str] = field(default_factory=Counter)
    asked: Counter[int] = field(default_factory=Counter)
    remarked: int = 0
    links: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        again = sum(count > 1 for count in self.asked.values())
        return (
            f"results         {self.results:8d}, {len(self.wrong)} wrong, {again} asked for more than once\n"
            f"lies            {sum(self.used.values()):8d} of {len(self.used)} kinds\n"
            f"links           {self.links:8d}\n"
            f"with a remark   {self.remarked:8d}\n"
            f"took            {self.seconds:8.1f} s"
        )


@contextmanager
def lying(used: Counter[str], rng: random.Random) -> Iterator[None]:
    """Have every second answer of the store be a lie, and every fourth line be cut."""
    real = ArchiveServer._response

    def sent(store: ArchiveServer, status: int, headers: Headers, part: FileSlice) -> HttpResponse:
        truth = real(store, status, headers, part)
        if rng.random() < 0.5:
            name = rng.choice(sorted(LIES))
            used[name] += 1
            return LIES[name](truth)
        if rng.random() < 0.5:
            return replace(truth, cut_after=max(1, int(part.length * rng.random())))
        return truth

    with (
        mock.patch.object(ArchiveServer, "_response", sent),
        mock.patch.object(resume_loop, "retry_delay", return_value=0.01),
    ):
        yield


async def run(folder: Path, results: int, seed: int) -> Outcome:
    """Fetch so many results from a lying store."""
    outcome, began = Outcome(results), time.monotonic()
    clock = ManualClock(utc_now())
    with Sandbox(clock=clock) as sandbox, lying(outcome.used, random.Random(seed)):
        profile = profile_of(sandbox, folder / "shop")
        store = open_store(profile.history_path, clock=clock)
        shop = Shop(sandbox, clock, profile, store)
        try:
            numbers = [await shop.completed(f"shopper{number}@example.com") for number in range(results)]
            async with shop.engine() as engine:
                working = asyncio.create_task(engine.run())
                for number in numbers:
                    download = await _fetched(shop, number, outcome, engine.wake)
                    outcome.remarked += bool(download.remarks)
                    outcome.wrong += _wrong(shop, number, download)
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            outcome.links = sandbox.state.calls["link"]
        finally:
            store.close()
    outcome.seconds = time.monotonic() - began
    return outcome


async def _fetched(shop: Shop, number: int, outcome: Outcome, wake: Callable[[], None]) -> Download:
    while True:
        outcome.asked[number] += 1
        shop.request_download(number)
        wake()
        await eventually_in_loop(lambda: shop.download_of(number).state in ("done", "failed"))
        download = shop.download_of(number)
        if download.state == "done" or outcome.asked[number] == _MOST_ASKED:
            return download


def _wrong(shop: Shop, number: int, download: Download) -> list[str]:
    """Return what is not as promised: a file that is not the archive, but for bytes behind it, which are remarked."""
    size, sha256 = shop.expected_archive(number)
    if download.sha256 == sha256:
        return []
    if download.path is None:
        return [f"#{number} was not had: {download.trouble}"]
    is_remarked = any(f"{len(GARBAGE)} bytes behind" in remark for remark in download.remarks)
    return [] if is_remarked and download.bytes == size + len(GARBAGE) else [f"#{number} is another file: {download}"]


def main() -> int:
    """Run the long form and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(run(Path(folder), arguments.results, arguments.seed))
    print(outcome)
    print("\n".join(outcome.wrong) or "as promised")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
