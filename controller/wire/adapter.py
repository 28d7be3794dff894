"""Sends a library's requests through an `Exchange`: each with a deadline as a whole, and its response bounded.

`oauth` mounts it, since its library calls requests, which waits for as long as a byte comes now and then, and reads a
response to its end.
"""

from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from controller.wire.exchange import BROKEN, Exchange

LARGEST = 64 * 1024  # bytes of a response


class BoundedAdapter(BaseAdapter):
    """One connection a request, never retried, that also trusts the `authorities` (PEM)."""

    def __init__(self, authorities: str | None = None) -> None:
        super().__init__()
        self._authorities = authorities
        self._builder = HTTPAdapter(max_retries=0)

    def send(
        self, request: requests.PreparedRequest, *_: Any, timeout: Any = None, **_options: Any
    ) -> requests.Response:
        """The response, read whole within the two seconds of `timeout` together, for a connection and for the rest.

        `Exchange` knows what is trusted and which proxy to take. Raises `requests.RequestException`.
        """
        assert request.url and request.method
        body = request.body.encode() if isinstance(request.body, str) else request.body
        line = Exchange(request.url, self._authorities)
        try:
            with line.hung_up_after(sum(timeout)):
                raw = line.send(request.method, request.url, dict(request.headers), timeouts=timeout, body=body)
                content = raw.read(LARGEST, decode_content=True)
                raw.close()
            if line.is_hung_up:
                raise TimeoutError("the response broke off")
        except BROKEN as error:
            if line.is_hung_up:
                raise requests.Timeout(request=request) from TimeoutError()
            raise requests.ConnectionError(str(error), request=request) from error
        finally:
            line.close()
        response = self._builder.build_response(request, raw)
        response._content, response._content_consumed = content, True  # type: ignore[attr-defined]  # else it is read to its end
        return response

    def close(self) -> None:
        """Nothing is kept."""
