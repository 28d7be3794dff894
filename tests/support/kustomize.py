"""What `kubectl kustomize` makes of a folder, as far as ours use it; names of ConfigMaps are without hash."""

import copy
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
KNOWN = {"apiVersion", "kind", "resources", "patches", "configMapGenerator", "generatorOptions", "images"}
KEYS = {"volumeMounts": "mountPath"}
"""By which key the entries of a list are told apart, when not by their name."""


def built(folder: Path) -> list[Document]:
    """The documents of a folder with a kustomization.yaml."""
    asked = yaml.safe_load((folder / "kustomization.yaml").read_bytes())
    assert asked.keys() <= KNOWN, f"{folder}: {asked.keys() - KNOWN}"
    documents = [each for name in asked["resources"] for each in _resources(folder / name)]
    for patch in asked.get("patches", ()):
        change = yaml.safe_load((folder / patch["path"]).read_bytes())
        place = next(index for index, each in enumerate(documents) if _name(each) == _name(change))
        documents[place] = merged(documents[place], change)
    for generator in asked.get("configMapGenerator", ()):
        made = _config_map(folder, generator, asked.get("generatorOptions", {}))
        assert (_name(made) in map(_name, documents)) is (generator.get("behavior") == "replace"), generator
        documents = [made, *(each for each in documents if _name(each) != _name(made))]
    for image in asked.get("images", ()):
        for container in (each for document in documents for each in containers(document)):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
    return documents


def containers(document: Document) -> list[Document]:
    """Those of a Deployment: first what starts first."""
    pod = document["spec"]["template"]["spec"] if document["kind"] == "Deployment" else {}
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]


def merged(before: Any, change: Any, key: str = "") -> Any:
    """A strategic merge: of objects by key, of lists of objects by the entries' names."""
    if isinstance(before, dict) and isinstance(change, dict):
        return {**before, **{each: merged(before.get(each), value, each) for each, value in change.items()}}
    if isinstance(before, list) and isinstance(change, list) and all(isinstance(each, dict) for each in change):
        mark = KEYS.get(key, "name")
        known = {each[mark]: each for each in before}
        return list((known | {each[mark]: merged(known.get(each[mark]), each) for each in change}).values())
    return copy.deepcopy(change)


def _resources(path: Path) -> list[Document]:
    return built(path) if path.is_dir() else list(yaml.safe_load_all(path.read_bytes()))


def _config_map(folder: Path, generator: Document, options: Document) -> Document:
    labels = generator.get("options", options)["labels"]
    data = {Path(name).name: (folder / name).read_text(encoding="utf-8") for name in generator["files"]}
    metadata = {"name": generator["name"], "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _name(document: Document) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]
