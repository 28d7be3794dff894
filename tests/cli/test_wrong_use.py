"""What people do wrong, over all commands: every row ends in a sentence that says what to do, none in a traceback."""

import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from controller.ledger.lock import submitter_lock
from tests.conftest import ACCESS_KEY, CLIENT_SECRET, SECRET_KEY, Workspace, ndvi
from tests.operations.test_import_request import documented
from tests.operations.test_plan_revision import git
from tests.support.command import Done, shjobs
from tests.support.makers import (
    FOREIGN,
    NEWER,
    Make,
    both,
    empty,
    folder,
    ledger,
    more,
    no_bucket,
    no_tree,
    nothing,
    settings,
    synced,
    variables,
    written,
)
from tests.support.rights import bound, mounted
from tests.support.sets import FARM

pytestmark = pytest.mark.slow


def repository(workspace: Workspace) -> None:
    """A git repository without a commit."""
    git(workspace.root, "init", "--quiet")


DAMAGED = b"SQLite format 3\0" + b"\xff" * 9000
OTHER = "update meta set value = 'cdse' where key = 'deployment'"
NOWHERE = {"SHJOBS_BASE_URL": "http://127.0.0.1:1", "SHJOBS_TOKEN_URL": "http://127.0.0.1:1/oauth/token"}
AWAY = settings('deployment = "cdse"\nbaseUrl = "https://nowhere.invalid"\ntokenUrl = "https://nowhere.invalid/t"')
UNKNOWN_HOST = {
    **dict.fromkeys(("SHJOBS_BASE_URL", "SHJOBS_TOKEN_URL"), ""),
    **{f"SHJOBS_CREDENTIALS_MY_BUCKET_{key}ACCESS_KEY": "" for key in ("", "SECRET_")},
    "NO_PROXY": "*",
}
HOOK = 'notify.team = {type = "webhook", url = "http://127.0.0.1:1/hook"}'
ALIASES = "a: &a [x, x]\nb: &b [*a, *a]\n"

# (what a person sets up, what they type, the exit code, words of the answer)
ROWS: dict[str, tuple[Make, list[str], int, str]] = {
    # the command line itself
    "no command": (nothing, [], 2, "Usage: shjobs"),
    "a command that is none": (nothing, ["chekc"], 2, "No such command 'chekc'"),
    "an option that is none": (nothing, ["check", "--strikt"], 2, "No such option '--strikt'"),
    "an option without its value": (nothing, ["plan", "--against"], 2, "Option '--against' requires an argument"),
    "a form that is none": (nothing, ["get", "-o", "xml"], 2, "'xml' is not one of 'table'"),
    "an argument too many": (nothing, ["schema", "more"], 2, "Got unexpected extra argument (more)"),
    "--config behind the command": (nothing, ["get", "--config", "x"], 2, "File 'x' does not exist"),
    "a settings file that is not there": (
        nothing, ["--config", "x.toml", "get"], 2, "File 'x.toml' does not exist",
    ),
    "a folder for a settings file": (nothing, ["--config", ".", "get"], 2, "is a directory"),
    # settings
    "settings that are not TOML": (settings("deployment: sandbox"), ["get"], 2, "shjobs.toml: is not TOML"),
    "settings that are not UTF-8": (settings(b"# caf\xe9"), ["get"], 2, "shjobs.toml: is not UTF-8 text"),
    "a folder of that name": (folder("other.toml"), ["--config", "other.toml", "plan"], 2, "directory"),
    "a misspelt setting": (more("maxRuning = 3"), ["sync"], 2, "did you mean maxRunning?"),
    "a number in quotes": (more('workers = "4"'), ["sync"], 2, "must be a whole number, without quotes"),
    "a duration without a unit": (more('settle = "5"'), ["run"], 2, "must be a number with a unit"),
    "a misspelt variable": (variables(SHJOBS_MONTHLY_BUGDET="9"), ["budget"], 2, "did you mean SHJOBS_MONTHLY_BUDGET?"),
    "a secret in the settings": (more('clientSecret = "CANARY"'), ["sync"], 2, "no secret belongs in this file"),
    "a folder for a secret file": (
        both(more('clientSecretFile = "jobs.d"'), variables(SHJOBS_CLIENT_SECRET="")), ["sync"], 2, "Is a directory",
    ),
    "a secret of two lines": (variables(SHJOBS_CLIENT_SECRET="CANARY\nCANARY"), ["sync"], 2, "one line of plain text"),
    "plain http to elsewhere": (variables(SHJOBS_BASE_URL="http://example.com"), ["sync"], 2, "write https://"),
    "no OAuth client": (variables(SHJOBS_CLIENT_ID=""), ["sync"], 2, "no OAuth client: set SHJOBS_CLIENT_ID and"),
    "no OAuth client for the daemon": (
        variables(SHJOBS_CLIENT_SECRET=""), ["run", "--no-listen"], 2, "no OAuth client",
    ),
    "a credential for another bucket": (
        written("jobs.d/ndvi.yaml", ndvi().replace("s3://my-bucket", "s3://your-bucket")), ["plan"], 1,
        "may only be used below s3://my-bucket",
    ),
    # the account and the network
    "a wrong client secret": (variables(SHJOBS_CLIENT_SECRET="wrong"), ["sync"], 1, "check SHJOBS_CLIENT_ID and"),
    "nobody at the service": (variables(**NOWHERE), ["sync"], 1, "nothing listens there"),
    "nobody at the service, diagnosed": (variables(**NOWHERE), ["doctor"], 1, "make sure the service can be reached"),
    "no network": (both(AWAY, variables(**UNKNOWN_HOST)), ["doctor"], 1, "the name of the host is not known"),
    "a token address that is none": (
        lambda workspace: {"SHJOBS_TOKEN_URL": f"{workspace.sandbox.base_url}/nowhere"}, ["doctor"], 1,
        "is tokenUrl right?",
    ),
    "a path that is none": (variables(SHJOBS_API_PATH="/nowhere"), ["sync"], 1, "check baseUrl in the settings, or"),
    "no key pair": (
        variables(SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY=""), ["sync"], 0,
        "set SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY",
    ),
    "a wrong key pair": (
        variables(SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY="wrong"), ["sync"], 1,
        "check that the service may write to it",
    ),
    "no bucket": (no_bucket, ["sync"], 1, "there is no folder"),
    # manifests
    "a set of no set": (nothing, ["expand", "jobs.d/ndvi.yaml"], 2, "declares no set"),
    "a set that says nothing": (
        written("jobs.d/x.yaml", b"apiVersion: shjobs/v1\nkind: AsyncProcessSet\nmetadata: {name: x}\nspec: {}"),
        ["check"], 1, "4:1: E105 spec.axes: is missing",
    ),
    "a preview of a set": (
        written("jobs.d/x.yaml", FARM.encode()), ["preview", "jobs.d/x.yaml"], 1, "ndvi.js does not exist",
    ),
    "a path that is not there": (nothing, ["check", "nowhere"], 2, "does not exist"),
    "an empty folder of manifests": (empty, ["check"], 2, "jobs.d is empty"),
    "no folder of manifests": (no_tree, ["check"], 2, "jobs.d does not exist"),
    "a manifest that is not UTF-8": (written("jobs.d/x.yaml", b"caf\xe9: 1"), ["check"], 1, "is not UTF-8"),
    "a huge manifest": (written("jobs.d/x.yaml", "#" * 1_100_000), ["check"], 1, "is larger than 1000000 bytes"),
    "a manifest that is nested too deeply": (written("jobs.d/x.yaml", "[" * 200), ["check"], 1, "levels deep"),
    "a manifest with aliases": (written("jobs.d/x.yaml", f"kind: AsyncProcess\n{ALIASES}"), ["check"], 1, "anchor"),
    "something else than a manifest": (written("jobs.d/x.yaml", "kind: Deployment"), ["check"], 0, "list it in"),
    "a control character": (written("jobs.d/x.yaml", b"a: \x07"), ["check"], 1, "does not belong into a text file"),
    "JSON that breaks off": (written("jobs.d/x.json", '{"a": '), ["check"], 1, "jobs.d/x.json:1:"),
    "two manifests of one job": (written("jobs.d/x.yaml", ndvi()), ["check"], 1, "ndvi.yaml"),
    "a folder named like a manifest": (folder("jobs.d/x.yaml"), ["check"], 0, "1 job accepted"),
    "a script that is not there": (
        written("jobs.d/x.yaml", ndvi("x").replace("spec:\n", "spec:\n  evalscriptFile: x.js\n")), ["check"], 1,
        "keep one of",
    ),
    # revisions
    "a day that is past": (nothing, ["plan", "--at", "2020-01-01"], 2, "is past; write a later day"),
    "a day that is none": (nothing, ["plan", "--at", "tomorrow"], 2, "is no date; write 2027-01-31"),
    "a day before the calendar": (
        nothing, ["plan", "--at", "0001-01-01T00:00:00+01:00"], 2, "is no date; write 2027-01-31",
    ),
    "the last month of the calendar": (nothing, ["budget", "--month", "9999-12"], 2, "is no month; write it like"),
    "a day with a revision": (nothing, ["plan", "--at", "2020-01-01", "--against", "main"], 2, "use one"),
    "a comment outside of CI": (
        variables(GITHUB_ACTIONS="", GITHUB_REPOSITORY="", GITEA_ACTIONS="", GITLAB_CI="", CI_API_V4_URL=""),
        ["plan", "--comment"], 2, "so there is no pull request; leave it out",
    ),
    "a comment at another host": (nothing, ["plan", "--comment=bitbucket"], 2, "is not one of"),
    "a set that is none": (nothing, ["plan", "set/ndvi"], 2, "no such job: set/ndvi"),
    "a revision outside of git": (nothing, ["plan", "--against", "main"], 2, "is in no git repository"),
    "a revision that is none": (repository, ["plan", "--against", "main"], 2, "names no commit"),
    "a revision without git": (variables(PATH="/nowhere"), ["plan", "--against", "main"], 2, "is not installed here"),
    # the state
    "a file for the state directory": (written("state", ""), ["sync"], 2, "state"),
    "a file for the state directory, paused": (written("state", ""), ["pause"], 2, "cannot be written"),
    "a state directory nobody may make": (variables(SHJOBS_STATE="/proc/shjobs"), ["sync"], 2, "/proc/shjobs"),
    "a folder for the ledger": (folder("state/shjobs.db"), ["sync"], 2, "state/shjobs.db cannot be used"),
    "a damaged ledger": (written("state/shjobs.db", DAMAGED), ["sync"], 2, "move it away together with its -wal"),
    "a damaged ledger, looked at": (written("state/shjobs.db", DAMAGED), ["get"], 2, "move it away"),
    "a damaged ledger, counted": (written("state/shjobs.db", DAMAGED), ["budget"], 2, "move it away"),
    "a damaged ledger, fetched from": (written("state/shjobs.db", DAMAGED), ["fetch", "ndvi"], 2, "move it away"),
    "a damaged ledger, waited for": (written("state/shjobs.db", DAMAGED), ["wait", "ndvi"], 2, "move it away"),
    "a damaged ledger, told something": (
        written("state/shjobs.db", DAMAGED), ["adopt", "--first-run"], 2, "move it away",
    ),
    "no ledger at all, a text": (written("state/shjobs.db", "hello" * 99), ["plan"], 2, "file is not a database"),
    "a newer ledger": (ledger(NEWER), ["sync"], 2, "was written by a newer version"),
    "a newer ledger, looked at": (ledger(NEWER), ["get"], 2, "was written by a newer version"),
    "the ledger of another account": (ledger(FOREIGN), ["sync"], 2, "or another state directory"),
    "the ledger of another deployment": (ledger(OTHER), ["sync"], 2, "or another state directory"),
    "a file for the status folder": (
        variables(SHJOBS_STATUS_DIR="shjobs.toml"), ["sync"], 2, "name another folder with statusDir",
    ),
    "a status folder nobody may make": (variables(SHJOBS_STATUS_DIR="/proc/x"), ["sync"], 2, "with statusDir"),
    "a folder named PAUSE": (folder("state/PAUSE/x"), ["resume"], 2, "cannot be removed"),
    # what people say
    "a job nobody declared": (nothing, ["get", "nobody"], 2, "no such job: nobody; `shjobs get` lists all jobs"),
    "a set nobody declared": (nothing, ["get", "set/nobody"], 2, "no such job: set/nobody"),
    "a phase that is none": (nothing, ["get", "--phase", "Done"], 2, "is not one of"),
    "a description of nobody": (synced, ["describe", "nobody"], 2, "nobody"),
    "a description without a ledger": (nothing, ["describe", "nobody"], 2, "nobody"),
    "a description of no set": (synced, ["describe", "set/nobody"], 2, "no such job: set/nobody"),
    "a reason for no set": (synced, ["why", "set/ndvi"], 2, "no such job: set/ndvi"),
    "a reason for nobody": (synced, ["why", "nobody"], 2, "nobody"),
    "a reason for nothing": (nothing, ["why"], 2, "Missing argument 'NAME'"),
    "less than no events": (nothing, ["events", "-n", "-1"], 2, "is not in the range"),
    "a page at no address": (nothing, ["page", "--listen", "nowhere"], 2, "'nowhere' is no address"),
    "a page into a file": (written("report", "a file"), ["page", "--export", "report"], 2, "is a file"),
    "a page whose token is missing": (
        more('pageTokenFile = "none"'), ["page", "--listen", "127.0.0.1:0"], 2, "named by pageTokenFile is missing",
    ),
    "a page for everyone": (
        nothing, ["page", "--listen", "0.0.0.0:0"], 2, "set `pageTokenFile`, or `page = true` to serve everyone",
    ),
    "a token in the settings": (more('pageToken = "secret"'), ["get"], 2, "no secret belongs in this file"),
    "events of a damaged ledger": (written("state/shjobs.db", DAMAGED), ["events"], 2, "move it away"),
    "a description from one": (written("state/shjobs.db", DAMAGED), ["describe", "ndvi"], 2, "move it away"),
    "a resolution that says nothing": (synced, ["resolve", "ndvi"], 2, "--request-id ID and --not-accepted"),
    "a resolution that says both": (
        synced, ["resolve", "ndvi", "--not-accepted", "--request-id", "x"], 2, "say one of --request-id ID",
    ),
    "a resolution of nothing": (synced, ["resolve", "ndvi", "--not-accepted"], 2, "no unconfirmed submission"),
    "a resolution of nobody": (synced, ["resolve", "nobody", "--not-accepted"], 2, "no such job: nobody"),
    "an adoption of nothing": (nothing, ["adopt"], 2, "say either NAME and REQUEST_ID"),
    "an adoption without an id": (nothing, ["adopt", "ndvi"], 2, "say either NAME and REQUEST_ID"),
    "an adoption of two kinds": (nothing, ["adopt", "ndvi", "x", "--first-run"], 2, "say either NAME and REQUEST_ID"),
    "an acceptance of nothing": (nothing, ["accept"], 2, "Missing argument 'HASH...'"),
    "an acceptance of no hash": (nothing, ["accept", "yes"], 2, "`shjobs budget` shows those that wait"),
    "a retry of nothing": (nothing, ["retry"], 2, "Missing argument 'NAME...'"),
    "a retry of nobody": (synced, ["retry", "nobody", "--yes"], 2, "no such job: nobody"),
    "a retry of no set": (synced, ["retry", "set/nobody", "--yes"], 2, "no such job: set/nobody"),
    "a retry of a success": (synced, ["retry", "ndvi", "--yes"], 2, "only what is Failed is retried"),
    "a wait for more than all": (nothing, ["wait", "ndvi", "--for", "Complete=101%"], 2, "like Complete=95%, at most"),
    "a wait for no share": (nothing, ["wait", "ndvi", "--for", "Complete=some%"], 2, "like Complete=95%, at most"),
    "a wait for no set": (nothing, ["wait", "set/ndvi"], 2, "no such job: set/ndvi"),
    # beginning
    "a repository in a file": (written("file", ""), ["init", "file"], 2, "is a file"),
    "a repository nobody may make": (nothing, ["init", "/proc/shjobs"], 2, "cannot be written"),
    "an import of nothing": (nothing, ["import", "nowhere.py"], 2, "there is no such file"),
    "an import of a folder": (nothing, ["import", "jobs.d"], 2, "is a directory"),
    "an import of prose": (written("x.txt", "Please make a map."), ["import", "x.txt"], 2, "holds no request"),
    "an import of other JSON": (written("x.json", '{"a": 1}'), ["import", "x.json"], 2, "holds no request"),
    "an import to nowhere": (written("x.json", "{}"), ["import", "x.json", "--name", "X"], 2, "lowercase letters"),
    "a preview of nothing": (nothing, ["preview", "nowhere.yaml"], 2, "does not exist"),
    "a preview of no manifest": (written("x.txt", "name: x"), ["preview", "x.txt"], 2, "x.txt is no manifest"),
    "a preview of nobody": (nothing, ["preview", "jobs.d/ndvi.yaml", "--job", "nobody"], 2, "it has ndvi"),
    "a preview nobody may write": (
        nothing, ["preview", "jobs.d/ndvi.yaml", "--output", "/proc/x.png"], 2, "cannot be written",
    ),
    # results
    "a fetch of nothing": (nothing, ["fetch"], 2, "name jobs, or choose them with either -l LABEL or --all"),
    "a fetch of no set": (synced, ["fetch", "set/nobody"], 2, "no such job in the ledger: set/nobody"),
    "a fetch before any sync": (nothing, ["fetch", "ndvi"], 2, "no such job in the ledger: ndvi"),
    "a fetch into a file": (synced, ["fetch", "ndvi", "--output", "shjobs.toml"], 2, "is a file"),
    "a fetch to where nobody may write": (synced, ["fetch", "ndvi", "--output", "/proc/x"], 2, "cannot be written"),
    "a fetch of no submission": (synced, ["fetch", "ndvi", "--submission", "1"], 2, "has no submission 1; known: "),
    "a wait for nothing": (nothing, ["wait"], 2, "name a job or a set, or a commit with --revision"),
    "a wait for no commit": (nothing, ["wait", "--revision", "main"], 2, "'main' is no hash of a commit"),
    "a wait for nobody": (nothing, ["wait", "nobody"], 2, "`shjobs get` lists all jobs"),
    "a wait for no phase": (nothing, ["wait", "ndvi", "--for", "Done"], 2, "is neither a phase"),
    "a wait without a unit": (nothing, ["wait", "ndvi", "--timeout", "60"], 2, "must be a number with a unit"),
    # messages
    "a notification without a sink": (nothing, ["notify"], 2, "has no sink: write one, such as"),
    "a sink that is none": (more(HOOK), ["notify", "taem", "--test"], 2, "no such sink: taem; did you mean team?"),
    "a sink of another kind": (more('notify.team = {type = "pigeon"}'), ["notify"], 2, "notify.team.type"),
    "the address of apprise in the settings": (
        more('notify.team = {type = "apprise", url = "https://CANARY.example"}'), ["notify"], 2, "name it in urlFile",
    ),
    "a secret of a sink in the settings": (
        more(HOOK.replace("}", ', secret = "CANARY"}')), ["notify"], 2, "no secret belongs in this file",
    ),
    "a sink nobody answers for": (more(HOOK), ["notify", "--test"], 1, "not delivered: nothing listens there"),
    "a sink whose file is missing": (
        more('notify.team = {type = "webhook", urlFile = "none"}'), ["notify", "--test"], 1, "is missing or empty",
    ),
    "a damaged ledger, asked what was sent": (
        both(written("state/shjobs.db", DAMAGED), more(HOOK)), ["notify"], 2, "move it away",
    ),
    # around
    "a probe without a terminal to ask at": (
        nothing, ["doctor", "--probe"], 2, "the probe was not sent: no one can be asked here: Send one request",
    ),
    "a probe to nowhere": (nothing, ["doctor", "--probe", "--yes", "--url", "x"], 2, "--url: must be a bucket"),
    "a probe to another bucket": (
        nothing, ["doctor", "--probe", "--yes", "--url", "s3://other/x"], 2, "may be used for",
    ),
    "config without a word": (nothing, ["config"], 2, "Usage: shjobs config"),
    "a shell that is not known": (nothing, ["completion", "cmd"], 2, "'cmd' is not one of"),
    "a port that is none": (nothing, ["run", "--listen", "here"], 2, "here"),
    "a port that is too high": (nothing, ["sandbox", "--port", "99999"], 2, "port"),
    "a bucket that is none": (nothing, ["sandbox", "--port", "0", "--bucket", "No Bucket"], 2, "bucket"),
    "a sandbox in a file": (written("file", ""), ["sandbox", "--port", "0", "--folder", "file"], 2, "is a file"),
    "a sandbox where nobody may write": (nothing, ["sandbox", "--port", "0", "--folder", "/proc/x"], 2, "/proc/x"),
    "a demo in a file": (written("file", ""), ["demo", "--directory", "file"], 2, "is a file"),
    "a demo where nobody may write": (nothing, ["demo", "--directory", "/proc/x"], 2, "/proc/x"),
    "a demo out of time": (nothing, ["demo", "--directory", "d", "--time-scale", "0"], 2, "more than 0"),
}  # fmt: skip


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.write("ndvi.yaml", ndvi())
    return workspace


def reported(workspace: Workspace, arguments: list[str], given: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit code and everything that is printed, which is never a traceback and never a secret."""
    environment = {**workspace.environment, **(given or {})}
    return harmless(shjobs(*arguments, cwd=workspace.root, environment=environment))


def harmless(done: Done) -> tuple[int, str]:
    shown = done.stdout + done.stderr
    assert "Traceback" not in shown, shown
    assert "this should not happen" not in shown, shown
    for secret in (ACCESS_KEY, SECRET_KEY, CLIENT_SECRET, "CANARY"):
        assert secret not in shown
    return done.returncode, shown


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_wrong_use_says_what_to_do(workspace: Workspace, row: tuple[Make, list[str], int, str]) -> None:
    make, arguments, code, words = row
    found, shown = reported(workspace, arguments, make(workspace))
    assert (found, words in shown) == (code, True), shown


def test_there_are_enough_of_them_and_every_command_is_among_them() -> None:
    from controller.cli import COMMANDS

    assert len(ROWS) > 100
    used = {word for _, arguments, *_ in ROWS.values() for word in arguments}
    assert COMMANDS.keys() <= used


# what others do to it


def test_a_state_directory_in_use_names_its_holder(workspace: Workspace) -> None:
    with submitter_lock(workspace.state):
        for arguments in (["sync"], ["run", "--no-listen"], ["doctor", "--probe", "--yes"]):
            code, shown = reported(workspace, arguments)
            assert (code, f"is in use by process {os.getpid()}" in shown) == (2, True), shown


def test_a_port_that_is_taken_is_told(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments in (["run", "--listen", f"127.0.0.1:{port}"], ["sandbox", "--port", str(port)]):
            code, shown = reported(workspace, arguments)
            assert (code, str(port) in shown) == (2, True), shown


def test_a_tree_that_vanishes_under_a_link_is_told(workspace: Workspace) -> None:
    workspace.jobs.rename(workspace.root / "elsewhere")
    workspace.jobs.symlink_to("jobs.d")
    for arguments, code in ((["check"], 2), (["plan"], 2), (["doctor"], 1)):
        found, shown = reported(workspace, arguments)
        assert (found, "jobs.d cannot be read: Too many levels of symbolic links" in shown) == (code, True), shown


def test_a_state_directory_that_is_a_link_to_itself_is_told(workspace: Workspace) -> None:
    workspace.state.symlink_to("state")
    for arguments in (["sync"], ["doctor"]):
        code, shown = reported(workspace, arguments)
        assert (code > 0, "state" in shown) == (True, True), shown


# a disk without room, and files without the right to read or write them


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 16 pages."""
    folder.mkdir(parents=True, exist_ok=True)
    with mounted(["-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], at=folder):
        yield folder


@pytest.mark.parametrize(
    ("place", "arguments", "words"),
    [
        pytest.param("state", ["sync"], "state/lock cannot be written: No space left", id="no room for the state"),
        pytest.param("new", ["init", "new"], "cannot be written: No space left", id="no room for a repository"),
        pytest.param("fetched", ["fetch", "ndvi"], "what arrived is kept: run it again", id="no room for a raster"),
        pytest.param(
            "out", ["import", "x.json", "--output", "out"], "cannot be written: No space left", id="nor a job"
        ),
        pytest.param(
            "demo", ["demo"], "the demo cannot be put into demo: [Errno 28] No space left", id="no room for a demo"
        ),
    ],
)
def test_a_full_disk_is_told(workspace: Workspace, place: str, arguments: list[str], words: str) -> None:
    workspace.sync()
    (workspace.root / "x.json").write_text(json.dumps(documented("ndvi").request.body))
    state = workspace.state.rename(workspace.root / "kept")
    with small_disk(workspace.root / place) as disk:
        with suppress(OSError), (disk / "filler").open("wb") as filler:
            filler.write(bytes(1_000_000))
        if place != "state":
            state.rename(workspace.state)
        code, shown = reported(workspace, arguments)
        assert (code, words in shown) == (2, True), shown


@pytest.mark.parametrize(
    ("path", "mode", "arguments", "code", "words"),
    [
        pytest.param("shjobs.toml", 0o000, ["get"], 2, "cannot be read: Permission denied", id="settings"),
        pytest.param("jobs.d/ndvi.yaml", 0o000, ["check"], 1, "Permission denied", id="a manifest"),
        pytest.param("jobs.d", 0o000, ["check"], 2, "cannot be read: Permission denied", id="all manifests"),
        pytest.param("jobs.d", 0o555, ["sync"], 2, "name another folder with statusDir", id="status files"),
        pytest.param("state", 0o555, ["sync"], 2, "Permission denied", id="the state"),
        pytest.param("state", 0o555, ["pause"], 2, "Permission denied", id="a pause"),
        pytest.param(".", 0o555, ["init", "new"], 2, "Permission denied", id="a new repository"),
        pytest.param("sandbox/my-bucket", 0o000, ["sync"], 1, "my-bucket", id="the bucket"),
    ],
)
def test_what_may_not_be_read_or_written_is_told(
    workspace: Workspace, path: str, mode: int, arguments: list[str], code: int, words: str
) -> None:
    target = workspace.root / path
    target.mkdir(exist_ok=True) if not target.exists() else None
    before = target.stat().st_mode
    target.chmod(mode)
    try:
        found, shown = harmless(bound(workspace, {"it": arguments})["it"])
    finally:
        target.chmod(before)
    assert (found, words in shown) == (code, True), shown


def test_python_itself_is_as_it_should_be(workspace: Workspace) -> None:
    """Even a terminal without any encoding gets the sentence."""
    code, shown = reported(
        workspace, ["get", "niemand-ü"], {"PYTHONIOENCODING": "ascii:backslashreplace", "LC_ALL": "C"}
    )
    assert (code, "no such job" in shown) == (2, True)
    assert sys.stdout.encoding


ASKED = [["pause"], ["resume"], ["accept", "0" * 12], ["adopt", "--first-run"], ["resolve", "x", "--not-accepted"]]


@pytest.mark.parametrize("command", ASKED, ids=" ".join)
def test_the_wrong_folder_is_not_taken_for_a_controllers(tmp_path: Path, command: list[str]) -> None:
    """A pause there reported success, and the controller elsewhere went on paying."""
    done = shjobs(*command, cwd=tmp_path)
    words = "shjobs: no shjobs.toml, jobs folder or state here: run it in the folder of the controller\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", words)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("there", "environment", "state"),
    [
        pytest.param("shjobs.toml", {}, "state", id="settings"),
        pytest.param("jobs.d/README", {}, "state", id="a jobs folder"),
        pytest.param("state/PLACE", {}, "state", id="a state directory"),
        pytest.param("README", {"SHJOBS_STATE": "elsewhere"}, "elsewhere", id="a variable for the state"),
        pytest.param("README", {"SHJOBS_JOBS": "manifests"}, "state", id="a variable for the jobs"),
    ],
)
def test_where_a_controller_can_start_it_can_be_paused_before(
    tmp_path: Path, there: str, environment: dict[str, str], state: str
) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).touch()
    for command, word in (("pause", "paused"), ("resume", "resumed")):
        done = shjobs(command, cwd=tmp_path, environment=environment)
        assert (done.returncode, done.stdout.startswith(f"{word} {tmp_path / state}: ")) == (0, True), done.stderr
