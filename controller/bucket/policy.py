"""What a bucket's policy allows the service: it must be able to list the bucket it writes to.

Pure; called by `doctor`. Source: reference page "Asynchronous Processing API" §8.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

ACTIONS = ("s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject")
_IN_OBJECTS = frozenset({"s3:GetObject"})


def missing(text: str, principal: str, bucket: str) -> tuple[str, ...]:
    """The actions of `ACTIONS` that the policy, JSON text, does not plainly allow the principal on the whole bucket.

    A statement with a condition counts as not allowing, since its condition cannot be evaluated here.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ACTIONS
    found = document.get("Statement", ()) if isinstance(document, Mapping) else ()
    statements = [each for each in _many(found) if isinstance(each, Mapping) and _concerns(each, principal)]
    denied = {each for each in ACTIONS if any(_covers(one, each, bucket, "Deny") for one in statements)}
    return tuple(
        action
        for action in ACTIONS
        if action in denied or not any(_covers(one, action, bucket, "Allow") for one in statements)
    )


def _concerns(statement: Mapping[str, Any], principal: str) -> bool:
    named = statement.get("Principal")
    who = named.get("AWS", ()) if isinstance(named, Mapping) else named
    account = re.search(r"::(\w+):root$", principal)
    return bool({"*", principal, account[1] if account else principal} & {str(each) for each in _many(who)})


def _covers(statement: Mapping[str, Any], action: str, bucket: str, effect: str) -> bool:
    """Whether it has this effect on the action; a denial need not cover everything, nor be free of conditions."""
    arn = f"arn:aws:s3:::{bucket}/x" if action in _IN_OBJECTS else f"arn:aws:s3:::{bucket}"
    is_plain = effect == "Deny" or not statement.get("Condition")
    return (
        statement.get("Effect") == effect
        and is_plain
        and any(_matches(each, action.lower()) for each in _texts(statement.get("Action"), lower=True))
        and any(_matches(each, arn) for each in _texts(statement.get("Resource")))
    )


def _texts(value: Any, *, lower: bool = False) -> Iterable[str]:
    return (str(each).lower() if lower else str(each) for each in _many(value))


def _matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern with the wildcards of policies."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
