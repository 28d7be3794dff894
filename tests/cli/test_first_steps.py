"""From an empty folder to a picture, as a new user goes: every command as it is typed, against the sandbox."""

from pathlib import Path

import pytest
from PIL import Image

from tests.operations.test_import_request import lost, snippet
from tests.support.command import shjobs
from tests.support.sessions import VARIABLES, sandbox

pytestmark = pytest.mark.slow


def test_from_an_empty_folder_to_a_picture(tmp_path: Path) -> None:
    """`init`, `import` of a documented example without its line breaks, `check`, `plan`, `sync`, `fetch --preview`."""
    done = [shjobs("init", cwd=tmp_path)]
    small = lost(snippet("ndvi")).replace('"resx": 10', '"resx": 60').replace('"resy": 10', '"resy": 60')
    (tmp_path / "example.py").write_text(small, encoding="utf-8")
    done.append(shjobs("import", "example.py", "--name", "ndvi", "--url", "s3://my-bucket/rasters", cwd=tmp_path))
    with sandbox(tmp_path) as said:
        exports = dict(line.removeprefix("export ").split("=") for line in said.splitlines()[1:])
        given = {**exports, **VARIABLES}
        commands = (["check"], ["plan"], ["sync"], ["fetch", "ndvi", "example", "--preview"])
        done += [shjobs(*command, cwd=tmp_path, environment=given) for command in commands]
    assert [each.returncode for each in done] == [0] * 6, "\n".join(each.stderr for each in done)
    assert "2 submit (20 PU)" in done[3].stdout
    for name, size in (("ndvi", (300, 284)), ("example", (300, 220))):
        with Image.open(tmp_path / "fetched" / name / "default.preview.png") as picture:
            assert (picture.mode, picture.size) == ("RGB", size)
            assert len(picture.getcolors(1 << 24) or ()) > 20
