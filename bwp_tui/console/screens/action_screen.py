"""Bases of the screens: their keys are actions of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual.containers import VerticalScroll
from textual.events import Key
from textual.message import Message
from textual.screen import Screen

from bwp_tui.console.background import ACTION, Work, run_in_background
from bwp_tui.console.bindings.actions import MARK_GROUP, MOVE_GROUP, Action, ActionContext, Scope, footer_actions
from bwp_tui.console.bindings.key_names import key_text
from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.bindings.screen_actions import bindings_of
from bwp_tui.console.presentation.breakpoints import has_size, is_list_alone
from bwp_tui.console.terminal.textual_compat import lay_out
from bwp_tui.console.widgets.bars import FooterLine, StatusLine
from bwp_tui.console.widgets.styled_line import KeyLine
from bwp_tui.console.widgets.virtual_rows import VirtualRows
from bwp_tui.settings.profile import LIST_SIZE, MINIMUM_SIZE

if TYPE_CHECKING:
    from bwp_tui.console.widgets.prompt import Prompt
    from bwp_tui.console.widgets.request_form import RequestForm

_BEYOND_ANY_PAGE: Final = 100_000
"""More lines than any page has."""

_ALWAYS_SHOWN: Final = 3
"""Keys at the end of the footer for which there is always room, such as those of help and quit."""

_CLOSING: Final = ("back", "leave", "close", "downloads", "sent", "dashboard", "messages", "profiles")
"""Actions that close a screen: those that go back, and the one that has opened it."""

_ON_LIST_ALONE: Final = frozenset({"failed", "freeze", "mask", "back", "theme", "quit"})
"""Actions that need no room beside the list, besides those that move the cursor or open a view."""


def _acts_on_list_alone(action: Action) -> bool:
    return action.group == MOVE_GROUP or action.name.startswith("view_") or action.name in _ON_LIST_ALONE


class ActionScreen(Screen[None]):
    """A screen that binds the actions of its scope and carries them out by name.

    Attributes:
        handlers: what carries each action out, but for those that move the cursor; a coroutine function does so in the
            background.
    """

    class HelpRequested(Message):
        """The keys of the screen in front are to be shown."""

    scope: ClassVar[Scope]
    leave_action: ClassVar[str] = "leave"
    """The name of the action that leaves the screen."""
    has_list_alone: ClassVar[bool] = False
    """Whether a terminal that is too small for the whole screen shows its list."""

    def __init_subclass__(cls, **options: Any) -> None:
        if "scope" in cls.__dict__:
            cls.BINDINGS = bindings_of(cls.scope)
        super().__init_subclass__(**options)

    def __init__(self, keymap: Keymap, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.keymap = keymap
        self.handlers: dict[str, Callable[[], object]] = {
            **dict.fromkeys(_CLOSING, self.close),
            "help": lambda: self.post_message(self.HelpRequested()),
        }

    def on_key(self, event: Key) -> None:
        """Do the operator's own command that has a key; no binding has it."""
        for action in self.keymap.custom:
            if action.scope is self.scope and event.key in action.keys:
                event.stop()
                self.action_perform(action.name)

    @property
    def is_list_alone(self) -> bool:
        """Whether only the list is shown; never beside an open prompt or form, which could not be read."""
        return self.has_list_alone and is_list_alone(self.app.size) and not self.is_prompt_or_form_focused

    @property
    def is_too_small(self) -> bool:
        """Whether the terminal is too small for what the screen would show."""
        return not has_size(self.app.size, MINIMUM_SIZE) and not self.is_list_alone

    def on_descendant_focus(self) -> None:
        if not has_size(self.app.size, MINIMUM_SIZE):
            self._update_cover()

    def on_resize(self) -> None:
        """Cover a screen that cannot be drawn; Textual calls this besides the `on_resize` of a subclass."""
        self._update_cover()

    def _update_cover(self) -> None:
        self.set_class(self.is_too_small, "-too-small")
        if not self.is_too_small:
            return
        if not self.query("#too-small"):
            self.mount(StatusLine(id="too-small"))
        size, key, least = self.app.size, self.keymap.key, "{}x{}".format
        list_alone = f" (for the list alone {least(*LIST_SIZE)})" if self.has_list_alone else ""
        self.query_one("#too-small", StatusLine).set_sentence(
            f"bwp-tui needs {least(*MINIMUM_SIZE)}{list_alone}; this terminal has {size.width}x{size.height}. "
            f"Until then keys do nothing; to leave, press {key('interrupt')}, then {key(self.leave_action)}.",
            "warn",
        )

    @property
    def context(self) -> ActionContext:
        """What decides which actions are possible."""
        return ActionContext()

    @property
    def prompt(self) -> Prompt:
        """The prompt of a screen that has one."""
        return cast("Prompt", self.query_one("#prompt"))

    @property
    def is_asking(self) -> bool:
        """Whether a prompt is open, which all keys are for."""
        return bool(self.query("#prompt")) and self.prompt.is_open

    def accepts_now(self, key: str) -> bool:  # noqa: ARG002  for subclasses
        """Return whether a key can be handled now, or waits for what it is meant for."""
        return True

    @property
    def is_prompt_or_form_focused(self) -> bool:
        focused = self.focused
        return focused is not None and any(node.id in ("prompt", "form") for node in focused.ancestors_with_self)

    def on_key_line_clicked(self, event: KeyLine.Clicked) -> None:
        """Press the key that was clicked; beside an open prompt or form only one that it names, and only once."""
        event.stop()
        if self.is_prompt_or_form_focused:
            is_of_what_is_open = isinstance(event.line, FooterLine) or event.line.id == "prompt-hint"
            if event.is_repeated or not is_of_what_is_open:
                return
            if self.is_asking:
                may_be_clicked = self.prompt.may_be_clicked(event.key)
            elif not (may_be_clicked := cast("RequestForm", self.query_one("#form")).may_be_clicked(event.key)):
                self.show_status("A click does not submit a deletion: press enter.", "warn")
            if not may_be_clicked:
                return
        self.app.call_later(self.app.simulate_key, event.key)  # posted by a screen, it would not reach the app

    @property
    def moves(self) -> Mapping[str, Callable[[], None]]:
        """What each action does that moves the cursor."""
        return self.query_one(VirtualRows).moves

    def acts_on_marks(self, name: str) -> bool:  # noqa: ARG002  for subclasses
        """Return whether the action of this name would be done to what is marked."""
        return False

    def show_action_keys(self, context: ActionContext) -> None:
        """Show in the footer what can be done now; its last keys always."""
        actions = footer_actions(self.keymap.actions_of(self.scope), context, self.acts_on_marks)
        keys, always = [(key_text(action.keys[0]), action.label) for action in actions], _ALWAYS_SHOWN
        if context.mark_count:
            always = sum(action.group != MARK_GROUP and not self.acts_on_marks(action.name) for action in actions)
            keys.insert(len(keys) - always, self.keymap.hint("unmark", "back"))
            always += 1
        self.query_one(FooterLine).show_keys(*keys, always=always)

    def action_perform(self, name: str) -> None:
        """Do an action, or say why it is not possible."""
        if self.is_asking:
            return
        if self.is_list_alone and not _acts_on_list_alone(self._action(name)):
            needed = "{}x{}".format(*MINIMUM_SIZE)  # not what this one has: the sentence stays after a resize
            self.show_status(f"{self.keymap.key(name)} needs a terminal of {needed}.", "warn")
        elif reason := self.disabled_reason(name):
            self.show_status(f"{self.keymap.key(name)}: {reason}", "warn")
        else:
            self.dispatch(name)

    def disabled_reason(self, name: str) -> str | None:
        """Return why an action is not possible now, or None when it is."""
        return self._action(name).disabled_reason(self.context)

    def _action(self, name: str) -> Action:
        return next(action for action in self.keymap.actions_of(self.scope) if action.name == name)

    def dispatch(self, name: str) -> None:
        handler = self.handlers.get(name) or self.moves[name]
        if iscoroutinefunction(handler):
            self.run_in_background(handler)
        else:
            handler()

    def run_in_background(self, work: Work, group: str = ACTION) -> None:
        """Start work that waits for the operator or the disk."""
        run_in_background(self, work, group=group)

    @property
    def status(self) -> StatusLine:
        return self.query_one("#status", StatusLine)

    def show_status(self, sentence: str, role: str = "plain") -> None:
        """Show what came of an action; an empty sentence removes the notice too."""
        self.status.set_sentence(sentence, role)

    def show_notice(self, sentence: str, role: str = "plain") -> None:
        """Show what happened without an action, behind what came of the last one."""
        self.status.set_notice(sentence, role)

    def close(self) -> None:
        self.dismiss(None)


class ScrolledScreen(ActionScreen):
    """A screen with one scrolled page of text."""

    @property
    def moves(self) -> Mapping[str, Callable[[], None]]:
        page = max(1, self.query_one(VerticalScroll).size.height - 1)  # one line stays in sight
        lines = {
            "down": 1,
            "up": -1,
            "half_page_down": max(1, page // 2),
            "half_page_up": -max(1, page // 2),
            "page_down": page,
            "scroll": page,
            "page_up": -page,
            "first": -_BEYOND_ANY_PAGE,
            "last": _BEYOND_ANY_PAGE,
        }
        return {name: partial(self._scroll, count) for name, count in lines.items()}

    def scroll_to_line(self, line: int) -> None:
        """Scroll to a line of the page, or as far as its content goes, which may have changed just now."""
        lay_out(self)
        self.query_one(VerticalScroll).scroll_to(y=line, animate=False, immediate=True)

    def _scroll(self, lines: int) -> None:
        self.scroll_to_line(round(self.query_one(VerticalScroll).scroll_y) + lines)
