"""The life of a request in the sandbox, from its POST to its end in the bucket."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio

from controller.evalscript.cache import close_shared
from controller.sandbox.options import ScriptCheck
from controller.sandbox.pricing import CLASSIC
from controller.sandbox.render.render import Rendered, RenderOptions
from tests.support.charges import charges_by_prefix
from tests.support.sandbox import (
    EVALSCRIPT,
    NEW,
    OLD,
    PRICE,
    STAND_INS,
    Service,
    error_of,
    real_request,
    render_nothing_much,
    request_body,
    running,
    until,
)


@pytest.mark.parametrize("path", [OLD, NEW])
def test_running_then_gone_with_everything_in_the_bucket(service: Service, path: str) -> None:
    response = service.post(path=path)
    assert (response.status_code, response.json()["status"]) == (200, "RUNNING")
    id = response.json()["id"]
    until(lambda: service.get(id, path).status_code == 404)
    assert service.names(id) == {"default.tif", "request-ID.json"}
    assert (service.folder / "my-bucket/ndvi" / id / "default.tif").read_bytes() == b"raster of default"
    copy = service.read(id, "request-ID.json")
    assert copy["costPU"] == pytest.approx(PRICE)
    assert copy["evalscript"] == EVALSCRIPT
    assert service.events(id) == ["accepted", "running", "charged", "delivered"]


def test_both_paths_share_one_store_and_the_copy_is_there_at_once(slow: Service) -> None:
    id = slow.submit()
    assert slow.get(id, OLD).json() == slow.get(id, NEW).json() == {"id": id, "status": "RUNNING"}
    assert slow.names(id) == {"request-ID.json"}
    assert "costPU" not in slow.read(id, "request-ID.json")


def test_unknown_and_malformed_ids_are_404_in_the_wrapper(service: Service) -> None:
    for id in ("6b0c2f4e-0000-4000-8000-000000000000", "not-an-id"):
        assert error_of(service.get(id))[:2] == (404, "COMMON_NOT_FOUND")


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        pytest.param("throw", "RENDERER_EXCEPTION", "Failed to evaluate script! Error: no", id="the script throws"),
        pytest.param("broken", "RENDERER_EXCEPTION", "Unexpected token", id="the script cannot be read"),
        pytest.param("crash", "COMMON_EXCEPTION", "ZeroDivisionError", id="the renderer itself fails"),
    ],
)
def test_a_failed_run_leaves_error_json_and_costs_nothing(service: Service, script: str, code: str, words: str) -> None:
    id = service.finish(request_body(script))
    error = service.read(id, "error.json")
    assert (error["status"], error["reason"], error["code"]) == (400, "Bad Request", code)
    assert words in error["message"]
    assert "costPU" not in service.read(id, "request-ID.json")
    assert service.events(id) == ["accepted", "running", "failed"]
    assert charges_by_prefix(service.entries()) == {}
    until(lambda: service.get(id).status_code == 404)


def test_an_unforeseen_error_at_delivery_fails_its_own_request_alone(tmp_path: Path) -> None:
    def misnamed(body: Mapping[str, object], folder: Path, options: RenderOptions) -> Rendered:
        answer = render_nothing_much(body, folder, options)
        files = tuple(replace(file, name=5) for file in answer.files)  # type: ignore[arg-type]
        return replace(answer, files=files) if body["evalscript"] == "misnamed" else answer

    with running(tmp_path, {**STAND_INS, "renderer": misnamed}, workers=1, max_running=1) as service:
        failed = service.finish(request_body("misnamed"))
        assert service.events(failed) == ["accepted", "running", "failed"]
        [end] = [entry.message for entry in service.entries() if entry.event == "failed"]
        assert end.startswith("The sandbox itself failed: TypeError")
        until(lambda: service.get(failed).status_code == 404)
        assert service.events(service.finish())[-1] == "delivered"


@pytest.mark.parametrize("status", [pytest.param("open", id="a text"), pytest.param([1], id="a list")])
def test_the_cost_takes_the_place_of_what_cannot_hold_it(status: object, tmp_path: Path) -> None:
    """It ended the worker, so that no later request was ever run."""
    with running(tmp_path, cost_field="status.costPU", workers=1) as service:
        id = service.finish({**request_body(), "status": status})
        assert service.read(id, "request-ID.json")["status"] == {"costPU": pytest.approx(PRICE)}
        assert service.events(id)[-1] == "delivered"


def test_the_price_follows_the_rules_of_the_deployment(tmp_path: Path) -> None:
    with running(tmp_path, price_rules=CLASSIC) as service:
        id = service.finish()
        assert service.read(id, "request-ID.json")["costPU"] == pytest.approx(PRICE * 1.5)


@pytest.mark.slow
def test_real_scripts_make_real_rasters_and_real_errors(tmp_path: Path) -> None:
    with running(tmp_path, {}) as service:
        done, failed = (
            service.finish(real_request(first, width=40, height=30))
            for first in ("", "throw new Error('no such day');")
        )
        assert charges_by_prefix(service.entries()) == {"s3://my-bucket/ndvi": 10.0}
    close_shared()
    with rasterio.open(tmp_path / "my-bucket" / "ndvi" / done / "default.tif") as raster:
        assert (raster.width, raster.height, raster.dtypes, raster.crs.to_epsg()) == (40, 30, ("float32",), 4326)
    message = service.read(failed, "error.json")["message"]
    assert message.startswith("Failed to evaluate script!")
    assert "no such day" in message


def test_a_script_can_be_checked_at_submit(tmp_path: Path) -> None:
    with running(tmp_path, script_check=ScriptCheck.AT_SUBMIT) as service:
        assert error_of(service.post(request_body("broken"))) == (400, "RENDERER_EXCEPTION", "Unexpected token")
        assert service.post().status_code == 200
