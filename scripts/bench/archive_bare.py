"""The yardstick for reading: whoever connects and asks gets a file, piece by piece, and nothing else happens.

python -m scripts.bench.archive_bare PORT FILE
"""

from __future__ import annotations

import socket
import sys

__all__: list[str] = []

_PIECE = 1 << 20
_PATIENCE = 600.0  # seconds


def main() -> None:
    port, path = int(sys.argv[1]), sys.argv[2]
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.settimeout(_PATIENCE)
        print("READY", flush=True)
        while True:
            connection, _ = listening.accept()
            with connection, open(path, "rb", buffering=0) as file:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                while piece := file.read(_PIECE):
                    connection.sendall(piece)


if __name__ == "__main__":
    main()
