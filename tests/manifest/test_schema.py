"""The JSON Schema of manifests, judged by an independent validator: what is good fits it, what is wrong does not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from controller.manifest.document import read_documents
from controller.manifest.model import known_keys, model_at
from controller.manifest.schema import manifest_schema
from controller.model.catalog import DEFAULTS, collection, collection_names
from controller.operations.scaffold.schema import file_schema
from tests.support.command import shjobs
from tests.support.manifests import GOOD, good_but
from tests.support.paths import ROOT

SCHEMA = manifest_schema()
VALIDATOR = Draft202012Validator(file_schema())
TIME = "timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}"
OWN = "byoc-12345678-1234-1234-1234-123456789abc"


def misfits(text: str) -> list[str]:
    """Where a manifest does not fit the schema."""
    [document] = read_documents(text, "a.yaml")
    return sorted(each.json_path for each in VALIDATOR.iter_errors(document.value))


def test_it_is_a_schema_of_its_dialect() -> None:
    Draft202012Validator.check_schema(file_schema())
    assert file_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_command_prints_it(tmp_path: Path) -> None:
    done = shjobs("schema", cwd=tmp_path)
    assert (json.loads(done.stdout), done.stderr, done.returncode) == (file_schema(), "", 0)


APPROVAL = "apiVersion: shjobs/v1\nkind: Approval\nspec: {hashes: ['3e8e2ab41b53'], reason: summer}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(APPROVAL, [], id="an approval has a schema of its own"),
        pytest.param(APPROVAL.replace("3e8e2ab41b53", "3E8E2AB41B53"), ["$.spec.hashes[0]"], id="what is no hash"),
        pytest.param(APPROVAL.replace("reason", "why"), ["$.spec"], id="a key that is not known"),
    ],
)
def test_the_schema_knows_approvals(text: str, expected: list[str]) -> None:
    assert misfits(text) == expected


@pytest.mark.parametrize("name", ["cloudless", "median", "ndvi", "true-color"])
def test_the_documented_jobs_fit(name: str) -> None:
    assert misfits((ROOT / "jobs.d" / f"{name}.yaml").read_text(encoding="utf-8")) == []


def with_source(type: str, data_filter: str = TIME, processing: str = "") -> str:
    """The good manifest with another source of data."""
    more = f"\n          processing: {{{processing}}}" if processing else ""
    return good_but(
        ("type: sentinel-2-l2a", f"type: {type}"), (f"            {TIME}", f"            {data_filter}{more}")
    )


FITTING = {
    "as in the documentation": GOOD,
    "with the editor's line": f"# yaml-language-server: $schema=../manifest.schema.json\n{GOOD}",
    "an older name of a collection": with_source("S2L2A"),
    "own data": with_source(OWN),
    "an option of a collection": with_source("sentinel-2-l1c", f"{{{TIME}, previewMode: PREVIEW}}"),
    "radar with everything": with_source(
        "sentinel-1-grd",
        f"{{{TIME}, polarization: DV, orbitDirection: ASCENDING}}",
        "backCoeff: GAMMA0_TERRAIN, orthorectify: true, speckleFilter: {type: LEE, windowSizeX: 3, windowSizeY: 3}",
    ),
    "heights without time": with_source("dem", "demInstance: COPERNICUS_30", "egm: true"),
    "a geometry alone": good_but(
        (
            "bbox: [426000, 3960000, 462000, 3994000]",
            "geometry: {type: Polygon, coordinates: [[[0, 0], [9000, 0], [9000, 9000], [0, 0]]]}",
        )
    ),
    "a size in pixels": good_but(("resx: 10", "width: 10"), ("resy: 10", "height: 10")),
    "a role": good_but(("credentialsRef: my-bucket", "iamRoleARN: arn:aws:iam::123456789012:role/shjobs")),
    "an inline script": good_but(("  evalscriptFile: ndvi.js\n", "")).replace(
        "    output:", "    evalscript: //VERSION=3\n    output:"
    ),
    "every other field of spec": good_but(
        ("  maxProcessingUnits: 800\n", "  hold: true\n  rerun: 1\n  retries: 2\n  deadline: 90m\n  priority: -1\n")
    ),
}


@pytest.mark.parametrize("text", FITTING.values(), ids=FITTING)
def test_what_check_accepts_fits(text: str) -> None:
    assert misfits(text) == []


REQUEST = "$.spec.request"
DATA = f"{REQUEST}.input.data[0]"


MISFITS = {
    "another kind": (good_but(("kind: AsyncProcess", "kind: Job")), ["$.kind"]),
    "no version": (good_but(("apiVersion: shjobs/v1\n", "")), ["$"]),
    "a name in capitals": (good_but(("name: ndvi-tunis", "name: NDVI")), ["$.metadata.name"]),
    "a label that is a number": (good_but(("{team: agri}", "{team: 7}")), ["$.metadata.labels.team"]),
    "an unknown key": (good_but(("maxProcessingUnits", "maxPU")), ["$.spec"]),
    "no unit of time": (good_but(("maxProcessingUnits: 800", "deadline: 24")), ["$.spec.deadline"]),
    "too many retries": (good_but(("maxProcessingUnits: 800", "retries: 11")), ["$.spec.retries"]),
    "text for true": (good_but(("maxProcessingUnits: 800", "hold: 'yes'")), ["$.spec.hold"]),
    "a key without a value": (good_but(("maxProcessingUnits: 800", "hold:")), ["$.spec.hold"]),
    "no script": (good_but(("  evalscriptFile: ndvi.js\n", "")), ["$.spec"]),
    "two scripts": (good_but(("    output:", "    evalscript: x\n    output:")), ["$.spec"]),
    "three corners": (good_but(("[426000, 3960000, 462000, 3994000]", "[1, 2, 3]")), [f"{REQUEST}.input.bounds.bbox"]),
    "an unknown CRS": (good_but(("EPSG/0/32633", "EPSG/0/4")), [f"{REQUEST}.input.bounds.properties.crs"]),
    "an unknown collection": (good_but(("sentinel-2-l2a", "sentinel-2-l2b")), [f"{DATA}.type"]),
    "a date without time": (good_but(("2022-06-20T00:00:00Z", "2022-06-20")), [f"{DATA}.dataFilter.timeRange.from"]),
    "an option of another collection": (
        with_source("sentinel-2-l2a", f"{{{TIME}, polarization: DV}}"),
        [f"{DATA}.dataFilter"],
    ),
    "the same under an older name": (with_source("S2L2A", f"{{{TIME}, polarization: DV}}"), [f"{DATA}.dataFilter"]),
    "an option for own data": (with_source(OWN, f"{{{TIME}, tiers: ALL_TIERS}}"), [f"{DATA}.dataFilter"]),
    "least clouds of a radar": (
        with_source("sentinel-1-grd", f"{{{TIME}, mosaickingOrder: leastCC}}"),
        [f"{DATA}.dataFilter.mosaickingOrder"],
    ),
    "a filter without a size": (
        with_source("sentinel-1-grd", TIME, "speckleFilter: {type: LEE}"),
        [f"{DATA}.processing.speckleFilter", f"{DATA}.processing.speckleFilter"],
    ),
    "half of each size": (good_but(("resx: 10", "width: 10")), [f"{REQUEST}.output"]),
    "too many pixels": (
        good_but(("resx: 10", "width: 10"), ("resy: 10", "height: 10001")),
        [f"{REQUEST}.output.height"],
    ),
    "an unknown format": (good_but(("image/tiff", "image/tif")), [f"{REQUEST}.output.responses[0].format.type"]),
    "another store": (good_but(("s3://my-bucket/ndvi", "gs://my-bucket/ndvi")), [f"{REQUEST}.output.delivery.s3.url"]),
    "no credential": (good_but(("          credentialsRef: my-bucket\n", "")), [f"{REQUEST}.output.delivery.s3"]),
    "a key": (good_but(("credentialsRef: my-bucket", "secretAccessKey: x")), [f"{REQUEST}.output.delivery.s3"] * 2),
}


@pytest.mark.parametrize(("text", "places"), MISFITS.values(), ids=MISFITS)
def test_what_is_wrong_does_not_fit(text: str, places: list[str]) -> None:
    assert misfits(text) == places


@pytest.mark.slow
@pytest.mark.parametrize("name", collection_names())
def test_every_name_of_a_collection_fits_with_every_option_it_documents(name: str) -> None:
    used = collection(name)
    assert used is not None
    for section in ("dataFilter", "processing"):
        for key, rule in used.options[section].items():
            for value in rule.get("enum", ()):
                option = f"{key}: {value}"
                text = (
                    with_source(name, f"{{{TIME}, {option}}}" if used.timeless is False else f"{{{option}}}")
                    if section == "dataFilter"
                    else with_source(name, TIME, option)
                )
                assert misfits(text) == [], option


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of the schema, also those that single collections add."""
    for key, field in schema.get("properties", {}).items():
        if field is not True:
            yield f"{path}.{key}", field
            yield from fields(field, f"{path}.{key}")
    yield from fields(schema["items"], f"{path}[]") if isinstance(schema.get("items"), dict) else ()
    for rule in schema.get("allOf", ()):
        yield from fields(rule["then"], path)


@pytest.mark.parametrize(
    ("path", "field"), [pytest.param(*each, id=f"{number}{each[0]}") for number, each in enumerate(fields(SCHEMA))]
)
def test_every_field_has_a_hover_text(path: str, field: dict[str, Any]) -> None:
    known = ("dataFilter", "processing", "mosaickingOrder", "maxCloudCoverage", "upsampling", "downsampling")
    assert field.get("description") or path.rpartition(".")[2] in known


def test_every_key_of_the_models_is_in_it_and_nothing_else_may_be() -> None:
    for path, field in [("", SCHEMA), *fields(SCHEMA)]:
        steps: list[str | int] = []
        for step in filter(None, path.split(".")):
            steps += [step.removesuffix("[]"), 0] if step.endswith("[]") else [step]
        model = model_at(tuple(steps))
        if model is not None and "type" in field and field["type"] == "object":
            assert list(field["properties"]) == list(known_keys(model)), path
            assert path.endswith(("dataFilter", "processing")) or field["additionalProperties"] is False


def test_every_collection_has_its_name_and_title() -> None:
    choices = SCHEMA["properties"]["spec"]["properties"]["request"]["properties"]["input"]["properties"]["data"][
        "items"
    ]
    named = {each["const"]: each["description"] for each in choices["properties"]["type"]["anyOf"] if "const" in each}
    expected = {name: used.title for name in DEFAULTS if (used := collection(name))}
    assert named == expected


@pytest.mark.parametrize("secret", ["accessKey", "secretAccessKey"])
def test_it_never_proposes_a_secret(secret: str) -> None:
    assert secret not in json.dumps(SCHEMA)
