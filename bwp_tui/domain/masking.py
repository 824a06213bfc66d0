"""Mask a task's email in texts, file names included."""

from __future__ import annotations

from bwp_tui.domain.archive_names import file_name
from bwp_tui.domain.task import Task
from bwp_tui.domain.text import mask_email, mask_in_text


def mask_task_text(text: str, task: Task) -> str:
    """Return `text` with the email of `task` masked."""
    if not task.email:
        return text
    # The name of an archive contains the email, in characters that file names allow.
    addresses = (task.email, mask_email(task.email))
    named, renamed = (file_name(task.kind, email, task.task_id or "").removesuffix(".zip") for email in addresses)
    # File names have no •; it shows that this is not the real path.
    return mask_in_text(text.replace(named, renamed.replace("_@", "•••@", 1)), task.email)


def mask_task_record(record: dict[str, object], task: Task) -> dict[str, object]:
    """Return a JSON object about `task` with its email masked in every text."""
    return {name: _mask_value(value, task) for name, value in record.items()}


def _mask_value(value: object, task: Task) -> object:
    if isinstance(value, str):
        return mask_task_text(value, task)
    if isinstance(value, dict):
        return {name: _mask_value(part, task) for name, part in value.items()}
    if isinstance(value, list):
        return [_mask_value(part, task) for part in value]
    return value
