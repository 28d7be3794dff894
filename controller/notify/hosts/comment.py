"""The one comment of a jobs folder on a pull request: found again by a mark at its start, replaced, never repeated."""

from collections.abc import Iterator
from urllib.parse import quote

from controller.notify.hosts.hosts import Host, PostedComment

MOST_PAGES = 100  # of comments
CUT = "\n\n… cut here: the plan is longer than a comment may be; the log of the run has all of it\n"


def write_comment(host: Host, number: int, folder: str, text: str) -> str:
    """Write `text` into the pull request, for this jobs folder; returns what went wrong, "" when nothing did.

    A comment that may not be edited, since another user wrote it, is left as it is.
    """
    mark = mark_of(folder)
    body = _within(f"{mark}\n{text}", host.longest_comment)
    try:
        for comment in _marked(host, number, mark):
            if _same(comment.body, body):
                return ""
            problem = host.edit_comment(number, comment.id, body)
            if problem is not None:
                return problem
    except _UnreadError as error:
        return str(error)
    return host.add_comment(number, body)


def mark_of(folder: str) -> str:
    """What the comment begins with; a reader of the page does not see it."""
    return f"<!-- shjobs plan {quote(folder).replace('--', '-%2D')} -->"


class _UnreadError(Exception):
    """Which comments there are is not known: another one might be the second."""


def _marked(host: Host, number: int, mark: str) -> Iterator[PostedComment]:
    """The comments that begin with the mark, oldest first."""
    for page in range(1, MOST_PAGES + 1):
        found = host.comments(number, page)
        if isinstance(found, str):
            raise _UnreadError(found)
        comments, has_more = found
        yield from (each for each in comments if each.id and each.body.startswith(mark))
        if not has_more:
            return
    raise _UnreadError(f"there are more than {MOST_PAGES} pages of comments, and the plan is in none of them")


def _same(written: str, body: str) -> bool:
    """Hosts may change the ends of lines."""
    return written.replace("\r\n", "\n").strip() == body.strip()


def _within(body: str, longest: int) -> str:
    """The body, cut before a section, or else a line, that would not fit."""
    if len(body) <= longest:
        return body
    room = body[: longest - len(CUT)]
    end = max(room.rfind("\n<details>"), 0) or max(room.rfind("\n"), 0) or len(room)
    return body[:end] + CUT
