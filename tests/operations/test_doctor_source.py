"""`doctor` on the source of the tree: what is missing or unusable is named before anything is fetched."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.operations.doctor.findings import CheckResult
from controller.operations.doctor.source import source_diagnoses
from controller.settings.git import GitSource
from tests.conftest import Workspace, ndvi
from tests.operations.test_doctor import diagnoses, doctor
from tests.support.signers import Signers, signers_in_a_short_folder

pytestmark = pytest.mark.slow

Change = Callable[[Signers, GitSource], GitSource]
OK, FAIL = CheckResult.OK, CheckResult.FAIL


@pytest.fixture(scope="module")
def people() -> Iterator[Signers]:
    with signers_in_a_short_folder() as people:
        people.gpg_key("ann")
        yield people


def known_hosts(people: Signers, host: str = "git.example", *, hashed: bool = False) -> Path:
    path = people.folder / "known_hosts"
    path.write_text(
        f"# the host of our repositories\n{host} {people.ssh_key('host').with_suffix('.ssh.pub').read_text()}"
    )
    if hashed:
        people.run(["ssh-keygen", "-q", "-H", "-f", path])
    return path


@pytest.fixture
def source(people: Signers) -> GitSource:
    """Everything is there."""
    return GitSource(
        url="git@git.example:jobs.git",
        verify="head",
        ssh_key_file=people.ssh_key("ann"),
        known_hosts_file=known_hosts(people),
        allowed_signers_file=people.allowed("ann@x"),
        keyring_file=people.keyring("ann"),
    )


def found(source: GitSource) -> dict[str, tuple[CheckResult, str, str]]:
    return {each.name: (each.health, each.message, each.advice) for each in source_diagnoses(source)}


def test_everything_is_there(source: GitSource) -> None:
    seen = found(source)
    assert {name: health for name, (health, *_) in seen.items()} == {
        "ssh": OK,
        "git.sshKeyFile": OK,
        "git.knownHostsFile": OK,
        "git.allowedSignersFile": OK,
        "git.keyringFile": OK,
    }
    assert seen["git.sshKeyFile"][1].endswith("holds a key: ssh-ed25519")
    assert seen["git.knownHostsFile"][1].endswith("holds a key of git.example")
    assert seen["git.allowedSignersFile"][1].endswith("holds 1 SSH public key")
    assert seen["git.keyringFile"][1].endswith("holds 1 OpenPGP public key")


@pytest.mark.parametrize(
    ("url", "host", "hashed"),
    [
        pytest.param("ssh://git@git.example/jobs.git", "git.example", False, id="by its name"),
        pytest.param("ssh://git@git.example:22/jobs.git", "git.example", False, id="with the usual port"),
        pytest.param("ssh://git@git.example:2222/jobs.git", "[git.example]:2222", False, id="with another port"),
        pytest.param("git@git.example:jobs.git", "git.example,192.0.2.1", False, id="with its address"),
        pytest.param("git@git.example:jobs.git", "git.example", True, id="its name is hashed"),
    ],
)
def test_a_host_is_known(people: Signers, source: GitSource, url: str, host: str, hashed: bool) -> None:
    source = replace(source, url=url, known_hosts_file=known_hosts(people, host, hashed=hashed))
    assert found(source)["git.knownHostsFile"][0] is OK


def a_passphrase(people: Signers, source: GitSource) -> GitSource:
    key = people.folder / "locked.ssh"
    people.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", key])
    return replace(source, ssh_key_file=key)


def the_public_key(people: Signers, source: GitSource) -> GitSource:
    return replace(source, ssh_key_file=people.ssh_key("ann").with_suffix(".ssh.pub"))


def another_host(people: Signers, source: GitSource) -> GitSource:
    return replace(source, known_hosts_file=known_hosts(people, "other.example"))


def another_port(people: Signers, source: GitSource) -> GitSource:
    return replace(source, url="ssh://git@git.example:2222/jobs.git", known_hosts_file=known_hosts(people))


def no_signers(people: Signers, source: GitSource) -> GitSource:
    path = people.folder / "nobody.signers"
    path.write_text("# ann@x ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n\n")
    return replace(source, allowed_signers_file=path)


def signers_for_a_keyring(people: Signers, source: GitSource) -> GitSource:
    return replace(source, keyring_file=source.allowed_signers_file)


def a_file_that_is_missing(people: Signers, source: GitSource) -> GitSource:
    return replace(source, keyring_file=people.folder / "nowhere.asc")


def a_folder(people: Signers, source: GitSource) -> GitSource:
    return replace(source, ssh_key_file=people.folder)


WRONG: dict[str, tuple[Change, str, str]] = {
    "the key has a passphrase": (a_passphrase, "git.sshKeyFile", "without a passphrase (ssh-keygen: "),
    "the key is the public one": (the_public_key, "git.sshKeyFile", "holds no private key"),
    "the key is a folder": (a_folder, "git.sshKeyFile", "cannot be read: Is a directory"),
    "another host is known": (another_host, "git.knownHostsFile", "holds no key of git.example"),
    "the host is known at another port": (another_port, "git.knownHostsFile", "holds no key of [git.example]:2222"),
    "all signers are comments": (no_signers, "git.allowedSignersFile", "so no signature would count"),
    "the keyring holds SSH keys": (signers_for_a_keyring, "git.keyringFile", "holds no OpenPGP public key"),
    "the keyring is missing": (a_file_that_is_missing, "git.keyringFile", "cannot be read: No such file"),
}


@pytest.mark.parametrize(("change", "name", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(people: Signers, source: GitSource, change: Change, name: str, words: str) -> None:
    seen = found(change(people, source))
    assert (seen[name][0], words in seen[name][1], bool(seen[name][2])) == (FAIL, True, True), seen[name]
    assert {each for each, (health, *_) in seen.items() if health is not OK} == {name}


@pytest.mark.parametrize(
    ("missing", "failing"),
    [
        pytest.param("git", {"repository"}, id="git"),
        pytest.param("ssh", {"ssh", "git.allowedSignersFile"}, id="ssh"),
        pytest.param("ssh-keygen", {"ssh", "git.allowedSignersFile"}, id="ssh-keygen"),
        pytest.param("gpg", {"git.keyringFile"}, id="gpg"),
    ],
)
def test_a_program_that_is_missing_is_named(
    source: GitSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, failing: set[str]
) -> None:
    for name in {"git", "ssh", "ssh-keygen", "gpg"} - {missing}:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {name for name, (health, *_) in found(source).items() if health is FAIL} == failing


def test_without_ssh_and_verify_nothing_is_asked_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(found(GitSource(url="https://git.example/jobs.git"))) == ["repository"]


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param("", (OK, "https://git.example/jobs.git answers"), id="it answers"),
        pytest.param("nothing listens there", (FAIL, "nothing listens there"), id="it does not"),
    ],
)
def test_the_repository_is_asked_by_who_can(problem: str, expected: tuple[CheckResult, str]) -> None:
    [seen] = source_diagnoses(GitSource(url="https://git.example/jobs.git"), lambda _: problem)
    assert (seen.health, seen.message) == expected


def test_the_command_shows_it(workspace: Workspace, people: Signers) -> None:
    workspace.write("ndvi.yaml", ndvi())
    (workspace.root / "token").touch()
    text = (workspace.root / "shjobs.toml").read_text()
    lines = ['url = "https://git.example/jobs.git"', 'tokenFile = "token"', 'verify = "since"', 'keyringFile = "none"']
    (workspace.root / "shjobs.toml").write_text("\n".join([text, "[git]", *lines]))
    code, document = doctor(workspace)
    seen = diagnoses(document)
    assert code == 1
    assert (
        seen["git.token"][2] == "the file named by git.tokenFile is missing or empty; write it or set SHJOBS_GIT_TOKEN"
    )
    assert seen["git.keyringFile"][:2] == ("fail", "none cannot be read: No such file or directory")
    assert seen["tree"][2] == "`shjobs run` and `shjobs sync` fetch it"
