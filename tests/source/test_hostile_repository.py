"""A repository whose commits want to run a program, or to reach out of the tree: nothing runs, nothing is written.

Everything that may name a program names one that leaves a witness.
"""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from controller.settings.git import CURRENT, GitSource
from controller.source import extraction, rules
from controller.source.fetcher import Fetcher
from controller.source.outcome import SourceStale, Swapped
from controller.tree.git.info import author, checkout
from tests.support.git_server import GitHost
from tests.support.git_source import Pushed, git, tree_in_force
from tests.tree.test_git_command import ATTRIBUTES, Planted

pytestmark = pytest.mark.slow


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "planted")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_of_the_repository_on_the_host_is_taken_over(
    pushed: Pushed, source: GitSource, state: Path, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configurations, hooks and attributes in the tree and beside it, variables of ours, and a global configuration."""
    pushed.push({
        ".gitattributes": ATTRIBUTES, "jobs.d/.gitattributes": ATTRIBUTES, "jobs.d/a.yaml": "one",
        "jobs.d/hooks/post-checkout": "#!/bin/sh\ntouch ran\n",
        "jobs.d/config": f"[core]\n\tfsmonitor = {planted.folder}/program\n",
        "jobs.d/HEAD": "ref: refs/heads/main\n", "jobs.d/objects/x": "", "jobs.d/refs/x": "",
    })  # fmt: skip
    home = planted.folder / "home"
    home.mkdir()
    planted.write(home / ".gitconfig")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(planted.folder / "program"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    fetcher = Fetcher(source, state)
    assert isinstance(fetcher.fetch(), Swapped)
    planted.lay_hooks(state / "source" / "repository")
    pushed.push({"jobs.d/a.yaml": "two"})
    assert isinstance(fetcher.fetch(), Swapped)
    jobs = state / CURRENT / "jobs.d"
    assert checkout(jobs) is not None and author(jobs) == "somebody <somebody>"
    assert tree_in_force(state)["jobs.d/a.yaml"] == "two"
    assert not planted.witness.exists(), planted.witness.read_text()


def test_what_is_written_into_our_repository_s_configuration_is_not_obeyed(
    pushed: Pushed, source: GitSource, state: Path, planted: Planted
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    planted.write(state / "source" / "repository" / "config")
    planted.lay_hooks(state / "source" / "repository")
    pushed.push({"jobs.d/a.yaml": "two"})
    assert isinstance(fetcher.fetch(), Swapped)
    assert not planted.witness.exists()


def test_another_repository_in_it_is_left_out(pushed: Pushed, source: GitSource, state: Path) -> None:
    blob, other = pushed.blob(b"one"), "1" * 40
    jobs = git(pushed.bare, "mktree", "-z", "--missing",
        given=f"100644 blob {blob}\ta.yaml\x00160000 commit {other}\tmodule\0".encode())  # fmt: skip
    pushed.push_tree(f"040000 tree {jobs}\tjobs.d\0".encode())
    assert isinstance(Fetcher(source, state).fetch(), Swapped)
    assert tree_in_force(state) == {"jobs.d/a.yaml": "one"}
    assert not (state / CURRENT / "jobs.d" / "module").exists()


def tree_object(pushed: Pushed, *entries: tuple[str, bytes, str]) -> str:
    """A tree as no git would make it: mode, name and hash of each entry as they are."""
    raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(hash) for mode, name, hash in entries)
    return git(pushed.bare, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)


def crafted(name: bytes, mode: str = "100644") -> Callable[[Pushed], None]:
    def push(pushed: Pushed) -> None:
        blob = pushed.blob(b"escaped")
        inner = tree_object(pushed, ("100644", b"a.yaml", blob)) if mode == "40000" else blob
        jobs = tree_object(pushed, (mode, name, inner))
        pushed.push_tree(f"040000 tree {jobs}\tjobs.d\0".encode())

    return push


def twice(pushed: Pushed) -> None:
    blob = pushed.blob(b"one")
    inner = tree_object(pushed, ("100644", b"x", blob))
    link = pushed.blob(b"/tmp")
    jobs = tree_object(pushed, ("120000", b"a", link), ("40000", b"a", inner))
    pushed.push_tree(f"040000 tree {jobs}\tjobs.d\0".encode())


def linked(aim: str) -> Callable[[Pushed], None]:
    def push(pushed: Pushed) -> None:
        link = pushed.blob(aim.encode())
        jobs = git(pushed.bare, "mktree", "-z", given=f"120000 blob {link}\tscript.js\0".encode())
        pushed.push_tree(f"040000 tree {jobs}\tjobs.d\0".encode())

    return push


def modules(url: str) -> Callable[[Pushed], None]:
    def push(pushed: Pushed) -> None:
        text = f'[submodule "x"]\n\tpath = x\n\turl = {url}\n'
        pushed.push({".gitmodules": text, "jobs.d/b.yaml": "beside it"})

    return push


def pointer(pushed: Pushed) -> None:
    pushed.push({"jobs.d/a.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"})


def bad_blob_mode(pushed: Pushed) -> None:
    jobs = tree_object(pushed, ("10644", b"a.yaml", pushed.blob(b"one")))
    pushed.push_tree(f"040000 tree {jobs}\tjobs.d\0".encode())


HOSTILE: dict[str, tuple[Callable[[Pushed], None], str]] = {
    "a name that leads up": (crafted(b".."), "damaged"),
    "a folder that leads up": (crafted(b"..", "40000"), "damaged"),
    "a name with a slash": (crafted(b"../../../../escaped"), "damaged"),
    "an absolute name": (crafted(b"/tmp/escaped"), "damaged"),
    "a git directory": (crafted(b".git", "40000"), "damaged"),
    "a git directory in other letters": (crafted(b".GiT", "40000"), "damaged"),
    "a control character": (crafted(b"a\x1b]0;x\x07.yaml"), "has a file that cannot be named"),
    "a name twice, as link and as folder": (twice, "damaged"),
    "a name longer than a file system takes": (
        crafted(b"x" * 300),
        "has a file that this file system cannot hold: 'xxx",
    ),
    "a mode that git does not know": (bad_blob_mode, ""),
    "a link to a file of the machine": (linked("/etc/passwd"), "the link 'jobs.d/script.js' leads out of jobs.d"),
    "a link into the state": (linked("../../../../lock"), "the link 'jobs.d/script.js' leads out of jobs.d"),
    "a submodule whose address runs a program": (modules("ext::sh -c witness"), ""),
    "a submodule whose address is an option": (modules("-uwitness"), "damaged"),
    "a pointer to Git LFS": (pointer, "'jobs.d/a.yaml' is kept in Git LFS, which is not fetched"),
}


@pytest.mark.parametrize(("push", "sentence"), HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_escapes_from(
    pushed: Pushed, source: GitSource, state: Path, tmp_path: Path, push: Callable[[Pushed], None], sentence: str
) -> None:
    """A commit that is refused changes nothing; one that git takes, as far as it is harmless, is in force."""
    good = pushed.push({"jobs.d/good.yaml": "good"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    for bare_config in ("receive.fsckObjects", "transfer.fsckObjects"):
        git(pushed.bare, "config", bare_config, "false")
    push(pushed)
    before = everything(tmp_path)
    fetched = fetcher.fetch()
    outside = {path: text for path, text in everything(tmp_path).items() if not path.startswith(str(state / "source"))}
    assert outside == {path: text for path, text in before.items() if not path.startswith(str(state / "source"))}
    if sentence:
        assert isinstance(fetched, SourceStale), fetched
        assert sentence in fetched.message and fetched.message.isprintable()
        assert (fetcher.in_force(), tree_in_force(state)) == (good, {"jobs.d/good.yaml": "good"})
    else:
        assert all(not path.is_symlink() for path in (state / CURRENT).rglob("*"))


def test_a_refused_commit_is_not_fetched_again(pushed: Pushed, source: GitSource, state: Path, host: GitHost) -> None:
    pushed.push({"jobs.d/good.yaml": "good"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    linked("/etc/passwd")(pushed)
    first, transfers = fetcher.fetch(), host.transfers()
    assert [fetcher.fetch() for _ in range(3)] == [first] * 3
    assert host.transfers() == transfers


@pytest.mark.parametrize("files", [10, 0], ids=["of files", "of nothing"])
def test_trees_that_name_each_other_are_refused_and_not_fetched_again(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """A few objects are a million files. They were taken for damage: at each look all was transferred anew."""
    for module in (extraction, rules):
        monkeypatch.setattr(module, "MOST_FILES", 500)
    pushed.push({"jobs.d/good.yaml": "good"})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    tree = tree_object(pushed, *(("100644", b"%d.yaml" % number, pushed.blob(b"one")) for number in range(files)))
    for _ in range(2 if files else 4):
        tree = tree_object(pushed, *(("40000", b"%d" % number, tree) for number in range(10)))
    pushed.push_tree(f"040000 tree {tree}\tjobs.d\0".encode())
    first, transfers = fetcher.fetch(), host.transfers()
    assert (
        isinstance(first, SourceStale) and "has more than 500 files, or as many folders, below jobs.d" in first.message
    )
    assert [fetcher.fetch() for _ in range(3)] == [first] * 3
    assert (host.transfers(), tree_in_force(state)) == (transfers, {"jobs.d/good.yaml": "good"})


@pytest.mark.parametrize("url", ["ext::sh -c 'touch ran'", "file:///nowhere", "-uwitness", "git://127.0.0.1/x", "/tmp"])
def test_only_the_schemes_of_the_settings_are_spoken(source: GitSource, state: Path, tmp_path: Path, url: str) -> None:
    """The settings refuse these; git would too."""
    fetched = Fetcher(replace(source, url=url, ssh_key_file=None), state).fetch()
    assert isinstance(fetched, SourceStale), fetched
    assert not (tmp_path / "ran").exists() and not Path("ran").exists()


def test_a_ref_is_no_option_and_no_pattern(pushed: Pushed, source: GitSource, state: Path, tmp_path: Path) -> None:
    """Also refs that the settings refuse: they are only ever the end of a full name."""
    commit = pushed.push({"jobs.d/a.yaml": "one"})
    git(pushed.bare, "update-ref", "refs/heads/--upload-pack=touch", commit)
    odd = Fetcher(replace(source, ref=f"--upload-pack=touch {tmp_path}/ran"), state).fetch()
    assert isinstance(odd, SourceStale)
    assert isinstance(Fetcher(replace(source, ref="*"), state).fetch(), SourceStale)
    found = Fetcher(replace(source, ref="--upload-pack=touch"), state).fetch()
    assert found == Swapped(commit=commit, before=None)
    assert not (tmp_path / "ran").exists()


def test_what_a_host_says_is_cut_short_and_holds_no_escape_sequence(
    pushed: Pushed, source: GitSource, state: Path
) -> None:
    pushed.push({"jobs.d/a.yaml": "one"})
    (pushed.bare / "HEAD").write_text("\x1b[31m" + "x" * 5000)
    fetched = Fetcher(source, state).fetch()
    assert isinstance(fetched, SourceStale)
    assert fetched.message.isprintable() and len(fetched.message) < 600


def test_git_gets_none_of_our_variables_but_the_proxies(
    pushed: Pushed, source: GitSource, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of a stand-in that writes down its variables and its command line, and hands on to git."""
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin" / "git"
    stand_in.write_text(f'#!/bin/sh\nenv >> {tmp_path}/seen\necho "$@" >> {tmp_path}/words\nexec {real} "$@"\n')
    stand_in.chmod(0o755)
    pushed.push({"jobs.d/a.yaml": "one"})
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    for name in ("SHJOBS_CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "GIT_SSL_NO_VERIFY", "LD_PRELOAD"):
        monkeypatch.setenv(name, "canary-variable")
    monkeypatch.setenv("no_proxy", "127.0.0.1,canary-proxy")
    assert isinstance(Fetcher(source, state).fetch(), Swapped)
    seen, words = (tmp_path / "seen").read_text(), (tmp_path / "words").read_text()
    assert "canary-variable" not in seen
    assert "no_proxy=127.0.0.1,canary-proxy" in seen
    assert "canary-token" not in words and "Basic" not in words
