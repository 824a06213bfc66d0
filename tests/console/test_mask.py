"""Masking: while it is on, no address of a data subject is anywhere on the screen."""

from __future__ import annotations

from datetime import timedelta

from bwp_tui.console.bindings.keymap import Keymap
from bwp_tui.console.presentation.format import DisplayContext, mask
from bwp_tui.domain.statuses import DownloadState, Status
from bwp_tui.domain.task import Kind, TaskError
from bwp_tui.domain.text import file_name
from bwp_tui.settings import Profile
from bwp_tui.store.commands import requests
from bwp_tui.store.worklog import downloads
from tests.console.past_tasks import HELD, NOW, TODAY, PastTask
from tests.console.support import USUAL, Console, opened

ADDRESS = "jane+shop.x%1@example.com"
PAST = (
    PastTask(ADDRESS, Kind.DELETION, Status.ON_HOLD, holding_period=10),
    PastTask("other@example.com", status=Status.COMPLETED),
    PastTask(
        ADDRESS,
        status=Status.FAILED,
        errors=(TaskError("DATA_SUBJECT_NOT_FOUND", f"The shopper {ADDRESS} does not exist"),),
        note=f"{ADDRESS} rang",
    ),
    PastTask(ADDRESS.replace("1", "2"), status=Status.COMPLETED),
)
DELETION, FAILED, READY = 1, 3, 4


def bare(console: Console) -> bool:
    """Return whether the screen shows the local part of an address."""
    return any(word in console.text for word in ("jane+", "jane_", "shop.x", "other@"))


async def test_all_places_that_name_a_shopper_are_masked_until_the_operator_asks(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        requests.download(console.store, READY, "/srv/privacy", "op")
        await console.sees("⇣ #4        j•••@example.com", "COMPLETED · retrieval for j•••@example.com")
        for action, number in {"cancel": DELETION, "resubmit": FAILED}.items():
            await console.go_to(number)
            assert not bare(console)
            await console.do(action)
            await console.sees("for j•••@example.com", "y yes  n no")
            assert not bare(console)
            await console.press("n")
        await console.press("m")
        await console.sees(f"The shopper {ADDRESS} does not exist", f"⇣ #4        {ADDRESS.replace('1', '2')}")
        assert "unmasked" in console.line("header")
        await console.do("resubmit")
        await console.sees("Resubmit the retrieval ", f"{ADDRESS}? [y/N]")
        await console.press("y")
        await console.sees("Recorded as #5")
        await console.press("m")
        await console.until(lambda: not bare(console))
        assert "unmasked" not in console.line("header")
        assert "masked" in console.line("header")


async def test_unmasked_emails_take_room_of_the_note(profile: Profile) -> None:
    email = "nadia.bianchi@example.com"
    past = (PastTask(email, note="by phone"),)
    async with opened(profile, past, size=USUAL) as console:
        await console.sees("n•••@example.com", "by phone")
        await console.press("m")
        await console.until(lambda: email in console.line("table"))
        await console.press("m")
        await console.sees("n•••@example.com", "by phone")


async def test_a_filed_request_is_named_masked_and_forgotten_when_masked_again(profile: Profile) -> None:
    async with opened(profile) as console:
        await console.fill(email="jane+new@example.com")
        await console.submit_form()
        assert "retrieval for j•••@example.com" in console.line("status")
        await console.press("m")
        await console.fill(email="jane+two@example.com")
        await console.press("enter")
        await console.until(lambda: "jane+two@example.com" in console.line("status"))
        await console.press("m")
        await console.until(lambda: not bare(console))
        assert console.task(HELD).email == "bob@example.com"


async def test_the_place_of_a_saved_archive_is_masked_too(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        requests.download(console.store, READY, "/srv/privacy", "op")
        (order,) = downloads.ready(console.store, NOW, 1)
        path = f"/srv/privacy/retrieval-{order.email.replace('%', '_')}-{order.task_id}.zip"
        downloads.record_success(console.store, order, path, 10, "ab" * 32)
        await console.until(lambda: "saved" in console.line("table"))
        await console.sees("/srv/privacy/retrieval-")
        assert not bare(console)
        await console.press("m")
        await console.until(lambda: bare(console))
        download = console.task(READY).download
        assert download is not None
        assert download.state == DownloadState.DONE


async def test_a_masked_path_cannot_be_taken_for_the_file(profile: Profile) -> None:
    async with opened(profile, PAST) as console:
        task = console.task(READY)
        assert task.email is not None
        name = file_name(task.kind, task.task_id or "", task.email)
        shown = mask(
            f"/srv/{name}",
            task,
            DisplayContext(NOW, TODAY, masked=True, service_day=timedelta(days=1), key=Keymap().key),
        )
        assert shown == f"/srv/retrieval-j•••@example.com-{task.task_id}.zip"
