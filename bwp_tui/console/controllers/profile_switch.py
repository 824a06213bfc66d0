"""Leave the console, or switch to another shop."""

from __future__ import annotations

from bwp_tui.console.protocols import MainScreenProtocol


async def quit_console(screen: MainScreenProtocol) -> None:
    """Leave the console, after a question where it would end commands of the operator."""
    if await _may_end_commands(screen, "Quit"):
        screen.app.exit()


async def switch_profile(screen: MainScreenProtocol, name: str) -> None:
    """Open the console of a profile instead of this one, after a question where something would be lost with this one.

    That is a request that was not submitted, or a command of the operator that still runs.
    """
    typed = screen.form.draft.email.strip()
    lost = f"The request for {typed} in the form was not submitted, and is lost. Switch to {name}?"
    if typed and not await screen.prompt.ask_yes_no(lost, irreversible=True):
        return
    if await _may_end_commands(screen, f"Switch to {name}"):
        screen.session.switch_profile(name)


async def _may_end_commands(screen: MainScreenProtocol, intention: str) -> bool:
    running = ", ".join(sorted(screen.session.running_commands))
    question = f"{running} still runs, and would be ended. {intention}?"
    return not running or await screen.prompt.ask_yes_no(question, irreversible=True)
