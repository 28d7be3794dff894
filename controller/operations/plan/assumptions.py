"""What a plan assumes, in sentences for its reader: about the past, the command, prices and other controllers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.evalscript import cache as scripts
from controller.ledger.ledger import Ledger
from controller.ledger.location import is_there
from controller.model.script import Mosaicking, ScriptFailure
from controller.operations.plan.actions import PRICED
from controller.operations.plan.basis import Basis

ORBIT = "mosaicking ORBIT: one scene every 3 days is expected, one a day at most"


def assumptions(basis: Basis, ledger: Ledger, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """All that the plan of these jobs assumes; `ledger` is that of the simulation."""
    return [*_of_the_command(basis), *_of_the_past(basis), *_of_prices(ledger, jobs), *_of_claims(ledger, jobs)]


def _of_the_command(basis: Basis) -> Iterable[str]:
    if basis.selector:
        options = " ".join(f"-l {each}" for each in basis.selector)
        yield f"only the jobs that `{options}` selects are submitted, as `sync {options}` does"
    if basis.at:
        yield "until then every yes is given and every trial succeeds; no budget and no large change holds anything"


def _of_the_past(basis: Basis) -> Iterable[str]:
    if basis.ref:
        yield f"the jobs of {basis.ref} count as submitted; no bucket is listed, and nothing is known of money spent"
        return
    names = ", ".join(sorted(set(basis.unlisted.values())))
    has_ledger = is_there(basis.settings.state)
    if names:
        where = "beyond the ledger" if has_ledger else "and there is no ledger"
        yield f"no history is assumed {where}: the key pair of {names} is not here, so no bucket is listed with it"
    elif not has_ledger:
        yield "the buckets show what was paid for before: there is no ledger here"


def _of_prices(ledger: Ledger, jobs: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    priced = [job["name"] for job in jobs if job["action"] in PRICED]
    if any(_uses_orbit(ledger.wanted_request(name)) for name in priced):
        yield ORBIT


def _uses_orbit(request: Mapping[str, Any]) -> bool:
    script = request.get("evalscript", "")
    if Mosaicking.ORBIT not in script:
        return False
    facts = scripts.facts(script)
    return not isinstance(facts, ScriptFailure) and any(item.mosaicking is Mosaicking.ORBIT for item in facts.inputs)


def _of_claims(ledger: Ledger, jobs: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Where nothing keeps two controllers with separate state directories from paying for the same request."""
    for place, why in sorted(ledger.without_claims.items()) if jobs else ():
        yield f"no other controller pays for the same in {place}, where a request cannot be claimed: {why}"
