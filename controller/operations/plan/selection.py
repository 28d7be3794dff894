"""Which jobs and sets a plan is about: those named on the command line, or all, with these labels.

Pure. A set is named as `set/NAME`, or by its name alone where no job has it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from controller.limits.selection import is_selected
from controller.model.errors import UsageError
from controller.model.job import Job

SET = "set/"

Described = dict[str, Any]


def chosen(
    jobs: Sequence[Described], names: Collection[str], selector: tuple[str, ...], known: Mapping[str, Job]
) -> tuple[list[Described], set[str]]:
    """The entries that were asked about, and the sets that are shown as a whole. `known` are the jobs of the ledger.

    Labels count as last accepted. Raises `UsageError` for a name that neither a job nor a set has.
    """
    found = {str(job.get("name")) for job in jobs}
    sets = {str(job["set"]) for job in jobs if "set" in job}
    meant = {name.removeprefix(SET) for name in names if name.removeprefix(SET) in sets and name not in found}
    if missing := sorted({name for name in names if name.removeprefix(SET) not in meant} - found):
        raise UsageError(f"no such job: {', '.join(missing)}; `shjobs get` lists them all")

    def is_meant(job: Described) -> bool:
        wanted = known[name].wanted if (name := str(job.get("name"))) in known else None
        is_named = not names or name in names or job.get("set") in meant
        return is_named and is_selected(wanted.labels if wanted else (), selector)

    return [job for job in jobs if is_meant(job)], meant if names else sets
