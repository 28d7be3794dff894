"""Which servers' certificates are trusted. Connections share a TLS context: making one costs more than a whole call.

`exchange` uses them, by way of `routes`.
"""

import os
import ssl
import threading
from functools import lru_cache
from pathlib import Path

from requests.adapters import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import ALPN_PROTOCOLS, create_urllib3_context

_MAKING = threading.Lock()


def bundle() -> str:
    """The file, or the folder, of certificates that are trusted: that of a variable, or that which comes with us."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH


def tls_context(path: str, authorities: str | None) -> ssl.SSLContext:
    """The context that trusts the certificates at `path` and those of the `authorities` (PEM).

    All threads share it, and it is made anew once the file is another one. Raises `OSError`.
    """
    if not Path(path).exists():
        raise OSError(f"there are no certificates at {path}: check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE")
    found = Path(path).stat()
    with _MAKING:
        return _made(path, (found.st_ino, found.st_mtime_ns, found.st_size), authorities)


@lru_cache(maxsize=8)
def _made(path: str, _version: tuple[int, ...], authorities: str | None) -> ssl.SSLContext:
    context = create_urllib3_context()
    where = {"capath": path} if Path(path).is_dir() else {"cafile": path}
    context.load_verify_locations(**where, cadata=authorities)
    context.set_alpn_protocols(ALPN_PROTOCOLS)
    # urllib3 sets them for each connection, and OpenSSL frees the old ones while another thread may be copying them.
    setattr(context, "set_alpn_protocols", lambda _protocols: None)  # noqa: B010  (mypy: it is a method)
    return context
