"""Rules that need more than one field: what cannot be meant is a fault with its place, what may be is only a doubt."""

import pytest

from tests.support.manifests import accepted, doubted, good_but, reported

BBOX = "[426000, 3960000, 462000, 3994000]"
CRS = "http://www.opengis.net/def/crs/EPSG/0/32633"
TIMES = "from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z"
DEGREES, MERCATOR = ((CRS, f"http://www.opengis.net/def/crs/EPSG/0/{code}") for code in (4326, 3857))


def pixels(width: int, height: int) -> tuple[str, str]:
    return "resx: 10\n      resy: 10", f"width: {width}\n      height: {height}"


def shape(coordinates: str, type: str = "Polygon") -> tuple[str, str]:
    return f"bbox: {BBOX}", f"geometry: {{type: {type}, coordinates: {coordinates}}}"


FAULTS = {
    "degrees under UTM": (
        [(BBOX, "[14.2, 35.8, 14.6, 36.1]")],
        "10:9 E202 spec.request.input.bounds.bbox: looks like degrees, but the CRS, WGS 84 / UTM zone 33N, is "
        "in metres: write metres, or remove `properties.crs`",
    ),
    "degrees under a national grid": (
        [(CRS, "http://www.opengis.net/def/crs/EPSG/0/28992"), (BBOX, "[4.2, 51.8, 4.6, 52.1]")],
        "10:9 E202 spec.request.input.bounds.bbox: looks like degrees, but the CRS, Amersfoort / RD New, is in "
        "metres: write metres, or remove `properties.crs`",
    ),
    "metres under the default CRS": (
        [(f"        properties: {{crs: {CRS}}}\n", "")],
        "10:9 E202 spec.request.input.bounds.bbox: holds 3994000, but the CRS is in degrees: for metres, name "
        "their CRS in `properties: {crs: …}`",
    ),
    "metres under EPSG:4326": (
        [DEGREES],
        "10:9 E202 spec.request.input.bounds.bbox: holds 3994000, but the CRS is in degrees: for metres, name "
        "their CRS in `properties: {crs: …}`",
    ),
    "a polygon in metres under degrees": (
        [DEGREES, shape("[[[430000, 3970000], [440000, 3970000], [440000, 3980000], [430000, 3970000]]]")],
        "10:35 E202 spec.request.input.bounds.geometry.coordinates: holds 3980000, but the CRS is in degrees: "
        "for metres, name their CRS in `properties: {crs: …}`",
    ),
    "latitude before longitude": (
        [DEGREES, (BBOX, "[35.8, 174.2, 36.1, 174.6]")],
        "10:9 E202 spec.request.input.bounds.bbox: has latitude before longitude, as it seems: exchange them, "
        "longitude comes first whatever the CRS",
    ),
    "a longitude beyond 180 degrees": (
        [DEGREES, (BBOX, "[350.8, 14.2, 361.1, 14.6]")],
        "10:9 E202 spec.request.input.bounds.bbox: lies outside longitude -180 to 180 and latitude -90 to 90",
    ),
    "northing before easting": (
        [(BBOX, "[3960000, 426000, 3994000, 462000]")],
        "10:9 E202 spec.request.input.bounds.bbox: has northing before easting, as it seems: exchange them, "
        "easting comes first whatever the CRS",
    ),
    "numbers beyond the map": (
        [MERCATOR, (BBOX, "[42600000, 3960000, 42620000, 3994000]")],
        "10:9 E202 spec.request.input.bounds.bbox: lies outside the Earth as WGS 84 / Pseudo-Mercator draws "
        "it: is this the CRS of these numbers?",
    ),
    "a ring like a bow tie": (
        [shape("[[[430000, 3970000], [440000, 3980000], [440000, 3970000], [430000, 3980000], [430000, 3970000]]]")],
        "10:35 E201 spec.request.input.bounds.geometry.coordinates: ring 1 crosses itself: the edge from "
        "[430000, 3970000] to [440000, 3980000] meets the edge from [440000, 3970000] to [430000, 3980000]; "
        "list the corners in their order",
    ),
    "a crossing in the second polygon": (
        [
            shape(
                "[[[[430000, 3970000], [440000, 3970000], [440000, 3980000], [430000, 3970000]]], [[[450000, "
                "3970000], [460000, 3980000], [460000, 3970000], [450000, 3980000], [450000, 3970000]]]]",
                "MultiPolygon",
            )
        ],
        "10:40 E201 spec.request.input.bounds.geometry.coordinates: ring 2 crosses itself: the edge from "
        "[450000, 3970000] to [460000, 3980000] meets the edge from [460000, 3970000] to [450000, 3980000]; "
        "list the corners in their order",
    ),
    "a polygon without a surface": (
        [shape("[[[430000, 3970000], [440000, 3970000], [450000, 3970000], [430000, 3970000]]]")],
        "10:35 E200 spec.request.input.bounds.geometry.coordinates: covers no area",
    ),
    "a polygon beside the bbox": (
        [
            (
                f"bbox: {BBOX}",
                f"bbox: {BBOX}\n        geometry: {{type: Polygon, coordinates: [[[526000, 3960000], [562000, "
                "3960000], [562000, 3994000], [526000, 3960000]]]}",
            )
        ],
        "11:35 E203 spec.request.input.bounds.geometry.coordinates: lies outside the bbox, so that every pixel "
        "would be empty: mend one of the two, or remove one",
    ),
    "pixels wider than the collection allows": (
        [("resx: 10", "resx: 2000")],
        "17:7 E207 spec.request.output.resx: makes a pixel 2000.00 metres of ground; sentinel-2-l2a may have "
        "at most 1500: write a smaller one, or a smaller area",
    ),
    "pixels higher than the collection allows": (
        [pixels(100, 10)],
        "18:7 E207 spec.request.output.height: makes a pixel 3400.00 metres of ground; sentinel-2-l2a may have "
        "at most 1500: write a larger one, or a smaller area",
    ),
    "degrees per pixel that are too coarse": (
        [DEGREES, (BBOX, "[10, 40, 20, 50]"), ("resx: 10\n      resy: 10", "resx: 0.1\n      resy: 0.05")],
        "17:7 E207 spec.request.output.resx: makes a pixel 8515.96 metres of ground; sentinel-2-l2a may have "
        "at most 1500: write a smaller one, or a smaller area",
    ),
    "ten metres meant, ten degrees written": (
        [DEGREES, (BBOX, "[10, 40, 20, 50]"), ("resy: 10", "resy: 0.01")],
        "17:7 E207 spec.request.output.resx: makes a pixel 851595.66 metres of ground; sentinel-2-l2a may have "
        "at most 1500: write a smaller one, or a smaller area",
    ),
    "ten degrees per pixel in an area of one degree": (
        [DEGREES, (BBOX, "[14, 40, 15, 41]"), ("resy: 10", "resy: 0.01")],
        "17:7 E206 spec.request.output.resx: is larger than the area: it is in degrees per pixel, write a smaller one",
    ),
    "web mercator, measured on the ground": (
        [MERCATOR, (BBOX, "[0, 0, 1600000, 1600000]"), pixels(1000, 1100)],
        "17:7 E207 spec.request.output.width: makes a pixel 1598.66 metres of ground; sentinel-2-l2a may have "
        "at most 1500: write a larger one, or a smaller area",
    ),
    "one pixel too many after rounding": (
        [("resx: 10", "resx: 3.5998")],
        "17:7 E206 spec.request.output.resx: makes the width 10001 pixels, more than 10000: it is in metres "
        "per pixel, write a larger one",
    ),
    "an order that needs cloud cover": (
        [("sentinel-2-l2a", "sentinel-1-grd"), ("dataFilter:", "dataFilter:\n            mosaickingOrder: leastCC")],
        "15:13 E212 spec.request.input.data[0].dataFilter.mosaickingOrder: must be mostRecent or leastRecent",
    ),
    "a tier the collection does not have": (
        [("sentinel-2-l2a", "landsat-ot-l2"), ("dataFilter:", "dataFilter:\n            tiers: REAL_TIME")],
        "15:13 E212 spec.request.input.data[0].dataFilter.tiers: must be TIER_1 or ALL_TIERS",
    ),
    "a terrain model that is no choice": (
        [
            ("sentinel-2-l2a", "dem"),
            (f"          dataFilter:\n            timeRange: {{{TIMES}}}\n", ""),
            ("- type: dem", "- type: dem\n          dataFilter: {demInstance: SRTM}"),
        ],
        "14:24 E212 spec.request.input.data[0].dataFilter.demInstance: must be MAPZEN, COPERNICUS_30 or COPERNICUS_90",
    ),
    "a speckle window that is too large": (
        [
            ("sentinel-2-l2a", "sentinel-1-grd"),
            (
                "dataFilter:",
                "processing: {speckleFilter: {type: LEE, windowSizeX: 9, windowSizeY: 3}}\n          dataFilter:",
            ),
        ],
        "14:24 E212 spec.request.input.data[0].processing.speckleFilter: must be {type: NONE}, or {type: LEE, "
        "windowSizeX: 3, windowSizeY: 3} with sizes from 1 to 7",
    ),
    "an oversampling that is too high": (
        [
            ("sentinel-2-l2a", "sentinel-1-grd"),
            ("dataFilter:", "processing: {radiometricTerrainOversampling: 5}\n          dataFilter:"),
        ],
        "14:24 E212 spec.request.input.data[0].processing.radiometricTerrainOversampling: must be a number from 1 to 4",
    ),
    "a range before the mission": (
        [(TIMES, "from: 2012-06-20T00:00:00Z, to: 2012-06-30T00:00:00Z")],
        "15:13 E217 spec.request.input.data[0].dataFilter.timeRange: ends more than a year before the first "
        "scene of this mission (2015-06-27): it can find nothing",
    ),
    "a range before the satellite of an older mission": (
        [("sentinel-2-l2a", "landsat-tm-l1"), (TIMES, "from: 1975-06-20T00:00:00Z, to: 1975-06-30T00:00:00Z")],
        "15:13 E217 spec.request.input.data[0].dataFilter.timeRange: ends more than a year before the first "
        "scene of this mission (1982-08-22): it can find nothing",
    ),
    "one id for two sources": (
        [("- type: sentinel-2-l2a", "- {type: dem, id: a}\n        - type: sentinel-2-l2a\n          id: a")],
        "15:11 E214 spec.request.input.data[1].id: `a` is the id of an earlier source as well: give each its own",
    ),
    "one output delivered twice": (
        [
            (
                "[{identifier: default, format: {type: image/tiff}}]",
                "[{identifier: a}, {identifier: a, format: {type: image/tiff}}]",
            )
        ],
        "19:37 E220 spec.request.output.responses[1].identifier: `a` is delivered by responses[0] already: "
        "each response needs its own output",
    ),
    "the default output delivered twice": (
        [
            (
                "[{identifier: default, format: {type: image/tiff}}]",
                "[{identifier: default}, {format: {type: image/tiff}}]",
            )
        ],
        "19:42 E220 spec.request.output.responses[1]: `default` is delivered by responses[0] already: each "
        "response needs its own output",
    ),
    "userdata as an image": (
        [("identifier: default", "identifier: userdata")],
        "19:42 E222 spec.request.output.responses[0].format: userdata is no image: write `format: {type: "
        "application/json}`",
    ),
    "an image as JSON": (
        [("image/tiff", "application/json")],
        "19:41 E222 spec.request.output.responses[0].format: application/json is the format of `userdata` "
        "alone: write image/tiff, image/png or image/jpeg",
    ),
    "a JPEG better than best": (
        [("{type: image/tiff}", "{type: image/jpeg, quality: 101}")],
        "19:68 E109 spec.request.output.responses[0].format.quality: must be at most 100",
    ),
}


@pytest.mark.parametrize(("changes", "problem"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_meant_is_a_fault(changes: list[tuple[str, str]], problem: str) -> None:
    assert reported(good_but(*changes)) == [problem]


DOUBTS = {
    "metres around 0, 0 of a world map": (
        [MERCATOR, (BBOX, "[4.2, 51.8, 84.6, 82.1]"), pixels(10, 10)],
        "10:9 W107 spec.request.input.bounds.bbox: looks like degrees, but the CRS, WGS 84 / Pseudo-Mercator, "
        "is in metres: remove `properties.crs` if degrees are meant",
    ),
    "an area of another zone": (
        [(BBOX, "[1426000, 3960000, 1462000, 3994000]")],
        "10:9 W107 spec.request.input.bounds.bbox: lies far outside WGS 84 / UTM zone 33N, where metres are "
        "distorted: choose the zone of the area",
    ),
    "an area around half the world": (
        [DEGREES, (BBOX, "[-170, 10, 170, 12]"), ("sentinel-2-l2a", "modis"), pixels(1000, 10)],
        "10:9 W106 spec.request.input.bounds.bbox: is wider than 180 degrees: an area across the 180th "
        "meridian cannot be written as one bbox",
    ),
    "a degree and more per pixel": (
        [
            DEGREES,
            (BBOX, "[10, 40, 20, 50]"),
            ("sentinel-2-l2a", "modis"),
            ("resx: 10\n      resy: 10", "resx: 2\n      resy: 2"),
        ],
        "18:7 W108 spec.request.output.resy: is in degrees per pixel, which here is about 222 km: are metres meant?",
    ),
    "hardly coarser than allowed": (
        [(BBOX, "[426000, 3960000, 486200, 3994000]"), pixels(40, 100)],
        "17:7 W105 spec.request.output.width: makes a pixel 1505.00 metres of ground, and more than 1500 may "
        "be refused for sentinel-2-l2a: a larger one is safe",
    ),
    "coarse previews of Sentinel-2": (
        [
            ("sentinel-2-l2a", "sentinel-2-l1c"),
            ("dataFilter:", "dataFilter:\n            previewMode: PREVIEW"),
            pixels(18, 17),
        ],
        "18:7 W105 spec.request.output.width: makes a pixel 2000.00 metres of ground, and more than 1500 may "
        "be refused for sentinel-2-l1c: a larger one is safe",
    ),
    "coarse own data": (
        [("sentinel-2-l2a", "byoc-01234567-89ab-cdef-0123-456789abcdef"), pixels(60, 100)],
        "17:7 W105 spec.request.output.width: makes a pixel 600.00 metres of ground, and more than 500 may be "
        "refused for byoc data: a larger one is safe",
    ),
    "coarse in a projection that distorts": (
        [(CRS, "http://www.opengis.net/def/crs/EPSG/0/3413"), pixels(18, 17)],
        "17:7 W105 spec.request.output.width: makes a pixel 2000.00 metres of ground, and more than 1500 may "
        "be refused for sentinel-2-l2a: a larger one is safe",
    ),
    "an area that is no multiple of the resolution": (
        [("resx: 10", "resx: 7")],
        "17:7 W103 spec.request.output.resx: does not divide the width of the area: 5142.86 pixels become "
        "5143, each of 6.99981 metres",
    ),
    "a size so large that rounding decides": (
        [("resx: 10", "resx: 3.60006")],
        "17:7 W104 spec.request.output.resx: makes the width 9999.83 pixels: the service may round otherwise, "
        "and refuses over 10000",
    ),
    "an older name": (
        [("sentinel-2-l2a", "S2L2A")],
        "13:11 W100 spec.request.input.data[0].type: `S2L2A` is an older name, which still works: write sentinel-2-l2a",
    ),
    "an option of another collection": (
        [("dataFilter:", "dataFilter:\n            orbitDirection: ASCENDING")],
        "15:13 W101 spec.request.input.data[0].dataFilter.orbitDirection: is no documented option of "
        "sentinel-2-l2a: the service probably ignores it",
    ),
    "an option of no collection": (
        [("dataFilter:", "dataFilter:\n            cloudiness: 3")],
        "15:13 W101 spec.request.input.data[0].dataFilter.cloudiness: is no documented option of "
        "sentinel-2-l2a: the service probably ignores it",
    ),
    "clouds of a radar": (
        [("sentinel-2-l2a", "sentinel-1-grd"), ("dataFilter:", "dataFilter:\n            maxCloudCoverage: 3")],
        "15:13 W101 spec.request.input.data[0].dataFilter.maxCloudCoverage: sentinel-1-grd has no cloud "
        "coverage: nothing is filtered by it, so it can be removed",
    ),
    "a view among the filters": (
        [("sentinel-2-l2a", "sentinel-3-slstr"), ("dataFilter:", "dataFilter:\n            view: OBLIQUE")],
        "15:13 W101 spec.request.input.data[0].dataFilter.view: belongs below `processing`: here the service "
        "probably ignores it",
    ),
    "no time range": (
        [(f"          dataFilter:\n            timeRange: {{{TIMES}}}\n", "")],
        "13:11 W109 spec.request.input.data[0]: has no time range, so that scenes of any time are used: write "
        "`timeRange: {from: 2016-10-20T00:00:00Z, to: …}`",
    ),
    "a range before the collection": (
        [(TIMES, "from: 2015-09-20T00:00:00Z, to: 2015-09-30T00:00:00Z")],
        "15:13 W110 spec.request.input.data[0].dataFilter.timeRange: ends before 2016-10-20, from when on "
        "sentinel-2-l2a is known to have scenes: it may find nothing",
    ),
    "a range after the collection": (
        [("sentinel-2-l2a", "modis"), (TIMES, "from: 2024-06-20T00:00:00Z, to: 2024-06-30T00:00:00Z")],
        "15:13 W110 spec.request.input.data[0].dataFilter.timeRange: begins after 2023-02-10, the last day "
        "modis is known to have scenes of: it may find nothing",
    ),
    "a time range of a terrain model": (
        [("sentinel-2-l2a", "dem")],
        "15:13 W112 spec.request.input.data[0].dataFilter.timeRange: dem has no time: the service ignores it, "
        "so it can be removed",
    ),
    "one of two sources without an id": (
        [("- type: sentinel-2-l2a", "- {type: dem}\n        - type: sentinel-2-l2a\n          id: a")],
        "13:11 W117 spec.request.input.data[0]: has no id, and others have: write one, so that the evalscript "
        "can name it as its `datasource`",
    ),
    "a quality of a TIFF": (
        [("{type: image/tiff}", "{type: image/tiff, quality: 80}")],
        "19:68 W113 spec.request.output.responses[0].format.quality: only image/jpeg has a quality: it does "
        "nothing here, remove it",
    ),
}


@pytest.mark.parametrize(("changes", "doubt"), DOUBTS.values(), ids=DOUBTS)
def test_what_may_be_meant_is_a_doubt_and_hinders_nothing(changes: list[tuple[str, str]], doubt: str) -> None:
    text = good_but(*changes)
    accepted(text)
    assert doubted(text) == [doubt]
