"""Checks what a controller depends on elsewhere, the service and the buckets: for `shjobs doctor`.

Only free calls are made, and nothing is written except one small object on request.
"""

from collections.abc import Iterator
from datetime import datetime
from secrets import token_hex
from uuid import uuid4

from pydantic import SecretStr

from controller.bucket.client import FEW, Bucket
from controller.bucket.policy import missing
from controller.model.answers import NoAnswer, NotVisible, Unreadable
from controller.model.clock import Clock
from controller.model.errors import Later, UsageError
from controller.operations.doctor.findings import Diagnosis, clock, fail, ok, policy, warn
from controller.reconcile.wiring import bucket_client
from controller.service.client import Service
from controller.service.oauth import Session
from controller.settings.deployments import Credential
from controller.settings.environment import variable_of
from controller.settings.settings import Settings

EMPTY = b"written by `shjobs doctor --write`, which removes it\n"


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
