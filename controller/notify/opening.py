"""From a sink of the settings to what its thread runs. `controller/daemon/notifier` calls it for each sink."""

import random
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from controller.ledger.outbox.outbox import Outbox
from controller.ledger.reads.reader import Reader
from controller.ledger.reads.traffic import instance
from controller.model.notices.event import Message
from controller.notify.hosts.hosts import SendResult
from controller.notify.hosts.sender import commit_sender, host_of
from controller.notify.messages import MessageSender, Send
from controller.notify.sender import NotSent, Sender, SendOutcome, Sent
from controller.notify.sinks.apprise import AppriseSender
from controller.notify.sinks.webhook import post
from controller.notify.tally import Result, Tally
from controller.notify.worker import IsStopping, Opener
from controller.settings.settings import Settings
from controller.settings.sinks import HOSTS, Sink, SinkKind

UNKNOWN = "unknown"
"""The name of an instance in messages while the ledger has none."""


_COUNTED = {
    SendResult.DONE: Result.SENT,
    SendResult.LATER: Result.FAILED,
    SendResult.UNPUSHED: Result.FAILED,
    SendResult.DENIED: Result.FAILED,
    SendResult.USELESS: Result.GIVEN_UP,
}


def opener_of(sink: Sink, settings: Callable[[], Settings], now: Callable[[], datetime], tally: Tally) -> Opener:
    """How the sender of this sink is created.

    `settings` are asked for again before each message: files with secrets may have changed.
    """
    if sink.kind in HOSTS:
        return lambda _is_stopping: commit_sender(
            sink.name, settings, lambda result: tally.count(sink.name, _COUNTED[result]),
            lambda backlog: tally.waiting(sink.name, backlog),
        )  # fmt: skip

    def opened(is_stopping: IsStopping) -> Sender:
        current = settings()
        return MessageSender(
            lambda: named(settings(), sink),
            Outbox(current.state),
            send_to(sink.kind, settings, instance_of(current)),
            current.timing,
            tally=tally,
            jitter=random.random,
            now=now,
            is_stopping=is_stopping,
        )

    return opened


def named(settings: Settings, sink: Sink) -> Sink:
    """The sink as the settings have it now."""
    return next((each for each in settings.sinks if each.name == sink.name), sink)


def instance_of(settings: Settings) -> str:
    """The name of the ledger's instance. Raises `StateError`."""
    reader = Reader.of(settings.state)
    if reader is None:
        return UNKNOWN
    with reader:
        return instance(reader) or UNKNOWN


def tester_of(sink: Sink, settings: Settings, instance_name: str) -> Callable[[Message, datetime], SendOutcome]:
    """What sends one test message to the sink; one for commits takes none, and is asked for its repository."""
    if sink.kind in HOSTS:
        return lambda _message, _now: _asked_for_repository(sink, settings)
    send = send_to(sink.kind, lambda: settings, instance_name)
    return lambda message, now: send(sink, message, now)


def _asked_for_repository(sink: Sink, settings: Settings) -> SendOutcome:
    """Whether the token can see the repository."""
    if sink.token is None:
        return NotSent(message="there is no token; see tokenFile")
    with closing(host_of(sink, settings.deployment.authorities)) as host:
        problem = host.problem()
    return NotSent(message=problem) if problem else Sent()


def send_to(kind: SinkKind, settings: Callable[[], Settings], instance_name: str) -> Send:
    """What sends one message to a sink of this kind."""
    if kind is SinkKind.APPRISE:
        apprise = AppriseSender()
        return lambda sink, message, _now: apprise.send(sink, message, settings().deployment.authorities)

    def to_webhook(sink: Sink, message: Message, now: datetime) -> SendOutcome:
        current = settings()
        return post(sink, message, instance_name, current.timing, current.deployment.authorities, now)

    return to_webhook
