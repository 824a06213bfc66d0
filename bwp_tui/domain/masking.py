"""Redact secrets in texts, and mask the email of a task in all that is shown of it."""

from __future__ import annotations

import re
from typing import Final

from bwp_tui.domain.task import Task
from bwp_tui.domain.text import file_name, mask_email, mask_in_text

# Compiled when first needed: it delays the first frame.
_SECRETS: Final = (
    (r"\?[^\s\"'<>]+", "?…"),  # a query, be it of a whole URL or of a request line
    (r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]*@", r"\1…@"),
    (r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+", r"\1 …"),
    (r"(?i)(x-amz-[a-z-]+|[a-z_]*(?:secret|token)[\"']?)(\s*[=:]\s*[\"']?)[^\s\"'&,}]+", r"\1\2…"),
)
_EMAIL: Final = r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+"


def redact(text: str, *, emails: bool = False) -> str:
    """Return `text` without queries and credentials of URLs, bearer tokens, and secrets given by name.

    With `emails`, emails are masked too.
    """
    for pattern, replacement in _SECRETS:
        text = re.sub(pattern, replacement, text)
    return re.sub(_EMAIL, lambda match: mask_email(match.group()), text) if emails else text


def mask_task_text(text: str, task: Task) -> str:
    """Return `text` with the email of `task` masked."""
    if not task.email:
        return text
    # The name of an older archive contains the email, in characters that file names allow.
    addresses = (task.email, mask_email(task.email))
    named, renamed = (file_name(task.kind, task.task_id or "", email).removesuffix(".zip") for email in addresses)
    # File names have no •; it shows that this is not the real path.
    return mask_in_text(text.replace(named, renamed.replace("_@", "•••@", 1)), task.email)


def mask_task_json(json_object: dict[str, object], task: Task) -> dict[str, object]:
    """Return a JSON object about `task` with its email masked in every text."""
    return {name: _mask_value(value, task) for name, value in json_object.items()}


def _mask_value(value: object, task: Task) -> object:
    if isinstance(value, str):
        return mask_task_text(value, task)
    if isinstance(value, dict):
        return {name: _mask_value(part, task) for name, part in value.items()}
    if isinstance(value, list):
        return [_mask_value(part, task) for part in value]
    return value
