"""Tests that were not run are named with their reason; where nothing may be skipped, they fail the run.

A plugin of pytest: `conftest` takes over its two hooks.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

REFUSED = "this machine does not allow it: "  # begins the reason that no package can mend
NOTHING_MAY_BE_SKIPPED = "SKIP_NO_TEST"  # set by .ci/run


def reasons(reports: Iterable[Any]) -> Counter[str]:
    """How many of these reports of skipped tests give which reason."""
    return Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)


def lines(skipped: Mapping[str, int]) -> list[str]:
    """The summary, a line for each reason; empty when everything was run."""
    return [f"{count} {'test was' if count == 1 else 'tests were'} not run: {why}" for why, count in skipped.items()]


def are_failures(skipped: Iterable[str], environment: Mapping[str, str] = os.environ) -> bool:
    """Whether one of these reasons fails the run: a missing program does where nothing may be skipped."""
    return NOTHING_MAY_BE_SKIPPED in environment and any(not each.startswith(REFUSED) for each in skipped)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and are_failures(reasons(reporter.getreports("skipped"))):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in lines(reasons(terminalreporter.getreports("skipped"))):
        terminalreporter.write_line(line, yellow=True)
