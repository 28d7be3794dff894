"""From an accepted manifest to what is POSTed: body, size, expected files, delivery prefix.

Pure. `validate` makes a `Request` of every accepted manifest; the loop takes the prefix of a submission and, just
before a POST, the payload, the only form that contains a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor
from typing import Any

from controller.manifest.digest import digest
from controller.manifest.geometry import envelope
from controller.manifest.model import Manifest
from controller.model.catalog import collection
from controller.model.job import ExpectedOutput

# Reference page "Open questions: Async API" A 9: only `.tif` was observed, so others are accepted as well.
_EXTENSIONS = {
    "image/tiff": ("tif", "tiff"),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "application/json": ("json",),
}
_PNG = ExpectedOutput(identifier="default", media_type="image/png", extensions=_EXTENSIONS["image/png"])
_ENDLESS = 1e12
BOOLEANS = {"true": True, "false": False}
"""How the service's own pages write yes and no, and what it takes them for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one manifest requests from the service.

    `body` is the user's, with the evalscript in it and without any credential or its name, `"true"` read as true where
    the service does so; `delivery_url` has no trailing slash; `width` and `height` are in pixels.
    """

    body: Mapping[str, Any]
    digest: str
    delivery_url: str
    credentials_ref: str | None
    role_arn: str | None
    width: int
    height: int
    outputs: tuple[ExpectedOutput, ...]


def request_of(manifest: Manifest, raw_request: Mapping[str, Any], evalscript: str) -> Request:
    """The request of a manifest whose `spec.request` was written as `raw_request`."""
    s3 = manifest.spec.request.output.delivery.s3
    body = _body(raw_request, evalscript)
    width, height = size_of(body)
    return Request(
        body=body,
        digest=digest(body),
        delivery_url=s3.url.rstrip("/"),
        credentials_ref=s3.credentials_ref,
        role_arn=s3.iam_role_arn,
        width=width,
        height=height,
        outputs=_outputs(manifest),
    )


def request_elsewhere(first: Request, raw_request: Mapping[str, Any]) -> Request:
    """The same request for another place: `raw_request` differs in bounds of the same size, and in its delivery URL."""
    body = _body(raw_request, first.body["evalscript"])
    url = body["output"]["delivery"]["s3"]["url"].rstrip("/")
    return replace(first, body=body, digest=digest(body), delivery_url=url)


def _body(raw_request: Mapping[str, Any], evalscript: str) -> dict[str, Any]:
    """The user's body with its script, and of the delivery only where to."""
    output = raw_request["output"]
    delivery = {key: value for key, value in output["delivery"]["s3"].items() if key in ("url", "region") and value}
    return {
        **raw_request,
        "input": {**raw_request["input"], "data": [_with_booleans(each) for each in raw_request["input"]["data"]]},
        "output": {**output, "delivery": {"s3": delivery}},
        "evalscript": evalscript,
    }


def _with_booleans(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A source with the documented yes-or-no options that were written as text in the form the service gives them."""
    used = collection(data["type"])
    sections = {key: data[key] for key in ("dataFilter", "processing") if key in data}
    if used is None or not any(isinstance(value, str) for each in sections.values() for value in each.values()):
        return data
    return {**data, **{name: _booleans(each, used.options[name]) for name, each in sections.items()}}


def _booleans(options: Mapping[str, Any], documented: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        key: BOOLEANS[value]
        if documented.get(key, {}).get("type") == "boolean" and isinstance(value, str) and value in BOOLEANS
        else value
        for key, value in options.items()
    }


def size_of(request: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels of a checked body; resx and resy are rounded half up, at least 1.

    Source: reference page "Open questions: Async API" C 24.
    """
    output = request["output"]
    if "width" in output:
        return output["width"], output["height"]
    width, height = derived_size(request["input"]["bounds"], output["resx"], output["resy"])
    return max(1, width), max(1, height)


def derived_size(bounds: Mapping[str, Any], resx: float, resy: float) -> tuple[int, int]:
    """Pixels of the area at a resolution, rounded half up; 0 where a pixel is more than twice as long as the area."""
    x1, y1, x2, y2 = envelope(bounds)
    return pixels(x2 - x1, resx), pixels(y2 - y1, resy)


def prefix(delivery_url: str, job: str, submission_id: str) -> str:
    """Where the service writes for one submission: `s3://bucket/path/<job>/<submission id>`."""
    return f"{delivery_url}/{job}/{submission_id}"


def payload(body: Mapping[str, Any], prefix: str, credential_fields: Mapping[str, str]) -> dict[str, Any]:
    """What is POSTed: the body with its delivery prefix, and the key pair or role that lets the service write there.

    `credential_fields` holds `accessKey` and `secretAccessKey`, or `iamRoleARN`. Never store or log the result.
    """
    output = body["output"]
    s3 = {**output["delivery"]["s3"], "url": prefix, **credential_fields}
    return {**body, "output": {**output, "delivery": {"s3": s3}}}


def _outputs(manifest: Manifest) -> tuple[ExpectedOutput, ...]:
    responses = manifest.spec.request.output.responses
    if responses is None:
        return (_PNG,)
    return tuple(
        ExpectedOutput(
            identifier=each.identifier, media_type=each.format.type, extensions=_EXTENSIONS[each.format.type]
        )
        for each in responses
    )


def pixels(extent: float, resolution: float) -> int:
    """How many pixels of a resolution an extent takes, both in units of the CRS."""
    return floor(min(extent / resolution, _ENDLESS) + 0.5)
