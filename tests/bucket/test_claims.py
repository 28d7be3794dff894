"""A search for an interrupted submission, in a local folder: what it puts there, and what it believes."""

from pathlib import Path

import pytest

from controller.bucket.claims import Claimer
from controller.bucket.client import Bucket
from controller.lifecycle.claim import SUFFIX
from controller.lifecycle.transitions import after_listing, interrupt
from controller.model.answers import Listing
from controller.model.step import List
from controller.model.submission import Answer, Submission
from controller.settings.deployments import DEPLOYMENTS, Credential
from tests.support.factories import TIMING, at, submission

NAME = "20260301T120000000Z-aaaaaaaa-1"
ROW = interrupt(submission(claims=(NAME,)), at(10), TIMING)


class ShowingNothing(Bucket):
    """A bucket behind a cache that answers every listing as it was before anything was put."""

    def read(self, prefix: str, credentials_ref: str | None, *, only: str = "", texts: bool = True) -> Listing:
        return Listing()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ROW.prefix.removeprefix("s3://").rpartition("/")[0]
    made.mkdir(parents=True)
    return made


@pytest.fixture
def credentials(tmp_path: Path) -> dict[str, Credential]:
    name = ROW.credentials_ref or ""
    return {name: Credential(name=name, prefixes=("s3://my-bucket",), folder=tmp_path)}


def searched(bucket: Bucket) -> Submission:
    prefix, _, only = ROW.prefix.rpartition("/")
    look = List(prefix=prefix, credentials_ref=ROW.credentials_ref, only=only, submission=ROW)
    return after_listing(ROW, Claimer(bucket).search(look), at(15), TIMING)


def put_there(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / f"{ROW.id}{SUFFIX}").glob("*"))


def test_where_the_bucket_shows_the_marker_and_no_claim_nothing_was_sent(
    folder: Path, credentials: dict[str, Credential]
) -> None:
    assert searched(Bucket(DEPLOYMENTS["sandbox"], credentials)).answer is Answer.REFUSED
    assert put_there(folder) == [f"{NAME}.marker.withdrawn"]


def test_where_the_bucket_does_not_show_the_marker_nothing_is_concluded(
    folder: Path, credentials: dict[str, Credential]
) -> None:
    assert searched(ShowingNothing(DEPLOYMENTS["sandbox"], credentials)).answer is Answer.UNCONFIRMED
    assert put_there(folder) == [f"{NAME}.marker.withdrawn"]


def test_where_the_claim_is_shown_no_marker_is_put(folder: Path, credentials: dict[str, Credential]) -> None:
    (folder / f"{ROW.id}{SUFFIX}").mkdir()
    (folder / f"{ROW.id}{SUFFIX}" / NAME).write_text("{}")
    assert searched(Bucket(DEPLOYMENTS["sandbox"], credentials)).answer is Answer.UNCONFIRMED
    assert put_there(folder) == [NAME]


def test_where_no_marker_can_be_put_nothing_is_concluded(folder: Path, credentials: dict[str, Credential]) -> None:
    (folder / f"{ROW.id}{SUFFIX}").write_text("in the way")
    assert searched(Bucket(DEPLOYMENTS["sandbox"], credentials)).answer is Answer.UNCONFIRMED
