"""Ports that are held until the process ends: a port that is free belongs to another process a moment later."""

import socket


def closed_port() -> int:
    """A port at which nothing listens, and nothing can."""
    return _held(socket.socket())


def reserved_port() -> int:
    """A port for a server that reuses addresses, as most do; until it listens, nothing does."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return _held(held)


def _held(one: socket.socket) -> int:
    one.bind(("127.0.0.1", 0))
    port = int(one.getsockname()[1])
    one.detach()  # it stays open, and nobody closes it
    return port
