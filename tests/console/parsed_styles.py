"""Parse the console's styles once for all its tests; Textual does so for each app."""

from __future__ import annotations

from typing import Any, Final

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_textual_parse: Final = Stylesheet._parse_rules

_parsed: Final[dict[tuple[object, ...], list[RuleSet]]] = {}
"""The rules of each style in each theme's colours, which no app changes."""


def parse_rules(stylesheet: Stylesheet, *args: Any, **named: Any) -> list[RuleSet]:
    """Parse a style, or return what an earlier app parsed with the same colours."""
    key = (*args, *named.items(), *stylesheet._variables.items())
    if key not in _parsed:
        _parsed[key] = _textual_parse(stylesheet, *args, **named)
    return _parsed[key]
