"""Run the benchmarks one after the other, print each row when it is known, and write the table."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks import digests, download, events, keys, listing, load, memory, sending, startup, terminal_bytes
from tests.benchmarks.figures import Benchmark, Effort, Row, Skipped
from tests.benchmarks.table import line, read_earlier, write

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "download": download.run,
    "startup": startup.run,
    "listing": listing.run,
    "keys": keys.run,
    "memory": memory.run,
    "terminal_bytes": terminal_bytes.run,
    "sending": sending.run,
    "events": events.run,
    "load": load.run,
    "digests": digests.run,
}


def main() -> int:
    """Measure what the command line names; exit code 1 says that a goal is missed."""
    arguments = _arguments()
    rows: list[Row] = []
    for name in arguments.only or BENCHMARKS:
        print(f"{name}:", flush=True)
        for row in _rows(name, arguments.against, quick=arguments.quick):
            print(f"  {line(row)}", flush=True)
            rows.append(row)
    if arguments.out is not None:
        write(rows, arguments.out, quick=arguments.quick)
    return int(any(getattr(row, "met", None) is False for row in rows))


def _rows(name: str, earlier: Path | None, *, quick: bool) -> Iterator[Row]:
    """Measure the rows of a benchmark, then those of the earlier version, so that both meet the same machine."""
    yield from BENCHMARKS[name](Effort(quick=quick))
    if earlier is None:
        return
    with TemporaryDirectory() as folder:
        stem = Path(folder) / "earlier"
        argv = [str(earlier / ".venv/bin/python"), "-m", "tests.benchmarks", "--only", name, "--out", str(stem)]
        ended = subprocess.run([*argv, *(["--quick"] if quick else [])], cwd=earlier, stdout=subprocess.DEVNULL)
        if stem.with_suffix(".json").exists():
            yield from read_earlier(stem)
        else:
            yield Skipped(f"earlier version: {name}", f"it ended with exit code {ended.returncode}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=tuple(BENCHMARKS), help="may be given several times")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds: to see that it works")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="a checkout of an earlier version with a .venv of its own: each benchmark is run there too, right after",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="STEM",
        help="where to write STEM.md and STEM.json; a whole run writes tests/benchmarks/latest, others nothing",
    )
    arguments = parser.parse_args()
    if arguments.out is None and not arguments.only and not arguments.quick:
        arguments.out = Path(__file__).with_name("latest")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
