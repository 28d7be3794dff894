"""Writes a file that must not be there yet: `init` and `import` never overwrite what a person has."""

from pathlib import Path

from controller.model.errors import UsageError


def create(path: Path, text: str) -> bool:
    """Write the file, and the folders above it; answers False, and writes nothing, when there is one already.

    Raises `UsageError` when the disk refuses; nothing of the file is left then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.exists():
            return False
        with path.open("x", encoding="utf-8", newline="\n") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                path.unlink()
                raise
    except FileExistsError as error:
        raise UsageError(f"{error.filename} cannot be written: something else stands in its place") from None
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return True
