"""The rules that keep the rooms small, which no linter knows: `make lint` runs this (docs/architecture.md)."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

MODULES = 14  # in one folder
LINES = 350  # of one module
COMMANDS = "cli"  # one module each, as many as there are commands


def broken_rules(package: Path) -> Iterator[str]:
    """What breaks a rule in the package at this path, one sentence each."""
    modules = sorted(package.rglob("*.py"))
    yield from _full_folders(package, modules)
    yield from _long_modules(package, modules)
    yield from _homeless_modules(package)


def _full_folders(package: Path, modules: Iterable[Path]) -> Iterator[str]:
    folders = defaultdict[Path, list[str]](list)
    for module in modules:
        if module.name != "__init__.py":
            folders[module.parent].append(module.stem)
    for folder, names in folders.items():
        if len(names) > MODULES and folder != package / COMMANDS:
            yield f"{folder.relative_to(package.parent)} has {len(names)} modules: at most {MODULES}, split it"


def _long_modules(package: Path, modules: Iterable[Path]) -> Iterator[str]:
    for module in modules:
        lines = module.read_text(encoding="utf-8").count("\n")
        if lines > LINES:
            yield f"{module.relative_to(package.parent)} has {lines} lines: at most {LINES}, split it"


def _homeless_modules(package: Path) -> Iterator[str]:
    for module in package.glob("*.py"):
        if module.name not in ("__init__.py", "__main__.py"):
            yield f"{module.relative_to(package.parent)} stands outside the rooms: move it into one"


def main() -> None:
    if broken := list(broken_rules(Path(__file__).parent.parent / "controller")):
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
