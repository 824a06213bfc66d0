"""Each toxic does what its name says: a proxy that spoils nothing would prove nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults.chaos_proxy import CLEAN, ChaosProxy, Toxics

BYTES = bytes(range(256)) * 40


@asynccontextmanager
async def line(toxics: Toxics) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, list[bytes]]]:
    """A connection through the proxy to a server that echoes and then ends; and what that server received."""
    received: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(len(BYTES)))
        writer.write(BYTES)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, ChaosProxy(lambda _first: toxics, target=server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x" * 100)
        try:
            yield reader, writer, received
        finally:
            writer.transport.abort()


async def seconds_until_end(reader: asyncio.StreamReader) -> tuple[bytes, float]:
    began = time.monotonic()
    return await reader.read(-1), time.monotonic() - began


async def test_a_clean_line_passes_everything() -> None:
    async with line(CLEAN) as (reader, _, received):
        assert await reader.read(-1) == BYTES
    assert received == [b"x" * 100]


@pytest.mark.parametrize(
    ("toxics", "at_least"),
    [
        (Toxics(latency=0.1), 0.2),
        (Toxics(latency=0.05, jitter=0.05), 0.1),
        (Toxics(bandwidth=len(BYTES) * 4), 0.2),
        (Toxics(slow_close=0.2), 0.2),
    ],
    ids=["latency", "jitter", "bandwidth", "slow close"],
)
async def test_a_slow_line_passes_everything_late(toxics: Toxics, at_least: float) -> None:
    async with line(toxics) as (reader, _, _):
        content, seconds = await seconds_until_end(reader)
    assert content == BYTES
    assert seconds >= at_least


async def test_a_cut_answer_ends_after_its_bytes() -> None:
    async with line(Toxics(cut_answer=1_000)) as (reader, _, _):
        assert await reader.read(-1) == BYTES[:1_000]


async def test_a_cut_request_reaches_the_server_in_part() -> None:
    async with line(Toxics(cut_request=30)) as (reader, _, received):
        await reader.read(-1)
    assert received in ([b"x" * 30], [])


async def test_a_reset_is_an_error_to_the_client() -> None:
    async with line(Toxics(cut_answer=1_000, reset=True)) as (reader, _, _):
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)


async def test_limited_data_ends_early_though_the_line_does_not_break() -> None:
    async with line(Toxics(limit_data=500)) as (reader, _, _):
        assert await reader.read(-1) == BYTES[:500]


async def test_a_black_hole_answers_nothing() -> None:
    async with line(Toxics(blackhole=True)) as (reader, _, received):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
    assert received == []
