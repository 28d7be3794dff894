"""Claims: a name belongs to the document that had it first, and a broken file lets go of nothing."""

from collections.abc import Mapping, Sequence

import pytest

from controller.model.errors import Problem
from controller.tree.declared.ownership import Declared, Place, Settlement, settle_names

BROKEN = (Problem(path="a.yaml", line=3, field="spec", message="must be an object"),)
UNREADABLE = (Problem(path="a.yaml", line=9, message="this is not YAML"),)


def says(path: str, name: str | None = "ndvi", index: int = 0, problems: Sequence[Problem] = ()) -> Declared:
    return Declared(path=path, index=index, name=name, problems=tuple(problems))


def too_late(path: str, home: str, index: int = 0, problems: Sequence[Problem] = ()) -> Declared:
    message = f"the job 'ndvi' is already declared in {home}; give this one another name"
    return says(path, "ndvi", index, (*problems, Problem(path=path, field="metadata.name", message=message)))


def owned(owner: Declared, *rejected: Declared) -> Settlement:
    return Settlement(owners={"ndvi": owner}, rejected=rejected)


def stuck(problems: tuple[Problem, ...], *rejected: Declared) -> Settlement:
    return Settlement(stuck={"ndvi": problems}, rejected=rejected)


def settle(documents: Sequence[Declared], recorded: Mapping[str, Place], *names: str) -> Settlement:
    """Settle `names` in a tree of these documents."""
    files: dict[str, list[Declared]] = {}
    claimants: dict[str, list[Declared]] = {}
    for item in documents:
        files.setdefault(item.path, []).append(item)
        if item.name is not None:
            claimants.setdefault(item.name, []).append(item)
    return settle_names(names or ("ndvi",), recorded, files, claimants)


HERE: Mapping[str, Place] = {"ndvi": ("a.yaml", 0)}


@pytest.mark.parametrize(
    ("documents", "recorded", "expected"),
    [
        pytest.param([], {}, Settlement(), id="neither declared nor recorded"),
        pytest.param([says("a.yaml")], HERE, owned(says("a.yaml")), id="where it was"),
        pytest.param([says("a.yaml")], {}, owned(says("a.yaml")), id="new"),
        pytest.param([says("b.yaml")], HERE, owned(says("b.yaml")), id="moved to another file"),
        pytest.param(
            [says("a.yaml", "other"), says("a.yaml", index=1)],
            HERE,
            owned(says("a.yaml", index=1)),
            id="moved within its file",
        ),
        pytest.param(
            [says("a.yaml", "other"), says("b.yaml")],
            HERE,
            owned(says("b.yaml")),
            id="moved, and its old file holds another job",
        ),
        pytest.param([], HERE, Settlement(removed=("ndvi",)), id="removed with its file"),
        pytest.param([says("a.yaml", "other")], HERE, Settlement(removed=("ndvi",)), id="removed from its file"),
    ],
)
def test_a_name_with_one_claim(documents: list[Declared], recorded: Mapping[str, Place], expected: Settlement) -> None:
    assert settle(documents, recorded) == expected


@pytest.mark.parametrize(
    ("documents", "recorded", "expected"),
    [
        pytest.param(
            [says("0.yaml"), says("a.yaml")],
            HERE,
            owned(says("a.yaml"), too_late("0.yaml", "a.yaml")),
            id="a newcomer in a file that sorts before",
        ),
        pytest.param(
            [says("a.yaml"), says("a.yaml", index=1)],
            HERE,
            owned(says("a.yaml"), too_late("a.yaml", "a.yaml", index=1)),
            id="a newcomer in the same file",
        ),
        pytest.param(
            [says("a.yaml"), says("b.yaml", problems=BROKEN)],
            HERE,
            owned(says("a.yaml"), too_late("b.yaml", "a.yaml", problems=BROKEN)),
            id="a broken newcomer hears of both",
        ),
        pytest.param(
            [says("a.yaml", problems=BROKEN), says("b.yaml")],
            HERE,
            stuck(BROKEN, too_late("b.yaml", "a.yaml")),
            id="the owner is broken: the newcomer still comes too late",
        ),
        pytest.param(
            [says("a.yaml", None, problems=UNREADABLE), says("b.yaml")],
            HERE,
            stuck(UNREADABLE, too_late("b.yaml", "a.yaml")),
            id="the owner's file cannot be read: the newcomer still comes too late",
        ),
        pytest.param(
            [says("b.yaml"), says("c.yaml")],
            HERE,
            owned(says("b.yaml"), too_late("c.yaml", "b.yaml")),
            id="the owner is removed: the first newcomer takes over",
        ),
        pytest.param(
            [says("b.yaml", problems=BROKEN), says("c.yaml")],
            HERE,
            owned(says("c.yaml"), too_late("b.yaml", "c.yaml", problems=BROKEN)),
            id="the owner is removed: the first sound newcomer takes over",
        ),
        pytest.param(
            [says("a.yaml"), says("b.yaml")],
            {},
            owned(says("a.yaml"), too_late("b.yaml", "a.yaml")),
            id="two newcomers: the first path",
        ),
        pytest.param(
            [says("a.yaml"), says("a.yaml", index=1)],
            {},
            owned(says("a.yaml"), too_late("a.yaml", "a.yaml", index=1)),
            id="two newcomers in one file: the first document",
        ),
    ],
)
def test_a_name_with_two_claims(documents: list[Declared], recorded: Mapping[str, Place], expected: Settlement) -> None:
    assert settle(documents, recorded) == expected


@pytest.mark.parametrize(
    ("documents", "recorded", "expected"),
    [
        pytest.param([says("a.yaml", problems=BROKEN)], HERE, stuck(BROKEN), id="broken: it keeps its job"),
        pytest.param(
            [says("a.yaml", None, problems=UNREADABLE)], HERE, stuck(UNREADABLE), id="unreadable: it keeps its job"
        ),
        pytest.param([says("b.yaml", problems=BROKEN)], HERE, stuck(BROKEN), id="moved and broken at once"),
        pytest.param(
            [says("a.yaml", problems=BROKEN)],
            {},
            Settlement(rejected=(says("a.yaml", problems=BROKEN),)),
            id="broken and never accepted: rejected",
        ),
        pytest.param(
            [says("a.yaml", problems=BROKEN), says("b.yaml", problems=BROKEN)],
            {},
            Settlement(rejected=(too_late("b.yaml", "a.yaml", problems=BROKEN), says("a.yaml", problems=BROKEN))),
            id="two broken ones of one name",
        ),
    ],
)
def test_a_broken_document(documents: list[Declared], recorded: Mapping[str, Place], expected: Settlement) -> None:
    assert settle(documents, recorded) == expected


def test_a_broken_end_of_a_file_holds_every_job_that_is_not_named_before_it() -> None:
    recorded: dict[str, Place] = {"ndvi": ("a.yaml", 0), "truecolor": ("a.yaml", 1), "water": ("a.yaml", 2)}
    documents = [says("a.yaml"), says("a.yaml", None, 1, UNREADABLE)]
    assert settle(documents, recorded, *recorded) == Settlement(
        owners={"ndvi": says("a.yaml")}, stuck={"truecolor": UNREADABLE, "water": UNREADABLE}
    )


def test_a_broken_file_holds_nothing_of_other_files() -> None:
    recorded: dict[str, Place] = {"ndvi": ("a.yaml", 0), "water": ("b.yaml", 0)}
    documents = [says("a.yaml", None, problems=UNREADABLE)]
    assert settle(documents, recorded, *recorded) == Settlement(stuck={"ndvi": UNREADABLE}, removed=("water",))


def test_two_jobs_may_exchange_their_files() -> None:
    recorded: dict[str, Place] = {"ndvi": ("a.yaml", 0), "water": ("b.yaml", 0)}
    documents = [says("a.yaml", "water"), says("b.yaml", "ndvi")]
    assert settle(documents, recorded, *recorded) == Settlement(
        owners={"ndvi": says("b.yaml", "ndvi"), "water": says("a.yaml", "water")}
    )
