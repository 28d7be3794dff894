"""The approval as a file: `kind: Approval` names the hashes of large changes that a reviewed commit releases.

The scan reads these beside the manifests. Pure. What a hash releases is decided by `reconcile/admission` alone; a file
only names it, so nothing here is ever run, priced or sent.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from controller.manifest.document import Document, Path
from controller.manifest.fields import Unfit
from controller.manifest.model import API_VERSION, StrictModel, known_keys
from controller.manifest.problems import ProblemCollector, kind_of
from controller.manifest.validate import Broken
from controller.model.catalog import nearest

APPROVAL = "Approval"
MOST_HASHES = 100  # of one document
LONGEST_REASON = 500  # characters
_HASH = re.compile(r"[0-9a-f]{12}")
_ADVICE = "write the twelve hexadecimal digits that `shjobs plan` shows, in quotes"


def is_hash(written: str) -> bool:
    """Whether it has the form of what `plan`, `get` and `budget` show for a large change."""
    return _HASH.fullmatch(written) is not None


def _hash(written: str) -> str:
    if not is_hash(written):
        raise Unfit("E108", f"is no hash: {_ADVICE}")
    return written


Hash = Annotated[str, AfterValidator(_hash), Field(json_schema_extra={"pattern": f"^{_HASH.pattern}$"})]
Hashes = Annotated[tuple[Hash, ...], Field(strict=False, min_length=1, max_length=MOST_HASHES)]


class ApprovalSpec(StrictModel):
    """What is approved, and why."""

    hashes: Hashes = Field(
        description="Hashes as `shjobs plan` shows them: each releases exactly the set of requests it names.",
        examples=[["3e8e2ab41b53"]],
    )
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] | None = Field(
        None, description="Why, for those who read it later; it is in the event."
    )


class WrittenApproval(StrictModel):
    """A yes to large changes, reviewed like the change itself. It counts once it is committed."""

    api_version: Literal["shjobs/v1"] = Field(description="Version of the manifest's language.", examples=[API_VERSION])
    kind: Literal["Approval"] = Field(description="What the document declares.", examples=[APPROVAL])
    spec: ApprovalSpec = Field(description="What is approved, and why.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One accepted document; `index` is its number in the file."""

    path: str
    index: int
    hashes: tuple[str, ...]
    reason: str = ""


def is_approval(document: Document) -> bool:
    """Whether a document calls itself an approval of ours."""
    value = document.value
    return isinstance(value, dict) and value.get("apiVersion") == API_VERSION and value.get("kind") == APPROVAL


def read_approval(document: Document, path: str) -> Approval | Broken:
    """The approval, or all its errors. Then none of its hashes counts: half a yes is none."""
    faults = ProblemCollector(document, path)
    for empty in document.empty:
        faults.add(empty, "E107", "is empty: write a value, or remove it")
    written = _read(faults)
    problems = faults.problems()
    if written is None or problems:
        return Broken(path=path, index=document.index, name=None, problems=problems)
    spec = written.spec
    return Approval(path=path, index=document.index, hashes=spec.hashes, reason=spec.reason or "")


def _read(faults: ProblemCollector) -> WrittenApproval | None:
    try:
        return WrittenApproval.model_validate(faults.document.value)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            if each["type"] != "too_short" or not each["input"]:  # a list of bad elements counts as too short as well
                faults.add(each["loc"], *_explain(each))
    return None


def _explain(error: Any) -> tuple[str, str]:
    """Code and message of one error."""
    kind, where, value = error["type"], error["loc"], error["input"]
    if kind == "extra_forbidden":
        return "E104", _unknown_key(where)
    if kind == "missing":
        return "E105", "is missing: an approval is `spec: {hashes: ['3e8e2ab41b53']}`"
    if kind == "value_error":
        return "E108", str(error["ctx"]["error"])
    if kind == "too_long":
        return "E109", f"has more than {MOST_HASHES} hashes: write another approval for the rest"
    if kind == "string_too_long":
        return "E109", f"is longer than {LONGEST_REASON} characters"
    if kind == "too_short":
        return "E107", f"must not be empty: {_ADVICE}"
    if where[:2] == ("spec", "hashes"):
        expected = "a list (`- …` or `[…]`)" if len(where) == 2 else "text"
        return "E106", f"must be {expected}, not {kind_of(value)}: {_ADVICE}"
    return "E106", f"must be {'text' if where[-1] == 'reason' else 'a mapping (`key: value`)'}, not {kind_of(value)}"


def _unknown_key(where: Path) -> str:
    keys = known_keys(ApprovalSpec if where[:1] == ("spec",) else WrittenApproval)
    near = nearest(str(where[-1]), keys)
    return f"unknown key: did you mean `{near}`?" if near else f"unknown key: the keys here are {', '.join(keys)}"
