"""What the service adds to a body, and other notations of the same, are written as a manifest has them."""

from typing import Any

import pytest

from controller.operations.scaffold.tidy import tidied

Body = dict[str, Any]

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
UTM = "http://www.opengis.net/def/crs/EPSG/0/32633"
RING = [[1, 2], [3, 2], [3, 4], [1, 2]]
HIGH = [[*position, 310.5] for position in RING]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
OWN = "5460de54-082e-473a-b6ea-d5cbe3c17cca"


def of_bounds(bounds: Body) -> Body:
    return {"input": {"bounds": bounds}}


def of_data(data: Body) -> Body:
    return {"input": {"data": [data]}}


def feature(geometry: Any) -> Body:
    return {"type": "Feature", "properties": {"name": "field"}, "id": 1, "geometry": geometry}


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        pytest.param(
            {"output": {"width": 512.0, "height": "512", "resx": "0.5", "resy": 2.0}},
            {"output": {"width": 512, "height": 512, "resx": 0.5, "resy": 2.0}}, id="numbers",
        ),
        pytest.param({"output": {"width": 512.5}}, {"output": {"width": 512.5}}, id="a number that is not whole"),
        pytest.param({"output": {"width": "wide"}}, {"output": {"width": "wide"}}, id="text that is no number"),
        pytest.param(
            {"output": {"responses": [{"logo": False, "identifier": "7"}], "createCollection": False, "resx": None},
             "instanceType": "STANDARD", "more": None},
            {"output": {"responses": [{"identifier": "7"}]}}, id="what replies add",
        ),
        pytest.param({"output": {"logo": True}}, {"output": {"logo": True}}, id="what replies do not add"),
        pytest.param(of_bounds({"geometry": feature(POLYGON)}), of_bounds({"geometry": POLYGON}), id="a feature"),
        pytest.param(
            of_bounds({"geometry": {"type": "FeatureCollection", "features": [feature(POLYGON), feature(POLYGON)]}}),
            of_bounds({"geometry": {"type": "MultiPolygon", "coordinates": [[RING], [RING]]}}), id="two features",
        ),
        pytest.param(
            of_bounds({"geometry": {"type": "GeometryCollection", "geometries": [
                POLYGON, {"type": "MultiPolygon", "coordinates": [[RING], [RING]]}]}}),
            of_bounds({"geometry": {"type": "MultiPolygon", "coordinates": [[RING], [RING], [RING]]}}),
            id="a collection of geometries",
        ),
        pytest.param(
            of_bounds({"geometry": {"type": ["Polygon"], "coordinates": []}}),
            of_bounds({"geometry": {"type": ["Polygon"], "coordinates": []}}), id="a type that is no text",
        ),
        pytest.param(
            of_bounds({"geometry": feature({"type": {"a": 1}})}), of_bounds({"geometry": feature({"type": {"a": 1}})}),
            id="a type inside that is no text",
        ),
        pytest.param(
            of_bounds({"geometry": feature({"type": "Point", "coordinates": [1, 2]})}),
            of_bounds({"geometry": feature({"type": "Point", "coordinates": [1, 2]})}), id="a point is left",
        ),
        pytest.param(
            of_bounds({"geometry": {"type": "FeatureCollection", "features": []}}),
            of_bounds({"geometry": {"type": "FeatureCollection", "features": []}}), id="no features are left",
        ),
        pytest.param(
            of_bounds({"geometry": {"type": "Polygon", "coordinates": [HIGH]}}), of_bounds({"geometry": POLYGON}),
            id="heights",
        ),
        pytest.param(
            of_bounds({"geometry": {**POLYGON, "crs": UTM}}),
            of_bounds({"geometry": POLYGON, "properties": {"crs": UTM}}), id="a CRS inside the geometry",
        ),
        pytest.param(
            of_bounds({"geometry": {**POLYGON, "crs": {
                "type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}}}),
            of_bounds({"geometry": POLYGON, "properties": {"crs": CRS84}}), id="a CRS as older GeoJSON has it",
        ),
        pytest.param(
            of_bounds({"geometry": {**POLYGON, "crs": CRS84}, "properties": {"crs": "EPSG:4326"}}),
            of_bounds({"geometry": POLYGON,
                       "properties": {"crs": "http://www.opengis.net/def/crs/EPSG/0/4326"}}), id="the same CRS twice",
        ),
        pytest.param(
            of_bounds({"geometry": {**POLYGON, "crs": CRS84}, "properties": {"crs": UTM}}),
            of_bounds({"geometry": {**POLYGON, "crs": CRS84}, "properties": {"crs": UTM}}),
            id="two CRSs are left, since one of them is wrong",
        ),
        pytest.param(
            of_bounds({"bbox": ["1", "2.5", 3, 4], "properties": {"crs": "EPSG:32633"}}),
            of_bounds({"bbox": [1, 2.5, 3, 4], "properties": {"crs": UTM}}), id="numbers of a bbox, and a short CRS",
        ),
        pytest.param(
            of_data({"processing": {"orthorectify": "TRUE", "backCoeff": "BETA0"}, "type": "S1GRD"}),
            of_data({"type": "sentinel-1-grd", "processing": {"orthorectify": True, "backCoeff": "BETA0"}}),
            id="true as text, and an older name",
        ),
        pytest.param(
            of_data({"type": "sentinel-2-l2a", "processing": {"unknown": "true"}}),
            of_data({"type": "sentinel-2-l2a", "processing": {"unknown": "true"}}), id="text of an unknown option",
        ),
        pytest.param(
            of_data({"type": "CUSTOM", "collectionId": OWN, "dataFilter": {}}),
            of_data({"type": f"byoc-{OWN}", "dataFilter": {}}), id="own data with its id beside the type",
        ),
        pytest.param(
            of_data({"type": "CUSTOM", "dataFilter": {"collectionId": OWN, "mosaickingOrder": "leastRecent"}}),
            of_data({"type": f"byoc-{OWN}", "dataFilter": {"mosaickingOrder": "leastRecent"}}),
            id="own data with its id in the filter",
        ),
        pytest.param(of_data({"type": "CUSTOM"}), of_data({"type": "CUSTOM"}), id="own data without its id are left"),
        pytest.param({"input": 1, "output": [None]}, {"input": 1, "output": [None]}, id="no body at all"),
        pytest.param(of_bounds({"geometry": 7, "crs": 8}), of_bounds({"geometry": 7, "crs": 8}), id="junk"),
    ],
)  # fmt: skip
def test_a_body_is_written_as_a_manifest_has_it(written: Body, mended: Body) -> None:
    assert tidied(written) == mended
    assert tidied(mended) == mended
