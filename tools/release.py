"""Release the version that `controller/__init__.py` names: check, test, build into dist/, tag (`make release`).

What a person does before: name the version there, give its part of CHANGELOG.md the same name, and commit. What a
person does after: push the tag. Nothing leaves this machine here.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSION = re.compile(r'^__version__ = "(?P<version>[^"]+)"$', re.MULTILINE)
PART = re.compile(r"^## \[?(?P<name>[^\]\n]+)\]?.*\n(?P<text>(?:(?!## ).*\n?)*)", re.MULTILINE)
TEST = ("make", "test")
BUILD = (sys.executable, "-m", "hatchling", "build")


def version_of(root: Path) -> str:
    """The version that the program calls itself."""
    found = VERSION.search((root / "controller" / "__init__.py").read_text(encoding="utf-8"))
    return found["version"] if found else ""


def changes(root: Path) -> dict[str, str]:
    """What CHANGELOG.md says of each version, newest first."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return {part["name"].strip(): part["text"].strip() for part in PART.finditer(text)}


def obstacles(root: Path) -> Iterator[str]:
    """Everything that stands in the way of a release, with what to do."""
    version, reported = version_of(root), changes(root)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"the version {version!r} is not three numbers: mend controller/__init__.py"
    if reported.get("Unreleased"):
        yield f"CHANGELOG.md has unreleased entries: name their part {version}, if that is what is released"
    if not reported.get(version):
        yield f"CHANGELOG.md says nothing of {version}: add a part of that name"
    if branch := _git(root, "branch", "--show-current"):
        if branch != "main":
            yield f"this is the branch {branch}: releases are made on main"
    else:
        yield "this is no branch: releases are made on main"
    if _git(root, "status", "--porcelain"):
        yield "there are changes that are not committed: commit or remove them"
    if _git(root, "tag", "--list", f"v{version}"):
        yield f"there is a tag v{version} already: raise the version"


def release(root: Path, test: Sequence[str] = TEST, build: Sequence[str] = BUILD) -> int:
    """Check, test, build and tag; answers an exit code, and says why nothing was tagged."""
    found = list(obstacles(root))
    for obstacle in found:
        print(obstacle, file=sys.stderr)
    if found:
        return 1
    for command in (test, build):
        if subprocess.run(command, cwd=root, check=False).returncode:
            print(f"nothing is tagged: {' '.join(command)} failed", file=sys.stderr)
            return 1
    version = version_of(root)
    message = f"shjobs {version}\n\n{changes(root)[version]}"
    # Else git takes the headings of the changelog for comments.
    _git(root, "tag", "--annotate", "--cleanup=verbatim", f"v{version}", "--message", message)
    print(f"tagged v{version}, built {root / 'dist'}; next: git push origin main v{version}")
    return 0


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(release(ROOT))
