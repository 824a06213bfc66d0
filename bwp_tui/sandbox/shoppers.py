"""Shoppers who do not exist: names from many places at addresses that nobody can have (RFC 2606)."""

from __future__ import annotations

import random
from typing import Final

_FIRST: Final = (
    "aaliyah", "aiko", "amara", "anders", "andrea", "anika", "arjun", "astrid", "ayesha", "beatriz", "bogdan",
    "camille", "carlos", "chidi", "chloe", "dariusz", "deepa", "diego", "dmitri", "elena", "elif", "emeka",
    "eun-ji", "fatima", "femi", "freya", "giulia", "hana", "hassan", "henrik", "ibrahim", "ines", "ingrid",
    "jamal", "jane", "javier", "jin", "joao", "kaito", "katarzyna", "kofi", "lars", "layla", "leila", "li",
    "liam", "lucia", "mai", "malia", "marek", "maria", "matteo", "mei", "miguel", "mohammed", "nadia", "nia",
    "niko", "noa", "olga", "omar", "oscar", "paloma", "pedro", "priya", "quinn", "rania", "ravi", "rosa",
    "sade", "sanjay", "santiago", "selma", "sione", "sofia", "sven", "tariq", "tereza", "thandi", "tomas",
    "uma", "valentina", "wei", "yara", "yusuf", "zainab", "zoe",
)  # fmt: skip
_LAST: Final = (
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


def address(rng: random.Random) -> str:
    """Return an address that fits the documented pattern."""
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    name = rng.choice((f"{first}.{last}", f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}", first + last))
    digits = str(rng.randint(1, 99)) if rng.random() < 0.15 else ""
    return f"{name}{digits}@{rng.choice(_HOSTS)}"
