"""Ask the running controller for something: try it on a copy of the ledger, then append it to the inbox."""

from controller.assembly import rehearsal
from controller.clock import Clock
from controller.errors import UsageError
from controller.inbox import Command, FirstRun, carried_out
from controller.settings import Settings
from controller.store import Store


def ask(settings: Settings, command: Command) -> None:
    """Append a command; raises `UsageError` with the reason when it could not be carried out now."""
    now = Clock().now()
    with rehearsal(settings, lambda _news: None, lambda _call: None) as assembly:
        assembly.loop.start(now, takes_over=False)
        assembly.loop.turn([], now)
        if not isinstance(command, FirstRun):
            job, holder = assembly.book.jobs.get(command.job), assembly.book.holder(command.request_id)
            answer = carried_out(command, job, assembly.book.of(command.job), holder, now)
            if isinstance(answer, str):
                raise UsageError(answer)
    with Store.open(settings.state, {}) as store, store.transaction():
        store.ask(now, command.model_dump_json())
