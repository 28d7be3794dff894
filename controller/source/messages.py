"""What git, ssh and a host say of a failed fetch, as one sentence that names the setting to look at.

Their words are data: cut short, without what cannot be printed, and without secrets.
"""

import base64
import re
from collections.abc import Iterator

from controller.model.errors import mask, truncate
from controller.settings.git import GitSource

_USER = re.compile(r"(?P<scheme>https?://)[^/@\s']*@|(?P<other>://)[^/@\s']*:[^/@\s']*@", re.IGNORECASE)
_MOST = 300  # letters
# The first that is found says it. An empty sentence: git's own words are plain.
_KNOWN = (
    (r"requested URL returned error: 30[12378]|redirect", "it redirects: write the address it redirects to in git.url"),
    (r"requested URL returned error: 403", "the host forbids it: the token may not read this repository"),
    (r"requested URL returned error: (429|503)", "the host is busy, or asks for fewer requests"),
    (r"host key verification failed|no .* host key is known", "the host's key is not in git.knownHostsFile"),
    (r"permission denied \(|sign_and_send_pubkey", "the host refused the key of git.sshKeyFile"),
    (r"error in libcrypto|invalid format|incorrect passphrase|bad passphrase", "git.sshKeyFile holds no usable key"),
    (r"no user exists for uid", "ssh needs the user that runs shjobs to be in /etc/passwd"),
    (r"cannot run ssh|ssh: not found|ssh: No such file", "ssh is not installed here"),
    (r"certificate|SSL|TLS|CAfile", "the host's certificate is not trusted: name its authority in caFile ({words})"),
    (r"no space left on device|disk quota", "the disk is full"),
    (r"died of signal 24|cannot allocate|out of memory", "git needed more memory or time than it may use"),
    (r"not our ref|couldn't find remote ref|unadvertised object", "it no longer has what was asked for"),
    (r"mismatched algorithms", "it changed the kind of its hashes; it is fetched anew the next time"),
    (r"fsck|index-pack|unpack|corrupt|bad pack|invalid object|inflate", "what it sent is damaged ({words})"),
    (r"not found|does not appear to be a git|not a git", "there is no such repository, or none that may be read"),
)  # fmt: skip
_UNAUTHORIZED = re.compile(r"authentication failed|could not read (username|password)|returned error: 401", re.I)


def failure(source: GitSource, said: str) -> str:
    """`https://host/path could not be fetched: the disk is full`."""
    return scrub(source, f"{source.url} could not be fetched: {_reason(source, _without_secrets(source, said))}")


def scrub(source: GitSource, text: str) -> str:
    """Foreign text without secrets, on one line."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return truncate(_without_secrets(source, printable), _MOST + len(source.url))


def _without_secrets(source: GitSource, text: str) -> str:
    return _USER.sub(r"\g<scheme>\g<other>", mask(text, _secrets(source)))


def _reason(source: GitSource, said: str) -> str:
    words = "; ".join(_telling(said)) or "git failed without a word"
    if _UNAUTHORIZED.search(said):
        if source.token is None:
            return "the host asks for a token: name its file in git.tokenFile"
        return "the host refused the token of git.tokenFile: it may be expired, or need another git.username"
    known = (sentence for pattern, sentence in _KNOWN if re.search(pattern, said, re.IGNORECASE))
    return next(known, "{words}").replace("{words}", truncate(words, _MOST))


def _telling(said: str) -> Iterator[str]:
    """The lines that give the reason; those of the host, which it may have made up, only if there is no other."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    ours = [line for line in lines if not line.startswith("remote:")]
    fatal = [line.partition(":")[2].strip() for line in ours if line.startswith(("fatal:", "error:"))]
    yield from (fatal or ours or lines)[:2]


def _secrets(source: GitSource) -> list[str]:
    if source.token is None:
        return []
    token = source.token.get_secret_value()
    return [token, base64.b64encode(f"{source.username}:{token}".encode()).decode()]
