"""A server of one large archive over TLS, as fast as Python's ssl goes. `python -m tests.benchmarks.archive_server`.

Arguments: folder of `cert.pem` and `key.pem`, bytes of the archive. Prints its port. The archive is never on a disk:
its first bytes are those of a ZIP file, and the same block follows again and again.
"""

from __future__ import annotations

import random
import socket
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

BLOCK: Final = b"PK\x03\x04" + random.Random(1).randbytes((1 << 20) - 4)


def main() -> None:
    """Serve until killed, each connection in a thread."""
    folder, length = Path(sys.argv[1]), int(sys.argv[2])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        line, _ = listener.accept()
        threading.Thread(target=_serve, args=(context, line, length), daemon=True).start()


def _serve(context: ssl.SSLContext, line: socket.socket, length: int) -> None:
    with suppress(OSError), context.wrap_socket(line, server_side=True) as tls:
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += tls.recv(1 << 16)
        head = f'HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: "1"\r\nContent-Type: application/zip\r\n\r\n'
        tls.sendall(head.encode())
        for _ in range(length // len(BLOCK)):
            tls.sendall(BLOCK)
        tls.sendall(BLOCK[: length % len(BLOCK)])


if __name__ == "__main__":
    main()
