"""Rules for the files to deliver, as far as the request alone shows: names, and formats that fit them.

`rules` applies them to every document. Whether they fit the evalscript's outputs is checked by `compatibility`.
"""

from collections.abc import Mapping
from typing import Any

from controller.manifest.document import Path
from controller.manifest.problems import OUTPUT, ProblemCollector

USERDATA = "userdata"
JSON = "application/json"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
RESPONSES: Path = (*OUTPUT, "responses")


def responses(faults: ProblemCollector) -> None:
    written = faults.at(RESPONSES)
    if not isinstance(written, list) or faults.touch(RESPONSES):
        return
    seen: dict[str, int] = {}
    for number, response in enumerate(written):
        name = identifier(response)
        if name in seen:
            message = f"`{name}` is delivered by responses[{seen[name]}] already: each response needs its own output"
            place = (*RESPONSES, number, "identifier") if "identifier" in response else (*RESPONSES, number)
            faults.add(place, "E220", message)
        seen.setdefault(name, number)
        _format(faults, (*RESPONSES, number, "format"), name, response)


def identifier(response: Mapping[str, Any]) -> str:
    """The output a response delivers."""
    return str(response.get("identifier", "default"))


def media_type(response: Mapping[str, Any]) -> str:
    """The file format a response is delivered in."""
    return str(response.get("format", {}).get("type", PNG))


def _format(faults: ProblemCollector, path: Path, name: str, response: Mapping[str, Any]) -> None:
    media = media_type(response)
    if name == USERDATA and media != JSON:
        faults.add(path, "E222", f"userdata is no image: write `format: {{type: {JSON}}}`")
    elif name != USERDATA and media == JSON:
        faults.add(path, "E222", f"{JSON} is the format of `userdata` alone: write {TIFF}, {PNG} or {JPEG}")
    elif media != JPEG and "quality" in response.get("format", {}):
        faults.doubt((*path, "quality"), "W113", f"only {JPEG} has a quality: it does nothing here, remove it")
