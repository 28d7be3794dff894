"""Ports that no other process can take; `bench.program.free_port` has one for a server that is started later."""

import socket


def closed_port() -> int:
    """A port at which nothing listens, and nothing can, until this process ends."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    port = int(held.getsockname()[1])
    held.detach()  # the descriptor stays open
    return port
