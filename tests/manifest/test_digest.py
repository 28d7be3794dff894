"""The digest is what is paid for once. A changed digest in these tables means that every user pays again.

The vectors were made once and are frozen. If this file fails, the code is wrong, never the vectors: another rule
needs another scheme beside "1".
"""

import copy
import hashlib
import json
from typing import Any

import pytest

from controller.manifest.digest import canonical, digest, parse_timestamp
from controller.model.catalog import DEFAULTS, OWN_DATA_DEFAULTS
from tests.support.paths import DATA, ROOT

VECTORS = json.loads((DATA / "digest-vectors.json").read_text(encoding="utf-8"))
SCHEMA = ROOT / "controller" / "data" / "request-schema.json"


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """The body of the vectors with values put at dotted paths; None removes."""
    body: dict[str, Any] = copy.deepcopy(VECTORS["body"])
    for path, value in changes.items():
        at: Any = body
        *around, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in around:
            at = at[step] if isinstance(step, int) else at.setdefault(step, {})
        if value is None:
            del at[last]
        elif isinstance(at, list) and last == len(at):
            at.append(value)
        else:
            at[last] = value
    return body


@pytest.mark.parametrize("pair", [pytest.param(each, id=each["id"]) for each in VECTORS["pairs"] if each["same"]])
def test_a_difference_that_means_nothing_costs_nothing(pair: dict[str, Any]) -> None:
    assert digest(changed(pair["one"])) == digest(changed(pair["other"]))


@pytest.mark.parametrize("pair", [pytest.param(each, id=each["id"]) for each in VECTORS["pairs"] if not each["same"]])
def test_a_difference_the_service_could_see_is_a_new_digest(pair: dict[str, Any]) -> None:
    assert digest(changed(pair["one"])) != digest(changed(pair["other"]))


@pytest.mark.parametrize("vector", [pytest.param(each, id=each["id"]) for each in VECTORS["digests"]])
def test_digests_of_scheme_1_never_change(vector: dict[str, Any]) -> None:
    assert digest(changed(vector["change"])) == vector["digest"]


def test_the_vectors_are_as_many_as_promised() -> None:
    assert len(VECTORS["pairs"]) >= 40
    assert len(VECTORS["digests"]) == 10


def test_the_digest_is_the_hash_of_the_canonical_text() -> None:
    text = (
        '{"evalscript":"//VERSION=3","input":{"bounds":{"bbox":[426000,3960000,462000,3994000],'
        '"properties":{"crs":"http://www.opengis.net/def/crs/EPSG/0/32633"}},"data":[{"dataFilter":{"timeRange":'
        '{"from":"2022-06-20T00:00:00Z","to":"2022-06-30T23:59:59Z"}},"type":"sentinel-2-l2a"}]},'
        '"output":{"delivery":{"s3":{"url":"s3://my-bucket/ndvi"}},"resx":10,"resy":10.5}}'
    )
    body = changed(
        {
            "evalscript": "//VERSION=3\n",
            "input.data.0.type": "S2L2A",
            "output.resy": 10.5,
            "output.responses": None,
            "output.delivery.s3.credentialsRef": "my-bucket",
        }
    )
    assert digest(body) == f"1:{hashlib.sha256(text.encode()).hexdigest()}"


@pytest.mark.parametrize("key", ["accessKey", "secretAccessKey", "credentials", "credentialsRef", "iamRoleARN"])
def test_no_credential_is_part_of_a_digest(key: str) -> None:
    assert "canary" not in json.dumps(canonical(changed({f"output.delivery.s3.{key}": "canary"})))


def test_the_body_itself_is_left_alone() -> None:
    body = changed({"input.data.0.type": "S2L2A", "output.delivery.s3.credentialsRef": "my-bucket"})
    before = copy.deepcopy(body)
    digest(body)
    assert body == before


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2022-06-31T00:00:00Z"])
def test_a_date_time_without_a_form_in_utc_still_has_a_digest(written: str) -> None:
    body = changed({"input.data.0.dataFilter.timeRange.from": written})
    assert canonical(body)["input"]["data"][0]["dataFilter"]["timeRange"]["from"] == written
    assert digest(body) != digest(changed({}))


def documented_defaults(name: str) -> dict[str, dict[str, Any]]:
    """The `default` keywords of one collection in the published schema, the two doubtful ones left out."""
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    sections = definitions[f"Dataset_{name.replace('-', '_')}"]["properties"]
    found: dict[str, dict[str, Any]] = {}
    for section in ("dataFilter", "processing"):
        options = {
            key: definitions[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
            for key, each in sections[section]["properties"].items()
        }
        found[section] = {
            key: each["default"]
            for key, each in options.items()
            if "default" in each and key not in ("demInstance", "minQa")
        }
    return found


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_dropped_defaults_are_those_of_the_published_schema(name: str) -> None:
    assert DEFAULTS[name] == documented_defaults(name)


def test_own_data_has_the_defaults_of_the_published_schema() -> None:
    assert documented_defaults("byoc") == OWN_DATA_DEFAULTS


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param("2022-06-20", "2022-06-20T00:00:00Z", id="a date alone: the message adds the time"),
        pytest.param("2022-06-20T00:00:00", "zone", id="no zone"),
        pytest.param("2022-06-20 00:00:00Z", "2022-06-20T00:00:00Z", id="a space instead of the T"),
        pytest.param("2022-06-31T00:00:00Z", "not a date of the calendar", id="31 June"),
        pytest.param("2022-06-30T24:00:01Z", "time of the day", id="after midnight"),
        pytest.param("2022-06-30T23:59:60Z", "time of the day", id="a leap second"),
        pytest.param("0001-01-01T00:00:00+01:00", "before the year 1", id="the year before the first in UTC"),
        pytest.param("9999-12-31T23:59:59-01:00", "after the year 9999", id="the year after the last in UTC"),
        pytest.param("\uff12\uff10\uff12\uff12-06-30T23:59:00Z", "zone", id="digits of another script"),
    ],
)
def test_what_is_no_date_time_is_refused_with_words(written: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_timestamp(written)
