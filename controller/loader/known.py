"""What is remembered of the files of a tree, laid out as a walk meets them: no path is built for what is steady.

The tree keeps one for its manifests and scripts, the noticeboard one for its status files.
"""

from collections.abc import Iterable, Iterator

from controller.loader.record import FileRecord


class Known:
    """Records by path. `folders` holds those that a walk compares, by folder (`""`, `"a/b/"`) and name.

    `scripts` are compared by whoever uses them; `users` tells which manifests depend on the same files, `rare` which
    names in each folder do not end in `.yaml`.
    """

    def __init__(self, records: Iterable[FileRecord] = ()) -> None:
        self.folders: dict[str, dict[str, FileRecord]] = {}
        self.scripts: dict[str, FileRecord] = {}
        self.users: dict[tuple[str, ...], set[str]] = {}
        self.rare: dict[str, set[str]] = {}
        for record in records:
            self.put(record)

    def __len__(self) -> int:
        return len(self.scripts) + sum(map(len, self.folders.values()))

    def __iter__(self) -> Iterator[FileRecord]:
        yield from self.scripts.values()
        for folder in self.folders.values():
            yield from folder.values()

    def __contains__(self, path: str) -> bool:
        return self.get(path) is not None

    def get(self, path: str) -> FileRecord | None:
        folder, name = _parted(path)
        return self.folders.get(folder, {}).get(name) or self.scripts.get(path)

    def put(self, record: FileRecord) -> None:
        """Remember a file, instead of what was remembered of it before."""
        folder, name = _parted(record.path)
        if name in self.folders.get(folder, ()) or record.path in self.scripts:
            self.drop(record.path)
        if record.kind == "script":
            self.scripts[record.path] = record
            return
        self.folders.setdefault(folder, {})[name] = record
        if not name.endswith(".yaml"):
            self.rare.setdefault(folder, set()).add(name)
        if record.uses:
            self.users.setdefault(record.uses, set()).add(record.path)

    def drop(self, path: str) -> FileRecord | None:
        """Forget a file; answers what was remembered of it."""
        folder, name = _parted(path)
        here = self.folders.get(folder, {})
        record = here.pop(name, None)
        if record is None:
            return self.scripts.pop(path, None)
        self.rare.get(folder, set()).discard(name)
        if not here:
            del self.folders[folder]
            self.rare.pop(folder, None)
        if record.uses:
            users = self.users[record.uses]
            users.discard(path)
            if not users:
                del self.users[record.uses]
        return record


def _parted(path: str) -> tuple[str, str]:
    """`a/b/ndvi.yaml` as `a/b/` and `ndvi.yaml`."""
    place = path.rfind("/") + 1
    return path[:place], path[place:]
