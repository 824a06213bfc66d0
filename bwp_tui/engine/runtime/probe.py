"""Check that the service can be used with these settings; it changes nothing there."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from typing import Final

from bwp_tui.domain.task import Kind
from bwp_tui.engine.runtime.engine_config import EngineConfig, connect
from bwp_tui.settings import SettingsError

_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe, with a sentence for the operator."""

    reachable: bool
    sentence: str


def probe(config: EngineConfig) -> ProbeResult:
    """Obtain a token and poll a task id that cannot exist: "not found" proves all that a poll needs."""
    return asyncio.run(_probe(config))


async def _probe(config: EngineConfig) -> ProbeResult:
    from bwp_tui.api.errors import ApiError, NotFound

    task_id = str(uuid.uuid4())
    try:
        async with contextlib.aclosing(connect(config)) as api:
            results = await asyncio.wait_for(api.poll([(Kind.RETRIEVAL, task_id)]), _TIMEOUT_S)
    except TimeoutError:
        return ProbeResult(False, "The service did not respond in time. Try again later.")
    except (ApiError, SettingsError) as error:
        result: object = error
    else:
        result = results[task_id]
    if isinstance(result, Exception) and not isinstance(result, NotFound):
        return ProbeResult(False, str(result))
    return ProbeResult(True, "The service responds and accepts the credentials.")
