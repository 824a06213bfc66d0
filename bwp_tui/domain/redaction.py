"""Remove secrets from the text of exceptions, logs and crash reports."""

from __future__ import annotations

import re
from typing import Final

from bwp_tui.domain.text import mask_email

_SECRETS: Final = (
    (re.compile(r"\?[^\s\"'<>]+"), "?…"),  # a query, be it of a whole URL or of a request line
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]*@"), r"\1…@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 …"),
    (re.compile(r"(?i)(x-amz-[a-z-]+|[a-z_]*(?:secret|token)[\"']?)(\s*[=:]\s*[\"']?)[^\s\"'&,}]+"), r"\1\2…"),
)
_EMAIL: Final = re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")


def redact(text: str, *, addresses: bool = False) -> str:
    """Return `text` without queries and credentials of URLs, bearer tokens, and secrets given by name.

    Args:
        addresses: email addresses are masked too.
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _EMAIL.sub(lambda match: mask_email(match.group()), text) if addresses else text
