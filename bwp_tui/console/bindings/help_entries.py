"""The help of a screen that takes the main one's place, made of what it binds: it names no key that does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from textual.binding import Binding, BindingType

from bwp_tui.console.bindings.actions import Action

HERE: Final = "This screen"
"""What the keys of a screen of its own are about."""


def bound(bindings: Iterable[BindingType]) -> tuple[Action, ...]:
    """Return what a screen binds by itself, as the help shows it; a binding with an id is an action of a registry."""
    return tuple(
        Action(binding.action, tuple(binding.key.split(",")), "", binding.description, HERE)
        for binding in bindings
        if isinstance(binding, Binding) and binding.id is None
    )


def named(bindings: Iterable[BindingType], actions: Sequence[Action]) -> tuple[Action, ...]:
    """Return those of a registry's actions that a screen binds too, with the keys they have there."""
    ids = {binding.id for binding in bindings if isinstance(binding, Binding)}
    return tuple(action for action in actions if action.name in ids)
