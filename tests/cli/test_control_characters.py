"""No text of others reaches the terminal as a control sequence: not from manifests, scripts, pages or the service."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Workspace, ndvi, opened_workspace
from tests.operations.test_import_request import documented
from tests.support.command import python, shjobs
from tests.support.small_set import farm

pytestmark = pytest.mark.slow

OWNED = "\x1b]0;owned\x07\x9d0;owned\x9c"
"""Sets the title of a terminal, in the two ways of saying it."""
IN_YAML = '"\\e]0;owned\\a\\x9d0;owned\\x9c"'
IN_SCRIPT = '"\\x1b]0;owned\\x07\\x9d0;owned\\x9c"'
URL = ("--url", "s3://my-bucket/x")

COMMANDS = [
    *(["check"], ["check", "-o", "github"], ["plan"], ["plan", "-o", "markdown"], ["sync"], ["get"]),
    *(["get", "-o", "wide"], ["get", "-o", "yaml"], ["describe", "throws"], ["why", "throws"], ["events"]),
    *(["wait", "throws", "--timeout", "1s"], ["preview", "jobs.d/throws.yaml"], ["preview", "jobs.d/key.yaml"]),
    *(["expand", "jobs.d/set.yaml"], ["import", "page.md", "--dry-run", *URL], ["import", "wrong.json", *URL]),
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Manifests and pages whose keys and file names, and a script whose error, are control sequences."""
    with opened_workspace(tmp_path_factory.mktemp("hostile")) as workspace:
        throws = f"throw new Error({IN_SCRIPT}); return [index"
        workspace.write("throws.yaml", ndvi("throws").replace("return [index", throws))
        workspace.write("key.yaml", ndvi("key").replace("spec:\n", f"spec:\n  {IN_YAML}: 1\n"))
        workspace.write(f"file{OWNED}.yaml", ndvi("file").replace("width: 64", f"width: {IN_YAML}"))
        workspace.write("set.yaml", farm(fields=1).replace("spec:\n", f"spec:\n  {IN_YAML}: 1\n"))
        body = dict(documented("ndvi").request.body)
        page = {**body, "evalscript": f"//VERSION=3\n// {OWNED}\n{body['evalscript']}"}
        (workspace.root / "page.md").write_text(f"```json\n{json.dumps(page)}\n```\n", encoding="utf-8")
        (workspace.root / "wrong.json").write_text(json.dumps({**body, OWNED: 1}), encoding="utf-8")
        yield workspace


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_a_control_sequence_of_others(hostile: Workspace, command: list[str]) -> None:
    if command[0] not in ("check", "plan", "sync", "preview", "expand", "import"):
        hostile.sync()
    done = shjobs(*command, cwd=hostile.root, environment=dict(hostile.environment))
    shown = done.stdout + done.stderr
    assert ("owned" in shown, controls(shown)) == (True, set())


def test_what_the_log_of_a_command_quotes_is_escaped(tmp_path: Path) -> None:
    said = f"import logging; from controller.cli import main; main(['--version']); logging.warning({OWNED!r})"
    shown = python(said, cwd=tmp_path).stderr
    assert (shown.startswith("WARNING "), "owned" in shown, controls(shown)) == (True, True, set())


def controls(shown: str) -> set[str]:
    return {"\x1b", "\x07", "\x9d", "\x9c"} & set(shown)
