"""The five floors: imports go down one staircase, and within a floor they form no circle (DESIGN §7)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "controller"

NOUNS = "nouns"
DECISIONS = "decisions"
WIRE = "wire"
EDGES = "edges"
DOORS = "doors"
ROOMS = {
    NOUNS: """
        answers catalog clock codes deployments digest document environment errors files hosts job keys manifest
        origins prices schema script settings skew source standing step submission timing values written
    """,
    DECISIONS: """
        acceptance agreement alike area availability bands claim conditions cost datasets delivery difference
        evidence expressions faults forecast gate geometry ground guard history idioms inbox layout linebreaks
        lint magic mishaps next_step ownership pasted phase places policy probe rate request responses rules
        signs silencing size skeleton spending staging status stillness terms transitions verdict vitals why
    """,
    WIRE: """
        wire
    """,
    EDGES: """
        brakes bucket checkcache claimer connections evalscript git identity loader lock mounts newfile partfile
        service session settingsfile slowscripts statusfile store thumbnail watcher
    """,
    DOORS: """
        __main__ accounts admission agenda appraise asking assembly baseline book change checking cli daemon
        diagnosis errands examination examining explaining fetching foresight health intake lane line logs
        lookout loop metrics noticeboard pace planning probing reading recording remote sandbox submitting
        telling timekeeper tree turning undecided unrecorded waiting web workers
    """,
}
FLOORS = {floor: rooms.split() for floor, rooms in ROOMS.items()}
HEIGHT = {name: height for height, names in enumerate(FLOORS.values()) for name in names}
PURE = {"os", "io", "sqlite3", "socket", "time", "requests", "obstore", "sqlite_utils", "subprocess", "threading"}


def modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


def room(path: Path) -> str:
    """The module or package directly below `controller` that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Every imported module by its full name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "controller":
            yield from (f"controller.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def neighbours(path: Path) -> set[str]:
    """The other rooms that a file imports."""
    names = {name.split(".")[1] for name in imported(path) if name.startswith("controller.")}
    return {name for name in names if name in HEIGHT and name != room(path)}


def test_every_module_stands_on_a_floor() -> None:
    assert {room(path) for path in modules()} == set(HEIGHT)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_never_go_up(path: Path) -> None:
    assert not {name for name in neighbours(path) if HEIGHT[name] > HEIGHT[room(path)]}


@pytest.mark.parametrize("edge", FLOORS[EDGES])
def test_edges_are_strangers_to_each_other(edge: str) -> None:
    files = [path for path in modules() if room(path) == edge]
    assert not {name for path in files for name in neighbours(path)} & set(FLOORS[EDGES])


@pytest.mark.parametrize("floor", FLOORS)
def test_no_floor_has_a_circle(floor: str) -> None:
    graph = {name: set[str]() for name in FLOORS[floor]}
    for path in modules():
        if room(path) in graph:
            graph[room(path)] |= neighbours(path) & graph.keys()
    while free := {name for name, needs in graph.items() if not needs}:
        graph = {name: needs - free for name, needs in graph.items() if name not in free}
    assert graph == {}


@pytest.mark.parametrize("name", FLOORS[DECISIONS])
def test_decisions_have_no_clock_file_socket_or_database(name: str) -> None:
    path = ROOT / f"{name}.py"
    assert not {module.split(".")[0] for module in imported(path)} & PURE


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_sandbox_and_its_commands_know_the_sandbox(path: Path) -> None:
    knows = any(name.startswith("controller.sandbox") for name in imported(path))
    assert not knows or room(path) == "sandbox" or path.stem in {"sandbox", "demo", "preview"}


@pytest.mark.parametrize("path", [path for path in modules() if room(path) == "sandbox"], ids=lambda path: path.stem)
def test_the_sandbox_shares_only_data_errors_the_engine_and_what_guards_a_port_with_the_controller(path: Path) -> None:
    assert neighbours(path) <= {"connections", "errors", "evalscript", "hosts", "script"}
