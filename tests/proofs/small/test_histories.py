"""Promise 1 on many small histories, and by name the ones that people live through every day.

The full form is `python -m tests.proofs histories`. PROOF_SEED chooses other histories.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from controller.lifecycle.phase import phase
from controller.model.reasons import Reason
from tests.proofs.chosen import live_through_chosen
from tests.proofs.cloud import CopyFate, PostFate, RunFate
from tests.proofs.histories import History, Step, outcome_of, prove

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("PROOF_SEED", "7"))
DAY = 86400.0


@pytest.fixture
def history() -> Iterator[History]:
    """A repository with the jobs a and b, whose requests have just been accepted."""
    made = History()
    made.wait(6.0)
    yield made
    made.close()


def posts(history: History) -> int:
    return history.court.figures["posts"]


def reasons(history: History) -> dict[str, Reason]:
    """What the newest machine tells of each job."""
    machine = history.world.machines[-1]
    limits, now = machine.loop.limits(), history.world.now
    return {name: phase(job, machine.ledger.of(name), limits, now).reason for name, job in machine.ledger.jobs.items()}


def edited_and_reverted(history: History) -> None:
    history.edit("a", "B")
    history.wait(DAY)
    history.edit("a", "A")


def removed_and_restored(history: History) -> None:
    history.remove("a")
    history.wait(DAY)
    history.checkout(1)


def branched_away_and_back(history: History) -> None:
    history.edit("a", "C")
    history.edit("b", "B")
    history.move("b", "deep/three.yaml")
    history.wait(DAY)
    history.checkout(3)


def moved(history: History) -> None:
    history.move("a", "two.yaml")
    history.move("b", "one.yaml")


def lost_its_database(history: History) -> None:
    history.lose(0, 60.0, True)


def cloned(history: History) -> None:
    history.clone()


def cloned_after_a_rerun_and_a_revert(history: History) -> None:
    history.rerun("a", 1)
    history.edit("b", "B")
    history.wait(DAY)
    history.checkout(2)
    history.wait(60.0)
    history.clone()


@pytest.mark.parametrize(
    ("happens", "paid"),
    [
        pytest.param(edited_and_reverted, 3, id="edited and reverted: only the other text was paid for"),
        pytest.param(removed_and_restored, 2, id="removed and restored"),
        pytest.param(branched_away_and_back, 4, id="another branch and back: only its two texts were paid for"),
        pytest.param(moved, 2, id="the files change places"),
        pytest.param(lost_its_database, 2, id="database and status files are gone"),
        pytest.param(cloned, 2, id="a second clone on another machine"),
        pytest.param(cloned_after_a_rerun_and_a_revert, 4, id="a second clone after a rerun and a revert"),
    ],
)
@pytest.mark.parametrize("later", [pytest.param(0.0, id="at once"), pytest.param(2 * DAY, id="two days later")])
def test_going_back_to_what_was_paid_for_costs_nothing(
    history: History, happens: Callable[[History], None], paid: int, later: float
) -> None:
    history.wait(later)
    happens(history)
    history.wait(DAY)
    assert posts(history) == paid
    assert set(reasons(history).values()) == {Reason.DELIVERED}
    history.end()


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lost_its_database, id="database and status files are gone"),
        pytest.param(cloned, id="a second clone on another machine"),
    ],
)
def test_without_a_ledger_and_without_a_readable_bucket_everything_is_held(
    history: History, happens: Callable[[History], None]
) -> None:
    history.bucket(False)
    happens(history)
    history.wait(DAY)
    assert reasons(history) == {"a": Reason.HISTORY_UNKNOWN, "b": Reason.HISTORY_UNKNOWN}
    assert posts(history) == 2
    history.bucket(True)
    history.wait(DAY)
    assert set(reasons(history).values()) == {Reason.DELIVERED}
    assert posts(history) == 2


def test_a_request_that_appears_beside_a_note_after_the_database_was_lost_is_found(history: History) -> None:
    history.copies(CopyFate.LATE)
    history.edit("a", "B")
    history.wait(6.0)
    history.meddle("a", "note")
    history.lose(0, 0.0, True)
    history.end()
    assert reasons(history)["a"] is Reason.DELIVERED


def test_a_lost_answer_is_found_though_the_bucket_was_unreadable_for_longer_than_the_search(history: History) -> None:
    history.posts((PostFate.LOST,))
    history.edit("a", "B")
    history.wait(6.0)
    history.bucket(False)
    history.wait(3 * DAY)
    assert reasons(history)["a"] is Reason.SEARCHING
    history.end()
    assert reasons(history)["a"] is Reason.DELIVERED


def test_results_are_believed_though_the_bucket_was_unreadable_at_every_late_look(history: History) -> None:
    history.bucket(False)
    history.wait(3 * DAY)
    assert reasons(history)["a"] is Reason.BUCKET_UNREADABLE
    history.end()
    assert reasons(history)["a"] is Reason.DELIVERED


def test_a_first_run_that_is_said_by_mistake_pays_for_nothing_that_the_bucket_shows_by_then(history: History) -> None:
    history.bucket(False)
    history.lose(0, 0.0, True)
    history.wait(5.0)
    history.bucket(True)
    history.first_run(0)
    history.wait(DAY)
    assert (posts(history), set(reasons(history).values())) == (2, {Reason.DELIVERED})


def test_a_folder_that_somebody_copied_stops_nobody(history: History) -> None:
    history.edit("c", "C")
    history.hold("c", True)
    history.meddle("c", "copy")
    history.hold("c", False)
    history.wait(2 * DAY)
    assert (posts(history), reasons(history)["c"]) == (2, Reason.NEEDS_PERSON)


def test_a_request_id_that_a_person_gave_to_the_wrong_job_stops_nobody() -> None:
    history = History()
    history.wait(0.5)
    history.garble("a")
    history.wait(3.0)  # the service has taken b, and its answer is under way
    history.adopt(0, "a", "another's")
    history.wait(2 * DAY)
    assert reasons(history) == {"a": Reason.NOTHING_DELIVERED, "b": Reason.NEEDS_PERSON}
    history.close()


def test_a_new_ledger_does_not_begin_the_retries_anew(history: History) -> None:
    history.runs(RunFate.ERROR, 20.0)
    history.retries("c", 2)
    history.wait(DAY)
    paid = posts(history)
    history.lose(0, 60.0, True)
    history.meddle("c", "early")  # the first run is never settled in the new ledger
    history.wait(DAY)
    assert posts(history) == paid


def test_a_person_who_resolves_means_what_is_shown_not_what_was_sent_last(history: History) -> None:
    history.copies(CopyFate.NEVER)
    history.posts((PostFate.BEFORE,))
    history.edit("a", "B")
    history.wait(2 * DAY)
    history.runs(RunFate.NOTHING, 20.0)
    history.posts((PostFate.LOST,))
    history.edit("a", "C")
    history.wait(2 * DAY)
    history.edit("a", "B")
    history.wait(60.0)
    history.resolve(0, "a", "no")
    history.wait(2 * DAY)
    history.edit("a", "C")
    history.wait(DAY)
    assert reasons(history)["a"] is Reason.NEEDS_PERSON
    assert posts(history) == 5


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(
            [
                Step("runs", (RunFate.ERROR_TORN, 600.0)),
                Step("wait", (30000.0,)),
                Step("edit", ("b", "C")),
                Step("wait", (600.0,)),
                Step("move", ("b", "one.yaml")),
                Step("checkout", (2,)),
                Step("retries", ("c", 1)),
                Step("wait", (20.0,)),
                Step("lose", (0, 400.0, False)),
                Step("meddle", ("c", "copy")),
            ],
            id="another job's failure was copied beside a run whose ledger was lost",
        ),
        pytest.param(
            [
                Step("runs", (RunFate.ERROR_BESIDE, 600.0)),
                Step("rerun", ("a", 2)),
                Step("retries", ("a", 2)),
                Step("wait", (7200.0,)),
                Step("rerun", ("a", 1)),
                Step("meddle", ("a", "copy")),
                Step("lose", (0, 400.0, False)),
            ],
            id="a failure was copied to where a lower rerun would have been",
        ),
    ],
)
def test_a_failure_that_the_bucket_alone_tells_of_pays_for_no_retry(story: list[Step]) -> None:
    """What lies in the bucket may be somebody's copy: with these two, a retry was once paid for."""
    assert outcome_of(story)[0] == ""


def test_a_listing_that_is_just_valid_when_a_rerun_is_decided_may_age_while_the_claim_is_put() -> None:
    """The court took the moment of the POST for that of the decision (histories 764201939/9653)."""
    assert outcome_of([Step("wait", (150.0,)), Step("wait", (150.0,)), Step("rerun", ("b", 1))])[0] == ""


def test_a_retry_may_go_out_though_the_manifest_allows_none_any_more_once_its_claim_is_put() -> None:
    """The court took the moment of the POST for that of the decision (histories 1213754218/6537)."""
    story = [
        *(Step("remove", ("b",)), Step("runs", (RunFate.ERROR_LATE, 20.0)), Step("wait", (90_000.0,))),
        *(Step("retries", ("a", 1)), Step("wait", (1.0,)), Step("hold", ("b", False)), Step("checkout", (3,))),
    ]
    assert outcome_of(story)[0] == ""


def test_a_retry_asks_what_others_sent_while_it_waited() -> None:
    """Two machines send at one moment: the retry of each was once paid for unseen (histories 1382270436/3863)."""
    story = [
        Step("wait", (7200.0,)),
        Step("doom", (0, 14, 0.0, False)),
        Step("retries", ("c", 1)),
        Step("move", ("c", "two.yaml")),
        Step("runs", (RunFate.ERROR, 20.0)),
        Step("wait", (90000.0,)),
        Step("clone"),
        Step("garble", ("b",)),
        Step("choose", ("resubmit",)),
        Step("wait", (150.0,)),
    ]
    assert outcome_of(story)[0] == ""


def test_many_histories() -> None:
    figures = prove(SEED, small=True)
    assert (figures["double_charges"], figures["lost_ids"]) == (0, 0)
    assert all(int(str(figures[name])) > 0 for name in ("charges", "crashes", "lost_databases", "lost_answers_found"))


def test_histories_that_hypothesis_chooses() -> None:
    live_through_chosen(History, SEED, examples=40)


def test_a_breaker_that_a_wrong_clock_has_dated_ahead_does_not_stay_open() -> None:
    history = History()
    history.wait(90_000.0)
    history.lies(True)
    history.edit("b", "B")
    history.lose(0, 0.0, False)
    history.clock(0, 33 * DAY, 0.0)
    history.wait(1.0)
    history.edit("a", "B")
    history.end()
    history.close()


def test_a_claim_that_two_wrong_clocks_have_dated_ahead_is_followed_once_they_are_right() -> None:
    history = History()
    history.clock(0, 33 * DAY, 0.0)
    history.clone()
    history.clock(1, 33 * DAY, 400.0)
    history.wait(30_000.0)
    history.end()
    history.close()


def test_a_rerun_of_another_name_may_be_sent_before_what_was_decided_first() -> None:
    """Two controllers make claims slow: the rerun is asked for while the claim of the other name is put."""
    assert outcome_of([Step("clone"), Step("wait", (1.0,)), Step("rerun", ("c", 1))])[0] == ""


def test_a_bucket_that_shows_nothing_does_not_show_that_a_claim_was_never_put() -> None:
    """A cell of a set was once paid for beside a POST whose answer was lost (histories 1730479870/7859)."""
    story = [
        *(Step("edit", ("b", "C")), Step("posts", ((PostFate.LOST,),)), Step("wait", (60.0,)), Step("lies", (True,))),
        *(Step("clock", (0, 200.0, 0.0)), Step("wait", (30_000.0,))),
        *(Step("declare_set", ("acre", "masked", 1, None, False, None)), Step("move_in", ("b", "acre"))),
    ]
    assert outcome_of(story)[0] == ""


def test_an_answer_that_was_lost_is_not_resubmitted_once_a_bucket_that_showed_nothing_shows_its_results() -> None:
    """The listing for the resubmission still shows nothing, and that of its claim shows what was delivered."""
    story = [
        *(Step("choose", ("resubmit",)), Step("posts", ((PostFate.LOST,),)), Step("edit", ("b", "C"))),
        *(Step("wait", (6.0,)), Step("lies", (True,)), Step("posts", ((PostFate.ACCEPTED,),))),
        *(Step("wait", (DAY + 119,)), Step("lies", (False,))),
    ]
    assert outcome_of(story)[0] == ""


def test_what_was_never_sent_is_not_resubmitted_beside_what_is_unknown_under_another_name() -> None:
    """It was paid for five minutes before the late look that finds its results (histories 228706441/7625)."""
    story = [
        *(Step("choose", ("resubmit",)), Step("wait", (2.0,)), Step("rerun", ("c", 2))),
        *(Step("runs", (RunFate.VERY_LATE, 20.0)), Step("clock", (0, 0.0, 4000.0)), Step("wait", (90_000.0,))),
    ]
    assert outcome_of(story)[0] == ""


def test_what_was_never_sent_is_not_resubmitted_beside_what_failed_under_another_name() -> None:
    """It would fail alike: both were once charged."""
    story = [
        *(Step("choose", ("resubmit",)), Step("edit", ("b", "A")), Step("wait", (1.0,))),
        *(Step("doom", (0, 16, 4000.0, True)), Step("declare_set", ("farm", "coarse", 6, 1, False, 1000.0))),
        *(Step("runs", (RunFate.ERROR, 600.0)), Step("wait", (30_000.0,)), Step("rerun", ("b", 2))),
        Step("wait", (150.0,)),
    ]
    assert outcome_of(story)[0] == ""
