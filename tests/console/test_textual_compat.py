"""Textual's private and undocumented names: they are used in one module, and have the effect it relies on."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widgets import Input

import bwp_tui.console
from bwp_tui.console.run import run_console
from bwp_tui.console.store_access.snapshot_feed import start_feed
from bwp_tui.console.terminal import textual_compat
from bwp_tui.console.terminal.textual_compat import CompatApp, CompatKeyParser, changed_names
from tests.console.support import make_profile

MODULES = [
    importlib.import_module(found.name) for found in pkgutil.walk_packages(bwp_tui.console.__path__, "bwp_tui.console.")
]
ELSEWHERE = [module for module in MODULES if module is not textual_compat]
NAMED_TUPLE = {"_replace", "_asdict", "_fields"}
LINES = 1_000
_private_names: dict[type, set[str]] = {}


def private_names(thing: type) -> set[str]:
    """The underscore names of itself that a class uses or defines; a class is parsed once for all modules."""
    if thing not in _private_names:
        _private_names[thing] = parsed_private_names(thing)
    return _private_names[thing]


def parsed_private_names(thing: type) -> set[str]:
    names = {
        part.name if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) else part.attr
        for part in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(thing))))
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self")
    }
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def bases_of(own: type) -> Iterable[type]:
    return (base for base in own.__mro__ if base.__module__.startswith("textual."))


@pytest.mark.parametrize("module", ELSEWHERE, ids=lambda module: module.__name__.removeprefix("bwp_tui.console."))
def test_no_other_module_uses_a_private_name_of_textual(module: ModuleType) -> None:
    tree = ast.parse(inspect.getsource(module))
    imported = [part.module or "" for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)]
    assert [name for name in imported if name.startswith("textual._")] == []
    of_others = {
        part.attr
        for part in ast.walk(tree)
        if isinstance(part, ast.Attribute)
        and part.attr.startswith("_")
        and not (isinstance(part.value, ast.Name) and part.value.id in ("self", "os"))
    }
    assert {name for name in of_others if not name.startswith("__")} <= NAMED_TUPLE
    for own in vars(module).values():
        if inspect.isclass(own) and own.__module__ == module.__name__:
            assert private_names(own) & set().union(*map(private_names, bases_of(own))) == set(), own


def test_textual_is_as_the_console_needs_it() -> None:
    assert changed_names() is None


@pytest.mark.parametrize(
    ("owner", "method"), [(App, "_handle_exception"), (LinuxDriver, "run_input_thread")], ids=["fault", "paste"]
)
@pytest.mark.parametrize("is_gone", [False, True])
def test_the_console_does_not_start_where_a_fault_or_a_paste_would_be_handled_by_textual(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    owner: type,
    method: str,
    is_gone: bool,
) -> None:
    profile = make_profile(tmp_path)
    feed = start_feed(profile)
    if is_gone:
        monkeypatch.delattr(owner, method)
    else:
        monkeypatch.setattr(owner, method, lambda *_: None)
    assert run_console(profile, theme=None, feed=feed) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert len(written.err.splitlines()) == 1
    assert "Textual" in written.err


class Lines(ScrollView):
    """Lines that count how often they are laid out or repainted."""

    painted = 0

    def on_mount(self) -> None:
        self.virtual_size = self.virtual_size.with_height(LINES)

    def refresh(self, *args: object, **options: object) -> Lines:
        self.painted += 1
        return super().refresh(*args, **options)  # type: ignore[arg-type]  # as they were passed


class Small(CompatApp, inherit_bindings=False):
    """An app with a fault on demand, which notes what is reported."""

    def __init__(self, *, faulty: bool = False) -> None:
        super().__init__()
        self.faults: list[BaseException] = []
        self.forwarded: list[tuple[str, bool]] = []
        self._is_faulty = faulty

    def get_default_screen(self) -> Screen[None]:
        return Screen(id="first")

    def report_fault(self, error: BaseException) -> None:
        self.faults.append(error)

    def compose(self) -> ComposeResult:
        yield Lines()
        yield Input()

    def on_mount(self) -> None:
        if self._is_faulty:
            local = "hush"
            raise ValueError(local)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self.forwarded.append((event.key, textual_compat.is_forwarded(event)))
        await super().on_event(event)


def test_a_fault_is_reported_and_shows_no_page_of_textual(capsys: pytest.CaptureFixture[str]) -> None:
    app = Small(faulty=True)
    app.run(headless=True)
    assert [str(fault) for fault in app.faults] == ["hush"]
    written = capsys.readouterr()
    assert "hush" not in written.out + written.err


async def test_the_first_screen_is_ours_and_threads_are_told_apart() -> None:
    app = Small()
    async with app.run_test():
        assert app.screen.id == "first"
        assert app.is_own_thread
        assert not await asyncio.to_thread(lambda: app.is_own_thread)
        assert app.driver is not None


def test_a_first_theme_has_its_colours_in_the_styles() -> None:
    """Those of the console are compared cell by cell with themes chosen later in `test_theme_change`."""
    app = Small()
    before = app.get_css_variables()
    app.set_first_theme("textual-light")
    assert app.stylesheet._variables == app.get_css_variables() != before


async def test_a_key_is_forwarded_once_the_app_has_passed_it_on() -> None:
    app = Small()
    async with app.run_test() as pilot:
        app.query_one(Input).focus()
        await pilot.press("a")
        assert app.forwarded[0] == ("a", False)
        assert app.query_one(Input).value == "a"


async def test_lines_scroll_and_grow_without_a_repaint_and_the_thumb_follows() -> None:
    app = Small()
    async with app.run_test(size=(40, 20)) as pilot:
        lines = app.query_one(Lines)
        await pilot.pause()
        lines.painted = 0
        textual_compat.scroll_unpainted(lines, 500)
        textual_compat.set_height_unpainted(lines, 2 * LINES)
        assert (lines.scroll_offset.y, lines.virtual_size.height, lines.painted) == (500, 2 * LINES, 0)
        textual_compat.fit_scrollbar(lines, 8)
        bar = lines.vertical_scrollbar
        assert (bar.position, bar.window_virtual_size) == (500, 2 * LINES)
        textual_compat.scroll_unpainted(lines, 501)
        textual_compat.fit_scrollbar(lines, 8)
        assert bar.position == 500, "nobody would see it move"


def keys(messages: Iterable[Message]) -> list[str]:
    return [message.key for message in messages if isinstance(message, events.Key)]


def test_an_unknown_sequence_is_waited_for_until_the_parser_is_reset() -> None:
    parser = CompatKeyParser()
    assert keys(parser.feed("\x1b[99")) == []
    waiting = [parser.is_waiting]
    parser.reset()
    assert [*waiting, parser.is_waiting] == [True, False]
    assert keys(parser.feed("a")) == ["a"]
    assert keys(parser.alt_key("x")) == ["alt+x"]
    assert sys.modules["textual._xterm_parser"].XTermParser in CompatKeyParser.__mro__
