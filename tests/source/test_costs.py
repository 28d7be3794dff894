"""What a fetch costs: by what changed, not by how much there is."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from controller.settings.git import CURRENT, GitSource
from controller.source.fetcher import Fetcher
from controller.source.outcome import Swapped
from tests.support.certificates import Authority
from tests.support.git_server import TOKEN, GitHost
from tests.support.git_source import Pushed, tree_in_force
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

POLLS = """
import json, os, resource, subprocess, sys
from pathlib import Path
from pydantic import SecretStr
from controller.settings.git import GitSource
from controller.source.fetcher import Fetcher

def spent():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

url, token, authorities, state = sys.argv[1:]
source = GitSource(url=url, ref="main", token=SecretStr(token), authorities=Path(authorities).read_text())
fetcher = Fetcher(source, Path(state))
bare = ["git", "ls-remote", url.replace("://", f"://git:{token}@"), "main"]
alone = {"PATH": os.environ["PATH"], "GIT_SSL_CAINFO": authorities, "GIT_SSL_CAPATH": state, "GIT_CONFIG_GLOBAL": ""}
seen = []
for _ in range(9):
    before = spent()
    fetcher.fetch()
    between = spent()
    subprocess.run(bare, env=alone, stdout=subprocess.DEVNULL, check=True)
    seen.append((between - before, spent() - between))
print(json.dumps(seen))
"""
MOST_POLL = 5  # times what a bare `git ls-remote` costs beside it: about twice what was measured
LONGEST_CHANGE = 5.0  # seconds of the processor, those of the host too


def spent() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def test_a_question_without_news_costs_little(
    pushed: Pushed, source: GitSource, state: Path, host: GitHost, authority: Authority
) -> None:
    """The least of nine, as other programs on the machine slow each other down; the host is not counted."""
    pushed.push_many({f"jobs.d/{number}.yaml": f"{number}" for number in range(2000)})
    assert isinstance(Fetcher(source, state).fetch(), Swapped)
    asked = [sys.executable, "-c", POLLS, source.url, TOKEN, str(authority.file), str(state)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert host.transfers() == 1
    fetch, bare = map(min, zip(*seen, strict=True))
    assert fetch <= MOST_POLL * bare, seen


@pytest.mark.parametrize("number", [1000, pytest.param(10_000, id="10000")])
def test_a_small_change_of_a_large_tree_moves_and_writes_little(
    pushed: Pushed, source: GitSource, state: Path, number: int
) -> None:
    """One file is sent, one is written, all others are shared."""
    text = "name: a job\n" * 40
    pushed.push_many({f"jobs.d/{each % 100}/{each}.yaml": f"{text}{each}" for each in range(number)})
    fetcher = Fetcher(source, state)
    fetcher.fetch()
    packs = state / "source" / "repository" / "objects" / "pack"
    before = {path.name for path in packs.glob("*.pack")}
    pushed.push_many({"jobs.d/7/7.yaml": "changed"})
    before_it = spent()
    assert isinstance(fetcher.fetch(), Swapped)
    seconds = spent() - before_it
    assert seconds <= LONGEST_CHANGE, f"{seconds:.2f} s"
    new = [path for path in packs.glob("*.pack") if path.name not in before]
    assert sum(path.stat().st_size for path in new) < 10_000
    jobs = state / CURRENT / "jobs.d"
    shared = [path for path in jobs.rglob("*.yaml") if path.stat().st_nlink == 2]
    assert len(shared) == number - 1
    assert (jobs / "7" / "7.yaml").read_text() == "changed"


def test_fifty_thousand_files_are_in_force(pushed: Pushed, source: GitSource, state: Path) -> None:
    pushed.push_many({f"jobs.d/{each % 500}/{each}.yaml": f"{each}" for each in range(50_000)})
    assert isinstance(Fetcher(source, state).fetch(), Swapped)
    found = tree_in_force(state)
    assert len(found) == 50_000
    assert all(name.endswith(f"/{text}.yaml") for name, text in found.items())
