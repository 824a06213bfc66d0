"""The short form of `damage`: a few damages of each sort."""

from __future__ import annotations

import pytest

from tests.faults import damage
from tests.store.independent_reader import rows_from_pages

_EACH = 2


@pytest.fixture(scope="module")
def specimen(tmp_path_factory: pytest.TempPathFactory) -> damage.Specimen:
    return damage.specimen(tmp_path_factory.mktemp("damage"), 120)


@pytest.mark.parametrize("with_backup", [False, True])
@pytest.mark.parametrize("seed", [7, 90])
def test_no_row_is_lost_that_can_be_read_by_hand(specimen: damage.Specimen, seed: int, with_backup: bool) -> None:
    trials = ((name, how, seed + trial) for name, how in damage.damages(specimen).items() for trial in range(_EACH))
    outcome = damage.run(specimen, trials, with_backup=with_backup)
    assert outcome.faults == []
    assert outcome.lost == []
    assert outcome.readable > outcome.trials * 300


def test_the_reader_by_hand_reads_all_of_a_sound_register(specimen: damage.Specimen) -> None:
    whole, begun = rows_from_pages(specimen.path.read_bytes(), specimen.truth)
    assert whole == specimen.truth
    assert begun == {"tasks": {}}
