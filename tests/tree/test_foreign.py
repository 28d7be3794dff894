"""Files of other programs among the manifests: noted, not refused; and a manifest with a mistake is none of them."""

import json

import pytest

from controller.manifest.document import read_documents
from controller.manifest.validate import Broken
from controller.tree.foreign import foreign_note, own_documents
from tests.conftest import ndvi
from tests.tree.test_scan import Jobs, jobs, manifest

__all__ = ["jobs"]
SPEC = "spec: {request: {input: {}, output: {}}, evalscriptFile: ndvi.js}\n"
BODY = {
    "input": {"bounds": {"bbox": [1, 2, 3, 4]}, "data": [{"type": "dem"}]},
    "output": {},
    "evalscript": "//VERSION=3",
}
WORKFLOW = """\
name: check
on: {pull_request: {}}
jobs:
  check:
    runs-on: ubuntu-latest
    steps: [{run: shjobs check}]
"""
COMPOSE = """\
x-common: &common {restart: always}
services:
  shjobs: {<<: *common, image: shjobs, volumes: ["./jobs.d:/jobs.d"]}
"""
MKDOCS = """\
site_name: Our rasters
nav: [{shjobs: shjobs.md}]
markdown_extensions: [{toc: {slugify: !!python/name:pymdownx.slugs.uslugify }}]
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shjobs}
spec: {template: {spec: {containers: [{name: shjobs, image: shjobs}]}}}
"""
CERTIFICATE = "apiVersion: cert-manager.io/v1\nkind: CertificateRequest\nmetadata: {name: a}\nspec: {request: LS0t}\n"
SCRIPTS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {evalscript: '//VERSION=3'}\n"
GEOJSON = json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"evalscript": 1}}]})


def is_foreign(text: str, path: str) -> bool:
    documents = read_documents(text, path)
    return bool(documents) and not own_documents(documents, text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param(WORKFLOW, "a.yaml", id="a workflow that runs shjobs"),
        pytest.param(COMPOSE, "a.yaml", id="a compose file with anchors"),
        pytest.param(MKDOCS, "a.yml", id="mkdocs.yml with a tag"),
        pytest.param(DEPLOYMENT, "a.yaml", id="the Deployment of shjobs"),
        pytest.param(f"{DEPLOYMENT}---\n{SCRIPTS}", "a.yaml", id="several manifests of Kubernetes"),
        pytest.param(CERTIFICATE, "a.yaml", id="a request of another group"),
        pytest.param(GEOJSON, "a.json", id="GeoJSON, whatever its properties"),
        pytest.param('{"type": "Polygon", "coordinates": []}', "a.json", id="a bare geometry"),
        pytest.param('{"dependencies": {}, "type": ["module"]}', "a.json", id="package.json"),
        pytest.param('{"openapi": "3.1.0", "info": {}, "paths": {}}', "a.json", id="OpenAPI"),
        pytest.param("inputs: {data: {required: true}}\noutputs: {}\nruns: {}\n", "a.yml", id="an action"),
        pytest.param("- hosts: all\n  tasks: []\n", "a.yaml", id="a playbook"),
        pytest.param("[[14.3, 35.8], [14.4, 35.9]]", "a.json", id="a list of numbers"),
        pytest.param("just a note\n", "a.yaml", id="a text"),
    ],
)
def test_files_of_other_programs_are_foreign(text: str, path: str) -> None:
    assert is_foreign(text, path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param(ndvi(), "a.yaml", id="a manifest"),
        pytest.param(ndvi().replace("shjobs/v1", "shjob/v1"), "a.yaml", id="a letter is missing in the group"),
        pytest.param(ndvi().replace("shjobs/v1", "shjosb/v1"), "a.yaml", id="two letters are swapped in the group"),
        pytest.param("apiVersion: shjob/v1\nkind: Job\n", "a.yaml", id="a mistyped group alone"),
        pytest.param("apiVersion: ShJobs/V1\nkind: Job\n", "a.yaml", id="the group in capitals"),
        pytest.param("apiVersion: shjobs/v2\nkind: Job\n", "a.yaml", id="another version"),
        pytest.param("apiVersion: shjobs.io/v1\nkind: Job\n", "a.yaml", id="a group with a domain"),
        pytest.param("apiversion: shjobs/v1\n", "a.yaml", id="a key in small letters"),
        pytest.param("api_version: shjobs/v1\n", "a.yaml", id="a key with an underscore"),
        pytest.param("apiVersoin: shjobs/v1\n", "a.yaml", id="a mistyped key"),
        pytest.param("kind: AsyncProcess\n", "a.yaml", id="no apiVersion"),
        pytest.param("kind: AsnycProces\n", "a.yaml", id="no apiVersion and a mistyped kind"),
        pytest.param("kind: AsyncProcessSet\n", "a.yaml", id="a kind to come"),
        pytest.param("apiVersion: v1\nkind: AsyncProcess\n", "a.yaml", id="the version alone"),
        pytest.param(f"apiVersion: v1\nkind: Job\n{SPEC}", "a.yaml", id="another group and kind around our request"),
        pytest.param(SPEC, "a.yaml", id="neither apiVersion nor kind"),
        pytest.param(SPEC.replace("spec:", "spce:"), "a.yaml", id="neither of them and a mistyped spec"),
        pytest.param("metadata: {name: a}\nspec: {hold: true}\n", "a.yaml", id="neither of them and no request"),
        pytest.param("spec: {evalscript: //VERSION=3}\n", "a.yaml", id="a script in the wrong place"),
        pytest.param("spec: {max_processing_units: 3}\n", "a.yaml", id="one key of ours"),
        pytest.param(json.dumps(BODY), "a.json", id="a request without a manifest around it"),
        pytest.param(json.dumps({"input": BODY["input"]}), "a.json", id="a part of a request"),
        pytest.param(json.dumps([BODY]), "a.json", id="a list of requests"),
        pytest.param("- apiVersion: shjobs/v1\n", "a.yaml", id="a list of manifests"),
        pytest.param(f"{DEPLOYMENT}---\n{ndvi()}", "a.yaml", id="a manifest behind one of Kubernetes"),
        pytest.param("apiVersion:shjobs/v1\nkind:AsyncProcess\n", "a.yaml", id="no space behind the colons"),
        pytest.param("{}", "a.json", id="an empty mapping"),
    ],
)
def test_a_manifest_with_a_mistake_is_no_foreign_file(text: str, path: str) -> None:
    assert not is_foreign(text, path)
    assert own_documents(read_documents(text, path), text) == read_documents(text, path)


@pytest.mark.parametrize(
    ("text", "advised"),
    [
        pytest.param("{{- if .Values.on }}\nreplicas: 1\n{{- end }}\n", True, id="a template of Helm"),
        pytest.param(f"{DEPLOYMENT}---\na: [\n", False, id="ours are named in it"),
        pytest.param(ndvi().replace("spec:", "spec: ["), False, id="a manifest"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_what_to_do_if_it_is_foreign(text: str, advised: bool) -> None:
    [document] = own_documents(read_documents(text, "a.yaml"), text)[-1:]
    assert document.problems[-1].code in ("E100", "E102")
    assert document.problems[-1].message.endswith("; if it is no manifest, list it in .shjobsignore") is advised


def test_a_file_that_becomes_foreign_loses_its_jobs_and_one_that_becomes_ours_has_them(jobs: Jobs) -> None:
    jobs.scan()
    jobs.write("ndvi.yaml", WORKFLOW)
    [file] = jobs.scan().changed
    assert (file.path, file.documents, jobs.known.foreign) == ("ndvi.yaml", (), {"ndvi.yaml"})
    assert jobs.changed() == []
    jobs.write("ndvi.yaml", manifest("ndvi"))
    [file] = jobs.scan().changed
    assert ([each.name for each in file.documents], jobs.known.foreign) == (["ndvi"], set())


def test_a_foreign_file_that_was_only_touched_stays_foreign(jobs: Jobs) -> None:
    jobs.write("a.yaml", WORKFLOW)
    jobs.scan()
    (jobs.root / "a.yaml").touch()
    assert (jobs.changed(), jobs.known.foreign) == ([], {"a.yaml"})


@pytest.mark.parametrize("first", [True, False], ids=["it comes first", "it comes later"])
def test_a_geojson_beside_its_manifest_shares_no_status_file(jobs: Jobs, first: bool) -> None:
    """`tunis.yaml` and `tunis.json`, its area, were both refused."""
    if not first:
        jobs.scan()
    jobs.write("ndvi.json", GEOJSON)
    assert jobs.reported() == []
    assert (jobs.changed(), jobs.known.foreign) == ([], {"ndvi.json"})
    jobs.write("ndvi.json", manifest("other"))
    assert len(jobs.reported()) == 2
    jobs.write("ndvi.json", GEOJSON)
    found = [document for file in jobs.scan().changed for document in file.documents]
    assert [(each.name, isinstance(each, Broken)) for each in found] == [("ndvi", False)]


@pytest.mark.parametrize(
    ("count", "note"),
    [
        pytest.param(0, "", id="none"),
        pytest.param(1, "1 file is not a shjobs manifest: 0.yaml; list it in .shjobsignore to be silent", id="one"),
        pytest.param(
            3,
            "3 files are not shjobs manifests: 0.yaml, 1.yaml, 2.yaml; list them in .shjobsignore to be silent",
            id="some",
        ),
    ],
)
def test_one_line_tells_of_all(count: int, note: str) -> None:
    assert foreign_note([f"{number}.yaml" for number in range(count)]) == note


def test_of_many_the_first_are_named() -> None:
    assert "9.yaml and 2 more; list" in foreign_note([f"{number}.yaml" for number in range(12)])
