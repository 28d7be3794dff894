"""Whatever fails, the tree in force stays whole and the same, a sentence says why, and the next fetch succeeds."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from controller.settings.git import CURRENT, GitSource
from controller.source.fetcher import Fetcher
from controller.source.layout import Layout
from controller.source.outcome import Fetched, SourceStale, Swapped, Unchanged
from controller.source.pauses import TransferPauses
from controller.source.refusal import TooSoonError
from tests.support.git_server import TOKEN, GitHost
from tests.support.git_source import Pushed, git, tree_in_force
from tests.support.paths import ROOT
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow


def message(fetched: Fetched) -> str:
    assert isinstance(fetched, SourceStale), fetched
    return fetched.message


def delete_the_branch(pushed: Pushed, host: GitHost) -> None:
    git(pushed.bare, "update-ref", "-d", "refs/heads/main")


def remove_the_repository(pushed: Pushed, host: GitHost) -> None:
    pushed.bare.rename(pushed.bare.with_name("gone.git"))


def remove_the_folder(pushed: Pushed, host: GitHost) -> None:
    git(pushed.work, "rm", "-r", "--quiet", "jobs.d")
    pushed.push({"other/b.yaml": "b"})


def replace_the_folder_by_a_file(pushed: Pushed, host: GitHost) -> None:
    git(pushed.work, "rm", "-r", "--quiet", "jobs.d")
    pushed.push({"jobs.d": "a file"})


def name_a_blob(pushed: Pushed, host: GitHost) -> None:
    blob = pushed.blob(b"no commit")
    (pushed.bare / "refs" / "heads" / "main").write_text(f"{blob}\n")


def faulty(name: str) -> Callable[[Pushed, GitHost], None]:
    def set_fault(pushed: Pushed, host: GitHost) -> None:
        pushed.push({"jobs.d/a.yaml": "never seen"})
        host.fault = name

    return set_fault


def refuse_the_token(pushed: Pushed, host: GitHost) -> None:
    host.token = "another"


FAILURES: dict[str, tuple[Callable[[Pushed, GitHost], None], str]] = {
    "the branch is deleted": (delete_the_branch, "has no branch and no tag 'main': check git.ref"),
    "the repository is gone": (remove_the_repository, "there is no such repository, or none that may be read"),
    "the folder of the manifests is gone": (remove_the_folder, "has no file below jobs.d: check git.path and git.ref"),
    "the folder of the manifests is a file": (replace_the_folder_by_a_file, "jobs.d is a file, not a folder"),
    "the branch names no commit": (name_a_blob, "could not be fetched"),
    "the host is busy": (faulty("busy"), "the host is busy, or asks for fewer requests"),
    "the host redirects": (faulty("redirect"), "it redirects: write the address it redirects to in git.url"),
    "the host hides it": (faulty("gone"), "there is no such repository, or none that may be read"),
    "the pack is damaged": (faulty("corrupt"), "what it sent is damaged"),
    "the answer is cut": (faulty("cut"), "could not be fetched"),
    "the token is refused": (refuse_the_token, "the host refused the token of git.tokenFile"),
}


@pytest.mark.parametrize(("fail", "sentence"), FAILURES.values(), ids=FAILURES.keys())
def test_the_tree_in_force_stays_when(
    pushed: Pushed,
    source: GitSource,
    state: Path,
    host: GitHost,
    fail: Callable[[Pushed, GitHost], None],
    sentence: str,
) -> None:
    good = pushed.push({"jobs.d/a.yaml": "good", "jobs.d/b.yaml": "good"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    before, token = tree_in_force(state), host.token
    fail(pushed, host)
    for _ in range(2):
        said = message(fetcher.fetch())
        assert sentence in said
        assert "\n" not in said and len(said) < 600 and "Traceback" not in said
    assert (fetcher.in_force(), tree_in_force(state)) == (good, before)
    host.fault, host.token = "", token
    if not pushed.bare.exists():
        pushed.bare.with_name("gone.git").rename(pushed.bare)
    git(pushed.work, "checkout", "--quiet", "--force", good)
    better = pushed.push({"jobs.d/a.yaml": "better"})
    assert fetcher.fetch() == Swapped(commit=better, before=good)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "better", "jobs.d/b.yaml": "good"}


@pytest.mark.parametrize(
    "fail", [faulty("busy"), faulty("corrupt"), delete_the_branch], ids=["busy", "damaged", "bare"]
)
def test_a_first_fetch_that_fails_leaves_no_tree(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost, fail: Callable[[Pushed, GitHost], None]
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    fail(pushed, host)
    fetcher = Fetcher(source, state)
    assert message(fetcher.fetch())
    assert fetcher.in_force() is None
    assert not (state / CURRENT).exists()


def test_a_server_that_is_down_is_named_and_found_again(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost
) -> None:
    good = pushed.push({"jobs.d/a.yaml": "good"})
    Fetcher(source, state).fetch()
    away = Fetcher(replace(source, url="https://127.0.0.1:1/manifests.git"), state)
    for _ in range(20):
        assert "127.0.0.1" in message(away.fetch())
    assert Fetcher(source, state).fetch() == Unchanged(commit=good)


def test_the_tree_of_another_repository_is_not_in_force(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost
) -> None:
    """After `git.url` had changed, the old repository was paid for as long as the new host was down."""
    good = pushed.push({"jobs.d/a.yaml": "good"})
    Fetcher(source, state).fetch()
    away = Fetcher(replace(source, url="https://127.0.0.1:1/manifests.git"), state)
    assert "127.0.0.1" in message(away.fetch())
    assert (away.in_force(), (state / CURRENT).exists()) == (None, False)
    host.fault = "busy"
    back = Fetcher(source, state)
    assert isinstance(back.fetch(), SourceStale)
    assert (back.in_force(), tree_in_force(state)) == (good, {"jobs.d/a.yaml": "good"})
    host.fault = ""
    renamed = replace(source, url=f"{source.url}/")
    assert Fetcher(renamed, state).fetch() == Swapped(commit=good, before=None)


def test_a_history_that_was_rewritten_is_followed(pushed: Pushed, source: GitSource, state: Path) -> None:
    first = pushed.push({"jobs.d/a.yaml": "one"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    other = pushed.push({"jobs.d/a.yaml": "two"}, "--amend")
    assert fetcher.fetch() == Swapped(commit=other, before=first)
    git(pushed.work, "push", "--quiet", "--force", "origin", f"{first}:refs/heads/main")
    assert fetcher.fetch() == Swapped(commit=first, before=other)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "one"}


def test_a_tag_that_was_moved_is_followed(pushed: Pushed, source: GitSource, state: Path) -> None:
    first = pushed.push({"jobs.d/a.yaml": "one"})
    git(pushed.work, "tag", "-a", "-m", "a tag", "live")
    git(pushed.work, "push", "--quiet", "origin", "live")
    fetcher = Fetcher(replace(source, ref="live"), state)
    fetcher.fetch()
    second = pushed.push({"jobs.d/a.yaml": "two"})
    git(pushed.work, "tag", "--force", "-a", "-m", "moved", "live")
    git(pushed.work, "push", "--quiet", "--force", "origin", "live")
    assert fetcher.fetch() == Swapped(commit=second, before=first)


def test_a_commit_that_comes_while_another_is_fetched_is_whole(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost
) -> None:
    first = pushed.push({"jobs.d/a.yaml": "one", "jobs.d/b.yaml": "one"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    pushed.push({"jobs.d/a.yaml": "two", "jobs.d/b.yaml": "two"})
    host.between.append(lambda: pushed.push({"jobs.d/a.yaml": "three", "jobs.d/b.yaml": "three"}))
    fetched = fetcher.fetch()
    assert isinstance(fetched, Swapped) and fetched.before == first, fetched
    assert len(set(tree_in_force(state).values())) == 1
    fetcher.fetch()
    assert tree_in_force(state) == {"jobs.d/a.yaml": "three", "jobs.d/b.yaml": "three"}


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_host_that_does_not_end_its_answer_is_given_up(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = pushed.push({"jobs.d/a.yaml": "good"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    pushed.push({"jobs.d/a.yaml": "never seen"})
    host.fault = fault
    for name in ("POLL", "TRANSFER"):
        monkeypatch.setattr(f"controller.source.remote.{name}", 3.0)
    assert "did not end within 3 s" in message(fetcher.fetch())
    assert fetcher.in_force() == good


def test_a_fetch_under_way_is_ended_when_the_process_stops(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    host.fault = "hang"
    fetcher, ended = Fetcher(source, state), []
    thread = threading.Thread(target=lambda: ended.append(fetcher.fetch()))
    thread.start()
    while not host.requests:
        thread.join(0.01)
    fetcher.stop()
    thread.join(30)
    assert [message(each) for each in ended] == [f"{source.url} could not be fetched: git ls-remote was stopped"]
    host.fault = ""
    assert "was stopped" in message(fetcher.fetch())


def test_a_pack_above_the_limit_is_not_kept(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.source.pauses.FIRST", LONGEST)
    good = pushed.push({"jobs.d/a.yaml": "good"})
    fetcher = Fetcher(source, state, largest=256 * 1024)
    fetcher.fetch()
    pushed.push({"elsewhere.bin": os.urandom(400_000).hex()})
    assert "its newest commit is too large, with all files of the repository: more than 262,144 bytes" in message(
        fetcher.fetch()
    )
    transfers = host.transfers()
    assert "it is tried again in" in message(fetcher.fetch())
    assert host.transfers() == transfers, "it is not sent again every minute"
    assert fetcher.in_force() == good
    size = sum(path.lstat().st_size for path in state.rglob("*"))
    assert size < 256 * 1024, "nothing of it is left"
    better = pushed.push({"elsewhere.bin": None, "jobs.d/a.yaml": "better"})
    assert fetcher.fetch() == Swapped(commit=better, before=good)


def test_limits_that_are_lower_already_do_not_keep_git_from_running(
    pushed: Pushed, source: GitSource, state: Path, tmp_path: Path
) -> None:
    """As in a container or a service with limits; asked of a process of its own, as no limit can be raised again."""
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    (tmp_path / "authorities.pem").write_text(source.authorities or "")
    program = f"""
import resource
from pathlib import Path
from pydantic import SecretStr
from controller.settings.git import GitSource
from controller.source.fetcher import Fetcher
for limit, size in ((resource.RLIMIT_FSIZE, 100_000_000), (resource.RLIMIT_AS, 3_000_000_000)):
    resource.setrlimit(limit, (size, size))
source = GitSource(url={source.url!r}, ref="main", token=SecretStr({TOKEN!r}),
    authorities=Path({str(tmp_path / "authorities.pem")!r}).read_text())
print(Fetcher(source, Path({str(state)!r})).fetch())
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == f"{Swapped(commit=commit, before=None)}\n", done.stderr


def damage(path: Path) -> None:
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(each ^ 255 for each in content[len(content) // 2 :]))


def damage_all(pattern: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for path in folder.glob(pattern):
            damage(path)

    return do


def remove_all(pattern: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return do


def write_nonsense(name: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (folder / name).write_bytes(b"\xff\0 nonsense")

    return do


DAMAGES = {
    "a pack is damaged": damage_all("objects/pack/*.pack"),
    "an index is damaged": damage_all("objects/pack/*.idx"),
    "a pack is missing": remove_all("objects/pack/*"),
    "the refs are no refs": write_nonsense("packed-refs"),
    "the shallow commits are nonsense": write_nonsense("shallow"),
    "the list of shallow commits is gone": remove_all("shallow"),
    "the configuration is nonsense": write_nonsense("config"),
    "HEAD is gone": remove_all("HEAD"),
    "the objects are gone": remove_all("objects"),
    "nothing is left": lambda folder: shutil.rmtree(folder),
}


@pytest.mark.parametrize("break_it", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_repository_of_ours_is_made_anew_when(
    pushed: Pushed, source: GitSource, state: Path, break_it: Callable[[Path], None]
) -> None:
    files: dict[str, str | None] = {f"jobs.d/{number}.yaml": f"{number}\n" * 50 for number in range(30)}
    first = pushed.push(files)
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    break_it(state / "source" / "repository")
    second = pushed.push({"jobs.d/3.yaml": "3\n" * 49 + "changed"})
    assert fetcher.fetch() == Swapped(commit=second, before=first)
    assert tree_in_force(state) == {**files, "jobs.d/3.yaml": "3\n" * 49 + "changed"}


def test_a_tree_that_is_not_known_to_be_whole_is_made_again(pushed: Pushed, source: GitSource, state: Path) -> None:
    """As after a power cut; `current` is never without a tree meanwhile, so the new one has a name of its own."""
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    Fetcher(source, state).fetch()
    trees = state / "source" / "trees"
    (trees / f"{commit}.complete").unlink()
    (trees / commit / "jobs.d" / "a.yaml").unlink()
    fetcher = Fetcher(source, state)
    assert fetcher.in_force() is None
    assert fetcher.fetch() == Swapped(commit=commit, before=None)
    assert fetcher.in_force() == commit
    assert tree_in_force(state) == {"jobs.d/a.yaml": "one"}
    assert [path.name for path in trees.iterdir() if path.is_dir()] == [f"{commit}.1"]
    assert fetcher.fetch() == Unchanged(commit=commit)


def test_leftovers_of_killed_fetches_are_removed(pushed: Pushed, source: GitSource, state: Path) -> None:
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    Fetcher(source, state).fetch()
    root = state / "source"
    (root / "incoming-abc" / "objects").mkdir(parents=True)
    (root / "gone-abc" / "objects").mkdir(parents=True)
    (root / "trees" / ".new-1").mkdir()
    (root / "trees" / ".new-1" / "a.yaml").write_text("half")
    (root / "trees" / ("0" * 40)).mkdir()
    (root / "current.half-1").symlink_to("trees/nowhere")
    (root / "repository" / "packed-refs.half-1").write_text("half")
    assert Fetcher(source, state).fetch() == Unchanged(commit=commit)
    assert sorted(path.name for path in root.iterdir()) == ["current", "lock", "repository", "trees", "worktrees"]
    assert sorted(path.name for path in (root / "trees").iterdir()) == [commit, f"{commit}.complete"]
    assert not list((root / "repository").glob("*half*"))


def test_many_small_fetches_leave_few_packs(pushed: Pushed, source: GitSource, state: Path) -> None:
    fetcher = Fetcher(source, state)
    for number in range(24):
        commit = pushed.push({"jobs.d/a.yaml": f"{number}", f"jobs.d/{number}.yaml": "kept"})
        assert isinstance(fetcher.fetch(), Swapped)
    packs = list((state / "source" / "repository" / "objects" / "pack").glob("*.pack"))
    assert len(packs) < 6
    git(state / "source" / "repository", "rev-list", "--objects", commit)
    assert tree_in_force(state)["jobs.d/a.yaml"] == "23"
    assert len(tree_in_force(state)) == 25


def test_two_processes_do_not_fetch_at_once(
    pushed: Pushed, source: GitSource, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    monkeypatch.setattr("controller.source.layout.LOCK_PATIENCE", 0.2)
    other = Fetcher(source, state)
    with Layout(state).lock(lambda: False):
        assert message(other.fetch()) == f"another process is fetching into {state / 'source'}"
    assert other.fetch() == Swapped(commit=commit, before=None)


def test_a_fetch_that_waits_for_another_ends_when_the_process_stops(source: GitSource, state: Path) -> None:
    fetcher, ended = Fetcher(source, state), []
    with Layout(state).lock(lambda: False):
        thread = threading.Thread(target=lambda: ended.append(fetcher.fetch()))
        thread.start()
        fetcher.stop()
        thread.join(30)
    assert [message(each) for each in ended] == [f"another process is fetching into {state / 'source'}"]


def test_a_full_disk_leaves_the_tree_as_it_is(pushed: Pushed, source: GitSource, tmp_path: Path) -> None:
    good = pushed.push({"jobs.d/a.yaml": "good"})
    full = tmp_path / "small disk"
    full.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(full)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not allow it: a file system of its own needs root")
    try:
        fetcher = Fetcher(source, full)
        assert fetcher.fetch() == Swapped(commit=good, before=None)
        (full / "filler").write_bytes(b"x" * (1024 * 1024))
        pushed.push({f"jobs.d/{number}.yaml": os.urandom(5_000).hex() for number in range(100)})
        for _ in range(2):
            assert "disk is full" in message(fetcher.fetch()) or "No space" in message(fetcher.fetch())
        assert (fetcher.in_force(), tree_in_force(full)) == (good, {"jobs.d/a.yaml": "good"})
        (full / "filler").unlink()
        better = pushed.push({f"jobs.d/{number}.yaml": None for number in range(100)})
        assert fetcher.fetch() == Swapped(commit=better, before=good)
    finally:
        subprocess.run(["umount", "--lazy", str(full)], check=True)


def test_a_state_that_cannot_be_written_is_named(source: GitSource, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    said = message(Fetcher(source, tmp_path / "file").fetch())
    assert said == f"{tmp_path / 'file' / 'source'} cannot be used: Not a directory"


def test_pauses_grow_for_one_commit_and_end_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pauses, seen = TransferPauses(), []
    for _ in range(9):
        pauses.failed("a", "it failed")
        with pytest.raises(TooSoonError, match="it failed; it is tried again in") as caught:
            pauses.check("a")
        seen.append(str(caught.value).rpartition(" in ")[2])
        now += 1000
        pauses.check("a")
    assert seen == ["10 s", "20 s", "40 s", "80 s", "160 s", "320 s", "640 s", "900 s", "900 s"]
    pauses.failed("a", "it failed")
    pauses.check("b")
