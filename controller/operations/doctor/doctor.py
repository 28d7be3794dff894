"""Checks everything a controller depends on, one finding after the other: for `shjobs doctor`.

Only free calls are made, and nothing is written except one small object on request.
"""

import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

from pydantic import SecretStr

from controller import __version__
from controller.bucket.client import FEW, Bucket
from controller.bucket.policy import missing
from controller.ledger.ledger import Ledger
from controller.ledger.location import FILE_NAME, OWNER, is_there, read_only, refuse_network_file_system
from controller.ledger.lock import holder
from controller.ledger.store import Store
from controller.model.answers import NoAnswer, NotVisible, Unreadable
from controller.model.clock import Clock
from controller.model.errors import Later, StateError, UsageError
from controller.model.skew import doubt
from controller.operations.doctor.findings import (
    Diagnosis,
    clock,
    committed_only,
    fail,
    ok,
    policy,
    python,
    space,
    warn,
)
from controller.operations.doctor.source import source_diagnoses
from controller.reconcile.wiring import bucket_client
from controller.service.client import Service
from controller.service.oauth import Session
from controller.settings.deployments import Credential
from controller.settings.environment import variable_of
from controller.settings.settings import Settings
from controller.source.reach import unreachable
from controller.tree.files import SUFFIXES, Known
from controller.tree.git.command import version
from controller.tree.git.info import author, checkout
from controller.tree.walk import Walk

EMPTY = b"written by `shjobs doctor --write`, which removes it\n"


def local_diagnoses(settings: Settings, *, has_file: bool) -> Iterator[Diagnosis]:
    """What can be checked without the service; `has_file`: there is a settings file. The repository is asked once."""
    yield from _versions()
    yield from _settings(settings, has_file)
    yield from _state(settings)
    if settings.git:
        yield from source_diagnoses(settings.git, unreachable)
    yield from _tree(settings)


def remote_diagnoses(settings: Settings, *, write: bool) -> Iterator[Diagnosis]:
    """What the service and the buckets show. With `write`, an object is written to each bucket and removed again."""
    secret = settings.client_secret or SecretStr("")
    with (
        Session(settings.deployment, settings.client_id or "", secret, settings.timing) as session,
        Service(settings.deployment, session, settings.timing) as service,
    ):
        yield _clock(service, Clock().now())
        if settings.client_id and settings.client_secret:
            token = _token(session, settings)
            yield token
            if token.health == "ok":
                yield _endpoint(service, settings)
        else:
            yield fail("token", "there is no OAuth client", _client_advice(settings))
    bucket = bucket_client(settings)
    for credential in settings.credentials.values():
        yield _keys(credential)
        if credential.can_read:
            yield from _buckets(settings, bucket, credential, write)
    if not settings.credentials:
        yield warn("buckets", "the settings name no credential", "add [credentials.my-bucket] with its prefixes")


# local


def _versions() -> Iterator[Diagnosis]:
    answered = f"shjobs {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    major, minor, _ = platform.python_version_tuple()
    git = version()
    yield python((int(major), int(minor)), f"{answered}, {git}" if git else answered)
    if not git:
        yield warn("git", "there is no git here", "install it: `plan --against` and `-dirty` revisions need it")


def _settings(settings: Settings, has_file: bool) -> Iterator[Diagnosis]:
    if has_file:
        yield ok("settings", f"{settings.file}, deployment {settings.deployment.name}")
    else:
        advice = "`shjobs init` makes one, --config names another"
        yield warn("settings", f"there is no {settings.file}: only defaults and variables are in force", advice)
    for sentence in settings.absent:
        name, _, words = sentence.partition(": ")
        yield warn(name, "is set but does not exist", words)


def _state(settings: Settings) -> Iterator[Diagnosis]:
    folder, here = settings.state, _nearest(settings.state)
    try:
        refuse_network_file_system(folder)
    except StateError as error:
        yield fail("state", str(error), "name a folder on a local disk with `state` in the settings")
        return
    if folder.is_symlink() and not folder.exists():
        yield fail("state", f"{folder} is a broken link", "fix it, or name another folder with `state`")
        return
    if not os.access(here, os.W_OK | os.X_OK) or not here.is_dir():
        yield fail("state", f"{here} cannot be written", "name another folder with `state`, or make it writable")
        if here == folder.absolute():
            yield _ledger(settings)
        return
    if full := space(shutil.disk_usage(here).free, str(here)):
        yield full
    held = holder(folder)
    yield ok("state", f"{folder} is on a local disk{f', in use by {held}' if held else ' and can be written'}")
    yield _ledger(settings)


def _ledger(settings: Settings) -> Diagnosis:
    path = settings.state / FILE_NAME
    advice = "move it away: what was paid for is found again in the buckets; or restore it from a copy"
    try:
        if not is_there(settings.state):
            return ok("ledger", f"{path} does not exist yet: the buckets show what was paid for")
        with Store.copy_of(settings.state) as store:
            bound = [store.fact(key) for key in ("deployment", "account")]
            newest = Ledger(store).newest_moment
        with closing(read_only(path)) as file:
            reason = file.execute("pragma quick_check(1)").fetchone()[0]
    except StateError as error:
        return fail("ledger", str(error), OWNER if isinstance(error.__cause__, PermissionError) else advice)
    except sqlite3.Error as error:
        return fail("ledger", f"{path} cannot be read: {error}", advice)
    if reason != "ok":
        return fail("ledger", f"{path} is damaged: {reason}", advice)
    for known, wanted in zip(bound, (settings.deployment.name, settings.client_id), strict=True):
        if known and wanted and known != wanted:
            words = f"{path} belongs to {known!r}, the settings name {wanted!r}"
            return fail("ledger", words, "use the former, or another state directory")
    if words := doubt(Clock().now(), newest, None):
        return fail("ledger", words, "until the service confirms the clock, nothing is paid for")
    return ok("ledger", f"{path} is whole")


def _tree(settings: Settings) -> Iterator[Diagnosis]:
    walk = Walk(settings.jobs, Known())
    if reason := walk.run():
        advice = "write a manifest there (`shjobs init` makes one), or name the folder with `jobs`"
        yield fail("tree", reason, "`shjobs run` and `shjobs sync` fetch it" if settings.git else advice)
        return
    yield ok("tree", f"{settings.jobs} can be read; manifest files: {len(walk.suspects):,}, folders: {walk.folders:,}")
    for problem in (*walk.problems, *walk.astray):
        yield warn("tree", f"{problem.path} {problem.message}", "what is below it is not seen")
    yield _status_files(settings)
    yield _git(settings.jobs, walk)
    if settings.source == "committed":
        yield committed_only(checkout(settings.jobs))
    yield _watching(settings, walk)


def _status_files(settings: Settings) -> Diagnosis:
    where = settings.status_dir or settings.jobs
    if os.access(_nearest(where), os.W_OK | os.X_OK):
        return ok("status files", f"can be written below {where}")
    return fail("status files", f"cannot be written below {where}", "name another folder with `statusDir`")


def _git(jobs: Path, walk: Walk) -> Diagnosis:
    found = checkout(jobs)
    if found is None:
        return ok("revision", f"{jobs} is in no git repository with a commit: no revisions are recorded")
    where = f"{found.commit[:12]} on {found.branch}" if found.branch else f"{found.commit[:12]}, detached"
    by = author(jobs)
    held = {path for path in found.held or () if path.endswith((*SUFFIXES, ".js")) and ".status." not in path}
    differing = found.differing(walk.suspects | held)
    changed = "" if found.held is None else f"; files that differ: {len(differing):,}" if differing else "; clean"
    return ok("revision", f"{where}{f', by {by}' if by else ''}{changed}")


def _watching(settings: Settings, walk: Walk) -> Diagnosis:
    """Tried out for real: the kernel's limits apply to all processes together, so the numbers alone prove nothing."""
    from controller.tree.watching.watcher import Watcher

    if not settings.watch:
        return ok("watching", f"is switched off: `run` sees changes every {settings.timing.scan_every:.0f} s")
    watcher = Watcher(settings.jobs, lambda: None)
    try:
        problem = watcher.look_after(walk.links, walk.folders, patience=None)
    finally:
        watcher.stop()
    if problem:
        advice = "raise fs.inotify.max_user_watches or max_user_instances (sysctl), or leave it to the scans"
        return warn("watching", problem, advice)
    return ok("watching", "changes are noticed at once")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest existing one above it."""
    here = folder.absolute()
    while not _may_be_seen(here) and here != here.parent:
        here = here.parent
    return here


def _may_be_seen(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


# remote


def _clock(service: Service, now: datetime) -> Diagnosis:
    answered = service.server_time()
    if isinstance(answered, NoAnswer):
        return fail(
            "clock", f"the service's clock is not known: {answered.message}", "make sure the service can be reached"
        )
    return clock((answered - now).total_seconds())


def _client_advice(settings: Settings) -> str:
    return f"set {variable_of('clientId')} and {variable_of('clientSecret')}, or name their files in {settings.file}"


def _token(session: Session, settings: Settings) -> Diagnosis:
    try:
        session.token()
    except UsageError as error:
        return fail("token", str(error), _client_advice(settings))
    except Later as error:
        return fail("token", str(error), "try again later; is tokenUrl right?")
    return ok("token", f"{settings.deployment.token_url} gives one to {settings.client_id}")


def _endpoint(service: Service, settings: Settings) -> Diagnosis:
    url = settings.deployment.process_url
    answer = service.status(str(uuid4()))
    if isinstance(answer, NotVisible):
        return ok("endpoint", f"{url} does not know an id that it never gave, as it should")
    if isinstance(answer, NoAnswer):
        return fail("endpoint", answer.message, "check baseUrl and apiPath in the settings, and any proxy between")
    return warn("endpoint", f"{url} knows an id that it never gave", "check baseUrl and apiPath: is this the service?")


def _keys(credential: Credential) -> Diagnosis:
    name = f"credential {credential.name}"
    variables = [variable_of(f"credentials.{credential.name}.{key}") for key in ("accessKey", "secretAccessKey")]
    if credential.has_keys:
        return ok(name, "has a key pair" + (" for the service; AWS's chain reads" if credential.default_chain else ""))
    reads = "reads with AWS's default chain" if credential.default_chain else "has no key pair"
    words = f"{reads}: jobs that name it are held, those with a role are not"
    return warn(name, words, f"set {variables[0]} and {variables[1]}, or name their files")


def _buckets(settings: Settings, bucket: Bucket, credential: Credential, write: bool) -> Iterator[Diagnosis]:
    """Every prefix of a credential, and the policy of each of its buckets."""
    for prefix in credential.prefixes:
        answer = bucket.peek(prefix, credential.name)
        if isinstance(answer, Unreadable):
            yield fail(prefix, answer.message, "without this, what was paid for and how it ended is unknown")
            continue
        more = " or more" if len(answer.objects) >= FEW else ""
        yield ok(prefix, f"can be listed; objects: {len(answer.objects)}{more}")
        if write:
            yield _writing(bucket, credential, prefix)
    if settings.deployment.reader and credential.has_keys:
        for name in sorted({prefix.removeprefix("s3://").partition("/")[0] for prefix in credential.prefixes}):
            yield _policy(settings, bucket, credential, name)


def _writing(bucket: Bucket, credential: Credential, prefix: str) -> Diagnosis:
    key = f".shjobs-doctor-{token_hex(8)}"
    refused = bucket.write(f"{prefix}/{key}", credential.name, EMPTY)
    if refused is not None:
        words = "the key pair must be allowed to write there (s3:PutObject): results and claims are written with it"
        return fail(prefix, refused.message, words)
    stuck = bucket.remove(prefix, credential.name, [key])
    if stuck is not None:
        advice = f"the service does not need that; remove {prefix}/{key} yourself"
        return warn(prefix, f"can be written, but: {stuck.message}", advice)
    return ok(prefix, "can be written")


def _policy(settings: Settings, bucket: Bucket, credential: Credential, name: str) -> Diagnosis:
    principal = settings.deployment.reader
    prefix = next(each for each in credential.prefixes if each.removeprefix("s3://").partition("/")[0] == name)
    found = bucket.policy(prefix, credential.name)
    if isinstance(found, Unreadable):
        advice = f"check in the bucket's console that its policy lets {principal} read"
        return warn(f"policy of {name}", found.message, advice)
    return policy(name, principal, None if found is None else missing(found, principal, name))
