"""Make the archives of retrievals on disk, the same ones for the same seed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bwp_tui.sandbox.task_outcomes import name_part

BIG_ARCHIVE_BYTES: Final = 200 * 1024 * 1024
"""Bytes, at least, of the archive about `big@…`."""

_RECORDING: Final = 10 * 1024 * 1024
_BLOCK: Final = 1024 * 1024
_EVENT_ROWS: Final = (2_500, 40_000)
_ENTRY_TIME: Final = (2024, 11, 1, 0, 0, 0)
_GOODS: Final = (
    "Ceramic pour-over set",
    "Trail running shoes",
    "Linen apron",
    "Cedar bird feeder",
    "Cold brew concentrate",
    "Wool throw",
    "Desk lamp, brass",
    "Puzzle, 1000 pieces",
    "Bamboo cutting board",
    "Travel mug",
)
_STREETS: Final = ("Harbour Street", "Elm Road", "Mill Lane", "Station Square", "Garden Way")
_TOWNS: Final = ("Springfield", "Riverton", "Lakeside", "Fairview", "Georgetown")
_ACTIONS: Final = ("page_view", "search", "add_to_cart", "checkout", "review", "sign_in")
_README: Final = """\
Personal data held about {email}

profile.json    who you are to the shop
addresses.csv   where orders were sent
orders.json     orders with their items
orders.csv      the same orders, a line each
events.csv      what was done in the shop, by time

Practice data: none of it is about a real person.
"""


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A finished archive: its path, its size in bytes, and its quoted ETag (which is no checksum)."""

    path: Path
    size: int
    etag: str


class Archives:
    """Makes archives in `folder` when they are first asked for. Called from worker threads."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._lock = threading.Lock()
        self._made: dict[tuple[str, int], ArchiveFile] = {}

    def archive(self, task_id: str, email: str, edition: int = 0) -> ArchiveFile:
        """Return the archive of a retrieval; another edition of it has other bytes and another ETag."""
        with self._lock:
            made = self._made.get((task_id, edition))
            if made is None:
                made = self._made[task_id, edition] = self._make(task_id, email, edition)
            return made

    def _make(self, task_id: str, email: str, edition: int) -> ArchiveFile:
        name = hashlib.sha256(f"{self._seed}/{task_id}/{email}/{edition}".encode()).hexdigest()[:32]
        path = self._folder / f"{name}.zip"
        rng = random.Random(name)  # noqa: S311  repeatable, no secret
        with zipfile.ZipFile(path, "w") as bundle:
            for member, content in _members(rng, email):
                _add(bundle, member, content)
            if name_part(email) == "big":
                _add_recordings(bundle, rng)
        return ArchiveFile(path, path.stat().st_size, f'"{name}"')


def _members(rng: random.Random, email: str) -> Iterator[tuple[str, str]]:
    orders = [_order(rng) for _ in range(rng.randint(3, 60))]
    yield "README.txt", _README.format(email=email)
    yield "profile.json", _json(_profile(rng, email))
    yield "addresses.csv", _csv(("label", "street", "town", "postcode"), _addresses(rng))
    yield "orders.json", _json(orders)
    yield "orders.csv", _csv(("order_id", "placed_on", "total"), ((*list(order.values())[:3],) for order in orders))
    yield "events.csv", _events(rng)


def _profile(rng: random.Random, email: str) -> dict[str, str | bool]:
    return {
        "email": email,
        "shopper_id": rng.randbytes(10).hex(),
        "since": _day(rng),
        "language": rng.choice(("en-US", "en-GB", "de-DE", "fr-FR", "es-ES")),
        "marketing_consent": rng.random() < 0.4,
    }


def _order(rng: random.Random) -> dict[str, str | float | list[dict[str, str | int]]]:
    items: list[dict[str, str | int]] = [
        {"title": title, "quantity": rng.randint(1, 3), "asin": f"B0{rng.randbytes(4).hex().upper()}"}
        for title in rng.sample(_GOODS, rng.randint(1, 4))
    ]
    return {
        "order_id": f"{rng.randint(100, 999)}-{rng.randint(1_000_000, 9_999_999)}",
        "placed_on": _day(rng),
        "total": round(rng.uniform(8, 240), 2),
        "items": items,
    }


def _addresses(rng: random.Random) -> Iterator[tuple[str, str, str, str]]:
    for label in ("home", "work", "gift")[: rng.randint(1, 3)]:
        street = f"{rng.randint(1, 190)} {rng.choice(_STREETS)}"
        yield label, street, rng.choice(_TOWNS), f"{rng.randint(10_000, 99_999)}"


def _events(rng: random.Random) -> str:
    """Return the longest file. Its session ids do not compress, so the row count sets the archive's size."""
    fewest, most = _EVENT_ROWS
    rows = int(fewest * (most / fewest) ** rng.random())
    sessions = rng.randbytes(rows * 40).hex()
    day = _day(rng)
    lines = [
        f"{day}T{row // 3600 % 24:02}:{row // 60 % 60:02}:{row % 60:02}Z,"
        f"{_ACTIONS[row * 7 % 11 % len(_ACTIONS)]},{sessions[row * 80 : row * 80 + 80]}"
        for row in range(rows)
    ]
    return "at,action,session\n" + "\n".join(lines) + "\n"


def _day(rng: random.Random) -> str:
    return f"{rng.randint(2020, 2024)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _json(content: object) -> str:
    return json.dumps(content, indent=2)


def _csv(titles: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue()


def _add(bundle: zipfile.ZipFile, member: str, content: str) -> None:
    entry = zipfile.ZipInfo(member, _ENTRY_TIME)
    bundle.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=1)


def _add_recordings(bundle: zipfile.ZipFile, rng: random.Random) -> None:
    block = rng.randbytes(_BLOCK)
    for number in range(1, BIG_ARCHIVE_BYTES // _RECORDING + 1):
        entry = zipfile.ZipInfo(f"recordings/call-{number:03}.ogg", _ENTRY_TIME)
        entry.file_size = _RECORDING
        with bundle.open(entry, "w") as member:
            for _ in range(_RECORDING // _BLOCK):
                member.write(block)
