"""Extract the text of an HTML page, without scripts, styles and tags.

Not `html.parser`: on the pages that someone made to stall it, Python 3.11's takes time by the square of their length.
This looks at each character a fixed number of times.
"""

from __future__ import annotations

import html
import re
from typing import Final

_HIDDEN: Final = ("script", "style", "template", "head")
_BREAKS: Final = frozenset((
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section",
    "table", "tr", "ul",
))  # fmt: skip
_CELLS: Final = frozenset(("td", "th"))
_TAG_NAME: Final = re.compile(r"/?([A-Za-z][A-Za-z0-9]*)")
_BLANKS: Final = re.compile(r"[ \t\r\f\v\n]+")


def visible_text(page: str) -> str:
    """Return the text of an HTML page, a line a block. What is cut in the middle of a tag ends there."""
    lowered = page.lower() if len(page.lower()) == len(page) else page
    pieces: list[str] = []
    at = 0
    while (opening := page.find("<", at)) >= 0:
        pieces.append(_BLANKS.sub(" ", page[at:opening]))
        at, piece = _skip(page, lowered, opening)
        pieces.append(piece)
        if at < 0:
            break
    else:
        pieces.append(_BLANKS.sub(" ", page[at:]))
    lines = (line.strip() for line in html.unescape("".join(pieces)).split("\n"))
    return "\n".join(line for line in lines if line)


def _skip(page: str, lowered: str, opening: int) -> tuple[int, str]:
    """Return the offset after the markup at `opening`, or -1 at the page's end, and the text that replaces it."""
    if page.startswith("<!--", opening):
        return _after(page, "-->", opening + 4), ""
    name = _TAG_NAME.match(lowered, opening + 1)
    if name is None and page[opening + 1 : opening + 2] not in ("!", "?"):
        return opening + 1, "<"
    closed = _after(page, ">", opening)
    if name is None or closed < 0:
        return closed, ""
    tag = name[1]
    if tag in _HIDDEN and lowered[opening + 1] != "/":
        end = lowered.find(f"</{tag}", closed)
        return (_after(page, ">", end) if end >= 0 else -1), "\n"
    return closed, "\n" if tag in _BREAKS else "  " if tag in _CELLS else ""


def _after(page: str, mark: str, at: int) -> int:
    found = page.find(mark, at)
    return -1 if found < 0 else found + len(mark)
