"""What the workers make of a call: what fails before the first byte of a POST is not sent, whatever it was."""

import json
from collections.abc import Mapping

import pytest
from pydantic import SecretStr

from controller.manifest.digest import digest
from controller.model.answers import Accepted, GetAnswer, Listing, NotVisible, PostAnswer, Refusal, Refused, Unconfirmed
from controller.reconcile.calls.remote import NOT_ACCEPTED, Remote
from controller.reconcile.calls.workers import Post, Posted
from controller.settings.deployments import Credential
from tests.support.factories import REQUEST_ID, submission

BODY = """{"evalscript": "//VERSION=3", "input": {"bounds": {}, "data": []},
"output": {"delivery": {"s3": {"url": "s3://my-bucket/rasters"}}}}"""
ACCEPTED_DIGEST = digest(json.loads(BODY))
KEYS = Credential(
    name="my-bucket", prefixes=("s3://my-bucket/",), access_key=SecretStr("CANARY"), secret_access_key=SecretStr("key")
)


class Service:
    """Accepts everything, and counts it; or fails in the midst of it."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.posts = 0
        self._failure = failure

    def submit(self, payload: Mapping[str, object]) -> PostAnswer:
        self.posts += 1
        if self._failure:
            raise self._failure
        return Accepted(request_id=REQUEST_ID)

    def status(self, request_id: str) -> GetAnswer:
        return NotVisible()


class Bucket:
    def read(self, prefix: str, credentials_ref: str | None, *, only: str = "", texts: bool = True) -> Listing:
        return Listing()

    def write(self, url: str, credentials_ref: str | None, content: bytes) -> None:
        raise AssertionError("nothing is written")


def answer_to(service: Service, body: str, credentials: Mapping[str, Credential]) -> PostAnswer:
    post = Post(submission=submission(digest=ACCEPTED_DIGEST), body=body, role_arn=None)
    outcome = Remote(service, Bucket(), credentials).outcome(post)
    assert isinstance(outcome, Posted)
    return outcome.answer


@pytest.mark.parametrize(
    ("body", "credentials"),
    [
        pytest.param(BODY, {}, id="a credential that the settings no longer name"),
        pytest.param(BODY, {"my-bucket": KEYS.model_copy(update={"access_key": None})}, id="half a key pair"),
        pytest.param(BODY, {"my-bucket": KEYS.model_copy(update={"secret_access_key": None})}, id="the other half"),
        pytest.param(
            BODY,
            {"my-bucket": KEYS.model_copy(update={"prefixes": ("s3://my-bucket/other",)})},
            id="a credential that may no longer be used there",
        ),
        pytest.param("{}", {"my-bucket": KEYS}, id="a body without delivery"),
        pytest.param("", {"my-bucket": KEYS}, id="no body"),
        pytest.param("[]", {"my-bucket": KEYS}, id="a body that is a list"),
        pytest.param('{"output": 7}', {"my-bucket": KEYS}, id="an output that is a number"),
        pytest.param("[" * 100_000, {"my-bucket": KEYS}, id="a body without end"),
    ],
)
def test_a_request_that_could_not_be_made_was_called_unconfirmed(
    body: str, credentials: Mapping[str, Credential]
) -> None:
    """It shut the gate for all jobs, and waited for an operator; half a key pair was even sent."""
    service = Service()
    answer = answer_to(service, body, credentials)
    assert isinstance(answer, Refused)
    assert (answer.why, service.posts) == (Refusal.UNSENT, 0)
    assert answer.message.startswith("the request cannot be made: ")
    assert "CANARY" not in repr(answer)


def test_what_fails_after_the_request_was_handed_over_may_have_been_sent() -> None:
    service = Service(KeyError("CANARY"))
    answer = answer_to(service, BODY, {"my-bucket": KEYS})
    assert answer == Unconfirmed(message="unforeseen KeyError; please report this")
    assert service.posts == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("rasters", "others", id="another place"),
        pytest.param("VERSION=3", "VERSION=3\\nx", id="another script"),
    ],
)
def test_a_request_that_was_damaged_in_the_ledger_is_not_sent(old: str, new: str) -> None:
    """It would be paid for, and is not what the manifest asks for."""
    service = Service()
    answer = answer_to(service, BODY.replace(old, new), {"my-bucket": KEYS})
    assert answer == Refused(why=Refusal.UNSENT, message=NOT_ACCEPTED)
    assert service.posts == 0
