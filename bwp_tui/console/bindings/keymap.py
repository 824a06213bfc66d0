"""The operator's own keys: the `[keys]` table of the config file, laid over the registry of actions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from bwp_tui.console.bindings.actions import Action, Scope, custom_action
from bwp_tui.console.bindings.key_names import InvalidKey, key_text, parse_key
from bwp_tui.console.bindings.screen_actions import NAMES, REGISTRY, actions_of
from bwp_tui.domain.text import as_sentence, clean_line, did_you_mean
from bwp_tui.settings import KeySetting
from bwp_tui.settings.profile import CustomCommand


class Keymap(NamedTuple):
    """The registry with the operator's keys.

    Attributes:
        mistakes: a sentence for each setting that cannot be; its action has the keys it has without the file.
        custom: the actions of the operator's own commands, which are in the registry too.
        overrides: the keys of each action whose keys are not the default ones, as Textual's `set_keymap` takes them.
    """

    registry: tuple[Action, ...] = REGISTRY
    mistakes: tuple[str, ...] = ()
    overrides: Mapping[str, str] = MappingProxyType({})
    custom: tuple[Action, ...] = ()

    def actions_of(self, scope: Scope) -> tuple[Action, ...]:
        return actions_of(self.registry, scope)

    @property
    def mistakes_sentence(self) -> str:
        """One sentence about the mistakes, for the console; empty without any."""
        if not self.mistakes:
            return ""
        more = len(self.mistakes) - 1
        others = f" {more} more: bwp-tui config validate lists them." if more else ""
        is_of_action = re.search(r": keys\.\S+ (cannot|must) be ", self.mistakes[0])
        stays = " The key it had stays." if is_of_action else ""
        return f"{self.mistakes[0]}{stays}{others}"

    def key(self, name: str) -> str:
        """Return the first key of an action, as operators know it."""
        return key_text(self._action(name).keys[0])

    def offered_key(self, name: str, *, read_only: bool) -> str:
        """Return the first key of an action, or nothing where nothing may be changed and the action is refused."""
        return "" if read_only and self._action(name).writes else self.key(name)

    def _action(self, name: str) -> Action:
        return next(action for action in self.registry if action.name == name)

    def hint(self, label: str, *names: str) -> tuple[str, str]:
        """Return the first keys of actions and what they do, as a footer shows them."""
        return " ".join(map(self.key, names)), label


def keymap(settings: Sequence[KeySetting], commands: Sequence[CustomCommand] = ()) -> Keymap:
    """Return the registry with the keys of these settings, each of which is taken or reported as a mistake.

    The operator's own commands come last: a key of theirs that an action has is a mistake.
    """
    mistakes: list[str] = []
    changes: dict[str, tuple[KeySetting, tuple[str, ...]]] = {}
    for setting in settings:
        if setting.action not in NAMES:
            mistakes.append(_message(setting, f"is no action{did_you_mean(setting.action, NAMES)}"))
            continue
        try:
            changes[setting.action] = (setting, _keys(setting))
        except InvalidKey as error:
            mistakes.append(_message(setting, str(error)))
    while (clash := _clash({name: keys for name, (_, keys) in changes.items()})) is not None:
        name, mistake = clash
        mistakes.append(_message(changes.pop(name)[0], mistake))
    registry = tuple(
        action._replace(keys=changes[action.name][1]) if action.name in changes else action for action in REGISTRY
    )
    changed = {
        action.name: ",".join(action.keys)
        for action, default in zip(registry, REGISTRY, strict=True)
        if action.keys != default.keys
    }
    own: list[Action] = []
    for command in commands:
        try:
            key = parse_key(command.key)
        except InvalidKey as error:
            mistakes.append(
                _command_message(command, f"cannot be “{clean_line(command.key)[:_MAX_QUOTED]}”, which {error}")
            )
            continue
        taken = [action.name for action in (*registry, *own) if action.scope in _CUSTOM_SCOPES and key in action.keys]
        if taken:
            mistakes.append(
                _command_message(command, f"cannot be “{key_text(key)}”, which is the key of {taken[0]} already")
            )
        else:
            own += (custom_action(command, key, scope) for scope in (Scope.MAIN, Scope.TASK))
    return Keymap((*registry, *own), tuple(mistakes), changed, tuple(own))


def _keys(setting: KeySetting) -> tuple[str, ...]:
    if not setting.keys:
        raise InvalidKey('must be a key or a list of keys: "d" or ["d", "f5"]')
    keys: dict[str, None] = {}
    for text in setting.keys:
        try:
            keys[parse_key(text)] = None
        except InvalidKey as error:
            raise InvalidKey(f"cannot be “{clean_line(text)[:_MAX_QUOTED]}”, which {error}") from None
    if setting.action in _EVERYWHERE and (
        typed := [key for key in keys if not re.fullmatch(_KEYS_NO_PROMPT_USES, key)]
    ):
        raise InvalidKey(f"cannot be “{key_text(typed[0])}”, which prompts need; choose one such as ctrl+g or f5")
    return tuple(keys)


def _clash(key_settings: Mapping[str, tuple[str, ...]]) -> tuple[str, str] | None:
    """Return a setting whose key another action of the same screen has, and what is wrong with it; None without one.

    An action that keeps its own keys goes first, then the settings in the order of the file.
    """
    owners: dict[str, dict[Scope, str]] = {}
    kept = [action for action in REGISTRY if action.name not in key_settings]
    changed = [
        action._replace(keys=keys) for name, keys in key_settings.items() for action in REGISTRY if action.name == name
    ]
    for action in (*kept, *changed):
        for key in action.keys:
            others = owners.setdefault(key, {})
            scopes = Scope if action.scope is Scope.APP else (action.scope, Scope.APP)
            for owner in (others.get(scope, action.name) for scope in scopes):
                if owner != action.name:
                    return action.name, f"cannot be “{key_text(key)}”, which is the key of {owner} already"
            others[action.scope] = action.name
    return None


def _message(setting: KeySetting, mistake: str) -> str:
    return as_sentence(f"{setting.place}: keys.{clean_line(setting.action)} {mistake}")


def _command_message(command: CustomCommand, mistake: str) -> str:
    return f"{command.place}: commands.{command.name}.key {mistake}."


_CUSTOM_SCOPES: Final = (Scope.MAIN, Scope.TASK, Scope.APP)
_EVERYWHERE: Final = frozenset(action.name for action in actions_of(REGISTRY, Scope.APP))
_KEYS_NO_PROMPT_USES: Final = r"ctrl\+[a-z]|f\d+"
"""The keys that no prompt takes as text or editing, and that the actions of all screens may therefore have."""

_MAX_QUOTED: Final = 20
"""Characters of a mistaken key that a sentence repeats."""
