"""Make the tasks of a practice shop's last five weeks."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from bwp_tui.domain.task import Kind, SampleTask, TaskError
from bwp_tui.domain.times import local_day
from bwp_tui.sandbox.scenarios import TaskOutline, scenario_for
from bwp_tui.sandbox.task_outcomes import orders_not_closed, seeded_uuid, shopper_not_found

_FIRST_NAMES: Final = (
    "aaliyah", "aiko", "amara", "anders", "andrea", "anika", "arjun", "astrid", "ayesha", "beatriz", "bogdan",
    "camille", "carlos", "chidi", "chloe", "dariusz", "deepa", "diego", "dmitri", "elena", "elif", "emeka",
    "eun-ji", "fatima", "femi", "freya", "giulia", "hana", "hassan", "henrik", "ibrahim", "ines", "ingrid",
    "jamal", "jane", "javier", "jin", "joao", "kaito", "katarzyna", "kofi", "lars", "layla", "leila", "li",
    "liam", "lucia", "mai", "malia", "marek", "maria", "matteo", "mei", "miguel", "mohammed", "nadia", "nia",
    "niko", "noa", "olga", "omar", "oscar", "paloma", "pedro", "priya", "quinn", "rania", "ravi", "rosa",
    "sade", "sanjay", "santiago", "selma", "sione", "sofia", "sven", "tariq", "tereza", "thandi", "tomas",
    "uma", "valentina", "wei", "yara", "yusuf", "zainab", "zoe",
)  # fmt: skip
_LAST_NAMES: Final = (
    "abdi", "adeyemi", "almeida", "andersson", "bauer", "begum", "bianchi", "bondarenko", "castillo", "chen",
    "cohen", "costa", "dang", "demir", "dubois", "eriksen", "faleolo", "ferrari", "fischer", "garcia", "ghosh",
    "gupta", "haddad", "hansen", "herrera", "horvat", "hussain", "ito", "ivanova", "jansen", "johnson",
    "kamau", "kaplan", "keita", "khan", "kim", "kovacs", "kowalska", "kumar", "larsson", "laurent", "lopez",
    "mahlangu", "mbeki", "mendes", "meyer", "moreau", "morales", "murphy", "nakamura", "nguyen", "novak",
    "nowak", "obi", "oconnor", "okafor", "olsen", "osei", "park", "patel", "pereira", "petrov", "popescu",
    "rahman", "reyes", "rossi", "saito", "santos", "sato", "schmidt", "sharma", "silva", "singh", "smith",
    "sokolov", "suzuki", "tanaka", "torres", "tran", "virtanen", "wang", "weber", "yamamoto", "yilmaz",
    "zhang", "zulu",
)  # fmt: skip
_HOSTS: Final = ("example.com", "example.com", "example.com", "example.net", "example.org")
"""First names, surnames and hosts of shoppers who do not exist: nobody can have these emails (RFC 2606)."""

_NOTES: Final = (
    "VIP",
    "called twice, left message",
    "verified by order number",
    "asked by letter",
    "wants a copy before we delete",
    "verified by phone, order of last month",
    "second request this year",
    "lawyer in copy",
    "moved abroad, old address",
    "employee of a partner",
)
_TAGS: Final = ("vip", "phone", "letter", "legal", "store-app")
_REASON_OF: Final = {"eu-gdpr": "GDPR art. 17", "us-ca": "CCPA deletion request"}
_REASONS: Final = ("account closed", "shopper asked by e-mail", *_REASON_OF.values())


def past_tasks(count: int, seed: int, now: datetime) -> tuple[SampleTask, ...]:
    """Return `count` tasks, oldest first. The same arguments give the same tasks.

    Enough of them cover every status (see `scenario_for`); most of the others are done.
    """
    rng = random.Random(f"{seed}/past")  # noqa: S311  repeatable, no secret
    outlines = [scenario_for(number, rng)(rng, now) for number in range(count)]
    outlines.sort(key=lambda outline: outline.submitted_at)
    emails: list[str] = []
    tasks = []
    for outline in outlines:
        email = rng.choice(emails) if emails and rng.random() < 0.05 else _email(rng)
        emails.append(email)
        tasks.append(_fill_in(outline, email, rng))
    return tuple(tasks)


def _fill_in(outline: TaskOutline, email: str, rng: random.Random) -> SampleTask:
    task_id = seeded_uuid(rng)
    waited = outline.days_from_receipt
    waited = rng.choice((0, 0, 0, 1, 1, 2, 3)) if waited is None else waited
    note = outline.note
    if note is None:
        note = rng.choice(_NOTES) if rng.random() < 0.18 else ""
    tags = {tag for tag in _TAGS if tag.casefold() in note.casefold()}
    if rng.random() < 0.1:
        tags.add(rng.choice(_TAGS))
    reason = rng.choice(_REASONS) if outline.kind is Kind.DELETION and rng.random() < 0.7 else None
    regulation = outline.regulation or rng.choice(("eu-gdpr", "eu-gdpr", "eu-gdpr", "us-ca", "us-ca"))
    if reason in _REASON_OF.values():
        reason = _REASON_OF[regulation]
    return SampleTask(
        task_id=task_id,
        kind=outline.kind,
        email=email,
        status=outline.status,
        submitted_at=outline.submitted_at,
        updated_at=outline.updated_at,
        errors=_errors(outline.code, task_id),
        holding_period=outline.holding_period,
        reason=reason,
        note=note,
        tags=tuple(sorted(tags)),
        received_on=local_day(outline.submitted_at) - timedelta(days=waited),
        regulation=regulation,
        cancelled=outline.cancelled,
    )


def _errors(code: str | None, task_id: str) -> tuple[TaskError, ...]:
    if code is None:
        return ()
    return (orders_not_closed(task_id) if code == "ORDERS_NOT_CLOSED" else shopper_not_found(task_id),)


def _email(rng: random.Random) -> str:
    """Return an email that fits the documented pattern."""
    first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
    name = rng.choice((f"{first}.{last}", f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}", first + last))
    digits = str(rng.randint(1, 99)) if rng.random() < 0.15 else ""
    return f"{name}{digits}@{rng.choice(_HOSTS)}"
