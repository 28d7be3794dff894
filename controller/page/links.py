"""The addresses of the pages, as a server has them, or as files beside each other."""

from collections.abc import Container
from typing import Protocol
from urllib.parse import quote, urlencode


class Links(Protocol):
    """Where each page is, as an href. `is_live`: whether a page can be fetched again."""

    is_live: bool

    def page(self, name: str, **fields: object) -> str:
        """A page by its path, such as `jobs` or `sets/alps`, "" for the first; `fields` that are empty are left out."""
        ...

    def twin(self, name: str, **fields: object) -> str:
        """Its JSON; "" where there is none."""
        ...

    def asset(self, name: str) -> str:
        """A file that pages share, or a picture."""
        ...


class ServedLinks:
    """Addresses below the base path of a server."""

    is_live = True

    def __init__(self, base: str = "") -> None:
        self._base = base

    def page(self, name: str, **fields: object) -> str:
        return f"{self._base}/{quote(name)}{_query(fields)}"

    def twin(self, name: str, **fields: object) -> str:
        return f"{self._base}/{quote(name) or 'overview'}.json{_query(fields)}"

    def asset(self, name: str) -> str:
        return f"{self._base}/{quote(name)}"


class FileLinks:
    """Files beside each other, which open without a server. `up` leads from the page to where the first one is.

    A list has no filters there: its fields are left out. Of single jobs and sets only those `known` have a page; others
    are in the list.
    """

    is_live = False

    def __init__(self, up: str = "", known: Container[str] = ()) -> None:
        self._up, self._known = up, known

    def page(self, name: str, **_fields: object) -> str:
        listed, slash, _ = name.partition("/")
        return f"{self._up}{quote(listed if slash and name not in self._known else name) or 'index'}.html"

    def twin(self, name: str, **_fields: object) -> str:  # noqa: ARG002
        return ""

    def asset(self, name: str) -> str:
        return f"{self._up}{quote(name)}"


def _query(fields: dict[str, object]) -> str:
    given = {name: value for name, value in fields.items() if value not in ("", None, 0, (), [])}
    return f"?{urlencode(given, doseq=True)}" if given else ""
