"""A small form of the proof that the four documented jobs are delivered as declared, and paid for once.

`make prove PARTS=demo` takes them at their documented sizes.
"""

from pathlib import Path

import pytest

from tests.proofs import demo
from tests.support.command import shjobs

pytestmark = pytest.mark.slow


def test_the_documented_jobs_are_delivered_as_declared_and_a_second_demo_posts_nothing() -> None:
    figures = demo.prove(0, small=True)
    assert figures == {"jobs": 4, "megapixels": 0.1, "posts": 4, "posts_of_later_runs": 0}


def test_a_folder_with_other_settings_stays_as_it_is(tmp_path: Path) -> None:
    settings = tmp_path / "shjobs.toml"
    settings.write_text('deployment = "cdse"\nmonthlyBudget = 5\n', encoding="utf-8")
    done = shjobs("demo", "--directory", ".", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "shjobs: shjobs.toml is not the demo's: name another folder with --directory",
    )
    assert list(tmp_path.iterdir()) == [settings]
    assert "monthlyBudget = 5" in settings.read_text(encoding="utf-8")


def test_a_program_in_the_working_directory_is_not_taken_for_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "controller").mkdir()
    (tmp_path / "controller" / "__init__.py").touch()
    (tmp_path / "controller" / "__main__.py").write_text("open('it ran', 'w')", encoding="utf-8")
    (tmp_path / "demo" / "jobs.d").mkdir(parents=True)
    shjobs("demo", cwd=tmp_path)
    assert not (tmp_path / "it ran").exists()
    assert (tmp_path / "demo" / "sandbox").is_dir()
