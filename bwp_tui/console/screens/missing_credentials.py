"""The page shown without credentials: how to set them, and how to practise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from bwp_tui.console.bindings.actions import Scope
from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.screens.action_screen import ScrolledScreen
from bwp_tui.console.widgets.bars import FooterLine
from bwp_tui.console.widgets.styled_line import Heading, Paragraphs

UNCONFIGURED: Final = 2
"""The exit code without credentials."""

LOG_IN: Final = -1
"""The return code of the app where `bwp-tui login` is to take its place."""

_FOOTER: Final = (("log in", "login"), ("scroll", "down", "up"), ("quit", "back", "leave"))
_PERMISSION: Final = "Manage Shopper Privacy Requests"


class MissingCredentialsScreen(ScrolledScreen):
    """Shown when credentials are missing.

    Args:
        missing: the variables that have no value.
        config_path: the file that could hold the rest, as text.
        profile: the profile's name.
    """

    scope = Scope.MISSING_CREDENTIALS

    def __init__(self, keymap: Keymap, profile: str, missing: Sequence[str], config_path: str) -> None:
        super().__init__(keymap)
        self._profile = profile
        self._missing = missing
        self._config_path = config_path
        self.handlers["login"] = lambda: self.app.exit(return_code=LOG_IN)

    def compose(self) -> ComposeResult:
        yield Heading(id="setup-heading")
        with VerticalScroll(id="setup-scroll", can_focus=False):
            yield Paragraphs(id="setup-text")
        yield FooterLine(id="footer")

    def on_mount(self) -> None:
        self.query_one(Heading).set_text(
            [("no credentials", "warn"), (f" · profile {self._profile}", "muted")], "bwp-tui"
        )
        self.query_one(Paragraphs).set_lines(self._lines())
        self.query_one(FooterLine).show_keys(*(self.keymap.hint(*hint) for hint in _FOOTER))

    def close(self) -> None:
        self.app.exit(return_code=UNCONFIGURED)

    def _lines(self) -> list[list[StyledText]]:
        login, doctor = (f"bwp-tui {command} --profile {self._profile}" for command in ("login", "doctor"))
        return [
            [("Not set: ", "plain"), (", ".join(self._missing), "warn")],
            [],
            [("To practise without credentials", "accent")],
            [("  bwp-tui sandbox", "strong")],
            [("  Starts a local mock API with sample requests.", "muted")],
            [],
            [("To set this shop up", "accent")],
            [(f"  {self.keymap.key('login')}", "strong"), (" here, or ", "muted"), (login, "strong")],
            [("  Asks for client id, target id and secret, tries them, and keeps them.", "muted")],
            [],
            [("To set it up in a file or by variables", "accent")],
            [(f"  {self._config_path}", "strong")],
            [(f"  [profiles.{self._profile}]", "plain")],
            [('  client_id = "…"', "plain")],
            [('  target_id = "…"', "plain")],
            [('  client_secret_command = "pass show buywithprime"', "plain")],
            [("  or BWP_CLIENT_ID, BWP_TARGET_ID, BWP_CLIENT_SECRET_COMMAND", "muted")],
            [],
            [
                ("Client id, target id and secret come from the merchant console of Buy with Prime. ", "muted"),
                (f"The client needs the permission “{_PERMISSION}”. Then run ", "muted"),
                (doctor, "strong"),
                (".", "muted"),
            ],
        ]
