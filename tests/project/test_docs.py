"""The docs say what the program does: nothing is missing, nothing is invented, and the README's session replays."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from controller.analysis.ignores import TREE, manifest_comments
from controller.cli import COMMANDS, cli
from controller.daemon.metrics import CONDITIONS
from controller.manifest.model import Manifest, child_models, known_keys
from controller.manifest.model import StrictModel as WrittenManifest
from controller.model.errors import SILENCING, WARNINGS
from controller.model.reasons import Phase, Reason
from controller.operations.plan.actions import BY_PHASE, GOING_ON, Action
from controller.sandbox.faults.faults import KINDS, Fault
from controller.settings.environment import COMMENT_TOKEN, OPERATOR, variable_of
from controller.settings.file import Policy, Written, WrittenCredential
from controller.settings.git import GIT_SECRETS, WrittenGit
from controller.settings.settings import settings_from
from controller.settings.sinks import SINK_SECRETS, WrittenSink
from tests.support.command import shjobs
from tests.support.paths import ROOT
from tests.support.sessions import comparable, replayed, steps

README = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = sorted(path.parent.name for path in (ROOT / "controller").glob("*/__init__.py"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row whose first cell is code, without the backticks."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    return text.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with the files that the README shows, and its script."""
    [manifest] = blocks(README, "yaml")
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "ndvi.yaml").write_text(manifest, encoding="utf-8")
    shutil.copy(ROOT / "jobs.d" / "ndvi.js", tmp_path / "jobs.d")
    (tmp_path / "shjobs.toml").write_text(blocks(README, "toml")[0], encoding="utf-8")
    return tmp_path


def test_the_session_of_the_readme_replays(folder: Path) -> None:
    """Typed as shown; only waiting times and what `comparable` leaves out differ."""
    typed = steps(README)
    for shown, real in zip(typed, replayed(typed, folder), strict=True):
        assert (shown.typed, comparable(real.answer)) == (shown.typed, comparable(shown.answer))


def test_the_lines_before_the_session_make_the_folder_that_it_runs_in(folder: Path) -> None:
    """Of the lines that install and show something, all others are typed, in a checkout beside the folder."""
    checkout = folder / "shjobs"
    shutil.copytree(ROOT / "jobs.d", checkout / "jobs.d", ignore=shutil.ignore_patterns("*.status.yaml"))
    shutil.copy(ROOT / "shjobs.toml", checkout)
    clone, install, demo, *typed = blocks(README, "sh")[0].splitlines()
    assert [line.partition(" ")[0] for line in (clone, install, demo)] == ["git", "make", "shjobs"]
    subprocess.run(["bash", "-e", "-c", "\n".join([*typed, "test $PWD -ef ../first"])], cwd=checkout, check=True)
    assert blocks(page("first-hour"), "sh") == ["\n".join([clone, install, demo, ""])]
    for path in ("shjobs.toml", "jobs.d/ndvi.yaml", "jobs.d/ndvi.js"):
        made, shown = (place / path for place in (folder / "first", folder))
        read = tomllib.loads if path.endswith("toml") else str
        assert read(made.read_text(encoding="utf-8")) == read(shown.read_text(encoding="utf-8"))
    assert len(list((folder / "first").rglob("*.*"))) == 4, "jobs.d is counted, nothing else is"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        pytest.param("install", r"distributions of requirements.lock.*minutes", id="what the installation does"),
        pytest.param("test", r"every test.*minutes", id="how long the tests take"),
    ],
)
def test_make_says_before_it_makes_somebody_wait(tmp_path: Path, target: str, words: str) -> None:
    """`make -n` shows what would be said and done; in a copy without `.venv`, so that nothing is up to date."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.search(rf"^echo .*{words}", done.stdout, re.MULTILINE), done.stdout


def test_the_settings_of_the_session_are_those_of_the_repository() -> None:
    shown = tomllib.loads(blocks(README, "toml")[0])
    assert shown == tomllib.loads((ROOT / "shjobs.toml").read_text(encoding="utf-8"))


def test_the_manifest_of_the_session_is_the_documented_job() -> None:
    assert blocks(README, "yaml") == [(ROOT / "jobs.d" / "ndvi.yaml").read_text(encoding="utf-8")]


def test_the_demo_that_is_shown_is_of_todays_jobs(tmp_path: Path) -> None:
    """Every raster shown is below the delivery prefix that `plan` gives its job today."""
    shutil.copytree(ROOT / "jobs.d", tmp_path / "jobs.d", ignore=shutil.ignore_patterns("*.status.yaml"))
    (tmp_path / "shjobs.toml").write_text(blocks(README, "toml")[0], encoding="utf-8")
    (tmp_path / "state" / "sandbox" / "my-bucket").mkdir(parents=True)
    jobs = json.loads(shjobs("plan", "-o", "json", cwd=tmp_path).stdout)["jobs"]
    planned = {job["name"]: job["prefix"] for job in jobs}
    [shown] = [step.answer for step in steps(page("sandbox")) if step.typed == "make demo"]
    prefixes = dict(re.findall(r"^(\S+): (s3://.*)/[^/]+/[^/]+$", shown, re.MULTILINE))
    assert prefixes == planned
    assert set(re.findall(r"^(\S+) +Succeeded ", shown, re.MULTILINE)) == planned.keys()


def options() -> list[tuple[str, str]]:
    """Every command and option that `--help` shows."""
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in COMMANDS}
    found = [("", option) for parameter in cli.params for option in parameter.opts if option.startswith("-")]
    for name, command in commands.items():
        assert command is not None
        below = command.commands.values() if isinstance(command, click.Group) else ()
        for parameter in (*command.params, *(each for inner in below for each in inner.params)):
            is_shown = not getattr(parameter, "hidden", False)
            found += [(name, option) for option in parameter.opts if is_shown and option.startswith("-")]
    return found


def test_the_page_of_commands_lists_each_in_the_order_of_the_help() -> None:
    table = section(page("commands"), "## Every command")
    assert [cells[0].split()[0].strip("`") for cells in rows(table)] == list(COMMANDS)


@pytest.mark.parametrize(("command", "option"), options())
def test_every_option_is_explained(command: str, option: str) -> None:
    if command == "sandbox":
        assert option in [cells[0] for cells in rows(section(page("sandbox"), "## Options"))]
        return
    text = page("commands")
    explained = [line for line in text.splitlines() if line.startswith(f"| `{command}")] if command else [text]
    assert re.search(rf"{option}\b", "".join(explained))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_option_is_invented(path: Path) -> None:
    others = r"^(docker run|kubectl) (.*\\\n)*.*"  # which have options of their own
    text = re.sub(others, "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = set(re.findall(r"`(--[a-z][a-z-]*)`", text)) | set(re.findall(r"shjobs[^`\n]* (--[a-z][a-z-]*)", text))
    assert named <= {option for _, option in options()} | {"--help"}


def written_default(field: FieldInfo) -> str:
    """A default as the tables write it."""
    if field.is_required():
        return "required"
    default = field.default
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, int | float) else default if isinstance(default, str) else ""


def test_every_setting_has_its_row_with_variable_and_default() -> None:
    expected = {
        to_camel(name): (variable_of(to_camel(name)), written_default(field))
        for name, field in Written.model_fields.items()
    }
    expected["credentials"] = ("see below", "")
    expected["git"] = expected["notify"] = ("see below", "")
    table = rows(section(page("settings"), "## Every setting"))
    assert {cells[0]: (cells[1], cells[2]) for cells in table} == expected


def test_every_setting_of_a_credential_has_its_row() -> None:
    expected = {to_camel(name): written_default(field) for name, field in WrittenCredential.model_fields.items()}
    assert {cells[0]: cells[1] for cells in rows(section(page("settings"), "## Credentials"))} == expected


@pytest.mark.parametrize(
    ("name", "model"),
    [pytest.param("git", WrittenGit, id="git"), pytest.param("notifications", WrittenSink, id="sink")],
)
def test_every_setting_of_a_table_with_its_own_page_has_its_row(name: str, model: type[BaseModel]) -> None:
    expected = {
        to_camel(key): "required" if field.is_required() else written_default(field)
        for key, field in model.model_fields.items()
    }
    assert {cells[0]: cells[1] for cells in rows(section(page(name), "## Settings"))} == expected


def code_of(*rooms: str) -> str:
    files = [path for room in rooms for path in (ROOT / "controller" / room).rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_setting_is_acted_on() -> None:
    """Code outside the settings reads each of those that do not take effect while they are read."""
    acted_on = {*Policy.model_fields, "unconfirmed_grace", "delivery_grace", "settle", "scan_every"}
    readers = {"settings", "model"}
    code = code_of(*(room for room in ROOMS if room not in {*readers, "sandbox"}))
    assert {name for name in acted_on if not re.search(rf"\.{name}\b", code)} == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_settings_file_that_is_shown_can_be_used(path: Path) -> None:
    def no_file(path: Path) -> str:
        raise FileNotFoundError(path)

    for text in blocks(path.read_text(encoding="utf-8"), "toml"):
        settings_from(text, source=path.name, environment={}, base=Path(), read=no_file)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_variable_is_invented(path: Path) -> None:
    known = {variable_of(to_camel(name)) for name in Written.model_fields} | {
        "SHJOBS_CLIENT_SECRET",
        "SHJOBS_PAGE_TOKEN",
        OPERATOR,
        COMMENT_TOKEN,
    }
    known |= {variable_of(f"credentials.my-bucket.{key}") for key in ("accessKey", "secretAccessKey")}
    known |= {variable_of(f"git.{key}") for key in GIT_SECRETS}
    known |= {variable_of(f"notify.team.{key}") for key in SINK_SECRETS}
    assert set(re.findall(r"SHJOBS_[A-Z_]+", path.read_text(encoding="utf-8"))) <= known


def test_every_phase_and_every_reason_is_explained_where_it_belongs() -> None:
    expected: dict[str, set[str]] = {phase: {item for item in Reason if item.phase is phase} for phase in Phase}
    parts = re.split(r"^## ", page("reasons"), flags=re.MULTILINE)[1:]
    assert {part.split("\n")[0]: set(re.findall(r"^### (\w+)$", part, re.MULTILINE)) for part in parts} == expected


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_to_do(reason: Reason) -> None:
    phase = page("reasons").split(f"\n## {reason.phase}\n", 1)[1]
    assert "**Do**: " in section(phase, f"### {reason}")


def test_every_phase_has_its_row_in_order_with_its_reasons_and_the_words_of_plan() -> None:
    lines = page("reasons").partition("\n## ")[0].splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if re.match(r"\| \w+ \|.*\]\(#", line)]
    assert [cells[0] for cells in table] == list(Phase)
    said = {cells[0]: re.findall(r"`(\w+)`", cells[2]) for cells in table}
    assert {action for actions in said.values() for action in actions} == set(Action)
    for phase, _, _, reasons in table:
        known = BY_PHASE.get(Phase(phase)) or GOING_ON.get(Phase(phase), Action.UNCHANGED)
        assert known in said[phase]
        assert re.findall(r"\[(\w+)\]", reasons) == [item for item in Reason if item.phase == phase]


def test_words_that_look_alike_are_words_that_there_are() -> None:
    section_of_words = page("reasons").partition("| words | the difference |")[2].partition("\n\n")[0]
    named = {word for line in section_of_words.splitlines() for word in re.findall(r"\b[A-Z]\w+", line.split(" | ")[0])}
    assert named and named <= {*Phase, *Reason}


def models(model: type[WrittenManifest], path: str = "") -> Iterator[tuple[str, type[WrittenManifest]]]:
    """Every mapping of a manifest by its path; `[]` marks the items of a list."""
    yield path, model
    for (key, child), field in zip(child_models(model).items(), model.model_fields.values(), strict=True):
        if child is not None:
            mark = "[]" if "tuple[" in str(field.annotation) else ""
            yield from models(child, f"{path}.{key}{mark}".lstrip("."))


@pytest.mark.parametrize(("path", "model"), list(models(Manifest)))
def test_every_field_of_the_manifest_has_its_row(path: str, model: type[WrittenManifest]) -> None:
    table = rows(section(page("manifest"), f"## `{path}`" if path else "## The document"))
    required = [field.is_required() for field in model.model_fields.values()]
    assert [(cells[0], cells[1].startswith("**Required.** ")) for cells in table] == list(
        zip(known_keys(model), required, strict=True)
    )


def test_the_manifest_that_is_shown_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "ndvi.yaml").write_text(blocks(page("manifest"), "yaml")[0], encoding="utf-8")
    (tmp_path / "shjobs.toml").write_text(blocks(README, "toml")[0], encoding="utf-8")
    assert shjobs("check", cwd=tmp_path).stdout == "1 file, 1 job accepted, 0 errors, 0 warnings\n"


def codes_of(text: str) -> list[str]:
    """The codes of the tables of a page, in their order."""
    return [cells[0] for cells in rows(text) if re.fullmatch(r"[EW]\d{3}", cells[0])]


def test_every_code_is_explained_once_and_none_is_invented() -> None:
    code = code_of(*(room for room in ROOMS if room != "sandbox"))
    code = re.sub(r"frozenset\(.*?\)\n", "", code, flags=re.DOTALL)  # the lists of those that can be silenced
    explained = codes_of(page("checks"))
    assert sorted(explained) == sorted(set(re.findall(r'"([EW]\d{3})"', code)))


def test_the_warnings_that_can_be_silenced_are_those_of_the_page() -> None:
    listed = {code for code in codes_of(page("checks")) if code.startswith("W")}
    assert listed == WARNINGS | SILENCING | TREE


def test_the_silencing_comments_that_are_shown_are_understood() -> None:
    shown = "\n".join(line.replace("//", "#") for text in ("yaml", "js") for line in blocks(page("checks"), text))
    found = manifest_comments(shown, "shown.yaml")
    assert ([each.code for each in found.ignores], found.errors) == (["W012", "W005", "W019"], ())


def test_the_check_that_is_shown_is_what_check_says(tmp_path: Path) -> None:
    [shown] = blocks(page("checks"), "console")
    (tmp_path / "jobs.d").mkdir()
    manifest = blocks(page("manifest"), "yaml")[0].replace("sentinel-2-l2a", "sentinel-2-l2b")
    (tmp_path / "jobs.d" / "ndvi.yaml").write_text(manifest, encoding="utf-8")
    (tmp_path / "shjobs.toml").write_text(blocks(README, "toml")[0], encoding="utf-8")
    done = shjobs("check", "--no-cache", cwd=tmp_path)
    assert f"$ shjobs check\n{done.stdout}{done.stderr}" == shown


def commands_in(text: str) -> list[list[str]]:
    """Every call of shjobs in a text, up to what the shell does with its output."""
    return [shlex.split(call) for call in re.findall(r"^(?:run: )?\s*(shjobs [^|>&#\n`]+)", text, re.MULTILINE)]


def test_the_workflow_that_is_shown_is_the_one_to_copy_and_its_commands_exist() -> None:
    text = (ROOT / "docs" / "workflow.yaml").read_text(encoding="utf-8")
    assert blocks(page("ci"), "yaml")[0] == text
    workflow = yaml.safe_load(text)
    assert set(workflow) == {"name", True, "permissions", "concurrency", "jobs"}  # `on` is true to YAML 1.1
    steps = workflow["jobs"]["check-and-plan"]["steps"]
    calls = [call for step in steps for call in commands_in(step.get("run", ""))]
    assert [call[:2] for call in calls] == [["shjobs", "check"], ["shjobs", "plan"]]
    known = {(name, option) for name, option in options()}
    for call in calls:
        assert {option for option in call if option.startswith("-")} <= {
            option for name, option in known if name == call[1]
        }
    used = {name for step in steps for name in re.findall(r"\$\{?([A-Z_]+)\b", step.get("run", ""))}
    assert used <= {"GITHUB_STEP_SUMMARY", *(name for step in steps for name in step.get("env", {}))}


def test_the_pipeline_of_gitlab_that_is_shown_is_the_one_to_copy_and_its_commands_exist() -> None:
    text = (ROOT / "docs" / "gitlab-ci.yaml").read_text(encoding="utf-8")
    assert text in blocks(page("ci"), "yaml")
    calls = [call for step in yaml.safe_load(text)["shjobs"]["script"] for call in commands_in(step)]
    assert [call[:2] for call in calls] == [["shjobs", "check"], ["shjobs", "plan"]]
    known = options()
    assert {(call[1], option) for call in calls for option in call if option.startswith("-")} <= set(known)


def test_the_workflow_hands_no_expression_to_the_shell() -> None:
    """Names chosen in a pull request, such as that of its branch, must never become a command."""
    workflow = yaml.safe_load((ROOT / "docs" / "workflow.yaml").read_text(encoding="utf-8"))
    assert not [step for step in workflow["jobs"]["check-and-plan"]["steps"] if "${{" in step.get("run", "")]


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        pytest.param("jobs.d/ndvi.yaml", True, id="a manifest"),
        pytest.param("jobs.d/sub/ndvi.yml", True, id="in a folder"),
        pytest.param("jobs.d/ndvi.json", True, id="in JSON"),
        pytest.param("jobs.d/ndvi.js", True, id="an evalscript"),
        pytest.param("jobs.d/ndvi.status.yaml", False, id="a status file"),
        pytest.param("jobs.d/README.md", False, id="a page"),
        pytest.param(".github/workflows/shjobs.yaml", False, id="no manifest"),
    ],
)
def test_the_hook_gets_manifests_and_scripts(path: str, checked: bool) -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    wanted = bool(re.search(hook["files"], path)) and not re.search(hook["exclude"], path)
    assert wanted is checked


def test_the_hook_can_be_installed_and_its_command_exists() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, command = hook["entry"].split()
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("shjobs-check", "python", True)
    assert program in scripts
    assert command in COMMANDS
    [shown] = [block for block in blocks(page("ci"), "yaml") if block.startswith("repos:")]
    assert yaml.safe_load(shown)["repos"][0]["hooks"] == [{"id": hook["id"]}]


def test_every_room_has_its_row_and_no_row_names_a_room_that_is_not_there() -> None:
    table = section(page("architecture"), "## Rooms")
    assert sorted(cells[0] for cells in rows(table)) == ROOMS


def test_every_arrow_of_the_picture_is_an_import() -> None:
    [picture] = blocks(page("architecture"), "mermaid")
    sides = [line.split(" --> ") for line in picture.splitlines() if " --> " in line]
    drawn = [
        (above.strip(), below.strip())
        for left, right in sides
        for above in left.split("&")
        for below in right.split("&")
    ]
    arrows = set(drawn)
    assert len(drawn) == len(arrows), "an arrow is drawn once"
    code = {room: code_of(room) for room in ROOMS}
    assert {room for arrow in arrows for room in arrow} == set(ROOMS)
    assert {(above, below) for above, below in arrows if f"from controller.{below}" not in code[above]} == set()


def test_every_fault_has_its_row() -> None:
    expected = {
        kind.name: (str(kind.moment), ", ".join(f"`{name}` {value:g}" for name, value in kind.parameters.items()))
        for kind in KINDS.values()
    }
    lines = section(page("sandbox"), "## Faults").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert {cell[0].strip("`"): (cell[1], cell[2]) for cell in cells} == expected


def test_every_fault_that_is_shown_can_be_switched_on() -> None:
    shown: list[Any] = [json.loads(body) for body in re.findall(r"--json '(.*?)'", page("sandbox"))]
    assert [Fault.from_document(document).name for document in shown]


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_has_a_target(path: Path) -> None:
    for words, target in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.is_relative_to(ROOT), target
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target
        if words.startswith("`test_"):
            assert f"def {words.strip('`')}(" in linked.read_text(encoding="utf-8"), words


def test_every_condition_and_every_metric_is_explained_and_none_is_invented() -> None:
    text = page("daemon")
    explained = [cells[0] for cells in rows(text) if cells[0] and cells[0][0].isupper() and cells[0].isalpha()]
    assert explained == list(CONDITIONS)
    code = (ROOT / "controller" / "daemon" / "metrics.py").read_text(encoding="utf-8")
    made = {*re.findall(r'_(?:plain|labelled)\("(\w+)"', code), *re.findall(r'"shjobs_(\w+)"', code)}
    named = {name for name in made if re.search(rf"`(shjobs)?_?{name}[`{{,]|`_{name.rpartition('_')[2]}`", text)}
    assert named == made
    assert set(re.findall(r"`shjobs_(\w+)", text)) <= made


def test_every_alert_watches_a_metric_that_there_is() -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"shjobs_(\w+)", rule["expr"])}
    code = (ROOT / "controller" / "daemon" / "metrics.py").read_text(encoding="utf-8")
    assert named <= set(re.findall(r'_(?:plain|labelled)\("(\w+)"', code))
    watched = {word for rule in rules for word in re.findall(r'condition="(\w+)"', rule["expr"])}
    assert watched <= set(CONDITIONS)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("may \\*\\*spend what the budgets allow\\*\\*, and nothing else", id="who may push"),
        pytest.param("`shjobs plan --against` need no key", id="what a pull request may do"),
        pytest.param("The port has no login, takes no command", id="what the port shows"),
        pytest.param("\\*\\*Not protected from:\\*\\*.*`shjobs.toml`", id="what is not protected"),
        pytest.param("private security advisory", id="how to report"),
    ],
)
def test_the_security_page_says(words: str) -> None:
    assert re.search(words, (ROOT / "SECURITY.md").read_text(encoding="utf-8"))


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    assert len(README.splitlines()) < 150
    assert "](SECURITY.md)" in README
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\(([^)#]+)", README))
