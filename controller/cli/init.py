"""`shjobs init`: a new repository, ready for its first job."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

import click

from controller.model.errors import UsageError
from controller.settings.deployments import DeploymentName

EXAMPLE = "jobs.d/example.yaml"


@click.command("init", short_help="Make a new repository: settings, an example, a check for pull requests.")
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--deployment", type=click.Choice(get_args(DeploymentName)), default="sandbox", show_default=True,
    help="The installation of the service to work with.",
)  # fmt: skip
@click.option(
    "--url", metavar="S3URL", default="s3://my-bucket/rasters", show_default=True,
    help="Where the example's results go.",
)  # fmt: skip
@click.option(
    "--ci", type=click.Choice(["github", "gitlab", "none"]), default="github", show_default=True,
    help="Where pull requests are checked.",
)  # fmt: skip
def command(directory: Path, deployment: str, url: str, ci: str) -> int:
    """Make settings, one small example, a check for pull requests, a schema for editors and a .gitignore in DIRECTORY.

    Existing files are kept. Nothing is called and nothing is submitted.
    """
    from controller.manifest.rules.delivery import url_error
    from controller.operations.scaffold.repository import create, skeleton

    if error := url_error(url):
        raise UsageError(f"--url: {error[1]}")
    # Existing settings may name an account that pays.
    held = deployment != "sandbox" or (directory / "shjobs.toml").exists()
    made = {path: create(directory / path, text) for path, text in skeleton(deployment, url, held=held, ci=ci).items()}
    for path, is_new in made.items():
        click.echo(f"{'made' if is_new else 'kept'} {directory / path}")
    for line in (*_remarks(directory, made, ci), "", *_next(directory, deployment, held=held and made[EXAMPLE])):
        click.echo(line)
    return 0


def _remarks(directory: Path, made: Mapping[str, bool], ci: str) -> Iterator[str]:
    """What the user has to do."""
    from controller.operations.scaffold.repository import IGNORED, WORKFLOWS

    if not made[".gitignore"]:
        held = _lines_of(directory / ".gitignore")
        if missing := [each for each in IGNORED if each not in held]:
            yield f"add to {directory / '.gitignore'}: {' '.join(missing)}"
    if ci not in WORKFLOWS:
        return
    workflow = WORKFLOWS[ci]
    if made[workflow]:
        yield f"set in {directory / workflow} where to install shjobs from (OWNER)"
    if made[workflow] and ci == "gitlab":
        yield "put a project access token into the CI/CD variable SHJOBS_COMMENT_TOKEN, for the comment"
    if _is_below_repository(directory):
        place = "GitHub reads workflows" if ci == "github" else f"GitLab reads {workflow}"
        yield f"{place} at the top of the repository only: move {directory / Path(workflow).parts[0]} there"


def _is_below_repository(directory: Path) -> bool:
    """Whether it is a folder of a repository, and not its top."""
    from controller.tree.git.info import git_directory

    git = git_directory(directory)
    return git is not None and git.parent != directory.resolve() and git.name == ".git"


def _lines_of(path: Path) -> Iterable[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return ()


def _next(directory: Path, deployment: str, *, held: bool) -> Iterator[str]:
    yield "next:"
    if directory.resolve() != Path.cwd():
        yield f"  cd {directory}"
    yield "  shjobs check"
    if deployment == "sandbox":
        yield "  shjobs sandbox   # in a second terminal; run the exports it prints in this one"
    else:
        yield "  shjobs doctor    # shows what is still missing: the OAuth client, the keys of the bucket"
    yield "  shjobs plan"
    if held:
        yield f"  # the example is held: remove `hold: true` from {EXAMPLE} to release it"
    yield "  shjobs sync"
    yield "  shjobs fetch example --preview"
