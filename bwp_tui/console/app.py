"""The console: one Textual app over a profile's history, with the engine in a thread beside it."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import ClassVar, Final

# Textual reads these when it is imported: no animations, which cost bytes over SSH, and no wait for the next of 60
# frames a second when a key follows another change, since only changed cells are sent.
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
os.environ.setdefault("TEXTUAL_FPS", "250")

from textual import events
from textual.driver import Driver
from textual.screen import Screen

from bwp_tui.console.background import run_in_background
from bwp_tui.console.bindings.actions import MOVE_ACTIONS, Scope
from bwp_tui.console.bindings.keymap import keymap
from bwp_tui.console.bindings.screen_actions import bindings_of
from bwp_tui.console.presentation.styled_text import ROLES
from bwp_tui.console.presentation.themes import FIRST_STYLES, LATER_STYLES, OWN_THEMES, THEMES, choose_theme
from bwp_tui.console.protocols import SnapshotListener
from bwp_tui.console.screens.action_screen import ActionScreen
from bwp_tui.console.screens.main import MainScreen
from bwp_tui.console.session import Session
from bwp_tui.console.state.saved_state import SavedStateFile
from bwp_tui.console.store_access.history_reader import HistoryReader
from bwp_tui.console.store_access.snapshot_feed import Snapshot, SnapshotFeed, start_feed
from bwp_tui.console.store_access.watch_notifier import WatchNotifier, notification_text, status_text
from bwp_tui.console.store_access.write_guard import cannot_write_for_shop
from bwp_tui.console.terminal.diff_driver import DiffDriver
from bwp_tui.console.terminal.hangup_detector import SIGNALS, HangupDetector
from bwp_tui.console.terminal.key_queue import KeyQueue
from bwp_tui.console.widgets.bars import FooterApp, StatusLine
from bwp_tui.crashlog import sentence, write_report
from bwp_tui.domain.times import Clock, utc_now
from bwp_tui.engine.runtime.engine_config import config_loader
from bwp_tui.engine.runtime.engine_thread import EngineRole, EngineThread
from bwp_tui.settings import Profile, actor, config_path
from bwp_tui.store.errors import StoreError
from bwp_tui.store.open_store import open_store

PASTE_NOTICE_S: Final = 30.0
"""Seconds for which the notice of a dropped paste is shown, unless something else is shown sooner."""

_PASTE_DROPPED: Final = "A paste was ignored: letters are keys here. If you typed it, type it again."

_COLLECTED_AFTER_S: Final = 1.0
"""Seconds after which the garbage collector runs, which the start of the process has disabled."""


class ConsoleApp(FooterApp, inherit_bindings=False):
    """Shows a profile's history, and runs its engine unless another process does.

    Attributes:
        crash: the sentence on the fault that ended the app, or None.
        next_profile: the profile to open once it has ended, or None.

    Raises:
        StoreError: the history cannot be used.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(ROLES)
    CSS_PATH = [*FIRST_STYLES]
    ALLOW_SELECT = False  # the terminal selects text itself while shift is held
    ENABLE_COMMAND_PALETTE = False
    TITLE = "bwp-tui"
    BINDINGS: ClassVar = bindings_of(Scope.APP)

    def __init__(
        self,
        profile: Profile,
        *,
        theme: str | None = None,
        clock: Clock = utc_now,
        with_engine: bool = True,
        driver_class: type[Driver] | None = None,
        feed: SnapshotFeed | None = None,
    ) -> None:
        """Make the app.

        Args:
            feed: reads the profile's history already; made here where it is None.
        """
        # Textual chooses its filter here: its grey one would turn the terminal's own colours into black on black.
        super().__init__(driver_class=driver_class, ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.set_class(bool(os.environ.get("NO_COLOR")), "-no-color")
        self.animation_level = "none"
        for own in OWN_THEMES:
            self.register_theme(own)
        self._theme_name = choose_theme(theme or profile.theme, os.environ)
        self.set_first_theme(THEMES[self._theme_name])
        self._profile = profile
        self._configured = not profile.missing()
        self.crash: str | None = None
        self._requested_exit: int | None = None
        self._last_notice: str | None = None
        self._shown_refusals = (0, "")  # how many the status line tells of, and its sentence
        self.next_profile: str | None = None
        feed = feed or start_feed(profile, clock)
        self._store = open_store(profile.history_path, clock=clock)
        self._other_shop = cannot_write_for_shop(self._store, profile)
        self._read_only_reason = self._store.read_only_reason
        self._write_store = self._store.open_another()
        self._engine = EngineThread(profile, config_loader(profile), changed=self._role_changed, clock=clock)
        self._with_engine = with_engine and self._configured and self._other_shop is None
        self._session = Session(
            profile=profile,
            read_store=self._store,
            write_store=self._write_store,
            actor=actor(os.environ, profile.actor, profile.is_team),
            reader=HistoryReader(
                self._store,
                partial(self._call, self._show_update),
                lambda one: self._session.actual_download(one),
            ),
            feed=feed,
            publish=partial(self._call, self._show_update),
            clock=clock,
            engine_role=lambda: EngineRole.STOPPED if self._other_shop else self._engine.role,
            set_theme=self._set_theme,
            switch_profile=self._switch_profile,
            set_polled_first=self._engine.set_polled_first,
            keymap=keymap(profile.keys, profile.commands),
            saved_state=SavedStateFile(profile),
            lend_terminal=self._lend_terminal,
            masked=profile.mask,
            is_of_other_shop=self._other_shop is not None,
        )
        self._watch_notifier = WatchNotifier(self._store, self._session.unwatch)
        self._hangup_detector = HangupDetector(self._end_session)
        self._key_queue = KeyQueue(
            self,
            self._deliver,
            self._accepts_now,
            may_act=self._may_act,
            only_moves=lambda key: self._is_key_of(key, MOVE_ACTIONS),
            opens_field=lambda key: self._is_key_of(key, ("filter",)),
            paste_dropped=self._report_dropped_paste,
        )

    def _accepts_now(self, event: events.Event) -> bool:
        screen = self.screen
        if not isinstance(event, events.Key) or not isinstance(screen, ActionScreen):
            return True
        is_for_later = self._session.questions_in_preparation and not screen.is_prompt_or_form_focused
        return not is_for_later and screen.accepts_now(event.key)

    def _may_act(self, event: events.Event) -> bool:
        """Return whether a key or paste may act: on a screen that is covered, only one that closes or leaves may."""
        screen = self.screen
        if not isinstance(screen, ActionScreen) or not screen.is_too_small:
            return True
        if not isinstance(event, events.Key):
            return False
        actions = self._session.keymap.actions_of
        keys = {key for action in actions(Scope.APP) for key in action.keys}
        if screen.is_prompt_or_form_focused:
            keys.add("escape")
        else:
            keys.update(*(action.keys for action in actions(screen.scope) if action.name == screen.leave_action))
        return event.key in keys

    async def _deliver(self, event: events.Event) -> None:
        """Deliver a key or paste, unless it is the rest of an answer that its first letter has given."""
        if (
            isinstance(event, events.Key)
            and isinstance(screen := self.screen, ActionScreen)
            and screen.query("#prompt")
            and screen.prompt.is_rest_of_answer(event)
        ):
            return
        await super().on_event(event)

    async def on_event(self, event: events.Event) -> None:
        if self._key_queue.takes(event):
            await self._key_queue.put(event)
        else:
            await super().on_event(event)

    def on_mount(self) -> None:
        self.set_timer(_COLLECTED_AFTER_S, gc.enable)
        self._key_queue.start()
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in SIGNALS:
                loop.add_signal_handler(number, self._hangup_detector.end_session, 128 + number)
            self._hangup_detector.start()
        if not self._configured:
            self._key_queue.open()

    def get_default_screen(self) -> Screen[None]:
        self.set_keymap(self._session.keymap.overrides)
        if not self._configured:
            from bwp_tui.console.screens.missing_credentials import MissingCredentialsScreen

            self.stylesheet.read_all(LATER_STYLES)
            return MissingCredentialsScreen(
                self._session.keymap, self._profile.name, self._profile.missing(), str(config_path(os.environ))
            )
        return MainScreen(self._session, self.size)

    def on_main_screen_ready(self) -> None:
        if self._requested_exit is not None:
            self.exit(return_code=self._requested_exit)
            return
        self._key_queue.open()
        report = self.opening_report
        if self._main is not None and (sentence := report or self._session.keymap.mistakes_sentence):
            self._main.show_status(sentence, "bad" if report else "warn")
        if self._with_engine:
            # Not before: importing the HTTP library would delay the first frame.
            self._engine.start()

    def on_action_screen_help_requested(self) -> None:
        from bwp_tui.console.screens.help import HelpScreen  # not before the first frame

        if isinstance(screen := self.screen, ActionScreen):
            self.push_screen(HelpScreen(self._session, screen, self._session.keymap.actions_of(screen.scope)))

    def on_unmount(self) -> None:
        self._key_queue.stop()
        self._hangup_detector.stop()

    def close(self) -> None:
        """Stop the engine and the feed, and close the history, once the app has ended."""
        self._engine.stop()
        self._session.feed.stop()
        self._session.saved_state.close()
        self._store.close()
        self._write_store.close()

    def _show_update(self, update: Snapshot | str) -> None:
        """Show a snapshot of the history on all screens, or the sentence on why there is none."""
        if not self.is_running:
            return  # the widgets of the screens are being removed
        for screen in self.screen_stack:
            if isinstance(screen, SnapshotListener):
                screen.show_snapshot(update)
        if self._read_only_reason is not None:
            self._report_if_writable(self._read_only_reason)
        if isinstance(update, Snapshot):
            run_in_background(self, partial(self._notify_ended, update), group="watching")

    def _report_if_writable(self, was_read_only: str) -> None:
        """Report that the history, which could only be read, can be written again, as once a full disk has space."""
        with suppress(StoreError):
            self._store.check_not_moved(retry=True)
        if self._store.read_only_reason is None:
            self._read_only_reason = None
            self._clear_status(was_read_only)
            self._show_status(self.opening_report or "The history can be written again.", is_notice=True)
            self.show_engine()  # the header says no longer that it is read-only

    async def _notify_ended(self, snapshot: Snapshot) -> None:
        if self._main is not None:
            self._show_refusals(self._main, await self._watch_notifier.refusals())
        ended = await self._watch_notifier.ended(snapshot.revision)
        if not ended:
            return
        if self._main is not None:
            self._main.show_notice(status_text(ended, masked=self._session.masked))
        if not self.is_headless and self.driver is not None:
            from bwp_tui.console.terminal.notification import notification_sequence  # not before the first frame

            self.driver.write(notification_sequence(notification_text(ended), self._profile.notices, os.environ))
        await self._watch_notifier.unwatch(ended)

    def _show_refusals(self, main: MainScreen, refusals: Sequence[str]) -> None:
        """Show each refusal, and how many there are if the last ones are still shown."""
        for refusal in refusals:
            count = self._shown_refusals[0] + 1 if main.status.notice == self._shown_refusals[1] else 1
            if count == 1:
                main.show_notice(refusal, "bad")
            else:
                self.post_message(StatusLine.Shown(self._session.in_shell(refusal), "bad"))
                key = self._session.keymap.key("messages")
                for screen in filter(None, (main, main.prompt_host)):
                    screen.status.update_notice(f"{count} refusals, which {key} lists. {refusal}")
            self._shown_refusals = count, main.status.notice

    def on_status_line_shown(self, message: StatusLine.Shown) -> None:
        self._session.messages.add(self._session.clock(), message.role, message.sentence)

    def show_engine(self) -> None:
        """Show which process is the engine, and what is wrong with the engine of this process."""
        if self._main is not None:
            self._main.check_engine()
            notice = self._engine.trouble or self._engine.maintenance_finding
            if notice and notice != self._last_notice:
                self._main.show_notice(notice, "bad" if self._engine.trouble else "warn")
            elif not notice and self._last_notice:
                self._clear_status(self._last_notice)
            self._last_notice = notice

    def _is_key_of(self, key: str, names: Collection[str]) -> bool:
        actions = self._session.keymap.actions_of(Scope.MAIN)
        return any(key in action.keys for action in actions if action.name in names)

    def action_perform(self, name: str) -> None:
        """Do an action that every screen has."""
        {"interrupt": self._interrupt, "repaint": self._repaint, "suspend": self._suspend}[name]()

    def _interrupt(self) -> None:
        """Close an open prompt or form, as the escape key does; without one, show the key that quits."""
        if isinstance(self.screen, ActionScreen) and self.screen.is_prompt_or_form_focused:
            self.simulate_key("escape")
        else:
            key = self._session.keymap.key
            before = "" if self.screen is self._main else f"{key('back')} goes back to the tasks. There, "
            self._show_status(f"{before}{key('quit')} leaves the console.")

    def _repaint(self) -> None:
        """Send the whole screen, after something else has written to the terminal."""
        if isinstance(self.driver, DiffDriver):
            self.driver.repaint_all()
        else:
            self.refresh(layout=True)

    def _suspend(self) -> None:
        """Suspend the console; refused without a shell with job control, which alone could resume it."""
        if os.getpgrp() == os.getsid(0):
            self._show_status("There is no shell to go back to.", "warn")
        else:
            self.action_suspend_process()

    @contextmanager
    def _lend_terminal(self) -> Iterator[None]:
        """Leave the terminal to another program during the block."""
        with self._hangup_detector.terminal_lent(), self.suspend():
            yield

    def _report_dropped_paste(self) -> None:
        """Say for some seconds that a paste was dropped; at a question, which hides that, what answers it instead."""
        if isinstance(screen := self.screen, ActionScreen) and screen.is_asking:
            screen.prompt.reject("A text")
            return
        self._show_status(_PASTE_DROPPED, "warn")
        self.set_timer(PASTE_NOTICE_S, lambda: self._clear_status(_PASTE_DROPPED))

    def _clear_status(self, sentence: str) -> None:
        """Remove a sentence where it is still shown."""
        for screen in self.screen_stack:
            for line in screen.query("#status").results(StatusLine):
                line.remove_sentence(sentence)

    def _show_status(self, sentence: str, role: str = "plain", *, is_notice: bool = False) -> None:
        """Show a sentence on the screen in front, else, where that has no status line, on the main one."""
        screen = self.screen if self.screen.query("#status") else self._main
        if isinstance(screen, ActionScreen):
            (screen.show_notice if is_notice else screen.show_status)(sentence, role)

    @property
    def _main(self) -> MainScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)

    def _set_theme(self, name: str | None) -> None:
        """Show a theme, or for None the next one."""
        names = list(THEMES)
        self._theme_name = name or names[(names.index(self._theme_name) + 1) % len(names)]
        self.theme = THEMES[self._theme_name]
        if self._main is not None:
            self._main.show_status(f"Theme {self._theme_name}.")

    def _switch_profile(self, name: str) -> None:
        self.next_profile = name
        self.exit()

    def _role_changed(self) -> None:
        if self._engine.role is not EngineRole.STARTING:
            self._call(self.show_engine)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        """Have the app call something, from another thread too; no more once it has ended."""
        if self.is_running:
            self.call_later(callback, *arguments)

    def _end_session(self, code: int) -> None:
        self._engine.stop()
        if self.is_own_thread:
            self._end(code)
        else:
            self.call_from_thread(self._end, code)

    def _end(self, code: int) -> None:
        """Exit now, or once the widgets are mounted: exiting amid their mounting raises."""
        self._requested_exit = code
        if self._main is None or not self._main.is_getting_ready:
            self.exit(return_code=code)

    def report_fault(self, error: BaseException) -> None:
        self.crash = sentence(error, write_report(self._profile.log_dir, error))

    @property
    def opening_report(self) -> str | None:
        """What was recovered when the history was opened, or why it can only be read; else None."""
        reports = (self._session.feed.opening_report, self._store.opening_report, self._engine.opening_report)
        return self._other_shop or next(filter(None, reports), self._store.read_only_reason)
