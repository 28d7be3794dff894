"""The manifest as the user writes it: every key, its type and its meaning.

`validate` reads documents with it; the published JSON Schema and its hover texts come from the descriptions.
The request part has the API's own field names (reference page "Asynchronous Processing API" §3).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from controller.manifest.digest import parse_timestamp
from controller.manifest.fields import (
    Bbox,
    CollectionType,
    CrsUrl,
    DateTime,
    Deadline,
    Name,
    Number,
    Pixels,
    Positive,
    RoleArn,
    Unfit,
    UnitLimit,
)
from controller.manifest.parameters import checked_parameters
from controller.model.catalog import DEFAULT_CRS

API_VERSION = "shjobs/v1"
KIND = "AsyncProcess"
SET = "AsyncProcessSet"

Parameters = Annotated[dict[str, Any], AfterValidator(checked_parameters)]
Resampling = Literal["NEAREST", "BILINEAR", "BICUBIC"]


class StrictModel(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, hide_input_in_errors=True, defer_build=True
    )


class TimeRange(StrictModel):
    """The acquisitions to use: both ends belong to it."""

    from_: DateTime = Field(
        alias="from",
        description="First moment, as an RFC 3339 date-time with zone; a date alone is refused.",
        examples=["2022-06-20T00:00:00Z"],
    )
    to: DateTime = Field(
        description="Last moment, inclusive, as an RFC 3339 date-time with zone. May equal `from`.",
        examples=["2022-06-30T23:59:59Z"],
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if parse_timestamp(self.from_) > parse_timestamp(self.to):
            raise Unfit("E216", "`from` is later than `to`: exchange them")
        return self


class DataFilter(StrictModel):
    """Which scenes are used. Each collection adds keys of its own, such as `orbitDirection`."""

    model_config = ConfigDict(extra="allow")

    time_range: TimeRange | None = Field(None, description="From when to when scenes are used. `dem` needs none.")
    mosaicking_order: Literal["mostRecent", "leastRecent", "leastCC"] | None = Field(
        None,
        description="Which scene lies on top: `mostRecent` (default), `leastRecent`, or `leastCC` (least cloudy; only "
        "collections with cloud metadata).",
    )
    max_cloud_coverage: Annotated[Number, Field(ge=0, le=100)] | None = Field(
        None,
        description="Scenes with a larger share of clouds are not used: percent of the whole source tile, not of your "
        "area, 0 to 100. Default 100.",
    )


class Processing(StrictModel):
    """How source pixels become output pixels. Each collection adds keys of its own, such as `backCoeff`."""

    model_config = ConfigDict(extra="allow")

    upsampling: Resampling | None = Field(
        None, description="Interpolation when the output is finer than the source. Default `NEAREST`."
    )
    downsampling: Resampling | None = Field(
        None, description="Interpolation when the output is coarser than the source. Default `NEAREST`."
    )


class Dataset(StrictModel):
    """One source of data."""

    type: CollectionType = Field(
        description="The collection, such as `sentinel-2-l2a`; older names (`S2L2A`) are accepted. Own data: "
        "`byoc-<collection id>`, `batch-<collection id>` or `zarr-<collection id>`.",
        examples=["sentinel-2-l2a"],
    )
    id: str | None = Field(
        None, description="Name of this source in the evalscript (`datasource`), when several are combined."
    )
    data_filter: DataFilter | None = Field(None, description="Which scenes are used: time, clouds, order.")
    processing: Processing | None = Field(None, description="How source pixels become output pixels.")


class Geometry(StrictModel):
    """A GeoJSON polygon or multipolygon in the CRS of the bounds."""

    type: Literal["Polygon", "MultiPolygon"] = Field(
        description="`Polygon` or `MultiPolygon`; other GeoJSON types are not taken.", examples=["Polygon"]
    )
    coordinates: list[Any] = Field(
        description="Rings of [x, y] positions as in GeoJSON; the last position of a ring repeats the first. Order is "
        "easting, northing or longitude, latitude, whatever the CRS.",
    )


class BoundsProperties(StrictModel):
    """What the numbers of the bounds mean."""

    crs: CrsUrl | None = Field(
        None,
        description="Coordinate reference system, as the URL the service wants. Default: longitude and latitude in "
        f"degrees (`{DEFAULT_CRS}`).",
        examples=["http://www.opengis.net/def/crs/EPSG/0/32633"],
    )


class Bounds(StrictModel):
    """The area. With both bbox and geometry, the grid covers the bbox and pixels outside the geometry are empty."""

    bbox: Bbox | None = Field(
        None,
        description="Two opposite corners [x1, y1, x2, y2] in units of the CRS; easting before northing, longitude "
        "before latitude.",
        examples=[[426000, 3960000, 462000, 3994000]],
    )
    geometry: Geometry | None = Field(None, description="A GeoJSON polygon; alone, its envelope is the grid.")
    properties: BoundsProperties | None = Field(None, description="The coordinate reference system.")


class Input(StrictModel):
    """Where and what."""

    bounds: Bounds = Field(description="The area: bbox, geometry or both.")
    data: Annotated[tuple[Dataset, ...], Field(strict=False, min_length=1)] = Field(
        description="The sources of data, at least one; their order counts in the evalscript."
    )


class Format(StrictModel):
    """File format of one output."""

    type: Literal["image/tiff", "image/png", "image/jpeg", "application/json"] = Field(
        description="Media type. `image/tiff` keeps every band and sample type.", examples=["image/tiff"]
    )
    quality: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="JPEG quality, 0 to 100. Default 90. Only for `image/jpeg`."
    )


class Response(StrictModel):
    """One file to deliver."""

    identifier: Annotated[str, Field(min_length=1)] = Field(
        "default", description="An output id of the evalscript's `setup()`, or `userdata`. Default `default`."
    )
    format: Format = Field(Format(type="image/png"), description="Its file format. Default `image/png`.")


class S3Delivery(StrictModel):
    """A location in object storage. It never contains keys: `credentialsRef` names them."""

    url: str = Field(
        description="Folder of the bucket that receives the results. Each submission gets a folder of its own below "
        "it: `<url>/<job>/<submission id>/<request id>/`.",
        examples=["s3://my-bucket/ndvi"],
    )
    credentials_ref: Name | None = Field(
        None,
        description="Name of the key pair to use: `[credentials.<name>]` in shjobs.toml, or the variables "
        "SHJOBS_CREDENTIALS_<NAME>_ACCESS_KEY and …_SECRET_ACCESS_KEY.",
        examples=["my-bucket"],
    )
    iam_role_arn: RoleArn | None = Field(
        None, alias="iamRoleARN", description="Role the service takes on to write, instead of a key pair (AWS only)."
    )
    region: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Region of the bucket. Default: that of the deployment.", examples=["eu-central-1"]
    )


class Delivery(StrictModel):
    """Where the results go."""

    s3: S3Delivery = Field(description="A bucket that speaks S3.")


class Output(StrictModel):
    """Size, files and their destination. The size is width and height, or resx and resy."""

    width: Pixels | None = Field(None, description="Columns in pixels, 1 to 10000; together with `height`.")
    height: Pixels | None = Field(None, description="Rows in pixels, 1 to 10000; together with `width`.")
    resx: Positive | None = Field(
        None,
        description="Width of a pixel in units of the CRS: metres, or degrees under the default CRS. With `resy`.",
    )
    resy: Positive | None = Field(
        None,
        description="Height of a pixel in units of the CRS: metres, or degrees under the default CRS. With `resx`.",
    )
    responses: Annotated[tuple[Response, ...], Field(strict=False, min_length=1)] | None = Field(
        None, description="The files to deliver. Default: one PNG of the output `default`."
    )
    delivery: Delivery = Field(description="Where the results go.")


class ProcessRequest(StrictModel):
    """The body of `POST async/process`, as the service documents it; only the keys of the bucket are left out."""

    input: Input = Field(description="Where and what.")
    output: Output = Field(description="Size, files and their destination.")
    evalscript: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="The script for every pixel, beginning with `//VERSION=3`. Or use `spec.evalscriptFile`."
    )


class Spec(StrictModel):
    """What to ask for, and on what terms."""

    request: ProcessRequest = Field(description="The body of the request in the API's own field names.")
    evalscript_file: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="File with the evalscript, relative to the manifest and inside the jobs folder.",
        examples=["ndvi.js"],
    )
    parameters: Parameters = Field(
        {},
        description="Values for the evalscript, which finds them in the constant `parameters`. Another value is "
        "another request.",
        examples=[{"threshold": 0.3}],
    )
    max_processing_units: UnitLimit | None = Field(
        None,
        description="Never reserve more than this for one submission, in processing units: your yes to a costly job.",
        examples=[800],
    )
    hold: bool = Field(False, description="true: check and show this job, but do not submit it yet.")
    rerun: Annotated[int, Field(ge=0)] = Field(0, description="Raise it by one to pay again for the same request.")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="How often a run that failed is submitted, and paid for, again: 0 to 10."
    )
    deadline: Deadline = Field(
        timedelta(hours=24),
        description="A run that takes longer is reported as overdue (it cannot be cancelled): `90m`, `24h`, `2d`.",
    )
    priority: int = Field(0, description="Jobs with a higher number are submitted first.")


class Metadata(StrictModel):
    """Who the job is."""

    name: Name = Field(
        description="Name of the job, unique in the tree: lowercase letters, digits and '-', at most 63.",
        examples=["ndvi-tunis"],
    )
    labels: dict[str, str] = Field(
        {}, description="Free words to select jobs by; values are text.", examples=[{"team": "agri"}]
    )


class Manifest(StrictModel):
    """One job: a request to the Sentinel Hub Asynchronous Processing API, kept in git."""

    api_version: Literal["shjobs/v1"] = Field(description="Version of the manifest's language.", examples=[API_VERSION])
    kind: Literal["AsyncProcess"] = Field(description="What the document declares.", examples=[KIND])
    metadata: Metadata = Field(description="Who the job is.")
    spec: Spec = Field(description="What to ask for, and on what terms.")


def model_at(path: tuple[str | int, ...], root: type[StrictModel] = Manifest) -> type[StrictModel] | None:
    """The model of the mapping at `path` below that of `root`; None where there is none."""
    model: type[StrictModel] | None = root
    for step in path:
        if isinstance(step, str) and model is not None:
            model = child_models(model).get(step)
    return model


def known_keys(model: type[StrictModel]) -> tuple[str, ...]:
    """As written in manifests, in the order of the model."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def example_of(model: type[StrictModel], key: str) -> Any:
    """An example value for a key; None when only the keys below it have one."""
    found = [field for name, field in model.model_fields.items() if key == (field.alias or name)]
    return found[0].examples[0] if found and found[0].examples else None


def child_models(model: type[StrictModel]) -> dict[str, type[StrictModel] | None]:
    """For every key of a model, the model of the mapping below it."""
    return {field.alias or name: _model_in(field.annotation) for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[StrictModel] | None:
    return next((each for each in _leaves(annotation) if issubclass(each, StrictModel)), None)


def _leaves(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _leaves(inner)
