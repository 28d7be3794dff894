"""Why a connection failed, in messages that are the same every time: no memory addresses, no elapsed times.

The edges append them to the URL that was called; TLS failures name the setting that may fix them.
"""

import re
import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

from controller.model.errors import truncate

NO_ANSWER = "no answer in time"
NOT_TRUSTED = "its certificate is not trusted: name the certificate of its authority with caFile in the settings"
OTHER_NAME = "its certificate is for another host name"
EXPIRED = "its certificate has expired, or is not valid yet"
NO_TLS = "it does not speak TLS there: is it plain http, or a proxy?"

_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>:?\s*")
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the name of the host is not known"),
    (TimeoutError, NO_ANSWER),
    (ConnectionRefusedError, "nothing listens there"),
    (RemoteDisconnected, "the connection was closed without an answer"),
    (ConnectionResetError, "the connection was reset"),
    (BrokenPipeError, "the connection broke off"),
    (ssl.SSLEOFError, "the connection was closed during the TLS handshake"),
    (IncompleteRead, "the answer broke off"),
    (BadStatusLine, "the server there does not speak HTTP"),
)
# OpenSSL's X509_V_ERR_… numbers.
_NAMES, _TIMES = {62, 64}, {9, 10}
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}


def connection_error(error: BaseException) -> str:
    """The root of a connection's error, for a user; callers mask secrets in it, then cut it short."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, ssl.SSLError):
        return _tls(error)
    return getattr(error, "strerror", None) or _ADDRESS.sub("", str(error)) or type(error).__name__


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _NAMES:
            return OTHER_NAME
        if error.verify_code in _TIMES:
            return EXPIRED
        return f"{NOT_TRUSTED} ({truncate(error.verify_message, 100)})"
    if error.reason in _NOT_TLS:
        return NO_TLS
    return f"TLS failed: {truncate(str(error.reason or 'no reason given'), 100).lower().replace('_', ' ')}"
