"""`shjobs preview`: small pictures of what a script makes, honest about what they show."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from controller.cli import cli
from controller.sandbox.render import preview
from tests.support.command import shjobs
from tests.support.paths import ROOT

JOBS = ROOT / "jobs.d"
SYNTHETIC = "  The scenes are synthetic: this shows what the script does, not what the place looks like."

MANIFEST = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata: {{name: {name}}}
spec:
  request:
    input:
      bounds: {{bbox: [14.0, 45.0, 14.1, 45.07]}}
      data:
        - type: sentinel-2-l2a
          dataFilter: {{timeRange: {{from: 2022-06-01T00:00:00Z, to: {to}}}, mosaickingOrder: leastCC}}
    output:
      width: {width}
      height: {height}
      responses:
{responses}
      delivery: {{s3: {{url: "s3://my-bucket/x", credentialsRef: my-bucket}}}}
    evalscript: |
      //VERSION=3
      function setup() {{
        return {{input: ["B02", "B03", "B04", "B08"], output: {output}, mosaicking: "{mode}"}};
      }}
      function evaluatePixel(s) {{ {body} }}
"""
FLOATS = "{bands: 1, sampleType: 'FLOAT32'}"
Manifest = Callable[..., Path]


def run(arguments: list[str]) -> int:
    """The exit code of a command in this process; wrong use is an exception here."""
    return int(cli.main(args=arguments, prog_name="shjobs", standalone_mode=False))


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """Writes a manifest in an empty working directory; answers its path."""
    monkeypatch.chdir(tmp_path)

    def write(*names: str, responses: str = "default image/tiff", **changes: object) -> Path:
        lines = [each.split() for each in responses.split(", ")]
        shown = "\n".join(f"        - {{identifier: {id}, format: {{type: {kind}}}}}" for id, kind in lines)
        given = {
            "to": "2022-06-30T00:00:00Z",
            "width": 900,
            "height": 600,
            "output": "{bands: 3}",
            "mode": "SIMPLE",
            "body": "return [2.5 * s.B04, 2.5 * s.B03, 2.5 * s.B02];",
            **changes,
        }
        path = tmp_path / "job.yaml"
        texts = [MANIFEST.format(name=name, responses=shown, **given) for name in names or ("job",)]
        path.write_text("---\n".join(texts), encoding="utf-8")
        return path

    return write


def picture(path: str = "preview/job.png") -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_picture_of_eight_bits_is_shown_as_it_is(manifest: Manifest, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preview", str(manifest())]) == 0
    pixels = picture()
    assert pixels.shape == (341, 512, 3)
    assert np.unique(pixels).size > 50
    assert capsys.readouterr().out.splitlines() == [
        "preview/job.png: 512 x 341 px",
        "  of the 900 x 600 px of the request one in 1.76 x 1.76 is shown, from 12 scenes",
        SYNTHETIC,
    ]


def test_a_small_request_is_shown_pixel_by_pixel(manifest: Manifest, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preview", str(manifest(width=40, height=30)), "--output", "small.png"]) == 0
    assert picture("small.png").shape == (30, 40, 3)
    assert "  every pixel of the request, from 12 scenes" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("output", "body", "shape", "note"),
    [
        pytest.param(FLOATS, "return [s.B08];", (), r"the values (FLOAT32) from 0.", id="floats are stretched"),
        pytest.param(
            FLOATS,
            "return [280 + s.B08];",
            (),
            r"the values (FLOAT32) from 280.",
            id="from where they begin, when that is far from nothing",
        ),
        pytest.param(
            "{bands: 3, sampleType: 'UINT16'}",
            "return [s.B04 * 1e4, s.B03 * 1e4, s.B02 * 1e4];",
            (3,),
            "the values (UINT16) from 0 to ",
            id="sixteen bits are stretched",
        ),
        pytest.param(
            "{bands: 2}", "return [s.B04, s.B08];", (), "of 2 components the first component is shown in grey", id="two"
        ),
        pytest.param(
            "{bands: 5}",
            "return [s.B08, s.B04, s.B03, s.B02, 1];",
            (3,),
            "of 5 components the first three components are shown as colours",
            id="five",
        ),
        pytest.param("{bands: 4}", "return [s.B04, s.B03, s.B02, 1];", (4,), "every pixel", id="alpha of eight bits"),
        pytest.param(
            "{bands: 4, sampleType: 'UINT16'}",
            "return [s.B04 * 1e4, s.B03 * 1e4, s.B02 * 1e4, (s.B04 * 1e4) % 2 < 1 ? 65535 : 0];",
            (4,),
            "the fourth component is taken for transparency",
            id="alpha of sixteen bits",
        ),
        pytest.param(
            "{bands: 1, sampleType: 'INT16', nodataValue: -1}",
            "return [(s.B04 * 1e4) % 2 < 1 ? s.B04 * 1e4 : -1];",
            (2,),
            "pixels without data are transparent",
            id="no data",
        ),
        pytest.param(
            FLOATS,
            "return [(s.B04 * 1e4) % 2 < 1 ? s.B04 : NaN];",
            (2,),
            "pixels without data are transparent",
            id="not a number",
        ),
        pytest.param(
            "{bands: 1, sampleType: 'INT16'}",
            "return [7];",
            (),
            "the values (INT16) are all 7: shown in middle grey",
            id="one value",
        ),
        pytest.param(FLOATS, "return [NaN];", (2,), "there is no value to show", id="no value"),
    ],
)
def test_what_is_no_picture_is_made_one_and_that_is_said(
    output: str, body: str, shape: tuple[int, ...], note: str, manifest: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["preview", str(manifest(output=output, body=body, width=60, height=50))]) == 0
    assert picture().shape == (50, 60, *shape)
    assert note in capsys.readouterr().out


@pytest.mark.slow
def test_many_scenes_make_a_smaller_picture(
    manifest: Manifest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_SAMPLES", preview.MOST_SAMPLES // 10)
    path = manifest(
        to="2025-06-30T00:00:00Z", mode="ORBIT", output="{bands: 1}", body="return [s.length];", width=2000, height=2000
    )
    assert run(["preview", str(path)]) == 0
    side = picture().shape[0]
    assert 30 < side < 100
    assert f"job.png: {side} x {side} px" in capsys.readouterr().out


@pytest.mark.slow
def test_the_default_output_is_drawn_else_the_first_image(manifest: Manifest) -> None:
    outputs = "[{id: 'first', bands: 1}, {id: 'default', bands: 3}]"
    both = {"output": outputs, "body": "return {first: [1], default: [1, 0, 0]};", "width": 8, "height": 8}
    assert run(["preview", str(manifest(responses="first image/tiff, default image/tiff", **both))]) == 0
    assert picture()[0, 0].tolist() == [255, 0, 0]
    assert run(["preview", str(manifest(responses="userdata application/json, first image/tiff", **both))]) == 0
    assert picture()[0, 0].tolist() == 255


@pytest.mark.slow
def test_every_job_of_a_file_is_drawn_or_the_one_that_is_named(manifest: Manifest) -> None:
    path = str(manifest("one", "two", width=8, height=8))
    assert run(["preview", path]) == 0
    assert sorted(each.name for each in Path("preview").glob("*.png")) == ["one.png", "two.png"]
    assert run(["preview", path, "--job", "two", "--output", "named.png"]) == 0
    assert Path("named.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--output", "x.png"], "declares 2 jobs: name one with --job", id="one file for two jobs"),
        pytest.param(["--job", "three"], "declares no job three; it has one, two", id="a job that is not there"),
        pytest.param(["--output", "no/such/x.png", "--job", "one"], "cannot be written", id="no such folder"),
        pytest.param(["--size", "600"], "600", id="too large"),
    ],
)
def test_wrong_use(arguments: list[str], words: str, manifest: Manifest) -> None:
    path = manifest("one", "two", width=8, height=8)
    done = shjobs("preview", str(path), *arguments, cwd=path.parent)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"body": "return [1];"}, "needs an array of 3 numbers", id="too few numbers"),
        pytest.param({"body": "throw new Error('no summer');"}, "Error: no summer (line 5, column", id="it gives up"),
        pytest.param({"responses": "userdata application/json"}, "delivers no image", id="no image"),
        pytest.param({"width": 20_000}, "job.yaml:12:7: ", id="a manifest that cannot be accepted"),
    ],
)
def test_a_job_that_cannot_be_drawn_says_why(
    changes: dict[str, object], words: str, manifest: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["preview", str(manifest(**{"width": 8, "height": 8, **changes}))]) == 1
    assert words in capsys.readouterr().err
    assert list(Path().rglob("*.png")) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ndvi", "true-color"])
def test_the_documented_jobs_can_be_looked_at(name: str, tmp_path: Path) -> None:
    """In the real program, without credentials or a settings file."""
    command = [sys.executable, "-m", "controller", "preview", str(JOBS / f"{name}.yaml"), "--output", "x.png"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")}
    environment["PYTHONPATH"] = str(JOBS.parent)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(tmp_path / "x.png") as image:
        assert max(image.size) == 512
        assert len(set(image.convert("L").getextrema())) == 2
