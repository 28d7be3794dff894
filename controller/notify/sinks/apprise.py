"""Sends a message to the services of apprise, each time in a process of its own.

Its services keep no deadline in common, log addresses that hold secrets, and look for files in the home folder. So it
runs where nothing of ours is: without our variables, with an empty home, ended after `PATIENCE`, and what it logs goes
nowhere. The process costs about a second of CPU for each message.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.model.answers import read_received
from controller.model.notices.event import DIGESTED, Message, Topic
from controller.notify.sender import NotSent, SendOutcome, Sent
from controller.notify.sinks.words import text, title
from controller.settings.sinks import Sink
from controller.wire.environment import bare_environment
from controller.wire.trust import bundle

PATIENCE = 60.0  # seconds for all addresses of a sink together
START = 15.0  # of them, for the process to start on a busy machine
MOST_REPLY = 64 * 1024
MOST_REMEMBERED = 1_000
PROGRAM = "from controller.notify.sinks.apprise_process import main; main()"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_GOOD = DIGESTED | {Topic.SET_COMPLETE}
_NO_ADDRESS = "its file with the addresses is missing or empty"
_WRONG = "line {} of its file is no address that apprise knows"
_REFUSED = re.compile(r"the service answered (?!408|425|429)[34]\d\d")


class AppriseSender:
    """Sends to every address of a sink; those that took a message are not sent it again when another did not.

    That is remembered only as long as the process lives: after a restart they may get it twice.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._took: dict[str, frozenset[str]] = {}  # addresses, whose lines in the file may change, by message

    def send(self, sink: Sink, message: Message, authorities: str | None) -> SendOutcome:
        """Send the message once to each address that did not take it before."""
        if not sink.urls:
            return NotSent(message=_NO_ADDRESS, is_refused=True)
        urls = [each.get_secret_value() for each in sink.urls]
        took = self._took.get(message.id, frozenset())
        left = [number for number, url in enumerate(urls) if url not in took]
        if not left:
            return Sent()
        task = {
            "urls": [urls[number] for number in left],
            "title": title(message),
            "body": text(message, sink.page),
            "kind": "success" if message.topic in _GOOD else "warning" if message.topic is Topic.HELD else "failure",
            "seconds": max(self._patience - START, self._patience / 2),
        }
        replies = _replies(task, self._patience, authorities)
        if isinstance(replies, NotSent):
            return replies
        outcomes = dict(zip(left, replies, strict=False))
        took |= {urls[number] for number, words in outcomes.items() if words == ""}
        failed = [(number, outcomes.get(number, "it gave no answer")) for number in left if outcomes.get(number) != ""]
        self._remember(message.id, took if failed else frozenset())
        return _outcome(failed, len(sink.urls), is_partial=bool(took) and len(self._took) < MOST_REMEMBERED)

    def _remember(self, message_id: str, took: frozenset[str]) -> None:
        """Who took a message that others did not; with many of these the sink pauses, so that none is forgotten."""
        self._took.pop(message_id, None)
        if took:
            self._took[message_id] = took
        while len(self._took) > MOST_REMEMBERED:
            del self._took[next(iter(self._took))]


def _outcome(failed: Sequence[tuple[int, str | None]], addresses: int, *, is_partial: bool) -> SendOutcome:
    """What became of the message; it is refused when every address that failed would refuse it again."""
    if not failed:
        return Sent()
    is_refused = all(words is None or _REFUSED.fullmatch(words) for _, words in failed)
    number, words = failed[0]
    if words is None:
        return NotSent(message=_WRONG.format(number + 1), is_refused=is_refused, is_partial=is_partial)
    place = f"address {number + 1} of {addresses}: " if addresses > 1 else ""
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    return NotSent(message=f"{place}{words}{more}", is_refused=is_refused, is_partial=is_partial)


def _replies(task: Mapping[str, Any], patience: float, authorities: str | None) -> list[str | None] | NotSent:
    """For each address: "" when it took the message, a sentence when not, None when it is no address."""
    with tempfile.TemporaryDirectory(prefix="shjobs-", ignore_cleanup_errors=True) as home:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-S", "-c", PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(home, authorities),
                cwd=home,
                start_new_session=True,  # Ctrl-C in the terminal is for the parent only
            )
        except OSError as error:
            return NotSent(message=f"the process that sends could not be started: {error.strerror}")
        output = _output(process, json.dumps(task).encode(), patience)
    return _read(output, len(task["urls"])) if output is not None else NotSent(message=_late(patience))


def _late(patience: float) -> str:
    return f"no answer within {patience:g} s"


def _output(process: "subprocess.Popen[bytes]", task: bytes, patience: float) -> bytes | None:
    """What it wrote, None when it was ended for taking too long.

    It ends by itself when its input does: also when this process is killed in the meantime.
    """
    assert process.stdin and process.stdout
    try:
        with suppress(OSError):
            process.stdin.write(task + b"\n")
            process.stdin.flush()
        return _read_in_time(process, patience)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream.close()


def _read_in_time(process: "subprocess.Popen[bytes]", patience: float) -> bytes | None:
    import select

    assert process.stdout
    poller = select.poll()
    poller.register(process.stdout, select.POLLIN)
    return process.stdout.readline(MOST_REPLY) if poller.poll(patience * 1000) else None


def _read(output: bytes, expected: int) -> list[str | None] | NotSent:
    """Its reply, if it is of the form expected."""
    try:
        replies = read_received(output)
    except (ValueError, RecursionError):
        replies = None
    is_list = isinstance(replies, list) and len(replies) == expected
    if not is_list or not all(each is None or isinstance(each, str) for each in replies):
        return NotSent(message="the process that sends broke off")
    return list(replies)


def _environment(home: str, authorities: str | None) -> dict[str, str]:
    """Proxies and certificates as this process has them; nothing else, and no file of the user's home."""
    proxies = {name: os.environ[name] for each in _PROXIES for name in (each, each.lower()) if name in os.environ}
    certificates = _certificates(Path(home), authorities)
    return bare_environment(HOME=home, LANG="C.UTF-8", TZ="UTC", TMPDIR=home, **proxies, **certificates)


def _certificates(home: Path, authorities: str | None) -> dict[str, str]:
    """Those that come with us or are named by a variable, and the `authorities` of the settings beside them."""
    known = Path(bundle())
    if authorities and known.is_file():
        file = home / "authorities.pem"
        file.write_bytes(known.read_bytes() + b"\n" + authorities.encode())
        known = file
    return {"REQUESTS_CA_BUNDLE": str(known), **({"SSL_CERT_FILE": str(known)} if known.is_file() else {})}
