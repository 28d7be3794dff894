"""The process in which apprise sends: reads one task from its input, writes one line of replies, and ends.

`apprise` of this folder starts it. No word of the library leaves it: only whether it sent, and a status in digits.
"""

import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

_STATUS = re.compile(r"\berror\s*=\s*(\d{3})\b")
MOST_TASK = 16 * 1024 * 1024


def main() -> None:
    """Do the task that the input holds. Ends with the input, whatever a service is waiting for."""
    replies_to = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # a library may print
    task = json.loads(sys.stdin.buffer.readline(MOST_TASK))
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    replies_to.write(json.dumps(_sent(task)).encode() + b"\n")
    replies_to.flush()
    os._exit(0)  # a thread of a service may never end


def _end_with_the_input() -> None:
    sys.stdin.buffer.read(1)
    os._exit(1)


def _sent(task: Mapping[str, Any]) -> list[str | None]:
    """One reply an address. Each has a thread: one that hangs keeps no message from the others."""
    import apprise

    apprise.logger.setLevel(logging.WARNING)
    apprise.logger.propagate = False
    asset = apprise.AppriseAsset(
        app_id="shjobs", app_desc="shjobs", app_url="", plugin_paths=[],
        storage_mode=apprise.PersistentStoreMode.MEMORY, async_mode=False, http_redirects=False,
        service_timeout=0, allow_templates=False,
    )  # fmt: skip
    urls: list[str] = task["urls"]
    replies: list[str | None] = [f"no answer within {task['seconds']:g} s"] * len(urls)

    def send_to(number: int) -> None:
        replies[number] = _sent_to(apprise, asset, urls[number], task)

    threads = [threading.Thread(target=send_to, args=(number,), daemon=True) for number in range(len(urls))]
    for thread in threads:
        thread.start()
    ends_at = time.monotonic() + task["seconds"]
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
    return list(replies)


def _sent_to(apprise: Any, asset: Any, url: str, task: Mapping[str, Any]) -> str | None:
    heard = _Statuses()
    apprise.logger.addHandler(heard)
    try:
        service = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            return None
        sender = apprise.Apprise(asset=asset)
        sender.add(service)
        is_sent = sender.notify(
            body=task["body"], title=task["title"], notify_type=task["kind"], body_format=apprise.NotifyFormat.TEXT
        )
    except Exception as error:  # noqa: BLE001  a hundred services of a library: its text may hold the address
        return f"the library of apprise failed: {type(error).__name__}"
    finally:
        apprise.logger.removeHandler(heard)
    return "" if is_sent else heard.words()


class _Statuses(logging.Handler):
    """Keeps of what the library logs in this thread only the last HTTP status."""

    def __init__(self) -> None:
        super().__init__()
        self.status = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and (found := _STATUS.search(record.getMessage())):
            self.status = found[1]

    def words(self) -> str:
        return f"the service answered {self.status}" if self.status else "the service did not take it"
