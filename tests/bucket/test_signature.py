"""A GET that is signed by hand: as AWS publishes it, as its own library signs it, and as it goes over the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from freezegun import freeze_time
from pydantic import SecretStr

from controller.bucket.client import Bucket
from controller.bucket.signature import signature, url_of
from controller.settings.deployments import DEPLOYMENTS, Credential
from tests.support.stores import LIES, false_store

EXAMPLE = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
KEYS = ("AKIA", "se/cr+et")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def by_botocore(url: str, region: str, keys: tuple[str, str], now: datetime, headers: Mapping[str, str]) -> str:
    """Signed by the vendor's own library, which is not needed at run time."""
    theirs = AWSRequest("GET", url, headers={name: headers[name] for name in ("x-amz-content-sha256", "host")})
    with freeze_time(now):
        S3SigV4Auth(Credentials(*keys), "s3", region).add_auth(theirs)
    found: str = theirs.headers["Authorization"]
    return found


@pytest.mark.parametrize(
    ("query", "published"),
    [
        pytest.param(
            {"prefix": "J", "max-keys": "2"},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            id="list the objects of a bucket",
        ),
        pytest.param(
            {"lifecycle": ""},
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            id="a query without a value",
        ),
    ],
)
def test_the_examples_that_aws_publishes(query: dict[str, str], published: str) -> None:
    url = url_of("https://examplebucket.s3.amazonaws.com", b"/", query)
    headers = signature(url, "us-east-1", EXAMPLE, datetime(2013, 5, 24, tzinfo=UTC))
    assert headers["Authorization"].endswith(f"Signature={published}")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param(b"/results", {"policy": ""}, id="a policy"),
        pytest.param(b"/results", {"list-type": "2", "prefix": "", "encoding-type": "url"}, id="a whole bucket"),
        pytest.param(b"/results", {"list-type": "2", "prefix": "a b+c/ü#%20&=?~*'()!/"}, id="a prefix of odd letters"),
        pytest.param(b"/results", {"continuation-token": "1/+=&%2B", "prefix": "x/"}, id="a token"),
        pytest.param("/results/job/ü #%2F+~*'().json".encode(), {}, id="an object of odd letters"),
    ],
)
def test_every_get_is_signed_as_awss_own_library_signs_it(path: bytes, query: dict[str, str]) -> None:
    url = url_of("https://s3.waw3-1.cloudferro.com:8443", path, query)
    found = signature(url, "WAW3-1", KEYS, NOW)
    assert found["Authorization"] == by_botocore(url, "WAW3-1", KEYS, NOW, found)


@pytest.mark.parametrize("prefix", ["job", "a b+c", "ü#%20&=?~*'()!", "x%2Fy", "e\u0301"])
def test_what_arrives_is_what_was_signed(prefix: str) -> None:
    with false_store(LIES["an empty body"][0]) as store:
        access, secret = (SecretStr(each) for each in KEYS)
        mine = Credential(
            name="mine", prefixes=("s3://results",), endpoint=store.url, access_key=access, secret_access_key=secret
        )
        Bucket(DEPLOYMENTS["sandbox"], {"mine": mine}).read(f"s3://results/{prefix}", "mine")
        (_, path), headers = store.asked[0], store.headers[0]
        at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert headers["authorization"] == by_botocore(store.url + path, "eu-central-1", KEYS, at, headers)
