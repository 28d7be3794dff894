"""The tree that is fetched from a repository, for commands: `sync` fetches it once, the others need one in force."""

from controller.model.errors import UsageError
from controller.settings.git import CURRENT
from controller.settings.settings import Settings
from controller.source.outcome import SourceStale, SourceUnverified, Swapped

NO_TREE = "no tree was fetched yet: `shjobs sync`, or `shjobs run`, fetches it"


def require_tree(settings: Settings, *, or_jobs: bool = False) -> None:
    """Raise `UsageError` when there is a repository and no tree of it is in force, or one that may not be.

    With `or_jobs`, jobs that were recorded when there was a tree are enough.
    """
    if settings.git is None:
        return
    from controller.source.verifying import may_be_read, why_withheld

    if (settings.state / CURRENT).exists() and may_be_read(settings.git, settings.state):
        return
    if not (or_jobs and _has_jobs(settings)):
        why = why_withheld(settings.git, settings.state)
        raise UsageError(why or f"{NO_TREE} from {settings.git.url}")


def refuse_fetched_folder(settings: Settings) -> None:
    """Raise `UsageError` when the jobs folder is not the place for files of the user."""
    if settings.git is not None:
        words = "is replaced with the next commit: name a folder of your clone with --output"
        raise UsageError(f"{settings.jobs} {words}")


def fetch_once(settings: Settings) -> str:
    """Fetch the tree, if there is a repository; returns what to show the user, "" for nothing.

    Raises `UsageError` when nothing is in force afterwards.
    """
    if settings.git is None:
        return ""
    from controller.source.fetcher import Fetcher
    from controller.source.verifying import may_be_read, why_withheld

    fetcher = Fetcher(settings.git, settings.state)
    outcome = fetcher.fetch()
    match outcome:
        case SourceStale() | SourceUnverified():
            kept = fetcher.in_force()
            if kept is None or not may_be_read(settings.git, settings.state):
                why = why_withheld(settings.git, settings.state)
                words = why if outcome.message in why else "; ".join(filter(None, (why, outcome.message)))
                raise UsageError(f"nothing can be done without a tree: {words}")
            return f"{outcome.message}; {kept[:12]} stays in force"
        case Swapped(commit=commit):
            return f"commit {commit[:12]} of {settings.git.url} is in force"
    return ""


def _has_jobs(settings: Settings) -> bool:
    from controller.ledger.reads.reader import Reader  # which loads SQLite: most commands that come here do not need it

    reader = Reader.of(settings.state)
    if reader is None:
        return False
    with reader:
        return reader.has_statuses()
