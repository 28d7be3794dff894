"""From an accepted manifest to what is POSTed: body, size, expected files, delivery prefix.

Pure. `acceptance` makes a `Request` of every accepted manifest; the loop asks for the prefix of a submission and,
just before a POST, for the payload, the only form that holds a secret.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from controller.digest import digest
from controller.job import ExpectedOutput
from controller.manifest import Manifest

# Reference page "Open questions: Async API" A 9: only `.tif` was observed, so others are accepted beside it.
_EXTENSIONS = {
    "image/tiff": ("tif", "tiff"),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "application/json": ("json",),
}
_PNG = ExpectedOutput(identifier="default", media_type="image/png", extensions=_EXTENSIONS["image/png"])
_ENDLESS = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one manifest asks of the service.

    `body` is the person's own, with the evalscript in it and without any credential or its name; `delivery_url` has
    no trailing slash; `width` and `height` are in pixels.
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
    delivery = {"url": s3.url} | ({"region": s3.region} if s3.region else {})
    body = {
        **raw_request,
        "output": {**raw_request["output"], "delivery": {"s3": delivery}},
        "evalscript": evalscript,
    }
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
    return _pixels(x2 - x1, resx), _pixels(y2 - y1, resy)


def envelope(bounds: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Smallest x and y, largest x and y, of the bbox (any two opposite corners), else of the geometry."""
    bbox = bounds.get("bbox")
    positions = [bbox[:2], bbox[2:]] if bbox else list(_positions(bounds["geometry"]))
    xs, ys = [x for x, _ in positions], [y for _, y in positions]
    return min(xs), min(ys), max(xs), max(ys)


def ring_flaw(geometry: Mapping[str, Any]) -> str:
    """What is wrong with the rings of a geometry, "" when nothing is. Source: GeoJSON, RFC 7946 §3.1.6."""
    polygons = _polygons(geometry)
    if not polygons or not all(isinstance(each, list) and each for each in polygons):
        return f"must be a list of {'rings' if geometry['type'] == 'Polygon' else 'polygons, each a list of rings'}"
    rings = [ring for polygon in polygons for ring in polygon]
    flaws = (_flaw_of_ring(ring, f"ring {number}") for number, ring in enumerate(rings, start=1))
    return next((flaw for flaw in flaws if flaw), "")


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


def _pixels(extent: float, resolution: float) -> int:
    return floor(min(extent / resolution, _ENDLESS) + 0.5)


def _polygons(geometry: Mapping[str, Any]) -> list[Any]:
    coordinates: list[Any] = geometry["coordinates"]
    return [coordinates] if geometry["type"] == "Polygon" else coordinates


def _positions(geometry: Mapping[str, Any]) -> Iterator[list[float]]:
    for polygon in _polygons(geometry):
        for ring in polygon:
            yield from ring


def _flaw_of_ring(ring: Any, name: str) -> str:
    if not isinstance(ring, list) or not all(_is_position(each) for each in ring):
        return f"{name} must be a list of positions, each of two numbers: [x, y]"
    if len(ring) < 4:
        return f"{name} has {len(ring)} positions: a ring has at least four, the last equal to the first"
    if ring[0] != ring[-1]:
        return f"{name} is not closed: repeat its first position {ring[0]} at its end"
    return ""


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(each) in (int, float) for each in value)
