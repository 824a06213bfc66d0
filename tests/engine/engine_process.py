"""A process that is a profile's engine until it is killed. Run it as a module; the client secret comes by stdin."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from bwp_tui.engine.runtime.engine_config import EngineConfig
from bwp_tui.engine.runtime.headless import serve
from bwp_tui.settings import Profile


def main() -> None:
    """Serve the profile that the arguments describe, and say each role on a line."""
    folder, api_url, token_url, client_id, target_id = sys.argv[1:]
    profile = Profile(
        name="sandbox", folder=Path(folder), api_url=api_url, token_url=token_url, download_dir=Path(folder) / "saved"
    )
    config = EngineConfig(profile, client_id, target_id, sys.stdin.readline().strip())
    serve(config, stop=threading.Event(), write_line=lambda _severity, sentence: print(sentence, flush=True))


if __name__ == "__main__":
    main()
