"""Requests as people publish them are imported as they are meant, and `check` has nothing against them."""

import os
from typing import Any

import pytest

from controller.analysis.appraisal import Appraiser
from controller.cli.settings import load_settings
from controller.evalscript import cache as scripts
from controller.manifest.document import read_documents
from controller.manifest.validate import Script, ValidManifest, accept
from controller.model.clock import Clock
from controller.operations.scaffold.import_request import Intake, take_in
from controller.settings.settings import Settings
from tests.conftest import SETTINGS
from tests.support.paths import DATA
from tests.support.requests import (
    BODIES,
    FORMS,
    MERCATOR,
    MOSAIC,
    PNG,
    ROME,
    TIFF,
    UTM33,
    VENICE,
    WGS84,
    Body,
    asked,
    during,
    pixels,
    sentinel2,
    steps,
)

URL = "s3://my-bucket/rasters"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "shjobs.toml").write_text(SETTINGS.format(folder="state/sandbox"), encoding="utf-8")
    return load_settings(folder / "shjobs.toml", os.environ)


def taken(text: str, settings: Settings) -> Intake:
    (one,), passed_over = take_in(text, "public", URL, settings)
    assert passed_over == ()
    return one


def checked(intake: Intake, settings: Settings) -> ValidManifest:
    """The job that was written, against which `check` has nothing to say: no error, and no warning."""
    assert [str(each) for each in intake.problems] == []
    path = f"{intake.name}.yaml"
    [document] = read_documents(intake.manifest, path)
    item = accept(document, path, Script(path=f"{intake.name}.js", text=intake.script))
    assert isinstance(item, ValidManifest), [str(each) for each in item.problems]
    found = Appraiser(settings.deployment, settings.credentials, scripts, Clock().today)(item)
    assert [str(each) for each in (*found.problems, *found.warnings)] == []
    return item


def delivered(body: Body) -> Body:
    return {**body, "output": {**body["output"], "delivery": {"s3": {"url": URL}}}}


def pairs() -> list[object]:
    """Each form with three bodies, so that each body has at least three forms."""
    names = list(BODIES)
    return [
        pytest.param(name, form, id=f"{name}, {form}")
        for number, form in enumerate(FORMS)
        for name in (names[(number * 3 + more) % len(names)] for more in range(3))
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "form"), pairs())
def test_a_public_request_asks_for_the_same_however_it_is_passed_on(name: str, form: str, settings: Settings) -> None:
    body, script = BODIES[name]
    item = checked(taken(FORMS[form](body, script), settings), settings)
    assert item.request.body == {**delivered(body), "evalscript": script}


def green(first: str, last: str, bounds: Body, size: Body, **more: Any) -> Body:
    return asked(bounds, sentinel2(first, last, **more), size, TIFF)


LAGOON = {"bbox": VENICE, "properties": UTM33}
ISLANDS = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[14.05, 45.65], [14.35, 45.65], [14.35, 45.85], [14.05, 45.65]]],
        [[[13.42, 44.95], [13.52, 44.95], [13.52, 45.05], [13.42, 44.95]]],
    ],
}
PAGES: dict[str, list[Body]] = {
    "page-radar": [
        asked(
            {"bbox": [1360000, 5121900, 1370000, 5131900], "properties": MERCATOR},
            {
                "type": "sentinel-1-grd",
                "dataFilter": during("2019-02-02", "2019-04-02"),
                "processing": {"orthorectify": True},
            },
            pixels(512, 512),
            PNG,
        )
    ],
    "post-own-data": [
        asked(
            {"bbox": ROME}, {"type": MOSAIC, "dataFilter": during("2023-07-01", "2023-07-01")}, pixels(780, 523), TIFF
        )
    ],
    "post-feature-collection": [
        green(
            "2022-07-01", "2022-07-31", {"geometry": ISLANDS, "properties": WGS84}, steps(0.0002, 0.0002),
            maxCloudCoverage=40,
        )
    ],
    "readme-two-requests": [
        green("2022-06-01", "2022-06-30", LAGOON, steps(10, 10)),
        BODIES["the Copernicus elevation model"][0],
    ],
    "notebook-client": [green("2022-06-01", "2022-06-30", LAGOON, pixels(1000, 1000))],
    "script-curl": [asked({"bbox": ROME}, sentinel2("2022-06-20", "2022-06-20"), pixels(780, 523), PNG)],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_every_request_of_a_page_is_found_once(name: str, settings: Settings) -> None:
    """With the sentences around them, in the languages in which they are repeated, and beside other requests."""
    text = (DATA / "requests" / f"{name}.txt").read_text(encoding="utf-8")
    intakes, passed_over = take_in(text, "page", URL, settings)
    bodies = [dict(checked(each, settings).request.body) for each in intakes]
    scripts = [body.pop("evalscript") for body in bodies]
    assert (bodies, passed_over) == ([delivered(body) for body in PAGES[name]], ())
    assert all(script.startswith("//VERSION=3\nfunction setup()") for script in scripts)


def test_as_many_requests_as_promised() -> None:
    clients = len(list(DATA.glob("requests/client-*.txt")))
    assert len(pairs()) + clients + sum(map(len, PAGES.values())) >= 60
