"""What is on disk once a download is done."""

from __future__ import annotations

import hashlib
import stat

from tests.engine.shop import Shop


def assert_saved(shop: Shop, number: int, name: str, edition: int = 0) -> None:
    """The history and the disk agree on the archive that the practice API holds."""
    size, sha256 = shop.expected_archive(number, edition)
    path = shop.profile.download_dir / name
    download = shop.download_of(number)
    assert (download.state, download.path) == ("done", str(path))
    assert (download.bytes, download.total, download.sha256) == (size, size, sha256)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def name_of(shop: Shop, number: int) -> str:
    task = shop.task(number)
    return f"retrieval-{task.task_id}.zip"
