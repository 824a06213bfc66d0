"""botocore's own SQS client, for the practice queues."""

from __future__ import annotations

from typing import Any

import pytest

from bwp_tui.sandbox.server import Sandbox


def sqs_client(sandbox: Sandbox, **changes: Any) -> Any:
    """Return a client with the sandbox's key; `changes` replace arguments of `create_client`."""
    session = pytest.importorskip("botocore.session").Session()
    config = pytest.importorskip("botocore.config").Config(retries={"total_max_attempts": 1}, read_timeout=90)
    arguments = {
        "region_name": sandbox.region,
        "endpoint_url": sandbox.endpoint_url,
        "aws_access_key_id": sandbox.aws_key.key_id,
        "aws_secret_access_key": sandbox.aws_key.secret,
        "config": config,
    }
    return session.create_client("sqs", **(arguments | changes))


def code_of(error: Any) -> str:
    """Return the code that botocore gives a refusal."""
    return str(error.response["Error"]["Code"])
