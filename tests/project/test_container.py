"""What goes with the image: the Dockerfile, compose.yaml and the manifests for Kubernetes, held against the program.

`make prove PARTS=container` builds and runs it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from controller.cli.settings import load_settings
from controller.reconcile.runner import PATIENCE
from tests.conftest import Workspace
from tests.daemon.test_daemon import running
from tests.support.command import program
from tests.support.paths import ROOT
from tools.lock import TOOLS

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FILES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
DOCUMENTS = [(path, each) for path in FILES for each in yaml.safe_load_all(path.read_bytes())]
DEPLOYMENTS = [each for _, each in DOCUMENTS if each["kind"] == "Deployment"]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_bytes())["services"]


def test_the_linter_has_nothing_to_say_about_the_dockerfile() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_libraries_come_from_the_lock_alone_and_the_image_has_no_development_tools() -> None:
    installs = re.findall(r"pip install (.*?) -r (\S+)", DOCKERFILE)
    assert [file for _, file in installs] == ["package.lock"]
    assert all({"--no-deps", "--require-hashes"} <= set(options.split()) for options, _ in installs)
    package, _, tools = (ROOT / "requirements.lock").read_text(encoding="utf-8").partition(TOOLS)
    assert all(re.search(f"^{name}==", package, re.MULTILINE) for name in ("pydantic", "mini-racer", "numpy", "pyproj"))
    assert re.search("^pytest==", tools, re.MULTILINE)
    [marker] = re.findall(r"\^(# --- [a-z ]+)/", DOCKERFILE)
    assert TOOLS.startswith(marker)


def test_the_image_is_nobody_special() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert last.startswith("base\n")
    assert re.findall(r"^USER (\d+):(\d+)$", last, re.MULTILINE) == [("10001", "10001")]


@pytest.mark.slow
def test_its_health_check_asks_the_daemon(workspace: Workspace) -> None:
    [asked] = re.findall(r"^HEALTHCHECK .*\\\n    CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    python, *arguments = json.loads(asked)
    settings = load_settings(workspace.root / "shjobs.toml", workspace.environment)
    assert (python, settings.listen in arguments[-1]) == ("python", True)
    with running(workspace) as daemon:
        where = daemon.url.removeprefix("http://")
        healthy = [sys.executable, *(each.replace(settings.listen, where) for each in arguments)]
        assert subprocess.run(healthy, check=False).returncode == 0
        assert daemon.stop() == 0
    assert subprocess.run(healthy, capture_output=True, check=False).returncode == 1


def test_compose_gives_the_daemon_the_address_and_the_time_it_needs() -> None:
    daemon, sandbox = COMPOSE["daemon"], COMPOSE["sandbox"]
    assert daemon["network_mode"] == "service:sandbox"
    assert float(daemon["stop_grace_period"].rstrip("s")) > PATIENCE
    for service in (daemon, sandbox):
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    settings = load_settings(ROOT / "shjobs.toml", daemon["environment"])
    home = Path("/srv/shjobs")
    [credentials] = settings.credentials.values()
    assert home / credentials.folder.relative_to(ROOT) == Path(sandbox["command"][2])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "document"), [pytest.param(*each, id=f"{each[0].name}: {each[1]['kind']}") for each in DOCUMENTS]
)
def test_a_manifest_for_kubernetes_is_valid(path: Path, document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    assert document["metadata"]["labels"]["app.kubernetes.io/name"] == "shjobs", path


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=[path.stem for path, each in DOCUMENTS if each in DEPLOYMENTS])
def test_a_deployment_has_one_submitter_that_may_do_little_and_has_time_to_end(deployment: dict[str, Any]) -> None:
    spec, pod = deployment["spec"], deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert pod["terminationGracePeriodSeconds"] > PATIENCE
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    for each in (container, *pod.get("initContainers", ())):
        safe = each["securityContext"]
        assert (safe["readOnlyRootFilesystem"], safe["allowPrivilegeEscalation"]) == (True, False)
        assert safe["capabilities"] == {"drop": ["ALL"]}
    assert [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")] == [
        "/healthz",
        "/healthz",
        "/readyz",
    ]
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted <= {each["name"] for each in pod["volumes"]}


@pytest.mark.slow
def test_the_settings_for_kubernetes_are_settings_and_its_example_is_a_manifest(tmp_path: Path) -> None:
    maps = {each["metadata"]["name"]: each["data"] for _, each in DOCUMENTS if each["kind"] == "ConfigMap"}
    for name, text in maps["shjobs-settings"].items():
        (tmp_path / name).write_text(text)
    (tmp_path / "jobs.d").mkdir()
    for name, text in maps["shjobs-jobs"].items():
        (tmp_path / "jobs.d" / name).write_text(text)
    [secret] = [each for _, each in DOCUMENTS if each["kind"] == "Secret"]
    named = set(re.findall("/run/secrets/shjobs/([a-z-]+)", maps["shjobs-settings"]["shjobs.toml"]))
    assert named == secret["stringData"].keys()
    assert set(secret["stringData"].values()) == {""}
    done = program("check", cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("1 file, 1 job accepted, 0 errors, 0 warnings\n", 0), done.stderr
    [deployment] = [each for path, each in DOCUMENTS if path.stem == "shjobs" and each in DEPLOYMENTS]
    [port] = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
    shown = json.loads(program("config", "show", "-o", "json", cwd=tmp_path).stdout)
    assert f"0.0.0.0:{port['containerPort']}" in json.dumps(shown)
