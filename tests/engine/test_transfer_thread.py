"""A transfer appends to a part file only what belongs to it, even where the server checks nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bwp_tui.api.errors import ArchiveChanged
from bwp_tui.api.links import PresignedLink
from bwp_tui.engine.downloads.part_file import PartFile
from bwp_tui.engine.downloads.transfer_thread import PartTransfer
from tests.api.server import Reaction, ScriptedServer, answer

ARCHIVE = b"PK\x03\x04" + bytes(range(256)) * 40
CUT = 1000
ETAG = '"abc-1"'


@pytest.fixture
def part(tmp_path: Path) -> Iterator[PartFile]:
    """A part that an earlier run has left."""
    with PartFile(tmp_path, "a.zip") as left:
        left.write(ARCHIVE[:CUT])
    with PartFile(tmp_path, "a.zip", etag=ETAG, total=len(ARCHIVE)) as part:
        yield part


def _pump(server: ScriptedServer, part: PartFile) -> None:
    link = PresignedLink.checked(f"{server.url}/archive?a=b", issued_at=time.monotonic(), loopback_allowed=True)
    PartTransfer(link, part).run()


def _rest(total: int = len(ARCHIVE), **headers: str) -> Reaction:
    body = ARCHIVE[CUT:total]
    return answer(206, body, None, content_range=f"bytes {CUT}-{CUT + len(body) - 1}/{total}", **headers)


def test_a_part_is_gone_on_with_under_both_preconditions(server: ScriptedServer, part: PartFile) -> None:
    server.script("/archive", _rest(etag=ETAG))
    _pump(server, part)
    (request,) = server.received
    assert (request.headers["range"], request.headers["if-match"]) == (f"bytes={CUT}-", ETAG)
    assert part.path.read_bytes() == ARCHIVE


@pytest.mark.parametrize(
    "reaction",
    [
        pytest.param(_rest(etag='"other"'), id="the tag alone tells"),
        pytest.param(_rest(len(ARCHIVE) - 1), id="the size alone tells"),
        pytest.param(_rest(len(ARCHIVE) - 1, etag=ETAG), id="the size tells against the tag"),
        pytest.param(_rest(len(ARCHIVE) - 1, etag='"other"'), id="both tell"),
        pytest.param(answer(412), id="the precondition tells"),
    ],
)
def test_not_a_byte_of_another_archive_is_added(server: ScriptedServer, part: PartFile, reaction: Reaction) -> None:
    server.script("/archive", reaction)
    with pytest.raises(ArchiveChanged):
        _pump(server, part)
    assert part.path.read_bytes() == ARCHIVE[:CUT]


def test_a_part_begun_anew_takes_tag_and_size_of_the_new_archive(server: ScriptedServer, part: PartFile) -> None:
    server.script("/archive", answer(200, ARCHIVE[:-1], etag='"other"'))
    _pump(server, part)
    assert (part.etag, part.total, part.path.read_bytes()) == ('"other"', len(ARCHIVE) - 1, ARCHIVE[:-1])


def test_what_one_line_has_brought_is_guarded_on_the_next(server: ScriptedServer, tmp_path: Path) -> None:
    server.script("/archive", answer(200, ARCHIVE, etag=ETAG))
    with PartFile(tmp_path, "b.zip") as part:
        _pump(server, part)
        assert (part.etag, part.total) == (ETAG, len(ARCHIVE))
        part.restart()
        assert (part.etag, part.total) == (None, None)
