"""`bwp-tui run`: run the engine without a screen."""

from __future__ import annotations

import signal
import threading
from argparse import Namespace

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.setup.systemd_unit import print_unit
from bwp_tui.cli.support.engine_wait import SENDS_NOTHING
from bwp_tui.cli.support.session import chosen_profile, open_session
from bwp_tui.cli.support.systemd_notify import supervised
from bwp_tui.store.worklog.engine_state import WRONG_SETTINGS
from bwp_tui.store.worklog.intents import unfinished_work


def run(arguments: Namespace) -> ExitCode:
    """Run the engine without a screen until a signal stops it, or until nothing is ready."""
    if arguments.print_unit is not None:
        print_unit(arguments.print_unit, chosen_profile(arguments))
        return ExitCode.DONE
    with open_session(arguments) as session:
        from bwp_tui.cli.support.engine_output import print_calls, print_line
        from bwp_tui.engine.runtime.engine_config import engine_config
        from bwp_tui.engine.runtime.headless import OtherEngineBusy, serve, serve_once
        from bwp_tui.engine.runtime.lease import LeaseUnusable, misses_heartbeats

        config = engine_config(session.profile)
        if arguments.verbose:
            print_calls()
        if arguments.once:
            try:
                service_state = serve_once(config)
            except (OtherEngineBusy, LeaseUnusable) as elsewhere:
                raise CommandError(str(elsewhere), ExitCode.TRY_LATER) from None
            if (left := unfinished_work(session.store)) is not None:
                sends_nothing = session.profile.read_only and left.needs_sending_engine
                code = ExitCode.USAGE if sends_nothing or service_state in WRONG_SETTINGS else ExitCode.TRY_LATER
                # The last failure may be of an earlier run, with other settings.
                why = f" Last failure: {left.newest_failure}" if left.newest_failure else ""
                sentences = f"{left.counts_text}.{why}"
                raise CommandError(f"{sentences} {SENDS_NOTHING}" if sends_nothing else sentences, code)
            return ExitCode.DONE
    stop = _stop_signal()  # the history is closed here: only if it alone has it open, the engine recovers it
    with supervised(lambda: not misses_heartbeats(config.profile.lease_path)):
        serve(config, stop=stop, write_line=print_line, alive_interval_s=arguments.heartbeat)
    return ExitCode.DONE


def _stop_signal() -> threading.Event:
    """Return an event that is set when a signal asks this process to stop."""
    requested = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: requested.set())
    return requested
