"""A response whose headers were cut off is none: its status must not be believed."""

import socket
import threading

import pytest

from controller.wire.exchange import Exchange
from tests.support.patience import LONGEST


def test_a_response_that_stops_within_its_headers_is_none_once_it_is_hung_up() -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        line = Exchange(url)

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                request = b""
                while not request.endswith(b"{}") and (piece := connection.recv(65536)):
                    request += piece
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRetry-")
                line._hang_up()
                ended.wait(LONGEST)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TimeoutError, match="broke off"), line.hung_up_after(LONGEST):
            line.send("POST", f"{url}/status", {}, timeouts=(LONGEST, LONGEST), body=b"{}")
        assert line.was_connected and line.is_hung_up
        ended.set()
        thread.join(LONGEST)
