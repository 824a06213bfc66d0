"""`bwp-tui login` and `logout`: set up a profile, try its credentials, and keep its secret."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from getpass import getpass
from typing import Final
from urllib.parse import urljoin

from bwp_tui.cli.exit_codes import CommandError, ExitCode
from bwp_tui.cli.setup.secret_places import SecretPlace, command_place, places, secret_place_of
from bwp_tui.cli.support.questions import ask, ask_yes_no, interrupt_as_abort, require_interactive, require_yes
from bwp_tui.domain.text import clean, clean_line
from bwp_tui.settings import LiteralSecret, Profile, checks, config_path, load_profile
from bwp_tui.settings.config_edit import change_profile
from bwp_tui.settings.profile import API_URL, SECRET_SETTINGS, TOKEN_URL, variable_of
from bwp_tui.settings.secret import secret_mistake

_WHERE_NO_TERMINAL: Final = "run this at a terminal, or write the config file"
_SECRET_VARIABLES: Final = ("BWP_CLIENT_SECRET", *map(variable_of, SECRET_SETTINGS))
_REPLACE: Final = "Replace the kept secret with this one nevertheless? The kept one is removed."
_PRODUCTION: Final = "the production API"


def login(arguments: Namespace) -> None:
    """Ask for the settings of a profile, try them, and keep them; with --rotate replace its secret."""
    require_interactive(_WHERE_NO_TERMINAL)
    _say("The merchant console has client id, target id and secret.")
    _say("ctrl+c leaves; until the end nothing is kept.")
    if arguments.rotate:
        _rotate(_profile_of_file(arguments.profile))
        return
    with interrupt_as_abort():
        name = arguments.profile or _ask_until_valid("Profile", checks.profile_name, "default")
        profile = _profile_of_file(name, may_be_new=True)
        if secret_place_of(profile) is not None and not profile.missing():
            raise CommandError(
                f"Profile {profile.name} has a secret. For a new one: bwp-tui login --rotate --profile {profile.name}"
            )
        tried = _with_asked_settings(profile)
        while (secret := _tried_secret(tried, "Keep these settings nevertheless?")) is None:
            _say("Correct what is wrong; enter takes what is in brackets.")
            tried = _with_asked_settings(tried)
        written: dict[str, str | None] = {
            "client_id": tried.client_id,
            "target_id": tried.target_id,
            "api_url": tried.api_url if tried.api_url != API_URL else None,
            "token_url": tried.token_url if tried.token_url != TOKEN_URL else None,
            **_asked_queue(profile),
        }
        place = _chosen_place(places(profile.name))
    place.keep(secret)
    written |= {**dict.fromkeys(SECRET_SETTINGS), place.setting: place.value}
    change_profile(config_path(os.environ), profile.name, written)
    _say(f"Profile {profile.name} is set up in {config_path(os.environ)}; its secret is in {place.description}.")
    _print_overriding(written)
    _say(f"Next: bwp-tui --profile {profile.name}")


def logout(arguments: Namespace) -> None:
    """Remove the secret of a profile; its other settings, its history and its results stay."""
    profile = _profile_of_file(arguments.profile)
    place = secret_place_of(profile)
    if place is None:
        raise CommandError(f"Profile {profile.name} keeps no secret.")
    if not arguments.yes:
        what = f"Remove the secret of profile {profile.name} from"
        require_yes(f"{what if place.remove else f'End the use by profile {profile.name} of'} {place.description}?")
    change_profile(config_path(os.environ), profile.name, {place.setting: None})
    if place.remove:
        place.remove()
    still = " Its history is still there." if profile.history_path.exists() else ""
    _say(f"Profile {profile.name} keeps no secret any more.{still}")
    _print_overriding(SECRET_SETTINGS)


def _profile_of_file(name: str | None, *, may_be_new: bool = False) -> Profile:
    """Return a profile with the secret that the config file names, whatever secret the environment has."""
    environ = {name: value for name, value in os.environ.items() if name not in _SECRET_VARIABLES}
    profile = load_profile(name, environ, may_be_new=may_be_new)
    if profile.is_sandbox:
        raise CommandError("The practice is in no config file: it is set up already. Nothing was changed.")
    return profile


def _with_asked_settings(profile: Profile) -> Profile:
    """Ask for the settings by which the service is called; enter takes what the profile has."""
    known = profile.api_url if profile.api_url != API_URL else _PRODUCTION
    api_url = _ask_until_valid("URL of the API", lambda text: None if text == _PRODUCTION else checks.url(text), known)
    token_url = TOKEN_URL
    if api_url == _PRODUCTION:
        api_url = API_URL
    else:
        is_usual = profile.token_url in (TOKEN_URL, urljoin(profile.api_url, "token"))
        known = urljoin(api_url, "token") if is_usual else profile.token_url
        token_url = _ask_until_valid("URL of the access tokens", checks.url, known)
    # Last, so that the secret follows: who pastes all three pastes it into no question that shows it.
    client_id = _ask_until_valid("Client id", checks.header_value, profile.client_id)
    target_id = _ask_until_valid("Target id", checks.header_value, profile.target_id)
    return replace(profile, api_url=api_url, token_url=token_url, client_id=client_id, target_id=target_id)


def _asked_queue(profile: Profile) -> dict[str, str]:
    known = profile.events.queue_url if profile.events else ""
    queue_url = _ask_until_valid("URL of the events' SQS queue", lambda text: checks.url(text) if text else None, known)
    if queue_url == known:
        return {}
    region = checks.region_of(queue_url) or _ask_until_valid("AWS region of the queue", checks.region)
    return {"events.queue_url": queue_url, "events.region": region}


def _ask_until_valid(question: str, check: Callable[[str], str | None], default: str | None = None) -> str:
    """Ask until the answer can be used; enter takes the default, where there is one."""
    default_text = "" if default is None else f" [{default or 'none'}]"
    while (typed := ask(f"{question}{default_text}:")) is not None:
        answer = typed or default
        mistake = "is needed" if answer is None else check(answer)
        if answer is not None and not mistake:
            return answer
        _say(f"“{clean_line(answer)}” {mistake}." if answer else f"The {question.lower()} {mistake}.")
    raise _aborted()


def _tried_secret(profile: Profile, question: str) -> str | None:
    """Ask for the secret and try it, again where the service does not accept it, or `question`. Return None after a no.

    A secret that is typed once more is never shown: `question` is asked only after an empty one.
    """
    from bwp_tui.engine.runtime.engine_config import engine_config
    from bwp_tui.engine.runtime.service_calls import check_service

    tried, prompt = "", "Client secret (it is not shown): "
    while True:
        try:
            secret = getpass(prompt).strip()
        except EOFError:
            raise _aborted() from None
        if tried and not secret:
            return tried if ask_yes_no(question) else None
        if mistake := secret_mistake(secret):
            _say(f"The secret {mistake}.")
            continue
        result = check_service(engine_config(replace(profile, secret=LiteralSecret(secret))))
        _say(result.sentence)
        if result.reachable:
            return secret
        tried, prompt = secret, "Client secret if that was wrong, or enter to go on (it is not shown): "


def _aborted() -> CommandError:
    return CommandError("Aborted. Nothing was changed.", ExitCode.FAILED)


def _chosen_place(offered: Sequence[SecretPlace]) -> SecretPlace:
    _say("Where should the secret be kept?")
    lines = [*(place.description for place in offered), "a program that has it: a command such as op read op://…"]
    for number, line in enumerate(lines, start=1):
        _say(f"  {number}  {line}")
    numbers = [str(number) for number in range(1, len(lines) + 1)]
    mistake = f"is not one of {', '.join(numbers)}"
    answer = int(_ask_until_valid("Place", lambda text: None if text in numbers else mistake, "1"))
    return offered[answer - 1] if answer < len(lines) else command_place(_ask_until_valid("Command", checks.command))


def _rotate(profile: Profile) -> None:
    """Replace the secret of a profile where it is kept; ask first where the service has not accepted the new one."""
    place = secret_place_of(profile)
    if place is None or profile.client_id is None or profile.target_id is None:
        raise CommandError(f"Profile {profile.name} is not set up yet; run: bwp-tui login --profile {profile.name}")
    question = _REPLACE if place.remove else "Is it the new one nevertheless?"
    with interrupt_as_abort():
        while (secret := _tried_secret(profile, question)) is None:
            _say("Type the secret again; ctrl+c leaves.")
    place.keep(secret)
    _say(f"The new secret of profile {profile.name} is in {place.description}.")
    _say("A bwp-tui that runs takes it when its access token ends, or the old secret is refused.")


def _print_overriding(written: Iterable[str]) -> None:
    """Print which variables win over the settings that the file has now."""
    variables = dict.fromkeys((*_SECRET_VARIABLES, *map(variable_of, written)))
    if names := [name for name in variables if os.environ.get(name)]:
        ending = "which wins over the file; unset it" if len(names) == 1 else "which win over the file; unset them"
        _say(f"The environment has {', '.join(names)}, {ending}.")


def _say(sentence: str) -> None:
    print(clean(sentence), file=sys.stderr)
