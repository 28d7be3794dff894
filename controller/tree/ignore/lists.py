"""The ignore lists of a tree: `.shjobsignore` in the root and in any folder below, each for what is below it.

A walk asks it what it may leave out. Who may push to the tree writes these lists: they are bounded in size, and one
that cannot be read hides its folder, as if that could not be read: nothing there is concluded, and nothing forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from stat import S_ISREG

from controller.model.errors import Problem
from controller.tree.ignore.automaton import IgnoreList
from controller.tree.ignore.pattern import Pattern, PatternError, read_pattern
from controller.tree.regular_files import UnfitFileError, read_regular, resolve_below

IGNORE_FILE = ".shjobsignore"
LARGEST_LIST = 65_536  # bytes
MOST_STATES = 16_384  # of all lists of a tree, about a state a character
UNREADABLE_LIST = "E196"
VOID_PATTERN = "W202"
_LEFT_OUT = "nothing below this folder is read until then, and its jobs stay as they are"


@dataclass(frozen=True, slots=True)
class FolderRules:
    """The lists in force in a folder, from the outermost on, each with its state behind the path of the folder."""

    lists: tuple[tuple[IgnoreList, int], ...] = ()

    def ignores(self, name: str, *, is_folder: bool) -> bool:
        """Whether something in the folder is ignored: the innermost list with a pattern for it decides."""
        for each, state in reversed(self.lists):
            verdict = each.verdict(each.feed(state, name), is_folder=is_folder)
            if verdict is not None:
                return verdict
        return False

    def below(self, name: str) -> "FolderRules":
        """The same lists in a folder of this folder."""
        return FolderRules(tuple((each, each.feed(state, f"{name}/")) for each, state in self.lists))

    def with_list(self, own: IgnoreList) -> "FolderRules":
        return FolderRules((*self.lists, (own, own.begin)))


NO_RULES = FolderRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreFile:
    """A list as it was read. `problems` are its patterns that match nothing."""

    content: bytes
    patterns: IgnoreList
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderIgnores:
    """What a walk found out about a folder, for the next one. `is_same`: by the rules of the last one.

    `verdicts` are those on the names that were asked about, `earlier` those of the last walk by the same rules.
    """

    rules: FolderRules = NO_RULES
    own: IgnoreFile | None = None
    is_same: bool = True
    verdicts: dict[str, bool] = field(default_factory=dict)
    earlier: Mapping[str, bool] = field(default_factory=dict, repr=False)

    def ignores(self, name: str, *, is_folder: bool) -> bool:
        """As `FolderRules.ignores`; the answer is kept."""
        verdict = self.earlier.get(name)
        if verdict is None:
            verdict = self.rules.ignores(name, is_folder=is_folder)
        self.verdicts[name] = verdict
        return verdict


NOTHING_IGNORED = FolderIgnores()


class IgnoreLists:
    """The lists of one walk. `before` is what the last walk that was acted on found, by folder; `found` is the same."""

    def __init__(self, root: str, before: Mapping[str, FolderIgnores]) -> None:
        self._root, self._before = root, before
        self._states = 0
        self.found: dict[str, FolderIgnores] = {}
        self.problems: list[Problem] = []

    def enter(self, folder: str, *, has_list: bool) -> FolderIgnores | Problem:
        """The rules of a folder (`""`, `"a/"`) whose parent was entered; a Problem when its list cannot be used."""
        if not has_list and not self.found:
            return NOTHING_IGNORED
        around, before = self._around(folder), self._before.get(folder)
        own = self._read(folder, before.own if before else None) if has_list else None
        if isinstance(own, Problem):
            return own
        rules = around.with_list(own.patterns) if own else around
        if not rules.lists:
            return NOTHING_IGNORED
        is_same = before is not None and before.rules == rules
        earlier = before.verdicts if before and is_same else {}
        self.found[folder] = FolderIgnores(rules=rules, own=own, is_same=is_same, earlier=earlier)
        return self.found[folder]

    def _around(self, folder: str) -> FolderRules:
        """The rules of the folders around a folder, as they hold in it."""
        parent, _, name = folder.rstrip("/").rpartition("/")
        found = self.found.get(f"{parent}/" if parent else "") if folder else None
        return found.rules.below(name) if found else NO_RULES

    def _read(self, folder: str, before: IgnoreFile | None) -> IgnoreFile | Problem:
        path = folder + IGNORE_FILE
        try:
            full = resolve_below(self._root, path)
            if full is None:
                return _refused(path, "is a link that leads out of the jobs folder")
            content, _ = read_regular(full, LARGEST_LIST)
        except UnfitFileError as error:
            is_regular = S_ISREG(error.found.st_mode)
            return _refused(path, f"is {error.strerror}" if is_regular else "is not a regular file")
        except OSError as error:
            return _refused(path, f"cannot be read: {error.strerror}")
        own = None
        if self._states <= MOST_STATES:  # else every further list is refused, however short
            own = before if before and before.content == content else _ignore_file(content, path)
            self._states += own.patterns.size
        if own is None or self._states > MOST_STATES:
            return _refused(path, f"is too long: the patterns of a tree may have {MOST_STATES:,} characters together")
        self.problems += own.problems
        return own


def _refused(path: str, words: str) -> Problem:
    return Problem(path=path, message=f"{words}; {_LEFT_OUT}", code=UNREADABLE_LIST)


def _ignore_file(content: bytes, path: str) -> IgnoreFile:
    problems: list[Problem] = []
    text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    patterns = IgnoreList(_patterns(text, path, problems))
    return IgnoreFile(content=content, patterns=patterns, problems=tuple(problems))


def _patterns(text: str, path: str, problems: list[Problem]) -> Iterator[Pattern]:
    for number, line in enumerate(text.split("\n"), 1):
        try:
            pattern = read_pattern(line)
        except PatternError as error:
            problems.append(Problem(path=path, line=number, message=f"matches nothing: it {error}", code=VOID_PATTERN))
            continue
        if pattern:
            yield pattern
