"""Run a command line and return its exit code; every failure is one sentence on stderr."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from bwp_tui import crashlog
from bwp_tui.cli.exit_codes import CONSOLE_DEFAULTS, CommandError, Effect, ExitCode
from bwp_tui.cli.support import streams
from bwp_tui.settings import SettingsError, profile_folder

if TYPE_CHECKING:
    from argparse import Namespace

Command = Callable[["Namespace"], int | None]
"""Runs a parsed command line and returns the exit code, or None where it is done."""


def run(words: Sequence[str]) -> int:
    """Run the command line `words` and return the exit code."""
    try:
        arguments = parse_arguments(words)
        _check_words(words, arguments)
        if words:
            _name_profile(arguments)
        if arguments.plain:
            streams.use_plain_output()
        streams.end_with_reader(arguments.effect is Effect.READS)
        crashlog.install(_log_dir(arguments))
        return _run_command(arguments)
    except SystemExit as ended:  # argparse has printed the mistake or the help
        return ended.code if isinstance(ended.code, int) else ExitCode.USAGE
    except BrokenPipeError:  # the reader of the output has closed it
        return ExitCode.DONE
    except KeyboardInterrupt:  # while the command line was read
        return _print_error("Interrupted.", ExitCode.INTERRUPTED)


def _name_profile(arguments: Namespace) -> None:
    """Name the profile of `--profile` in what is printed for a shell; console and plain mode run commands in theirs."""
    from bwp_tui.cli.parser import build_parser
    from bwp_tui.settings.checks import SANDBOX_PROFILE
    from bwp_tui.settings.profile import CONSOLE_SIZE_VARIABLE

    profile = getattr(arguments, "profile", None)
    if profile and not streams.AS_SENTENCES.get() and CONSOLE_SIZE_VARIABLE not in os.environ:
        streams.name_profile(profile, build_parser()[1].keys() - {SANDBOX_PROFILE})


def parse_arguments(words: Sequence[str]) -> Namespace:
    """Parse a command line; without words it opens the console, whose start does not wait for the grammar."""
    if not words:
        return cast("Namespace", SimpleNamespace(**CONSOLE_DEFAULTS))  # importing argparse would delay the first frame
    from bwp_tui.cli.parser import parse

    return parse(words)


def _check_words(words: Sequence[str], arguments: Namespace) -> None:
    """Refuse words that are not UTF-8, which the history could not store; the name of a file to import may be."""
    try:
        " ".join(words).encode()
    except UnicodeEncodeError:
        if arguments.command_name != "import":
            sentence = "An argument is not UTF-8 text. Nothing was changed."
            raise SystemExit(_print_error(sentence, ExitCode.USAGE)) from None


def command_of(arguments: Namespace) -> Command:
    """Import and return the function that runs a parsed command line."""
    module, function = arguments.command
    return cast(Command, getattr(import_module(f"bwp_tui.cli.{module}"), function))


def _run_command(arguments: Namespace) -> int:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the console blocks it while this process starts
        code = command_of(arguments)(arguments)
        sys.stdout.flush()
        return ExitCode.DONE if code is None else code
    except CommandError as stop:
        return _print_error(str(stop), stop.code)
    except SettingsError as error:
        return _print_error(str(error), ExitCode.USAGE)
    except KeyboardInterrupt:
        recorded = "" if arguments.effect is Effect.READS else " What was recorded stays recorded; see: bwp-tui list."
        return _print_error(f"Interrupted.{recorded}", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  the one place where an exception becomes a message
        return _report_exception(error, arguments)


def _report_exception(error: Exception, arguments: Namespace) -> ExitCode:
    """Print an error of the layers below, or a crash; their modules are imported only now."""
    from bwp_tui.store.commands.request_validation import BadRequest
    from bwp_tui.store.errors import NoSuchTask, NoSuchView, OtherShop, StoreError

    if isinstance(error, BadRequest):
        return _print_error(f"{error} Nothing was recorded.", ExitCode.USAGE)
    if isinstance(error, NoSuchTask | NoSuchView):
        return _print_error(str(error), ExitCode.NOT_FOUND)
    if isinstance(error, OtherShop):
        return _print_error(str(error), ExitCode.USAGE)
    if isinstance(error, StoreError):
        return _print_error(str(error), ExitCode.FAILED)
    if isinstance(error, OSError) and error.strerror:
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return _print_error(f"{where}{error.strerror}. Fix it and try again.", ExitCode.FAILED)
    return _print_error(crashlog.sentence(error, crashlog.write_report(_log_dir(arguments), error)), ExitCode.FAILED)


def _print_error(sentences: str, code: ExitCode) -> ExitCode:
    streams.print_message(sentences)
    return code


def _log_dir(arguments: Namespace) -> Path:
    """Return the folder for a crash report; it is known before the settings, which may be the cause."""
    name: str | None = getattr(arguments, "profile", None)
    chosen = name or os.environ.get("BWP_PROFILE") or "default"
    try:
        return profile_folder(Path(chosen).name or "default", os.environ) / "log"
    except SettingsError:
        return Path(os.devnull)  # the command reports this itself
