"""What a plan is based on: the ledger with the buckets as they can be read from here, or the tree at a git revision."""

from dataclasses import dataclass, field
from datetime import datetime

from controller.model.answers import BucketAnswer, Listing
from controller.model.step import List
from controller.operations.plan.baseline import EMPTY, Baseline
from controller.operations.plan.simulate import Read
from controller.reconcile.calls.workers import ListObjects
from controller.reconcile.wiring import bucket_client, keyless_here
from controller.settings.deployments import Credential
from controller.settings.settings import Settings


@dataclass(slots=True, kw_only=True)
class Basis:
    """What a plan is based on: the ledger with the buckets, or the tree at `ref`."""

    settings: Settings
    read: Read
    known: Baseline = EMPTY
    without_keys: frozenset[str] = frozenset()
    ref: str = ""
    commit: str = ""
    names: frozenset[str] = frozenset()
    selector: tuple[str, ...] = ()
    at: datetime | None = None
    has_cells: bool = False
    unlisted: dict[str, str] = field(default_factory=dict)
    """By job: the credential whose key pair is missing here, so the job's history was not looked up."""


def of_the_ledger(settings: Settings) -> Basis:
    """The plan of what would be submitted; without an OAuth client here, by the machine that has it."""
    unlisted: dict[str, str] = {}
    return Basis(
        settings=settings,
        read=_reader(settings, unlisted),
        without_keys=keyless_here(settings),
        unlisted=unlisted,
    )


def _reader(settings: Settings, unlisted: dict[str, str]) -> Read:
    """Lists the buckets that can be listed from here, and records in `unlisted` the jobs whose bucket cannot."""
    bucket = bucket_client(settings)

    def read(look: ListObjects) -> BucketAnswer | None:
        credential = _credential(settings, look.step)
        if credential is None or _is_usable(credential):
            return bucket.read(look.step.prefix, look.step.credentials_ref, only=look.step.only)
        if look.step.submission is not None:
            return None
        unlisted[look.job] = credential.name
        return Listing()

    return read


def _credential(settings: Settings, step: List) -> Credential | None:
    """The credential to list the bucket with."""
    if step.credentials_ref is not None:
        return settings.credentials.get(step.credentials_ref)
    able = (each for _, each in sorted(settings.credentials.items()) if each.may_use(step.prefix))
    return next(able, None)


def _is_usable(credential: Credential) -> bool:
    return bool(credential.folder or (credential.access_key and credential.secret_access_key))
