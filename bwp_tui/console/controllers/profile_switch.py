"""Switch to another shop."""

from __future__ import annotations

from bwp_tui.console.protocols import MainScreenProtocol


async def switch_profile(screen: MainScreenProtocol, name: str) -> None:
    """Open the console of a profile instead of this one, after a question where a request that was not sent is lost."""
    typed = screen.form.draft.email.strip()
    lost = f"The request for {typed} in the form was not submitted, and is lost. Switch to {name}?"
    if not typed or await screen.prompt.ask_yes_no(lost, irreversible=True):
        screen.session.switch_profile(name)
