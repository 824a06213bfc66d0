"""Commands that run the engine or wait for it: `refresh`, `resubmit`, `cancel`, `wait`, `download` and `run`."""

from __future__ import annotations

import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bwp_tui.actions import bulk_plan
from bwp_tui.actions.operation import Values
from bwp_tui.actions.service_operations import CANCEL, DOWNLOAD, REFRESH, RESUBMIT, cannot_refresh
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.support.bulk import FIT_HINT, apply, chosen, confirm_plan, select_tasks, values_of
from bwp_tui.cli.support.context import (
    CommandSession,
    find_tasks,
    open_session,
    print_note,
    require_typed,
    require_yes,
    today,
)
from bwp_tui.cli.support.engine_wait import EngineWaiter, wait_for_response
from bwp_tui.cli.support.progress_line import DownloadProgress
from bwp_tui.cli.support.streams import draw
from bwp_tui.cli.support.task_output import print_tasks
from bwp_tui.domain.filter import parse
from bwp_tui.domain.masking import mask_task_text
from bwp_tui.domain.task import DownloadState, Kind, Status, Task, has_ended
from bwp_tui.domain.text import counted
from bwp_tui.store.commands import bulk, download_queue, requests
from bwp_tui.store.commands.result_files import saved_at
=======
from bwp_tui.store.commands import bulk, bulk_plan, download_queue, requests
from bwp_tui.store.commands.operation import Values
from bwp_tui.store.commands.service_operations import CANCEL, DOWNLOAD, REFRESH, RESUBMIT, cannot_refresh
