"""The files of a new repository: settings, one example job, a check for pull requests, .gitignore, the schema.

`shjobs init` writes them. The texts are in `data/skeleton`; the workflows are also shown in docs/ci.md.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from controller.manifest.dump import scalar
from controller.manifest.rules.delivery import credential_name
from controller.model.errors import UsageError
from controller.operations.scaffold.schema import file_schema
from controller.settings.environment import variable_of


def create(path: Path, text: str) -> bool:
    """Write the file, and the folders above it; returns False, and writes nothing, when it already exists.

    Raises `UsageError` when the disk fails; nothing of the file is left then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.exists():
            return False
        with path.open("x", encoding="utf-8", newline="\n") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                path.unlink()
                raise
    except FileExistsError as error:
        raise UsageError(f"{error.filename} cannot be written: something else is in its place") from None
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return True


IGNORED = ("/state/", "*.status.yaml", "/fetched/", "/preview/")
"""What git must not contain, as listed in the skeleton's .gitignore."""

_IMAGERY = {"us-west-2": ("landsat-ot-l2", "B04", "B05")}
"""Collection, red and near infrared of the example, where Sentinel-2 is not available."""


WORKFLOWS = {"github": ".github/workflows/shjobs.yaml", "gitlab": ".gitlab-ci.yml"}
"""The check for pull requests, by where it runs."""
_WORKFLOW_TEXTS = {"github": "workflow.yaml", "gitlab": "gitlab.yaml"}


def skeleton(deployment: str, url: str, *, held: bool, ci: str = "github") -> Mapping[str, str]:
    """The file texts by path, for a deployment and the example's delivery URL; `held`: the example costs money.

    `ci` is where pull requests are checked: a key of `WORKFLOWS`, or something else for nowhere.
    """
    credential = credential_name(url)
    collection, red, infrared = _IMAGERY.get(deployment, ("sentinel-2-l2a", "B04", "B08"))
    marks = {
        "@DEPLOYMENT@": deployment,
        "@URL@": scalar(url),
        "@PREFIX@": f"s3://{url.removeprefix('s3://').partition('/')[0]}/",
        "@CREDENTIAL@": credential,
        "@COLLECTION@": collection,
        "@RED@": red,
        "@NIR@": infrared,
        "@VARIABLE@": variable_of(f"credentials.{credential}"),
        "  hold: @HOLD@\n": "  hold: true # nothing is submitted while this is set\n" if held else "",
    }
    return {
        "shjobs.toml": _text("sandbox.toml" if deployment == "sandbox" else "service.toml", marks),
        "jobs.d/example.yaml": _text("example.yaml", marks),
        "jobs.d/example.js": _text("example.js", marks),
        "manifest.schema.json": json.dumps(file_schema(), indent=2, ensure_ascii=False) + "\n",
        ".gitignore": _text("gitignore", {}),
        **({WORKFLOWS[ci]: _text(_WORKFLOW_TEXTS[ci], {})} if ci in WORKFLOWS else {}),
    }


def _text(name: str, marks: Mapping[str, str]) -> str:
    text = files("controller").joinpath(f"data/skeleton/{name}").read_text(encoding="utf-8")
    for mark, words in marks.items():
        text = text.replace(mark, words)
    return text
