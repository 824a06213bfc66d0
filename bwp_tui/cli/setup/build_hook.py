"""Add the manual page and the completions of the shells to the wheel, made from the grammar of the command line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_COMPLETIONS = {
    "bash": "share/bash-completion/completions/bwp-tui",
    "zsh": "share/zsh/site-functions/_bwp-tui",
    "fish": "share/fish/vendor_completions.d/bwp-tui.fish",
}
_MANUAL = "share/man/man1/bwp-tui.1"


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is there in builds alone
    """Writes the files into a folder of the build, and names where they are installed."""

    @property
    def _folder(self) -> Path:
        return Path(self.directory) / "shared-data"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling calls it so
        """Add the files to `build_data`."""
        sys.path.insert(0, self.root)
        from argcomplete.shell_integration import shellcode

        from bwp_tui.cli.setup.manual import manual

        texts = {_MANUAL: manual()}
        texts |= {place: shellcode(["bwp-tui"], shell=shell) for shell, place in _COMPLETIONS.items()}
        for place, text in texts.items():
            path = self._folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(path)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002  as above
        """Remove the folder, now that the wheel has its files."""
        shutil.rmtree(self._folder)
