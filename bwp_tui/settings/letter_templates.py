"""Read the shop's own templates of letters, and find the mistakes in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bwp_tui.domain.letters import BUILT_IN_TEMPLATES, template_mistakes
from bwp_tui.domain.text import clean_line, did_you_mean
from bwp_tui.settings.secret import SettingsError

_SUFFIX: Final = ".txt"
_LONGEST: Final = 65_536
"""Most bytes of a template."""


def template_path(folder: Path, name: str) -> Path:
    """Return where the shop's own template of this name is, if there is one."""
    return folder / f"{name}{_SUFFIX}"


def read_template(folder: Path | None, name: str) -> tuple[str, Path | None]:
    """Return a template and its file, or the built-in one without a file.

    Raises:
        SettingsError: the shop's own template cannot be read, or has mistakes.
    """
    path = None if folder is None else template_path(folder, name)
    text = None if path is None else _text(path)
    if path is None or text is None:
        return BUILT_IN_TEMPLATES[name], None
    if mistakes := [f"{path}, {mistake}" for mistake in template_mistakes(text)]:
        raise SettingsError(*mistakes)
    return text, path


def mistakes_in(folder: Path) -> tuple[str, ...]:
    """Return the mistakes in all of the shop's own templates, and the files that are no letter."""
    mistakes: list[str] = []
    for name in BUILT_IN_TEMPLATES:
        try:
            read_template(folder, name)
        except SettingsError as error:
            mistakes += error.mistakes
    others = sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem not in BUILT_IN_TEMPLATES)
    known = f"; there are {', '.join(BUILT_IN_TEMPLATES)}."
    mistakes += [
        f"{path}: “{clean_line(path.stem)}” is no letter{did_you_mean(path.stem, BUILT_IN_TEMPLATES, known)}"
        for path in others
    ]
    return tuple(mistakes)


def _text(path: Path) -> str | None:
    """Read a template; None where there is no such file.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        path.lstat()
        if not path.is_file():  # a named pipe would block
            raise SettingsError(f"The letter {path} is no regular file; replace it with one.")
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"The letter {path} cannot be read: {error.strerror}.") from None
    if len(content) > _LONGEST:
        raise SettingsError(f"The letter {path} is longer than {_LONGEST // 1024} KiB; shorten it.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise SettingsError(f"The letter {path} is not UTF-8 text; save it as that.") from None
    if not text.strip():
        raise SettingsError(f"The letter {path} is empty; write it, or delete the file to use the built-in text.")
    return text
