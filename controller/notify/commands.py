"""What an operator may run about one job: commands to copy, on the page and in messages.

Pure. They are made of the name, the path and the reason, never of what a service or a script wrote.
"""

import re
from shlex import quote

from controller.model.reasons import Phase, Reason

_REASONS = frozenset(Reason)
_ACCEPT = re.compile(r"`shjobs accept ([0-9a-f]{12})`")


def commands_for_job(name: str, path: str, reason: str, message: str, owner: str = "") -> list[dict[str, str]]:
    """Each with what it does; none where nothing needs an operator. `path` is that of the manifest on the command line,
    "" for all of them; `owner` the job whose run it shares; a `reason` of "" says that nothing was reported yet.
    """
    known = Reason(reason) if reason in _REASONS else None
    if known is None:
        return []
    found = _by_reason(quote(name), path and quote(path), quote(owner or name), known, message)
    return [{"command": command, "does": does} for command, does in found]


def _by_reason(name: str, path: str, owner: str, reason: Reason, message: str) -> list[tuple[str, str]]:
    check = (f"shjobs check {path}".rstrip(), "shows every problem of the manifest with its line")
    match reason:
        case Reason.REJECTED | Reason.WARNED:
            return [check]
        case Reason.REFUSED:
            return [check, (f"shjobs retry {name}", "sends the same request once more")]
        case Reason.ACCOUNT_REFUSED | Reason.CREDENTIAL_MISSING | Reason.HISTORY_UNKNOWN | Reason.BUCKET_UNREADABLE:
            return [("shjobs doctor", "finds out what the service and the bucket allow")]
        case Reason.PAUSED:
            return [("shjobs resume", "lets submissions go on")]
        case Reason.NEEDS_PERSON:
            return [
                (f"shjobs resolve {owner} --request-id ID", "says which request of the service it is: it is followed"),
                (
                    f"shjobs resolve {owner} --not-accepted",
                    "says that the service did not take it: look at the account's requests first, it is paid for again",
                ),
            ]
    if reason.phase is Phase.FAILED:
        return [(f"shjobs retry {name}", "pays for the same request once more")]
    if reason.phase is Phase.UNKNOWN:
        return [(f"shjobs retry {name} --unknown", "pays again; late evidence would settle it without that")]
    if reason.phase is Phase.HELD and (accepted := _ACCEPT.search(message)):
        return [
            ("shjobs plan", "shows what would be submitted, and what it costs"),
            (f"shjobs accept {accepted[1]}", "lets it go on"),
        ]
    return []
