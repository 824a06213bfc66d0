"""The form for a new request. Its text stays until the request is submitted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from bwp_tui.console.presentation.styled_text import StyledText
from bwp_tui.console.state.request_draft import (
    NO_HOLD_HINT,
    PROCESSING_HINT,
    Draft,
    Hint,
)
from bwp_tui.console.widgets.styled_line import Heading, StyledLine, StyledWidget
from bwp_tui.console.widgets.text_field import TextField
from bwp_tui.domain.task import Kind, Request
from bwp_tui.domain.text import counted
from bwp_tui.domain.times import day_of_word, typed_day, zone_name
from bwp_tui.settings import Profile

_KINDS: Final = ("retrieval", "deletion")
_NOW: Final = "now"
_DELETION_FIELDS: Final = ("hold", "reason")
_PROPOSED_FIELDS: Final = ("received", "regulation", "hold")
"""Fields that begin with a proposal, which what is typed replaces."""

_TEXTS: Final[tuple[tuple[str, str, Hint], ...]] = (
    ("email", "Email", ("the shopper's email address", "email address")),
    ("received", "Received on", ("",)),
    ("regulation", "Regulation", ("",)),
    ("hold", "Hold (days)", PROCESSING_HINT),
    ("reason", "Reason", ("stored by Amazon for audit", "stored by Amazon")),
    ("note", "Note", ("local, not sent",)),
    ("email_again", "Confirm email", ("retype to confirm: deletion is irreversible", "retype to confirm")),
)

_RIGHT: Final[Hint] = ("✓",)
"""The hint beside an email that is right."""

_DAY_CHECK_S: Final = 5.0
"""Seconds between two looks at the day, from which the outlook counts."""

SECOND_ENTER_S: Final = 0.5
"""Seconds after a warning before an enter confirms it: a key that bounces or is pressed twice does not."""

EarlierTaskSentence = Callable[[Kind, str], str | None]
"""Returns a sentence about an earlier task with this kind and email, or None."""


class RadioField(StyledWidget, can_focus=True):
    """Shows a few options side by side; arrows or the space bar choose another."""

    class Changed(Message):
        """Another option was chosen."""

    def __init__(self, options: tuple[str, ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._options = options
        self._index = 0

    @property
    def value(self) -> str:
        return self._options[self._index]

    @value.setter
    def value(self, word: str) -> None:
        self._choose(self._options.index(word))

    def _choose(self, index: int) -> None:
        index %= len(self._options)
        if index != self._index:
            self._index = index
            self.refresh()
            self.post_message(self.Changed())

    def render(self) -> Content:
        texts: list[StyledText] = []
        for index, word in enumerate(self._options):
            if index == self._index:
                texts += [("● ", "accent"), (word, "strong")]
            else:
                texts += [("○ ", "muted"), (word, "muted")]
            texts.append(("   ", "plain"))
        return self.with_styles(self.to_content(*texts))

    def on_key(self, event: events.Key) -> None:
        step = {"right": 1, "space": 1, "l": 1, "left": -1, "h": -1}.get(event.key)
        if step is not None:
            event.stop()
            self._choose(self._index + step)

    def on_click(self) -> None:
        self._choose(self._index + 1)


class RequestForm(Vertical):
    """Fields for retrievals and deletions, checked while the operator types.

    Args:
        today: returns the operator's local day.
        earlier: looks up an earlier task for a valid email.
        profile: has the regulation and the hold that it begins with.
    """

    class Submitted(Message):
        """The operator submitted the form."""

        def __init__(self, request: Request) -> None:
            super().__init__()
            self.request = request

    class Closed(Message):
        """The operator closed the form; its text is kept."""

    def __init__(
        self, today: Callable[[], date], earlier: EarlierTaskSentence, profile: Profile, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._profile = profile
        self._today = today
        self._earlier = earlier
        self._default_received = ""
        self._checked_on: date | None = None
        self._proposed_hold = str(profile.holding_period)
        self._late_draft: Draft | None = None
        self._late_since = 0.0
        self._is_restored = False
        self._opened_kind = Kind.RETRIEVAL
        self._opened: Draft | None = None
        """The text with which the form was opened."""
        self._mounting = asyncio.Lock()
        self.display = False

    def _rows(self) -> Iterator[Widget]:
        yield Heading(id="form-heading")
        yield self._row("kind", RadioField(_KINDS, id="field-kind"))
        for name, _label, _hint in _TEXTS:
            yield self._row(name, TextField(id=f"field-{name}", select_on_focus=name in _PROPOSED_FIELDS))
            if name == "regulation":
                yield self._row("send", RadioField((_NOW, "later"), id="field-send"))
        yield StyledLine(id="form-outlook")
        yield StyledLine(id="form-remedy")

    @staticmethod
    def _row(name: str, field: TextField | RadioField) -> Horizontal:
        label = StyledLine(id=f"label-{name}", classes="form-label")
        hint = StyledLine(id=f"hint-{name}", classes="form-hint")
        return Horizontal(label, field, hint, classes="form-row", id=f"row-{name}")

    async def mount_fields(self) -> None:
        """Mount what the form shows, unless that is done: many consoles end without a request in their form."""
        async with self._mounting:  # a second click on the key comes while this waits
            if self.children:
                return
            await self.mount(*self._rows())
            for field, label in (*(text[:2] for text in _TEXTS), ("kind", "Kind"), ("send", "Send")):
                self._line(f"label-{field}").show((label, "muted"))
            self.clear()
            self.set_interval(_DAY_CHECK_S, self.follow_day)

    def follow_day(self) -> None:
        """Check again once it is another day: the outlook counts from today."""
        if self.display and self._checked_on != self._today():
            self._check()

    def open(self, kind: Kind = Kind.RETRIEVAL, email: str | None = None) -> None:
        """Show the form with the text of a draft that was kept, with `email` where it is given, and focus the email.

        The kind is that of the key, whatever the draft was. The email of a deletion is confirmed anew, and so is its
        being late: both are asked for just before it is sent.
        """
        self.display = True
        self._late_draft = None
        self._field("email_again").value = ""
        if email is not None:
            self._field("email").value = ""
        self._is_restored = any(self._field(field).value.strip() != text for field, text in self._defaults().items())
        if not self._is_restored:
            self._set_received_today()  # the console may have been open for days
        self._opened_kind = kind
        self.query_one("#field-kind", RadioField).value = kind.lower()
        if email is not None:
            self._field("email").value = email
        self._propose_hold()
        self._opened = self.draft
        self._check()
        self._field("email").focus()
        self._field("email").select_all()

    def clear(self, kind: Kind = Kind.RETRIEVAL) -> None:
        self._is_restored = False
        self._set_received_today()
        for field, text in self._defaults().items():
            self._field(field).value = text
        self.query_one("#field-kind", RadioField).value = kind.lower()
        self.query_one("#field-send", RadioField).value = _NOW
        self._check()

    def _defaults(self) -> dict[str, str]:
        """Return what each field holds in a form without a draft."""
        proposed = (self._default_received, self._profile.regulation, self._proposed_hold)
        return {field: "" for field, _label, _hint in _TEXTS} | dict(zip(_PROPOSED_FIELDS, proposed, strict=True))

    def _set_received_today(self) -> None:
        self._default_received = self._field("received").value = self._today().isoformat()

    @property
    def typed_email(self) -> str:
        """The email of a request that was not submitted."""
        return self._field("email").value.strip() if self.children else ""

    @property
    def draft(self) -> Draft:
        texts = {field: self._field(field).value for field, _label, _hint in _TEXTS}
        received = typed_day(texts["received"], self._today())
        return Draft(
            kind=Kind(self.query_one("#field-kind", RadioField).value.upper()),
            sends_now=self.query_one("#field-send", RadioField).value == _NOW,
            default_hold=self._profile.holding_period,
            needs_approval=self._profile.deletions_need_approval,
            **texts | {"received": texts["received"] if received is None else received.isoformat()},
        )

    def may_be_clicked(self, key: str) -> bool:
        """Return whether a click may press this key: none may submit a deletion, which cannot be undone."""
        return key != "enter" or self.draft.kind is not Kind.DELETION

    def on_resize(self) -> None:
        self.call_next(self._check)

    @on(Input.Changed)
    @on(RadioField.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        self._check()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Complete what was typed of the regulation's name to its id, and a word for a day to its date."""
        if event.widget.id == "field-regulation" and (law := self.draft.found_regulation()) is not None:
            self._field("regulation").value = law.id
        elif event.widget.id == "field-received":
            self._field("received").value = self.draft.received

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._submit()

    def on_key(self, event: events.Key) -> None:
        is_untouched = self._is_restored and self.draft == self._opened
        handlers: dict[str, Callable[[], object]] = {
            "escape": lambda: self.post_message(self.Closed()),
            "enter": self._submit,
            "f2": self._take_shorter_hold,
            **({"ctrl+u": lambda: self.clear(self._opened_kind)} if is_untouched else {}),
            **dict.fromkeys(("down", "tab"), lambda: self.screen.focus_next(".form-row *")),
            **dict.fromkeys(("up", "shift+tab"), lambda: self.screen.focus_previous(".form-row *")),
        }
        if (handler := handlers.get(event.key)) is not None:
            event.stop()
            handler()

    def _submit(self) -> None:
        draft = self.draft
        mistakes = draft.mistakes(self._today())
        missing = draft.missing()
        first_wrong = next((field for field, _label, _hint in _TEXTS if field in mistakes or field == missing), None)
        if first_wrong is None:
            self._submit_unless_late(draft)
            return
        if first_wrong not in mistakes:
            self._hint(first_wrong, ("needed",), "bad")
        self._field(first_wrong).focus()

    def _submit_unless_late(self, draft: Draft) -> None:
        """Submit a draft; one that would miss its due date only after a second enter, which is no double key."""
        if draft.sends_now and draft.may_be_late(self._today()) and draft != self._late_draft:
            self._late_draft, self._late_since = draft, time.monotonic()
            self._show_outlook(draft, self._today())
        elif self._late_draft is None or time.monotonic() - self._late_since >= SECOND_ENTER_S:
            self._late_draft = None
            self.post_message(self.Submitted(draft.request()))

    def _take_shorter_hold(self) -> None:
        draft, today = self.draft, self._today()
        if (days := draft.shorter_hold(today)) is not None:
            self._field("hold").value = str(days)
        elif draft.kind is Kind.DELETION and "hold" not in draft.mistakes(today):
            is_late = draft.too_late_anyway(today)
            hint = ("no hold ends in time", "warn") if is_late else ("ends in time", "good")
            text, role = hint if draft.due() else ("no due date is known", "muted")
            self._hint("hold", (text,), role)

    def _propose_hold(self) -> None:
        """Set the hold to one that meets the due date, unless the operator typed another."""
        field = self._field("hold")
        if field.value == self._proposed_hold:
            self._proposed_hold = field.value = str(self.draft.proposed_hold(self._today()))

    def _check(self) -> None:
        self._propose_hold()
        draft, today = self.draft, self._today()
        self._checked_on = today
        deletion = draft.kind is Kind.DELETION
        for field in _DELETION_FIELDS:
            self.query_one(f"#row-{field}").display = deletion
        self.query_one("#row-email_again").display = draft.needs_email_again
        self._hint("send", draft.sent_hint(), "muted" if draft.is_sent_at_once else "warn")
        mistakes = draft.mistakes(today)
        for field, _label, hint in _TEXTS:
            if field in mistakes:
                self._hint(field, mistakes[field], "bad")
            else:
                meant = day_of_word(self._field("received").value, today)
                day = "yesterday" if draft.received == str(today - timedelta(days=1)) else "the day"
                received = f"= {meant}" if meant else f"{day} in {zone_name()}"
                right = {"received": (received,), "regulation": draft.regulation_hint()}
                if draft.email_again.strip():
                    right["email_again"] = _RIGHT
                forms = right.get(field, hint)
                self._hint(field, forms, "good" if forms == _RIGHT else "muted")
        if deletion and draft.is_sent_at_once and draft.holding_period() == 0:
            self._hint("hold", NO_HOLD_HINT, "warn")
        if "email" not in mistakes and draft.email.strip():
            earlier = self._earlier(draft.kind, draft.email.strip())
            self._hint("email", (earlier,) if earlier else _RIGHT, "warn" if earlier else "good")
        self._show_outlook(draft, today)
        self.query_one(Heading).set_text(
            [("new request", "strong"), (f" · {draft.kind.lower()}", "bad" if deletion else "busy")],
            *self._heading_hints(draft),
        )

    def _heading_hints(self, draft: Draft) -> tuple[str, ...]:
        """Return what the rule line says at its right end, the longest first."""
        if not self._is_restored:
            return ()
        if draft == self._opened:
            return ("draft restored · ctrl+u empties the form", "draft restored · ctrl+u empties")
        return ("draft restored",)

    def _show_outlook(self, draft: Draft, today: date) -> None:
        self._line("form-outlook").show(draft.outlook(today))
        days = draft.shorter_hold(today)
        texts: list[StyledText] = []
        if days is not None:
            meets = (
                f", which meets the due date{'' if days else ' but cannot be cancelled'}"
                if draft.is_sent_at_once
                else ""
            )
            texts = [("f2", "key"), (f" sets the hold to {counted(days, 'day')}{meets}", "plain")]
        elif draft.kind is Kind.DELETION and draft.too_late_anyway(today):
            advice = ": consider an extension" if draft.can_be_extended(today) else ""
            texts = [(f"Too late even with no hold{advice}", "warn")]
        if texts and draft == self._late_draft:
            choice = f" sets a {days}-day hold" if days is not None else "Late even with no hold"
            texts = [*texts[:-1], (f"{choice}; ", "plain"), ("enter", "key"), (" again submits it late", "warn")]
        self._line("form-remedy").show(*texts)

    def _hint(self, field: str, hint: Hint, role: str) -> None:
        """Show the longest form of a hint that fits, or the shortest one cut; the width may not be known yet."""
        line, width = self._line(f"hint-{field}"), self._line("hint-email").size.width
        forms = [line.to_content((form, role)) for form in hint]
        fitting = next((form for form in forms if not width or form.cell_length <= width), forms[-1])
        line.show_content(fitting.truncate(width, ellipsis=True) if width else fitting)

    def _line(self, id: str) -> StyledLine:
        return self.query_one(f"#{id}", StyledLine)

    def _field(self, name: str) -> Input:
        return self.query_one(f"#field-{name}", Input)
