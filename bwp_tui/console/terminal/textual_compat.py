"""All private and undocumented names of Textual that the console uses.

A new version of Textual may change each of them. Most then fail at once. `changed_names` checks the two that would fail
silently: without its hook Textual shows local variables after a fault, and without its key reader pastes act as keys.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget
from textual.worker import WorkerFailed


def changed_names() -> str | None:
    """Return why the console must not run with this version of Textual, in a sentence, or None."""
    replaced = ((App, "_handle_exception", "_fatal_error"), (LinuxDriver, "run_input_thread", "XTermParser"))
    changed = [name for owner, method, name in replaced if name not in _names_used(owner, method)]
    if not changed:
        return None
    return (
        f"This version of Textual does not suit the console ({', '.join(changed)} changed): install the version that "
        "bwp-tui was released with. The other commands and bwp-tui --plain work."
    )


def _names_used(owner: type, method: str) -> tuple[str, ...]:
    code = getattr(getattr(owner, method, None), "__code__", None)
    return code.co_names if isinstance(code, CodeType) else ()


class CompatApp(App[int], inherit_bindings=False):
    """An app whose faults go to `report_fault` instead of Textual's page, which shows local variables."""

    report_fault: Callable[[BaseException], None]
    """Reports a fault of this program, after which the app ends."""

    def _fatal_error(self) -> None:
        error: BaseException = self._exception or RuntimeError("unknown")
        # A worker's failure carries the fault, and no traceback of its own.
        self.report_fault(error.error if isinstance(error, WorkerFailed) else error)
        self._close_messages_no_wait()

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller runs in the app's thread."""
        return self._thread_id == threading.get_ident()

    @property
    def driver(self) -> Driver | None:
        """The driver, once the app runs."""
        return self._driver

    def set_first_theme(self, theme: str) -> None:
        """Set the theme before the app runs. Setting it later reads all styles once more."""
        if theme.startswith("ansi-"):  # these change the colours' filter too
            self.theme = theme
        else:
            self.set_reactive(App.theme, theme)
            self.stylesheet.set_variables(self.get_css_variables())


class CompatDriver(LinuxDriver):
    """A driver that reads keys with `key_reader`, and posts messages without a task for each."""

    key_reader: type[XTermParser]

    def run_input_thread(self) -> None:
        # Textual offers no way to choose the reader; it looks for its own by this name.
        linux_driver.XTermParser = self.key_reader  # type: ignore[attr-defined]  # imported there, not exported
        super().run_input_thread()

    def send_message(self, message: Message) -> None:
        # Textual's own task for each message costs a turn of the loop between a key and its answer.
        self._loop.call_soon_threadsafe(self._app.post_message, message)


class CompatKeyParser(XTermParser):
    """Textual's parser of keys, which can be asked whether it waits for more, and made to wait no longer."""

    @property
    def is_waiting(self) -> bool:
        """Whether what was fed last is the beginning of a sequence that the parser does not know."""
        return self._awaiting.timeout is not None

    def reset(self) -> None:
        """Forget the beginning of a sequence."""
        self._gen = self.parse(self._tokens.append)
        self._awaiting, self._timeout_time = next(self._gen), None

    def alt_key(self, character: str) -> Iterator[Message]:
        """Yield the keys that alt and a character are, without the character: Textual would type it into a field."""
        yield from (events.Key(each.key, None) for each in self._sequence_to_key_events(character, alt=True))


def is_forwarded(event: events.Event) -> bool:
    """Return whether the app has passed a key or a paste on to a widget already."""
    return event.is_forwarded


def lay_out(screen: Screen[Any]) -> None:
    """Give all widgets of a screen the size that their content needs now, and leave painting to the next refresh."""
    with screen.app.batch_update():
        screen._refresh_layout()


def refresh_layout(widget: Widget) -> None:
    """Refresh a widget, and lay out the screen: its content takes another size.

    Textual keeps the size that it worked out last for a widget that has not been idle since, as at the start.
    """
    widget.refresh(layout=True)
    widget._box_model_cache.clear()


def scroll_unpainted(view: ScrollView, top: int) -> None:
    """Scroll to a line, and leave it to the caller to repaint the lines that differ."""
    view.set_reactive(ScrollView.scroll_y, float(top))
    view.set_reactive(ScrollView.scroll_target_y, float(top))


def set_height_unpainted(view: ScrollView, height: int) -> None:
    """Set how many lines there are, without a new layout."""
    view.set_reactive(ScrollView.virtual_size, Size(0, height))


def fit_scrollbar(view: ScrollView, steps: int) -> None:
    """Move a vertical scrollbar's thumb, once it differs by one of the `steps` in which each cell can be drawn."""
    bar, height = view.vertical_scrollbar, view.virtual_size.height
    moved = abs(height - bar.window_virtual_size) + abs(view.scroll_offset.y - bar.position)
    if moved * view.size.height * steps >= height:
        bar.window_virtual_size = height
        bar.position = float(view.scroll_offset.y)
