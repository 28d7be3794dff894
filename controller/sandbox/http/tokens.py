"""The OAuth2 side of the sandbox: issues client-credentials tokens and checks them; called by `routes`.

A token carries its own expiry and a signature made from the client secret, so nothing is stored and tokens survive
a restart, as they do at the service. Source: reference page "Asynchronous Processing API" §2.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, unquote_plus

from controller.sandbox.options import SandboxOptions
from controller.sandbox.replies import Reply, json_reply, unauthorized

TOKEN_PATHS = frozenset(
    {"/oauth/token", *(f"/auth/realms/{realm}/protocol/openid-connect/token" for realm in ("main", "CDSE"))}
)


class IssuedTokens:
    """Issues and checks tokens for the one client of `options`, valid for `life` real seconds; `wall` returns the
    time in seconds since 1970."""

    def __init__(self, options: SandboxOptions, life: float, wall: Callable[[], float]) -> None:
        self._client = (options.client_id, options.client_secret)
        self._life = life
        self._key = hashlib.sha256(f"token {options.client_secret}".encode()).digest()
        self._wall = wall

    def issue(self, content: bytes, content_type: str, authorization: str, end: float | None = None) -> Reply:
        """The reply to one token request; errors have the OAuth form, not the wrapper of the API.

        With `end` the token is refused after that many seconds, whatever expiry it carries.
        """
        if not content_type.startswith("application/x-www-form-urlencoded"):
            return _oauth_error(400, "invalid_request", "The body must be application/x-www-form-urlencoded.")
        form = {name: values[-1] for name, values in parse_qs(content.decode("utf-8", "replace")).items()}
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "Only grant_type=client_credentials is supported.")
        claimed = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not self._is_client(claimed):
            return _oauth_error(401, "invalid_client", "Invalid client or invalid client credentials.")
        token = self._sign(self._life if end is None else end)
        lifetime = {"access_token": token, "token_type": "Bearer", "expires_in": int(self._life)}
        return json_reply(200, lifetime, {"Cache-Control": "no-store"})

    def refuse(self, authorization: str) -> Reply | None:
        """The 401 for a missing, foreign or expired token, or None when it is valid."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return unauthorized("An access token is missing. Send it as 'Authorization: Bearer <token>'.")
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return unauthorized("The access token is not valid.")
        if json.loads(_unpacked(signed.partition(".")[2]))["end"] <= self._wall():
            return unauthorized("The access token has expired.")
        return None

    def _is_client(self, claimed: tuple[str, str]) -> bool:
        return all(hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(claimed, self._client, strict=True))

    def _sign(self, end: float) -> str:
        now = self._wall()
        claims = {
            "jti": secrets.token_hex(8),
            "iat": int(now),
            "exp": int(now + self._life),
            "azp": self._client[0],
            "end": now + end,
        }
        header = {"alg": "HS256", "typ": "JWT"}
        signed = ".".join(_packed(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{self._signature(signed)}"

    def _signature(self, signed: str) -> str:
        return _packed(hmac.digest(self._key, signed.encode(), "sha256"))


def _oauth_error(status: int, error: str, description: str) -> Reply:
    return json_reply(status, {"error": error, "error_description": description})


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:  # neither Base64 nor text; a header may hold any byte
        return ("", "")
    return unquote_plus(client), unquote_plus(secret)


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
