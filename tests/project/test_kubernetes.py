"""The manifests for Kubernetes, held against the program: what `kubectl apply -k` would send, line by line."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from controller.cli import COMMANDS
from controller.cli.settings import load_settings
from controller.reconcile.runner import PATIENCE
from controller.settings.settings import settings_from
from tests.support.command import program, shjobs
from tests.support.kustomize import Document, built, containers
from tests.support.paths import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
PAGE = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
OVERLAYS = {path.parent.name: built(path.parent) for path in sorted(FOLDER.glob("*/kustomization.yaml"))}
USED = {name: documents for name, documents in OVERLAYS.items() if name != "base"}
HOME = "/srv/shjobs"
LIBRARY = "/opt/shjobs/lib"
"""Where the image has the package."""
SECRETS = {"shjobs": "/run/secrets/shjobs", "shjobs-git": "/etc/git-secret"}
"""The secrets that docs/container.md creates, and where they are mounted."""
overlays = pytest.mark.parametrize("name", USED)


def of_kind(name: str, kind: str) -> list[Document]:
    return [each for each in OVERLAYS[name] if each["kind"] == kind]


def pod_of(name: str) -> Document:
    [deployment] = of_kind(name, "Deployment")
    pod: Document = deployment["spec"]["template"]["spec"]
    return pod


def settings_of(name: str) -> str:
    [text] = [each["data"]["shjobs.toml"] for each in of_kind(name, "ConfigMap") if "shjobs.toml" in each["data"]]
    return str(text)


def variables(container: Document) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("env", ())}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(each, id=f"{name}: {each['kind']} {each['metadata']['name']}")
        for name, documents in OVERLAYS.items()
        for each in documents
    ],
)
def test_a_manifest_is_valid_and_labelled(document: Document) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    assert document["metadata"]["labels"]["app.kubernetes.io/name"] == "shjobs"


@pytest.mark.parametrize("name", OVERLAYS)
def test_kustomize_itself_makes_the_same_of_it(name: str) -> None:
    """Where it is installed; elsewhere every file of the folder is at least one that something names."""
    named = re.findall(r"[\w./-]+", (FOLDER / name / "kustomization.yaml").read_text(encoding="utf-8"))
    files = {path.relative_to(FOLDER / name).as_posix() for path in (FOLDER / name).rglob("*") if path.is_file()}
    assert files - {"kustomization.yaml"} <= set(named)
    if shutil.which("kubectl") is None:
        return
    done = subprocess.run(["kubectl", "kustomize", FOLDER / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    unhashed = re.sub(r"(shjobs-settings)-[a-z0-9]{10}\b", r"\1", done.stdout)
    assert in_order(list(yaml.safe_load_all(unhashed))) == in_order(OVERLAYS[name])


def in_order(value: Any) -> Any:
    """With every list in one order, since a merge may put what it adds first or last."""
    if isinstance(value, dict):
        return {key: in_order(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(map(in_order, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


@overlays
def test_there_is_one_submitter_that_may_do_little_and_has_time_to_end(name: str) -> None:
    [deployment], pod = of_kind(name, "Deployment"), pod_of(name)
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert pod["terminationGracePeriodSeconds"] > PATIENCE
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    for each in containers(deployment):
        safe = each["securityContext"]
        assert (safe["readOnlyRootFilesystem"], safe["allowPrivilegeEscalation"]) == (True, False)
        assert safe["capabilities"] == {"drop": ["ALL"]}
    [daemon] = pod["containers"]
    probes = [daemon[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    assert probes == ["/healthz", "/healthz", "/readyz"]


@overlays
def test_every_name_that_is_used_is_that_of_something(name: str) -> None:
    pod = pod_of(name)
    volumes = {each["name"]: each for each in pod["volumes"]}
    mounted = {mount["name"] for each in containers(of_kind(name, "Deployment")[0]) for mount in each["volumeMounts"]}
    assert mounted == volumes.keys()
    maps = {each["metadata"]["name"] for each in of_kind(name, "ConfigMap")}
    assert {each["configMap"]["name"] for each in volumes.values() if "configMap" in each} == maps
    claims = {each["metadata"]["name"] for each in of_kind(name, "PersistentVolumeClaim")}
    assert {
        each["persistentVolumeClaim"]["claimName"] for each in volumes.values() if "persistentVolumeClaim" in each
    } == claims
    assert {each["secret"]["secretName"] for each in volumes.values() if "secret" in each} <= SECRETS.keys()
    [service] = of_kind(name, "Service")
    labels = of_kind(name, "Deployment")[0]["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    [port] = pod["containers"][0]["ports"]
    assert service["spec"]["ports"] == [
        {"name": port["name"], "port": port["containerPort"], "targetPort": port["name"]}
    ]


@overlays
def test_what_runs_is_a_command_of_ours_and_its_variables_are_settings(name: str) -> None:
    for each in containers(of_kind(name, "Deployment")[0]):
        assert re.fullmatch(r"registry\.[\w./-]+:v?[\w.]+", each["image"]), each["image"]
        if each["name"] == "git-sync":
            assert all(key == "HOME" or key.startswith("GITSYNC_") for key in variables(each))
            continue
        assert each.get("args", ["run"])[0] in COMMANDS
        given = variables(each)
        text = "" if each["name"] == "sandbox" else settings_of(name)
        read = settings_from(text, source="shjobs.toml", environment=given, base=Path(HOME), read=lambda _path: "x")
        [port] = pod_of(name)["containers"][0]["ports"]
        assert each["name"] == "sandbox" or read.listen == f"0.0.0.0:{port['containerPort']}"


@overlays
def test_the_daemon_finds_what_it_looks_for_where_it_is_mounted(name: str) -> None:
    [daemon] = pod_of(name)["containers"]
    mounts = [Path(each["mountPath"]) for each in daemon["volumeMounts"]]
    read: list[Path] = []

    def reads(path: Path) -> str:
        read.append(path)
        return "x"

    settings = settings_from(
        settings_of(name), source="shjobs.toml", environment=variables(daemon), base=Path(HOME), read=reads
    )
    for path in (settings.jobs, settings.state, settings.status_dir, *read):
        assert path is not None
        assert path.is_relative_to(LIBRARY) or any(path.is_relative_to(mount) for mount in mounts), path
    assert settings.status_dir is not None
    assert settings.status_dir.is_relative_to(settings.state), "the jobs may not be written to"


def test_the_lines_for_a_repository_by_ssh_are_settings_too() -> None:
    """They stand as comments below those for https, which they replace."""
    text, dropped = settings_of("git"), ("url =", "tokenFile =")
    kept = [line for line in text.splitlines() if not line.startswith(dropped)]
    by_ssh = re.sub(r"^# (\w+ = )", r"\1", "\n".join(kept), flags=re.MULTILINE)
    found = settings_from(by_ssh, source="shjobs.toml", environment={}, base=Path(HOME), read=lambda _path: "x")
    assert found.git and found.git.is_ssh
    files = (found.git.ssh_key_file, found.git.known_hosts_file)
    assert files == tuple(Path(SECRETS["shjobs-git"], key) for key in ("ssh", "known_hosts"))


def created(secret: str) -> set[str]:
    """The keys with which the page creates a secret."""
    commands = re.findall(rf"^kubectl create secret generic {secret} ((?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
    assert commands, secret
    return {key for command in commands for key in re.findall(r"--from-(?:file|literal)=([\w-]+)", command)}


def test_the_secrets_that_the_page_creates_have_the_keys_that_are_read() -> None:
    read = set(re.findall(rf"{SECRETS['shjobs']}/([\w-]+)", settings_of("configmap")))
    assert created("shjobs") == read
    pairs: Mapping[str, set[str]] = {
        name: {value for each in containers(of_kind(name, "Deployment")[0]) for value in variables(each).values()}
        for name in USED
    }
    used = {
        each for values in pairs.values() for text in values for each in re.findall(r"/etc/git-secret/([\w-]+)", text)
    }
    assert created("shjobs-git") == used == {"ssh", "known_hosts", "token"}


@pytest.mark.slow
def test_the_manifests_of_the_configmap_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    for each in of_kind("configmap", "ConfigMap"):
        for file, text in each["data"].items():
            (tmp_path / ("" if file == "shjobs.toml" else "jobs.d") / file).write_text(text, encoding="utf-8")
    done = program("check", cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("1 file, 1 job accepted, 0 errors, 0 warnings\n", 0), done.stderr


@pytest.mark.slow
def test_the_sandbox_has_the_jobs_of_the_image_and_holds_none_of_them(tmp_path: Path) -> None:
    text = settings_of("sandbox").replace(f"{LIBRARY}/controller/data/jobs.d", str(ROOT / "jobs.d"))
    (tmp_path / "shjobs.toml").write_text(text, encoding="utf-8")
    sandbox, daemon = containers(of_kind("sandbox", "Deployment")[0])
    folder = Path(sandbox["args"][2]).relative_to(HOME)
    [credential] = load_settings(tmp_path / "shjobs.toml", {}).credentials.values()
    assert credential.folder == tmp_path / folder
    (tmp_path / folder / "my-bucket").mkdir(parents=True)
    done = shjobs("plan", "-o", "json", cwd=tmp_path, environment={**os.environ, **variables(daemon)})
    assert json.loads(done.stdout)["totals"]["actions"] == {"submit": 4}, done.stdout + done.stderr
    assert "COPY jobs.d lib/controller/data/jobs.d" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_page_has_a_line_for_every_overlay() -> None:
    assert set(re.findall(r"deploy/kubernetes/([\w-]+)", PAGE)) == OVERLAYS.keys()
