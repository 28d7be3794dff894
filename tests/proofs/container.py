"""The image, built and run for real: what compose.yaml says, with the manifests as a ConfigMap would mount them.

There is no registry to pull from: the base image is one of Debian's own Python under the name that the Dockerfile uses.
What it needs (buildah, podman, runc, debootstrap, and to be root) must be there; a run without is no proof.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from controller.sandbox.ledger import SandboxLedger, posts
from tests.conftest import ndvi
from tests.proofs.ground import until
from tests.proofs.record import ROOT, tell

BASE = "python:3.11-slim"
USER = 10001
TOOLS = ("buildah", "podman", "runc", "debootstrap")
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
RELEASE = "bookworm"  # of Debian
STORAGE = ("--storage-driver", "overlay")
IMAGE = "shjobs-proof"
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
HOME = "/srv/shjobs"
MOST_STOP = 25.0  # seconds; DESIGN §12 "stop on SIGTERM"


def why_not() -> str:
    """What is missing here; empty when the proof can run."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"install {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "only root can make the base image"


def prove(seed: int) -> dict[str, object]:
    """Build the image and take two jobs to Succeeded in it; SystemExit where this machine cannot."""
    if reason := why_not():
        raise SystemExit(f"the container proof cannot run: {reason}")
    compose = yaml.safe_load((ROOT / "compose.yaml").read_bytes())["services"]
    with tempfile.TemporaryDirectory(prefix="shjobs-proof-") as folder:
        root = Path(folder)
        _base(root)
        built = _built(root)
        figures = _lived(root, compose, seed)
    return {"image_mib": _size(IMAGE), "build_s": built, **figures}


def _lived(root: Path, compose: Mapping[str, Any], seed: int) -> dict[str, object]:
    """The life of a daemon in its container: a job, its change, a stop and a second start."""
    jobs, state = _jobs(root), _folder(root / "state")
    mounts = {f"{HOME}/jobs.d": jobs, f"{HOME}/state": state, f"{HOME}/shjobs.toml": ROOT / "shjobs.toml"}
    west = 14 + seed % 1000 / 10_000
    _swap(jobs, 1, ndvi("job", round(west, 4)))
    with _container("sandbox", compose["sandbox"], mounts):
        assert until(lambda: bool(_ledger(state)) or (state / "sandbox" / "my-bucket").exists()), "no sandbox"
        with _container("daemon", compose["daemon"], mounts) as began:
            assert until(lambda: _phase(state) == "Succeeded"), f"the job is {_phase(state)}: {_log('daemon')}"
            first = time.monotonic() - began
            checked = _podman("healthcheck", "run", "daemon")
            assert checked.returncode == 0, f"unhealthy: {checked.stdout}{checked.stderr}"
            user = _podman("exec", "daemon", "id", "-u").stdout.strip()
            assert _podman("exec", "daemon", "sh", "-c", "echo > /opt/x").returncode != 0, "its root can be written to"
            tools = _podman("exec", "daemon", "sh", "-c", "git --version && gpg --version && ssh -V && id -un")
            assert (tools.returncode, tools.stdout.splitlines()[-1]) == (0, "shjobs"), tools
            reported = _podman("exec", "daemon", "shjobs", "get", "-o", "json")
            assert [job["phase"] for job in json.loads(reported.stdout)] == ["Succeeded"], reported
            _swap(jobs, 2, ndvi("job", round(west + 0.01, 4)))
            swapped = time.monotonic()
            assert until(lambda: len(posts(_ledger(state))) == 2), f"the swap went unnoticed: {_log('daemon')}"
            noticed = time.monotonic() - swapped
            assert until(lambda: _phase(state) == "Succeeded"), f"the job is {_phase(state)}"
            stopped = _stopped("daemon")
        with _container("daemon", compose["daemon"], mounts):
            assert until(lambda: _podman("healthcheck", "run", "daemon").returncode == 0), _log("daemon")
            time.sleep(3)
            again = _stopped("daemon")
    paid = len(posts(_ledger(state)))
    assert paid == 2, f"{paid} POSTs for two requests"
    assert user == str(USER)
    return {
        "user": int(user),
        "jobs_succeeded": 2,
        "posts": paid,
        "posts_after_a_restart": 0,
        "start_to_succeeded_s": round(first, 1),
        "swap_to_post_s": round(noticed, 1),
        "longest_stop_s": round(max(stopped, again), 1),
    }


def _stopped(name: str) -> float:
    """Seconds that SIGTERM takes, with exit code 0."""
    began = time.monotonic()
    _done(_podman("stop", "--time", f"{MOST_STOP:.0f}", name))
    took = time.monotonic() - began
    code = _podman("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
    assert code == "0", f"{name} ended with {code}: {_log(name)}"
    assert took < MOST_STOP
    return took


@contextmanager
def _container(name: str, service: Mapping[str, Any], mounts: Mapping[str, Path]) -> Iterator[float]:
    """A service as compose.yaml describes it, from its start, whose moment is answered, to its removal."""
    targets = [volume.split(":")[1] for volume in service["volumes"]]
    writable = {f"{HOME}/state"}
    options = [
        *("--name", name, "--network=host", "--read-only", "--read-only-tmpfs=false", *LIMITS),
        *(f"--cap-drop={each}" for each in service["cap_drop"]),
        *(f"--security-opt={each.replace(':true', '')}" for each in service["security_opt"]),
        *(f"--tmpfs={each}" for each in service["tmpfs"]),
        *(f"--env={key}={value}" for key, value in service.get("environment", {}).items()),
        *(f"--volume={mounts[each]}:{each}:{'rw' if each in writable else 'ro'}" for each in targets),
    ]
    assert service["read_only"] is True
    _podman("rm", "--force", name)
    try:
        began = time.monotonic()
        _done(_podman("run", "--detach", *options, IMAGE, *service.get("command", [])))
        yield began
    finally:
        _podman("rm", "--force", "--time", "0", name)


def _base(root: Path) -> None:
    """The base image, unless it is there: Debian and its Python, where the real one has its own."""
    if _podman("image", "exists", BASE).returncode == 0:
        return
    tell("container: making the base image")
    tree = root / "base"
    _done(_run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(tree)))
    (tree / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    made = _done(_run("buildah", *STORAGE, "from", "scratch")).stdout.strip()
    _done(_run("buildah", *STORAGE, "copy", "--quiet", made, str(tree), "/"))
    _done(_run("buildah", *STORAGE, "commit", "--quiet", "--rm", made, BASE))


def _built(root: Path) -> float:
    """Build the image; the seconds it took."""
    began = time.monotonic()
    options = [*STORAGE, "bud", "--isolation", "chroot", "--format", "docker", "--pull-never", "--network", "host"]
    _done(_run("buildah", *options, "--tag", IMAGE, *_index(root), str(ROOT)))
    tell("container: built")
    return round(time.monotonic() - began, 1)


def _index(root: Path) -> list[str]:
    """This machine's own settings of pip and apt, lent to the build: they are in no file of the project."""
    config = _run(sys.executable, "-m", "pip", "config", "list").stdout
    lines = dict(
        line.split("=", 1) for line in config.splitlines() if line.startswith("global.") and "constraint" not in line
    )
    written = "\n".join(f"{key.removeprefix('global.')} = {value.strip(chr(39))}" for key, value in lines.items())
    (root / "pip.conf").write_text(f"[global]\n{written}\n", encoding="utf-8")
    volumes = [f"{root}/pip.conf:/etc/pip.conf:ro", "/etc/ssl/certs:/etc/ssl/certs:ro"]
    if f"VERSION_CODENAME={RELEASE}" in Path("/etc/os-release").read_text(encoding="utf-8"):
        volumes.append("/etc/apt:/etc/apt:ro")
    paths = {word.removeprefix("file://") for value in lines.values() for word in value.strip("'").split()}
    roots = {Path(*Path(path).parts[:3]) for path in paths if path.startswith("/") and not path.startswith("/etc")}
    volumes += [f"{each}:{each}:ro" for each in sorted(roots) if each.exists()]
    return [option for volume in volumes for option in ("--volume", volume)]


def _size(image: str) -> int:
    """MiB of an image with its base."""
    return round(int(_podman("image", "inspect", "--format", "{{.Size}}", image).stdout) / 2**20)


def _jobs(root: Path) -> Path:
    jobs = root / "jobs.d"
    jobs.mkdir()
    (jobs / "job.yaml").symlink_to("..data/job.yaml")
    return jobs


def _swap(jobs: Path, number: int, text: str) -> None:
    """As Kubernetes updates a ConfigMap: another folder, and one rename of the link to it."""
    fresh = jobs / f"..2026_{number}"
    fresh.mkdir()
    (fresh / "job.yaml").write_text(text, encoding="utf-8")
    (jobs / "..data_tmp").symlink_to(fresh.name)
    (jobs / "..data_tmp").replace(jobs / "..data")


def _folder(path: Path) -> Path:
    """A folder that the user of the image may write to."""
    path.mkdir()
    os.chown(path, USER, USER)
    return path


def _ledger(state: Path) -> list[Any]:
    return list(SandboxLedger.read(state / "sandbox" / "ledger.jsonl"))


def _phase(state: Path) -> str:
    with suppress(OSError):
        return str(yaml.safe_load((state / "status" / "job.status.yaml").read_bytes())["phase"])
    return "not told"


def _log(name: str) -> str:
    done = _podman("logs", name)
    return (done.stdout + done.stderr)[-2000:]


def _podman(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return _run("podman", *STORAGE, "--runtime", "runc", "--cgroup-manager=cgroupfs", *arguments)


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def _done(done: "subprocess.CompletedProcess[str]") -> "subprocess.CompletedProcess[str]":
    command: Sequence[str] = done.args
    assert done.returncode == 0, f"{' '.join(command[:6])} …: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done
