"""A profile for a practice API that a test has started."""

from __future__ import annotations

from pathlib import Path

from bwp_tui.sandbox.server import Sandbox
from bwp_tui.settings import AwsKey, EventQueue, LiteralSecret, Profile


def profile_of(sandbox: Sandbox, folder: Path) -> Profile:
    """Return the profile of a practice API; nothing is made in `folder` yet."""
    return Profile(
        name="sandbox",
        folder=folder,
        api_url=sandbox.api_url,
        token_url=sandbox.token_url,
        client_id=sandbox.client_id,
        target_id=sandbox.target_id,
        secret=LiteralSecret(sandbox.client_secret),
        download_dir=folder / "downloads",
        is_sandbox=True,
    )


def queue_of(sandbox: Sandbox) -> EventQueue:
    """Return the queue of a practice API's events."""
    return EventQueue(
        queue_url=sandbox.queue_url,
        region=sandbox.region,
        endpoint_url=sandbox.endpoint_url,
        access_key=AwsKey(*sandbox.aws_key),
    )
