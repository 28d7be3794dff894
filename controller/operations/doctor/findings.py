"""The findings of `doctor`: ok, doubtful or broken, and what to do about it.

Pure: `doctor` looks, these functions judge what it saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.tree.git.info import Checkout

SUPPORTED = ((3, 11), (3, 13))
CLOCK_EXACT = 5.0  # seconds; the Date header has whole ones, and travels for a while
CLOCK_BEARABLE = 300.0  # seconds; object stores refuse signatures that are 15 minutes off
LITTLE_SPACE = 200 * 1024 * 1024  # bytes


class CheckResult(StrEnum):
    """The result of one check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line of the diagnosis; `advice` is empty when there is nothing to do."""

    name: str
    health: CheckResult
    message: str
    advice: str = ""


def ok(name: str, message: str) -> Diagnosis:
    return Diagnosis(name=name, health=CheckResult.OK, message=message)


def warn(name: str, message: str, advice: str) -> Diagnosis:
    return Diagnosis(name=name, health=CheckResult.WARN, message=message, advice=advice)


def fail(name: str, message: str, advice: str) -> Diagnosis:
    return Diagnosis(name=name, health=CheckResult.FAIL, message=message, advice=advice)


def python(version: tuple[int, int], text: str) -> Diagnosis:
    """Whether shjobs supports this Python; `text` lists all versions."""
    first, last = SUPPORTED
    if first <= version <= last:
        return ok("versions", text)
    wanted = f"{first[0]}.{first[1]} to {last[0]}.{last[1]}"
    return warn("versions", text, f"shjobs supports Python {wanted}: install it there")


def committed_only(found: "Checkout | None") -> Diagnosis:
    """Whether git can say what is committed, where nothing else is paid for; None: no commit is checked out."""
    if found is not None and found.held is not None:
        return ok("committed", f"only what {found.commit[:12]} holds is paid for")
    if found is None:
        advice = "commit the manifests to git, or set `source` to tree"
        return fail("committed", "no commit is checked out around the jobs folder, so every job is held", advice)
    advice = "install the git program, and see with `git fsck` whether the repository is whole"
    return fail("committed", f"git cannot list what {found.commit[:12]} holds, so every job is held", advice)


def clock(ahead: float) -> Diagnosis:
    """The service's clock minus ours, in seconds."""
    if abs(ahead) <= CLOCK_EXACT:
        return ok("clock", "agrees with the service's")
    way = "behind" if ahead > 0 else "ahead of"
    message = f"this machine is {abs(ahead):,.0f} s {way} the service"
    advice = "set the clock, and keep it set (NTP): tokens and signatures expire, and the budget's month uses it"
    return warn("clock", message, advice) if abs(ahead) <= CLOCK_BEARABLE else fail("clock", message, advice)


def space(free: int, folder: str) -> Diagnosis | None:
    """A warning that the state directory's disk is nearly full; None: there is room."""
    if free >= LITTLE_SPACE:
        return None
    message = f"{free / 1e6:,.0f} MB are left on the disk of {folder}"
    return warn("state", message, "make room: without it nothing is submitted")


def policy(bucket: str, principal: str, missing: Sequence[str] | None) -> Diagnosis:
    """Whether the bucket's policy lets the service read; `missing` None: it has no policy."""
    name = f"policy of {bucket}"
    if missing is None:
        return warn(name, "there is none", _grant(principal, bucket, "the service needs one that allows"))
    if missing:
        return warn(name, f"does not allow {', '.join(missing)}", _grant(principal, bucket, "let it allow"))
    return ok(name, "lets the service read")


def _grant(principal: str, bucket: str, words: str) -> str:
    return (
        f"{words} {principal} the actions s3:GetBucketLocation, s3:ListBucket and s3:GetObject "
        f"on arn:aws:s3:::{bucket} and arn:aws:s3:::{bucket}/*"
    )
