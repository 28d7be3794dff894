"""Ask the running controller for something: try it on a copy of the ledger, then append it to the inbox."""

from datetime import datetime

from controller.admission import Admission
from controller.assembly import Assembly, rehearsal
from controller.clock import Clock
from controller.errands import meaning_of
from controller.errors import UsageError
from controller.inbox import Accept, Adopt, Command, FirstRun, Resolve, carried_out
from controller.lock import is_held
from controller.settings import Settings
from controller.store.ledger import Store


def ask(settings: Settings, command: Command) -> str:
    """Append a command; answers what it will do, if that needs words.

    Raises `UsageError` with the reason when it could not be carried out now.
    """
    now = Clock().now()
    with rehearsal(settings, lambda _news: None, lambda _call: None) as assembly:
        assembly.loop.start(now, takes_over=not is_held(settings.state))
        assembly.loop.turn([], now)
        words = _tried(command, assembly, settings, now)
    with Store.open(settings.state, {}) as store, store.transaction():
        store.ask(now, command.model_dump_json())
    return words


def _tried(command: Command, assembly: Assembly, settings: Settings, now: datetime) -> str:
    match command:
        case Accept(hash=label):
            return meaning_of(label, assembly.book, Admission(assembly.book, settings))
        case Resolve() | Adopt():
            job, holder = assembly.book.jobs.get(command.job), assembly.book.holder(command.request_id)
            answer = carried_out(command, job, assembly.book.of(command.job), holder, now)
            if isinstance(answer, str):
                raise UsageError(answer)
        case FirstRun():
            pass
    return ""
