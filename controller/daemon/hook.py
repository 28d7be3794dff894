"""`POST /hooks/git`: a host of repositories says that something was pushed, so the daemon asks for it at once.

It is a hint: nothing in the body is read but to check its signature, and what is fetched is decided by the settings. A
call that is repeated makes the daemon ask once more. Used by `http`; docs: docs/git.md.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus

from controller.page.message import PageResponse, sentence

PATH = "/hooks/git"
LARGEST_BODY = 1024 * 1024  # bytes; GitHub sends up to 25 MB, of a push of thousands of commits
_GITHUB, _GITEA, _GITLAB = "x-hub-signature-256", "x-gitea-signature", "x-gitlab-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHook:
    """The hook, while there is a secret: `secret` answers the one in force, "" for none. `hint` must return at once.

    `base` is the path under which a proxy serves the port.
    """

    secret: Callable[[], str]
    hint: Callable[[], None]
    base: str = ""

    def is_at(self, target: str) -> bool:
        """Whether a POST to this target of a request line is for the hook."""
        return target.partition("?")[0] in (PATH, f"{self.base}{PATH}") and bool(self.secret())

    def response(self, headers: Message, body: bytes) -> PageResponse:
        """To a call with this body. It does not say what was wrong with a call."""
        if not _is_signed(headers, body, self.secret()):
            return sentence("this call is not signed with the secret of `git.hookSecretFile`", HTTPStatus.FORBIDDEN)
        self.hint()
        return sentence("the repository is asked for a new commit", HTTPStatus.ACCEPTED)


def body_length(headers: Message) -> int | PageResponse:
    """How many bytes follow the head, or the refusal to read them."""
    lengths = headers.get_all("content-length", [])
    if "transfer-encoding" in headers or not lengths:
        return sentence("the hook needs a Content-Length", HTTPStatus.LENGTH_REQUIRED)
    if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
        return sentence("this request cannot be read", HTTPStatus.BAD_REQUEST)
    if len(lengths[0]) > 10 or int(lengths[0]) > LARGEST_BODY:
        words = f"a call of the hook has at most {LARGEST_BODY:,} bytes"
        return sentence(words, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(lengths[0])


def _is_signed(headers: Message, body: bytes, secret: str) -> bool:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    expected = {_GITHUB: f"sha256={mac}", _GITEA: mac, _GITLAB: secret}
    return bool(secret) and any(_is_equal(headers, name, text) for name, text in expected.items())


def _is_equal(headers: Message, name: str, expected: str) -> bool:
    """Whether the header is there, once, with this text; the time that takes says nothing of the text."""
    given = headers.get_all(name, [])
    text = str(given[0]) if len(given) == 1 else ""
    return hmac.compare_digest(text.encode("latin-1", "replace"), expected.encode())
