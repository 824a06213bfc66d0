"""`bwp-tui events`: set up, subscribe to, and observe the service's events."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from bwp_tui.cli.argument_types import AWS_NAME
from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.setup.event_setup import ASSOCIATION_STEP, EventNames, see_step, setup_script, setup_steps
from bwp_tui.cli.setup.event_status import EventReport, queue_attributes
from bwp_tui.cli.support.questions import require_yes
from bwp_tui.cli.support.session import chosen_profile, open_session
from bwp_tui.cli.support.streams import print_message
from bwp_tui.cli.support.table import aligned
from bwp_tui.cli.support.task_output import print_result
from bwp_tui.contract.events import EVENT_TYPES
from bwp_tui.contract.payloads import SubscriptionPayload
from bwp_tui.domain.text import clean_line, counted
from bwp_tui.engine.runtime import service_calls
from bwp_tui.engine.runtime.engine_config import engine_config
from bwp_tui.engine.runtime.lease import is_any_engine_running
from bwp_tui.engine.runtime.service_calls import ServiceCallError
from bwp_tui.settings import Profile, load_profile
from bwp_tui.store.queries import service_events
from bwp_tui.store.worklog import engine_state

_DEFAULT_REGION: Final = "us-east-1"
_DEFAULT_SOURCE: Final = "bwp-tui"
_DEFAULT_QUEUE: Final = "bwp-tui-events"
_QUEUE_PATH: Final = re.compile(rf"/([0-9]{{12}})/({AWS_NAME.pattern})$")


def setup(arguments: Namespace) -> None:
    """Print the steps that bring the events to a queue, as a shell script; it changes nothing."""
    names = _names(arguments, load_profile(arguments.profile, os.environ))
    steps = [step._asdict() for step in setup_steps(names)]
    print_result(arguments, {"variables": names.variables(), "steps": steps}, [setup_script(names)])


def subscribe(arguments: Namespace) -> ExitCode:
    """Subscribe to the event types; subscriptions that the shop has already stay."""
    profile = chosen_profile(arguments)
    names, config = _names(arguments, profile), engine_config(profile)
    if names.account is None:
        raise CommandError("Give the AWS account that the events go to: --account 123456789012.")
    created: dict[str, str | None] = {}
    code = ExitCode.DONE
    try:
        for event_type in EVENT_TYPES:
            created[event_type] = service_calls.subscribe(config, event_type, names.region, names.account, names.source)
    except ServiceCallError as error:
        code = _report_failure(error)
    rows = [(event_type, each or "was subscribed already") for event_type, each in created.items()]
    json_objects = [{"event_type": event_type, "subscription_id": each} for event_type, each in created.items()]
    print_result(arguments, json_objects, aligned(rows))
    if code is ExitCode.DONE and any(created.values()):
        print_message(f"The event source {names.source} expires unless it is associated: {see_step(ASSOCIATION_STEP)}.")
    return code


def unsubscribe(arguments: Namespace) -> ExitCode:
    """End subscriptions, by default all those to events about privacy requests."""
    config = engine_config(chosen_profile(arguments))
    ended: list[str] = []
    code = ExitCode.DONE
    try:
        wanted = _wanted(arguments.subscriptions, service_calls.subscriptions(config))
        if not arguments.yes:
            count = counted(len(wanted), "event subscription")
            require_yes(f"End {count}? Their events come no more.")
        for subscription_id in wanted:
            service_calls.unsubscribe(config, subscription_id)
            ended.append(subscription_id)
    except ServiceCallError as error:
        code = _report_failure(error)
    print_result(arguments, ended, (f"{each} ended" for each in ended))
    return code


def status(arguments: Namespace) -> ExitCode:
    """Print the subscriptions, the state of the queue, and what was received from it."""
    code = ExitCode.DONE
    with open_session(arguments) as session:
        profile, state = session.profile, engine_state.read(session.store)
        received, newest = service_events.count(session.store), service_events.newest(session.store)
    found: list[SubscriptionPayload] | str
    try:
        found = service_calls.subscriptions(engine_config(profile))
    except ServiceCallError as error:
        found, code = str(error), ExitCode.TRY_LATER if error.is_transient else ExitCode.FAILED
    attributes = None if profile.events is None else queue_attributes(profile.events)
    report = EventReport(
        found, profile.events, attributes, state, is_any_engine_running(profile.lease_path), received, newest
    )
    print_result(arguments, report.json(), (f"{name:<15}{clean_line(text)}" for name, text in report.lines()))
    return ExitCode.FAILED if isinstance(attributes, str) else code


def _names(arguments: Namespace, profile: Profile) -> EventNames:
    """Return the names that were given, or those of the profile's queue, or the usual ones."""
    queue, target_id = profile.events, profile.target_id or ""
    found = _QUEUE_PATH.search(queue.queue_url) if queue else None
    return EventNames(
        profile=profile.name,
        region=arguments.region or (queue.region if queue else _DEFAULT_REGION),
        account=arguments.account or (found[1] if found else None),
        source=arguments.source or (target_id if AWS_NAME.fullmatch(target_id) else _DEFAULT_SOURCE),
        queue=getattr(arguments, "queue", None) or (found[2] if found else _DEFAULT_QUEUE),
    )


def _wanted(ids: Sequence[str], found: Sequence[SubscriptionPayload]) -> list[str]:
    """Return the ids of the subscriptions to end."""
    known = [each.subscription_id for each in found]
    for each in ids:
        if each not in known:
            raise CommandError(f"The shop has no event subscription {each}. Nothing was changed.", ExitCode.NOT_FOUND)
    wanted = list(dict.fromkeys(ids)) or [each.subscription_id for each in found if each.event_type in EVENT_TYPES]
    if not wanted:
        raise CommandError(
            "The shop has no subscription to events about privacy requests. Nothing was changed.", ExitCode.NOT_FOUND
        )
    return wanted


def _report_failure(error: ServiceCallError) -> ExitCode:
    print_message(str(error))
    return ExitCode.TRY_LATER if error.is_transient else ExitCode.FAILED
