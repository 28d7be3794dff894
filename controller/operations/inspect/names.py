"""What a name of the command line means: a job, or a set of them. Called by the commands that take both."""

from collections.abc import Container, Mapping

from controller.model.job import Job

SET = "set/"
"""Begins the name of a set where a job may have the same name."""


def set_of(name: str, jobs: Container[str], sets: Container[str]) -> str:
    """The set that is meant: `set/NAME`, or NAME where no job has it; "" when a job is."""
    if name.startswith(SET):
        return name.removeprefix(SET)
    return name if name not in jobs and name in sets else ""


def cells_of(set_name: str, jobs: Mapping[str, Job]) -> list[str]:
    """The jobs of a set that are declared now, by name."""
    return sorted(name for name, job in jobs.items() if set_name_of(job) == set_name)


def set_name_of(job: Job) -> str:
    """The set of a job that is declared now; "" when it has none."""
    return job.wanted.cell.set_name if job.wanted and job.wanted.cell else ""
