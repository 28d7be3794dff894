"""The rules that keep the rooms small, which no linter knows: `make lint` runs this (docs/architecture.md)."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

MODULES = 14  # in one folder
LINES = 350  # of one module
COMMANDS = "cli"  # one module each, as many as there are commands
COMMON = {"main"}  # every program's entry


def broken_rules(package: Path) -> Iterator[str]:
    """What breaks a rule in the package at this path, one sentence each."""
    modules = sorted(package.rglob("*.py"))
    yield from _full_folders(package, modules)
    yield from _long_modules(package, modules)
    yield from _homeless_modules(package)
    yield from _second_homes(package, modules)


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


def _second_homes(package: Path, modules: Iterable[Path]) -> Iterator[str]:
    homes = defaultdict[str, list[str]](list)
    for module in modules:
        for name in _public_names(module):
            homes[name].append(str(module.relative_to(package.parent)))
    for name, places in sorted(homes.items()):
        if len(places) > 1:
            yield f"{name} is defined in {' and in '.join(places)}: one name, one meaning"


def _public_names(module: Path) -> Iterator[str]:
    """Classes and functions of a module that others may import; every command of `cli` is called `command`."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        if node.name not in COMMON and (node.name != "command" or module.parent.name != COMMANDS):
            yield node.name


def main() -> None:
    if broken := list(broken_rules(Path(__file__).parent.parent / "controller")):
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
