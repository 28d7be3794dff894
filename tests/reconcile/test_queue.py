"""The line: by priority, then each folder in turn, then who has waited longest; full buckets are passed by."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from controller.model.job import Job
from controller.reconcile.queues.group_queue import Group, GroupQueue, QueuedJob, Rank, folder_of
from tests.support.factories import at, job, wanted


def somebody(name: str, path: str = "", priority: int = 0, bucket: str = "my-bucket") -> Job:
    asked = wanted(priority=priority, delivery_url=f"s3://{bucket}/rasters")
    return job(name=name, path=path or f"{name}.yaml", wanted=asked)


def line(*jobs: Job) -> GroupQueue:
    """These jobs, who joined a second after each other."""
    made = GroupQueue()
    for second, each in enumerate(jobs):
        made.join(each, at(second))
    return made


def anywhere(_bucket: str) -> bool:
    return True


def order(made: GroupQueue, has_room: Callable[[str], bool] = anywhere) -> list[str]:
    found = []
    while name := made.next(has_room):
        found.append(name)
    return found


def test_who_has_waited_longest_is_next() -> None:
    assert order(line(somebody("c"), somebody("a"), somebody("b"))) == ["c", "a", "b"]


def test_a_higher_priority_goes_first() -> None:
    jobs = (somebody("plain"), somebody("low", priority=-1), somebody("high", priority=5))
    assert order(line(*jobs)) == ["high", "plain", "low"]


def test_each_folder_has_its_turn() -> None:
    many = [somebody(f"big-{each}", f"big/{each}.yaml") for each in range(4)]
    assert order(line(*many, somebody("small", "small/1.yaml"), somebody("top"))) == [
        *("big-0", "small", "top", "big-1", "big-2", "big-3")
    ]


def test_a_folder_that_comes_later_does_not_wait_for_the_turns_it_missed() -> None:
    made = line(*[somebody(f"big-{each}", f"big/{each}.yaml") for each in range(6)])
    assert [made.next(anywhere), made.next(anywhere)] == ["big-0", "big-1"]
    made.join(somebody("late-0", "late/0.yaml"), at(100))
    made.join(somebody("late-1", "late/1.yaml"), at(100))
    assert order(made)[:4] == ["late-0", "big-2", "late-1", "big-3"]


def test_a_bucket_without_room_is_passed_by_and_keeps_its_place() -> None:
    made = line(somebody("stuck", bucket="hangs"), somebody("good", bucket="works"))
    assert order(made, lambda bucket: bucket != "hangs") == ["good"]
    assert order(made) == ["stuck"]


def test_who_leaves_is_not_called() -> None:
    made = line(somebody("a"), somebody("b"), somebody("c"))
    made.leave("b")
    made.leave("nobody")
    assert (len(made), order(made), len(made)) == (2, ["a", "c"], 0)


def test_who_joins_again_has_the_place_of_the_job_as_it_is_now() -> None:
    made = line(somebody("a"), somebody("b"))
    made.join(somebody("b", priority=1), at(1))
    assert order(made) == ["b", "a"]


def test_the_oldest_tells_how_long_the_line_has_stood() -> None:
    empty: datetime | None = GroupQueue().oldest
    assert (empty, line(somebody("a"), somebody("b")).oldest) == (None, at(0))


JOBS = [
    somebody(f"j{number}", f"f{number % 5}/j.yaml", priority=number % 2, bucket=f"b{number % 3}")
    for number in range(24)
]
ACTS = st.lists(
    st.tuples(st.sampled_from(["join", "leave", "next"]), st.integers(0, len(JOBS) - 1), st.integers(0, 7)), max_size=80
)


@given(acts=ACTS)
def test_the_next_is_always_the_first_of_all_by_priority_turn_and_age(acts: list[tuple[str, int, int]]) -> None:
    """The same rule over a plain list: every group's first job is looked at for every choice."""
    made, waiting, served, number = GroupQueue(), dict[str, tuple[Job, datetime]](), dict[str, int](), 0
    for act, which, open_buckets in acts:
        chosen = JOBS[which]
        if act == "join":
            since = at(which % 4)
            made.join(chosen, since)
            waiting[chosen.name] = (chosen, since)
        elif act == "leave":
            made.leave(chosen.name)
            waiting.pop(chosen.name, None)
        else:
            groups: dict[Group, Rank] = {}
            for each, since in waiting.values():
                assert each.wanted
                group, rank = (each.wanted.bucket, folder_of(each.path)), (-each.wanted.priority, since, each.name)
                groups[group] = min(groups.get(group, rank), rank)
            heads = [
                (rank[0], served.get(folder, 0), rank, folder)
                for (bucket, folder), rank in groups.items()
                if open_buckets & (1 << int(bucket[1:]))
            ]
            expected = min(heads, default=None)
            taken = made.next({f"b{bit}" for bit in range(3) if open_buckets & (1 << bit)}.__contains__)
            assert taken == (expected[2][2] if expected else None)
            if expected:
                number += 1
                served[expected[3]] = number
                waiting.pop(expected[2][2])
    assert len(made) == len(waiting)


def test_a_choice_among_ten_thousand_folders_looked_at_the_first_job_of_each() -> None:
    looked_at = Counter[str]()

    class Counting(GroupQueue):
        def _head(self, group: Group) -> QueuedJob | None:
            looked_at["heads"] += 1
            return super()._head(group)

    made, count = Counting(), 10_000
    for number in range(count):
        made.join(somebody(f"j{number}", f"f{number}/j.yaml"), at(number))
    assert order(made) == [f"j{number}" for number in range(count)]
    assert looked_at["heads"] <= 5 * count


def test_who_has_waited_longest_is_known_however_many_come_and_go() -> None:
    line = GroupQueue()
    line.join(job(name="first"), at(5))
    for number in range(1000):
        line.join(job(name=f"short-{number}"), at(10 + number))
        line.leave(f"short-{number}")
    assert (line.oldest, len(line)) == (at(5), 1)
    line.join(job(name="second"), at(3))
    assert line.oldest == at(3)
    line.leave("second")
    line.join(job(name="first"), at(20))
    assert line.oldest == at(20)
    line.leave("first")
    assert line.oldest is None
