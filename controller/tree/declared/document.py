"""One document of a file, that is no set, as the tree keeps it: appraised, with its comments applied.

Called by the tree for every document that was read.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.analysis.ignores import Comments, apply_ignores, script_comments
from controller.manifest.validate import Broken, ValidManifest
from controller.model.errors import DEFECT, defect
from controller.model.job import Appraisal
from controller.tree.contents import NAME
from controller.tree.declared.declarations import Acceptance, as_json
from controller.tree.declared.ownership import Declared

Appraise = Callable[[ValidManifest], Appraisal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraised:
    """A document, and what it wants unless that has problems; `awaits` and `is_passing` as in `Appraisal`."""

    declared: Declared
    acceptance: Acceptance | None = None
    awaits: str = ""
    is_passing: bool = False


def appraised(item: ValidManifest | Broken, comments: Comments, appraise: Appraise) -> Appraised:
    """The document as it is declared; an error of ours is a problem of it alone, and it is read again after a while."""
    if isinstance(item, Broken):
        is_ours = any(each.code == DEFECT for each in item.problems)
        return Appraised(declared=_broken(item, comments), is_passing=is_ours)
    try:
        return _appraised(item, comments, appraise(item))
    except Exception as error:  # noqa: BLE001  the net of one document
        line, column = item.document.place(NAME)
        problems = (defect(error, item.path, line, column),)
        return Appraised(declared=replace(_named(item), problems=problems), is_passing=True)


def _broken(item: Broken, comments: Comments) -> Declared:
    return Declared(
        path=item.path,
        index=item.index,
        name=item.name,
        problems=item.problems,
        warnings=apply_ignores(item.warnings, [comments]).warnings,
        set_name=item.set_name,
    )


def _appraised(item: ValidManifest, comments: Comments, answer: Appraisal) -> Appraised:
    kept, acceptance = apply_ignores(answer.warnings, [comments, script_comments(item)]), None
    if answer.wanted is not None:
        wanted = replace(answer.wanted, warnings=(*kept.warnings, *kept.unexplained))
        acceptance = Acceptance(wanted=wanted, body=as_json(item.request.body))
    declared = replace(
        _named(item), problems=answer.problems, warnings=kept.warnings, used=kept.used, idle=kept.idle
    )  # fmt: skip
    return Appraised(
        declared=declared, acceptance=acceptance, awaits=answer.awaits, is_passing=answer.is_passing
    )  # fmt: skip


def _named(item: ValidManifest) -> Declared:
    line, column = item.document.place(NAME)
    return Declared(path=item.path, index=item.index, name=item.name, line=line, column=column)
