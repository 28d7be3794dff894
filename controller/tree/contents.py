"""What the text of a manifest file declares: its documents, its sets, its approvals, and the files they name.

Called by the scan for every text that changed. Who may push to the tree writes these documents: any failure in reading
one, an error of ours included, is a problem of that document alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from controller.analysis.ignores import NOTHING, Comments, manifest_comments
from controller.manifest.approval import Approval, is_approval, read_approval
from controller.manifest.document import Document, read_documents
from controller.manifest.problems import ProblemCollector
from controller.manifest.validate import Broken, Script, ValidManifest, accept, is_set, script_file
from controller.model.errors import Problem, defect
from controller.model.files import AREA, FOREIGN, SET
from controller.tree.foreign import own_documents
from controller.tree.status_files import LONGEST_STEM, has_room

if TYPE_CHECKING:
    from controller.sets.accept import ValidSet

NAME = ("metadata", "name")
"""The place of what concerns a whole document."""

Declaration: TypeAlias = "ValidManifest | ValidSet | Broken | Approval"
Named = Callable[[str, str], Script]
"""Reads a file that a manifest names, as it is written there and of this kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """A new or changed manifest file, with its documents in order, its sets, and the ignores from its comments.

    A foreign file has no documents, and neither has an empty one. `uses` are the paths of the files it names, `kind` is
    that of its record where it is not "manifest". `is_same`: nothing of it changed but the time.
    """

    path: str
    documents: tuple[ValidManifest | Broken, ...] = ()
    sets: "tuple[ValidSet, ...]" = ()
    is_same: bool = False
    approvals: tuple[Approval, ...] = ()
    comments: Comments = NOTHING
    uses: tuple[str, ...] = ()
    kind: str = ""


def contents_of(text: str, path: str, named: Named, now: datetime | None) -> LoadedFile:
    """Read a text; sets are read as of `now`, and without it not at all."""
    try:
        return _contents_of(text, path, named, now)
    except Exception as error:  # noqa: BLE001  the net of one file
        broken = Broken(path=path, index=0, name=None, problems=(defect(error, path),))
        return LoadedFile(path=path, documents=(broken,))


def is_foreign(text: str, path: str) -> bool:
    """Whether it declares nothing of ours; a text that cannot be read may declare something."""
    try:
        documents = read_documents(text, path)
        return bool(documents) and not own_documents(documents, text)
    except Exception:  # noqa: BLE001  what is wrong is said where its contents are read
        return False


def _contents_of(text: str, path: str, named: Named, now: datetime | None) -> LoadedFile:
    found = read_documents(text, path)
    documents = own_documents(found, text)
    if found and not documents:
        return LoadedFile(path=path, kind=FOREIGN)
    reading = _Reading(path, named, now)
    read = [each for each in map(reading.document, documents) if each is not None]
    return LoadedFile(
        path=path,
        documents=tuple(each for each in read if isinstance(each, ValidManifest | Broken)),
        sets=tuple(each for each in read if not isinstance(each, ValidManifest | Broken | Approval)),
        approvals=tuple(each for each in read if isinstance(each, Approval)),
        comments=manifest_comments(text, path),
        uses=tuple(sorted(reading.uses)),
        kind=SET if any(map(is_set, documents)) else "",
    )


class _Reading:
    """One reading of a file's documents; `uses` are the files they have named so far."""

    def __init__(self, path: str, named: Named, now: datetime | None) -> None:
        self._path, self._named, self._now = path, named, now
        self.uses: set[str] = set()

    def document(self, document: Document) -> "Declaration | None":
        """What a document declares; None for a set that is not to be read."""
        try:
            return self._with_status(document, self._declared(document))
        except Exception as error:  # noqa: BLE001  the net of one document
            return _broken(document, self._path, defect(error, self._path, *document.place(NAME)))

    def _with_status(self, document: Document, found: "Declaration | None") -> "Declaration | None":
        """The same, unless its file has a name that leaves no room for that of its status file."""
        if found is None or isinstance(found, Approval) or has_room(self._path):
            return found
        others = found.problems if isinstance(found, Broken) else ()
        return _broken(document, self._path, _too_long(document, self._path), *others)

    def _declared(self, document: Document) -> "Declaration | None":
        if is_approval(document):
            return read_approval(document, self._path)
        if is_set(document):
            return self._set_of(document)
        written = script_file(document)
        return accept(document, self._path, self._read(written) if written else None)

    def _set_of(self, document: Document) -> "ValidSet | Broken | None":
        if self._now is None:
            return None
        # Shapes and projections are slow to import, so only a tree with a set pays for it.
        from controller.sets.accept import accept_set
        from controller.sets.axes import area_files

        areas = {written: self._read(written, AREA) for _, written in area_files(document.value)}
        return accept_set(document, self._path, areas, self._read, self._now)

    def _read(self, written: str, kind: str = "script") -> Script:
        found = self._named(written, kind)
        self.uses.update({found.path} if found.path else ())
        return found


def _too_long(document: Document, path: str) -> Problem:
    line, column = document.place(NAME)
    message = f"the name of the file is too long for its status file: at most {LONGEST_STEM} bytes before the suffix"
    return Problem(path=path, line=line, column=column, message=message, code="E192")


def _broken(document: Document, path: str, *problems: Problem) -> Broken:
    name = ProblemCollector(document, path).name()
    if is_set(document):
        return Broken(path=path, index=document.index, name=None, problems=problems, set_name=name or "")
    return Broken(path=path, index=document.index, name=None if is_approval(document) else name, problems=problems)
