"""Whether the service can be used with these settings, without asking it to do anything."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Final

from bwp_tui.domain.task import Kind
from bwp_tui.engine.runtime.engine_config import EngineConfig, connect
from bwp_tui.settings import SettingsError

_CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found, and a sentence for the operator."""

    reachable: bool
    sentence: str


def probe(setup: EngineConfig) -> ProbeResult:
    """Obtain a token and ask about a task id that cannot exist: being told so proves all that a poll needs."""
    return asyncio.run(_probe(setup))


async def _probe(setup: EngineConfig) -> ProbeResult:
    from bwp_tui.api.errors import ApiError, NotFound

    task_id = str(uuid.uuid4())
    try:
        api = connect(setup)
    except (ApiError, SettingsError) as error:
        return ProbeResult(False, str(error))
    try:
        answers = await asyncio.wait_for(api.poll([(Kind.RETRIEVAL, task_id)]), _CONNECT_S * 3)
    except TimeoutError:
        return ProbeResult(False, "The service did not answer in time. Try again later.")
    except NotFound:
        return ProbeResult(True, "The service answers and takes the credentials.")
    except ApiError as error:
        return ProbeResult(False, str(error))
    finally:
        await api.aclose()
    answer = answers[task_id]
    if isinstance(answer, ApiError) and not isinstance(answer, NotFound):
        return ProbeResult(False, str(answer))
    return ProbeResult(True, "The service answers and takes the credentials.")
