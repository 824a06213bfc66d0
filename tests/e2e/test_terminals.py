"""Terminals of all kinds: without colour, with sixteen, over SSH, inside tmux."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.e2e.operator import ENTER, ESCAPE, POINTER, ROOT, Operator, colours_in, end, unchanging_history
from tests.pty_terminal import Terminal
from tests.waiting import eventually

SIXTEEN = {*range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)}
MOUSE_ON = (b"\x1b[?1000h", b"\x1b[?1002h", b"\x1b[?1003h", b"\x1b[?1006h", b"\x1b[?1015h", b"\x1b[?1016h")


def open_screens(terminal: Terminal) -> bytes:
    """Open details, help, form and prompt; return all that was written."""
    terminal.wait_for("engine here")
    terminal.wait_for("COMPLETED")
    steps: tuple[tuple[str, str | Callable[[str], bool]], ...] = (
        (ENTER, lambda screen: " STATUS " not in screen),
        (ESCAPE, " STATUS "),
        ("?", "[keys] table"),
        ("q", "COMPLETED"),
        ("n", "Received on"),
        ("no-address", "no @"),
        ("\x15", lambda screen: "no @" not in screen),  # with a request in the form, leaving would be asked about
        (ESCAPE, "COMPLETED"),
        ("/staus:x", "Did you mean"),
        (ESCAPE, "COMPLETED"),
        ("j", "COMPLETED"),
        ("T", "Theme"),
    )
    for keys, shown in steps:
        terminal.send(keys)
        terminal.wait_for(shown)
        terminal.wait_until_quiet(quiet=0.15)
    assert end(terminal) == 0
    return terminal.bytes_since()


def test_no_color_means_no_colour_at_all(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console(NO_COLOR="1") as terminal:
        assert colours_in(open_screens(terminal)) == set()


def test_without_colours_the_row_of_the_cursor_is_in_reverse(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console(NO_COLOR="1") as terminal:
        terminal.wait_for("engine here")
        rows = terminal.wait_for(POINTER).splitlines()
        terminal.wait_until_quiet()
        here = next(number for number, row in enumerate(rows) if row.startswith(POINTER))
        cells = terminal.cells()
        assert all(cast(Any, cell).reverse for cell in cells[here][:100])
        assert not any(cast(Any, cell).reverse for cell in cells[here + 1][:100])
        assert end(terminal) == 0


def test_without_colours_the_cursor_in_a_text_field_is_in_reverse(shop: Operator) -> None:
    shop.plant(unchanging_history(5))
    with shop.console(NO_COLOR="1") as terminal:
        terminal.wait_for("engine here")
        terminal.send("n")
        terminal.wait_for("Received on")
        terminal.send("jane")
        rows = terminal.wait_for("jane").splitlines()
        terminal.wait_until_quiet()
        row = next(number for number, line in enumerate(rows) if "Email  " in line)
        reversed_cells = [x for x, cell in enumerate(terminal.cells()[row]) if cast(Any, cell).reverse]
        assert reversed_cells == [rows[row].index("jane") + len("jane")]
        terminal.send("\x15")  # with a request in the form, leaving would be asked about
        terminal.wait_for(lambda screen: "jane" not in screen)
        terminal.send(ESCAPE)
        terminal.wait_for(lambda screen: "Received on" not in screen)
        assert end(terminal) == 0


def test_ctrl_z_under_a_shell_without_job_control_stops_nothing(shop: Operator) -> None:
    shop.plant(unchanging_history(5))
    with shop.in_terminal(["sh", "-c", f"{shlex.join(shop.argv())}; exit $?"]) as terminal:
        terminal.wait_for("engine here")
        terminal.send("\x1a")
        terminal.wait_for("no shell")
        assert end(terminal) == 0


def test_a_plain_xterm_gets_its_own_sixteen_colours_alone(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console(TERM="xterm", COLORTERM="") as terminal:
        colours = colours_in(open_screens(terminal))
    assert colours
    assert colours <= SIXTEEN


def test_true_colour_is_used_where_the_terminal_has_it(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console() as terminal:
        assert 38 in colours_in(open_screens(terminal))


def test_a_linux_console_gets_letters_of_all_kinds_and_no_sign_that_its_fonts_lack(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console(TERM="linux", COLORTERM="") as terminal:
        terminal.wait_for("engine here")
        terminal.send("e")
        terminal.wait_for("esc back")
        terminal.send("é")
        terminal.wait_for("é")
        terminal.send(ESCAPE)
        terminal.wait_for(lambda text: "é" not in text)
        open_screens(terminal)
        shown = terminal.bytes_since().decode()
    assert set(shown) & set("•…→←↑↓●○▲✓✗⇣◷◉›▸▆") == set()
    listed = shop.in_terminal(shop.argv("list"), TERM="linux")
    with listed as terminal:
        terminal.wait_for("@example")
        assert set(terminal.screen_text()) & set("•…✓✗⇣") == set()


def test_over_ssh_the_mouse_is_never_switched_on(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console(SSH_CONNECTION="10.0.0.7 50000 10.0.0.1 22") as terminal:
        written = open_screens(terminal)
    assert [sequence for sequence in MOUSE_ON if sequence in written] == []


def test_a_click_opens_a_view_and_the_wheel_presses_no_key(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        views = terminal.wait_for("failed").splitlines()[1]
        terminal.send("\x1b[<65;20;5M" * 3)
        terminal.send("".join(f"\x1b[<0;{views.index('failed') + 1};2{end}" for end in "Mm"))
        terminal.wait_for("is:failed")
        assert end(terminal) == 0


def test_over_ssh_the_mouse_is_switched_on_where_the_profile_says_so(shop: Operator) -> None:
    with shop.console(SSH_CONNECTION="10.0.0.7 50000 10.0.0.1 22", BWP_MOUSE="on") as terminal:
        terminal.wait_for("engine here")
        assert end(terminal) == 0
        assert b"\x1b[?1003h" in terminal.bytes_since()


def test_at_the_machine_itself_the_mouse_is_switched_on_and_off_again(shop: Operator) -> None:
    with shop.console() as terminal:
        terminal.wait_for("engine here")
        assert end(terminal) == 0
        written = terminal.bytes_since()
    assert written.rindex(b"\x1b[?1003h") < written.rindex(b"\x1b[?1003l")


@dataclass(frozen=True)
class Tmux:
    """A tmux server of its own with one window, whose size is commanded."""

    socket: Path
    env: dict[str, str]

    def __call__(self, *words: str) -> str:
        argv = ["tmux", "-S", str(self.socket), "-f", "/dev/null", *words]
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=20, check=True, cwd=ROOT)
        return done.stdout

    def shows_a_whole_console(self, columns: int) -> bool:
        """Return whether the pane is one console of that width: its header, its rows, its footer, each once."""
        text = self("capture-pane", "-p").rstrip("\n")
        lines = text.split("\n")
        return (
            "engine here" in lines[0]
            and "q quit" in lines[-1]
            and text.count("engine here") == text.count("q quit") == text.count(" STATUS ") == 1
            and text.count("COMPLETED") > 5
            and all(len(line) <= columns for line in lines)
        )


@pytest.fixture
def tmux(shop: Operator, tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    server = Tmux(tmp_path / "tmux", {**shop.env, "TERM": "xterm-256color"})
    server("new-session", "-d", "-x", "120", "-y", "40", *shop.argv())
    yield server
    subprocess.run(["tmux", "-S", str(server.socket), "kill-server"], check=False, capture_output=True)


@pytest.fixture
def planted(shop: Operator) -> Operator:
    shop.plant(unchanging_history(50))
    return shop


def test_inside_tmux_a_storm_of_resizes_leaves_a_whole_screen(planted: Operator, tmux: Tmux) -> None:
    eventually(partial(tmux.shows_a_whole_console, 120))
    for step in range(30):
        tmux("resize-window", "-x", str(60 + step * 7 % 90), "-y", str(15 + step * 5 % 40))
    for columns, rows in ((80, 24), (120, 40)):
        tmux("resize-window", "-x", str(columns), "-y", str(rows))
        eventually(partial(tmux.shows_a_whole_console, columns))
    tmux("send-keys", "q")
    eventually(lambda: planted.lease_is_free)


def test_without_utf_8_all_that_is_drawn_is_ascii(shop: Operator) -> None:
    shop.plant(unchanging_history(50))
    with shop.console(LC_ALL="C") as terminal:
        sent = open_screens(terminal)
    assert sent.isascii(), sorted({chr(byte) for byte in sent if byte > 0x7F})
    assert rb"\u" not in sent


def test_without_utf_8_the_sign_of_a_section_is_spelt_in_the_console(shop: Operator) -> None:
    with shop.console(LC_ALL="C") as terminal:
        terminal.wait_for("engine here")
        terminal.send("n")
        terminal.wait_for("Received on")
        terminal.send("\t\tus-ut")
        terminal.wait_for("Utah Code Sec. 13-61-203")
        terminal.send(ESCAPE)
        terminal.wait_for(lambda screen: "Received on" not in screen)
        assert end(terminal) == 0
