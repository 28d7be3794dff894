"""What an operator may run about a job that waits or did not succeed: a command to copy, as its message names it.

Pure. Nothing on a page runs anything.
"""

import re

from controller.model.reasons import Phase, Reason

_NAMED = re.compile(r"`(shjobs [a-z]+[^`]{0,200})`")
_CHECK = "shjobs check"


def command_for(reason: str, message: str, name: str) -> str:
    """The command, "" where there is none: then something else must change, such as the manifest or a credential.

    What a message names comes first. `name` is a job, or `set/NAME` for the cells of one.
    """
    if named := _NAMED.search(message):
        return named[1]
    match reason:
        case Reason.NEEDS_PERSON:
            return f"shjobs describe {name}"
        case Reason.REJECTED:
            return _CHECK
        case Reason.REFUSED:
            return ""
        case Reason.ACCOUNT_REFUSED | Reason.CREDENTIAL_MISSING | Reason.HISTORY_UNKNOWN | Reason.BUCKET_UNREADABLE:
            return "shjobs doctor"
    phase = Reason(reason).phase if reason in set(Reason) else None
    if phase is Phase.FAILED:
        return f"shjobs retry {name}"
    if phase is Phase.UNKNOWN:
        return f"shjobs retry {name} --unknown"
    return ""
