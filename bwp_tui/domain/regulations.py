"""The regulations that set due dates, and the holidays of the United States: each is one row of data.

Beside its row here, only the letters name a regulation (`letters`). No row is legal advice: most were read in secondary
sources, not in the law itself.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from bwp_tui.domain.text import clean_line, did_you_mean


class Regulation(NamedTuple):
    """A regulation. Periods count from the day of receipt, in calendar days or months unless named otherwise.

    The shopper must be told of an extension within the first period; no regulation here says otherwise.

    Attributes:
        id: the id that the history stores.
        aliases: ids in older histories, and other names that are accepted.
        days, months: the time to answer.
        extension_days, extension_months: the additional time of an extension; both 0 without `has_extension`.
        rolls_to_monday: whether a period that ends on a weekend ends on the Monday.
        acknowledge_business_days: the time to acknowledge receipt.
        appeal_days, appeal_extension_days: the time to answer an appeal; None if it has none, or no fixed one.
        in_force, until: its first and its last day, where they are known.
        complaint: a sentence on what those can do whose request was declined, where there is no appeal.
        provided_only: whether deletion covers only data that the shopper provided.
        stops_for_identity: whether the days from an inquiry about identity or wishes to the reply do not count.
        unsure: what the sources leave open.
    """

    id: str
    title: str
    citation: str = ""
    in_force: date | None = None
    aliases: tuple[str, ...] = ()
    days: int = 0
    months: int = 0
    extension_days: int = 0
    extension_months: int = 0
    rolls_to_monday: bool = False
    acknowledge_business_days: int | None = None
    appeal_days: int | None = None
    appeal_extension_days: int | None = None
    until: date | None = None
    provided_only: bool = False
    stops_for_identity: bool = False
    unsure: str = ""
    complaint: str = ""

    @property
    def has_extension(self) -> bool:
        """Whether the time to answer can be extended."""
        return bool(self.extension_days or self.extension_months)

    @property
    def source(self) -> str:
        """The title with the citation, for sentences."""
        return f"{self.title}, {self.citation}"


def _us_state(id: str, title: str, citation: str, in_force: date, unsure: str = "") -> Regulation:
    """Return the row of a US state with the periods that most of them have in common."""
    return Regulation(id, title, citation, in_force, days=45, extension_days=45, appeal_days=60, unsure=unsure)


NO_REGULATION: Final = "none"
_NONE: Final = Regulation(NO_REGULATION, "no legal deadline")
_UNSURE_APPEAL: Final = "days of an appeal"

_ROWS: Final = (
    _us_state(
        "us-ca",
        "California",
        "Civ. Code §1798.130(a)(2); 11 CCR §7021",
        date(2020, 1, 1),
        "whether the text of §7021 in force since 2026 changes its periods; summaries say no",
    )._replace(aliases=("ccpa",), acknowledge_business_days=10, appeal_days=None),
    _us_state("us-co", "Colorado", "C.R.S. §6-1-1306(2)(a), (3)", date(2023, 7, 1), "extension of an appeal")._replace(
        appeal_days=45, appeal_extension_days=60
    ),
    _us_state("us-ct", "Connecticut", "C.G.S. §42-518(c), (d)", date(2023, 7, 1), _UNSURE_APPEAL),
    _us_state(
        "us-de",
        "Delaware",
        "6 Del. C. §12D-104(c)(1), (d)",
        date(2025, 1, 1),
        f"{_UNSURE_APPEAL}; periods of the text that replaces it on 2027-01-01 (85 Del. Laws c. 463)",
    )._replace(until=date(2026, 12, 31)),
    _us_state(
        "us-fl",
        "Florida",
        "Fla. Stat. §501.706(2), .707",
        date(2024, 7, 1),
        f"{_UNSURE_APPEAL}; §501.706(4) wants a notice of compliance within 60 days of receipt, not tracked here",
    )._replace(extension_days=15),
    _us_state("us-in", "Indiana", "Ind. Code §24-15-3-1(c)(1), (d)", date(2026, 1, 1), _UNSURE_APPEAL),
    _us_state("us-ia", "Iowa", "Iowa Code §715D.3(2), (3)", date(2025, 1, 1), "subsection of the appeal")._replace(
        days=90, provided_only=True
    ),
    _us_state("us-ky", "Kentucky", "KRS 367.3615(3)(a), (4)", date(2026, 1, 1), _UNSURE_APPEAL),
    _us_state("us-md", "Maryland", "Com. Law §14-4705(e)", date(2025, 10, 1), "section letters"),
    _us_state("us-mn", "Minnesota", "Minn. Stat. §325M.14 subd. 4, 5", date(2025, 7, 31), _UNSURE_APPEAL)._replace(
        appeal_days=45, appeal_extension_days=60
    ),
    _us_state("us-mt", "Montana", "MCA §30-14-2808(4)(a), (5)", date(2024, 10, 1), _UNSURE_APPEAL),
    _us_state("us-ne", "Nebraska", "Neb. Rev. Stat. §87-1108(2), §87-1109", date(2025, 1, 1), _UNSURE_APPEAL),
    _us_state("us-nh", "New Hampshire", "RSA 507-H:4, III(a), IV", date(2025, 1, 1), _UNSURE_APPEAL),
    _us_state("us-nj", "New Jersey", "N.J.S.A. 56:8-166.7(a), (c), (f)", date(2025, 1, 15))._replace(appeal_days=45),
    _us_state("us-or", "Oregon", "ORS 646A.576(5)(a), (6)(d)", date(2024, 7, 1))._replace(appeal_days=45),
    _us_state("us-ri", "Rhode Island", "R.I.G.L. §6-48.1-6(b)(1), (6)", date(2026, 1, 1)),
    _us_state(
        "us-tn",
        "Tennessee",
        "Tenn. Code §47-18-3203, 3204 or 3304",
        date(2025, 7, 1),
        f"the section, which three sources number differently; {_UNSURE_APPEAL}",
    ),
    _us_state("us-tx", "Texas", "Bus. & Com. Code §541.052(b), (c), .053", date(2024, 7, 1), _UNSURE_APPEAL),
    _us_state("us-ut", "Utah", "Utah Code §13-61-203", date(2023, 12, 31), "that there is no appeal")._replace(
        appeal_days=None, provided_only=True
    ),
    _us_state("us-va", "Virginia", "Va. Code §59.1-577(B), (C)", date(2023, 1, 1), _UNSURE_APPEAL),
    Regulation(
        "us-policy",
        "all US states alike",
        "45 + 45 days by the shop's own policy",
        days=45,
        extension_days=45,
        unsure="whether each state is content: California also wants receipt acknowledged",
    ),
    Regulation(
        "eu-gdpr",
        "European Union",
        "GDPR art. 12(3); Reg. 1182/71",
        date(2018, 5, 25),
        aliases=("gdpr",),
        months=1,
        extension_months=2,
        rolls_to_monday=True,
        complaint="You can lodge a complaint with a data protection supervisory authority, and seek a judicial remedy.",
        unsure="public holidays of the member states, which are not considered",
    ),
    Regulation(
        "uk-gdpr",
        "United Kingdom",
        "UK GDPR art. 12(3), 12A",
        date(2021, 1, 1),
        months=1,
        extension_months=2,
        stops_for_identity=True,
        complaint="You can complain to the Information Commissioner, and seek a judicial remedy.",
        unsure="since when it is in force; art. 12A, of 2026-02-05, was read second-hand",
    ),
    Regulation(
        "ca-pipeda",
        "Canada (PIPEDA)",
        "PIPEDA s. 8(3), (4)",
        date(2001, 1, 1),
        days=30,
        extension_days=30,
        unsure="all of it; it has no right to deletion as such",
    ),
    Regulation(
        "ca-qc",
        "Quebec",
        "CQLR c. P-39.1, s. 32",
        date(2023, 9, 22),
        days=30,
        unsure="read second-hand: no extension, and silence is a refusal",
    ),
    _NONE,
)

IDS: Final = tuple(row.id for row in _ROWS)
"""The ids of all regulations, the default first."""

REGULATIONS: Final = {name: row for row in _ROWS for name in (row.id, *row.aliases)}
"""The regulations by id, and by each alias that a history may store."""

DEFAULT_REGULATION: Final = IDS[0]
"""The regulation of a profile that sets none: the strictest of a US state, since it alone wants an acknowledgement."""

REGULATIONS_BY_NAME: Final = REGULATIONS | {row.title.casefold(): row for row in _ROWS}
"""The regulations by id, alias and title in lower case, such as a state's whole name."""

_BY_STATE_CODE: Final = {row.id.removeprefix("us-"): row for row in _ROWS if row.id.startswith("us-")}


def _normalized(text: str) -> str:
    return " ".join(text.casefold().split())


def find_regulation(text: str) -> Regulation | None:
    """Return the regulation with this id, alias or title, such as a state's whole name.

    A state's code alone is none: in a table it may be a country's, such as DE.
    """
    return REGULATIONS_BY_NAME.get(_normalized(text))


def complete_regulation(text: str) -> tuple[Regulation, ...]:
    """Return the regulation of a state's code or of an exact name, else all with a name beginning with the text."""
    typed = _normalized(text)
    if (exact := find_regulation(typed) or _BY_STATE_CODE.get(typed)) is not None:
        return (exact,)
    return tuple(dict.fromkeys(row for name, row in REGULATIONS_BY_NAME.items() if name.startswith(typed)))


def regulation_id(text: str) -> str:
    """Return the id of the regulation that a text names; raise ValueError, with a sentence, if it names none."""
    if (found := find_regulation(text)) is None:
        otherwise = f"; write one such as {DEFAULT_REGULATION} or Texas."
        raise ValueError(f"“{clean_line(text)}” is no regulation{did_you_mean(text, REGULATIONS_BY_NAME, otherwise)}")
    return found.id


def stored_names(id: str) -> tuple[str, ...]:
    """Return what a history may store for a regulation: its id, and the aliases of older versions."""
    row = REGULATIONS[id]
    return (row.id, *row.aliases)


def not_in_force_warning(regulation: str, received_on: date) -> str | None:
    """Return that a request was received while a regulation was not in force, or None."""
    clause = not_in_force_clause(regulation, received_on)
    return clause and f"{REGULATIONS[regulation].source} is {clause}: check the day and the periods."


def not_in_force_clause(regulation: str, received_on: date) -> str | None:
    """Return the predicate of the sentence of `not_in_force_warning`, in at most 52 characters, or None."""
    row = REGULATIONS.get(regulation, _NONE)
    if row.in_force is not None and received_on < row.in_force:
        return f"in force from {row.in_force} only; {received_on} is earlier"
    if row.until is not None and received_on > row.until:
        return f"recorded until {row.until} only; {received_on} is later"
    return None


class Holiday(NamedTuple):
    """A holiday: a fixed day of a month, or else its nth weekday of a kind; -1 is the last.

    A fixed day on a Saturday is observed on the Friday, and one on a Sunday on the Monday.
    """

    month: int
    day: int = 0
    weekday: int = 0
    nth: int = 0
    since: int = 1


_MONDAY: Final = 0
_THURSDAY: Final = 3

FEDERAL_HOLIDAYS: Final = {
    "New Year's Day": Holiday(1, 1),
    "Birthday of Martin Luther King, Jr.": Holiday(1, weekday=_MONDAY, nth=3, since=1986),
    "Washington's Birthday": Holiday(2, weekday=_MONDAY, nth=3),
    "Memorial Day": Holiday(5, weekday=_MONDAY, nth=-1),
    "Juneteenth": Holiday(6, 19, since=2021),
    "Independence Day": Holiday(7, 4),
    "Labor Day": Holiday(9, weekday=_MONDAY, nth=1),
    "Columbus Day": Holiday(10, weekday=_MONDAY, nth=2),
    "Veterans Day": Holiday(11, 11),
    "Thanksgiving Day": Holiday(11, weekday=_THURSDAY, nth=4),
    "Christmas Day": Holiday(12, 25),
}
"""The holidays of 5 U.S.C. §6103(a)."""
