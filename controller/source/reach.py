"""Asks the repository once and transfers nothing: what `doctor` learns of it."""

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from controller.settings.git import GitSource
from controller.source.messages import scrub
from controller.source.mirror import Mirror
from controller.source.refusal import SourceError
from controller.source.remote import RemoteRepository
from controller.tree.git.program import Stop

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def unreachable(source: GitSource) -> str:
    """Why the repository cannot be asked which commit it names, in a sentence without secrets; "" when it can.

    Nothing of the state is touched, so it may be asked beside a daemon.
    """
    asked = source if source.ref is None or not _HASH.fullmatch(source.ref) else replace(source, ref=None)
    try:
        with tempfile.TemporaryDirectory(prefix="shjobs-reach-", ignore_cleanup_errors=True) as name:
            RemoteRepository(asked, Mirror(Path(name) / "repository"), Stop()).ask()
    except SourceError as error:
        return scrub(source, str(error))
    except OSError as error:
        return scrub(source, f"{source.url} could not be asked: {error.strerror or error}")
    return ""
