"""What is rejected, compared from scan to scan."""

from datetime import timedelta
from pathlib import Path

from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.reconcile.rejections import Rejections
from controller.tree.tree import Tree
from tests.conftest import ndvi
from tests.support.factories import NOW
from tests.support.instructions import instructions
from tests.support.scripts import appraised

FEW, MANY = 10, 500


def cost_of_one_more(root: Path, broken: int) -> int:
    """The instructions to take in one new broken manifest beside so many that were found before."""
    root.mkdir()
    for number in range(broken):
        (root / f"{number}.yaml").write_text(ndvi(f"job-{number}").replace("width: 64", "width: 640000"))
    tree, rejections = Tree(root, appraised), Rejections()
    with Store.copy_of(root.parent / "none") as store:
        ledger = Ledger(store)

        def take_in(at: int) -> int:
            change = tree.refresh(ledger.jobs, NOW + timedelta(minutes=at))
            return instructions(lambda: rejections.take_in(change, tree, ledger, NOW))

        take_in(0)
        (root / "more.yaml").write_text(ndvi("more").replace("width: 64", "width: wide"))
        cost = take_in(1)
        assert len(ledger.rejections()) == len([*rejections]) == broken + 1
    return cost


def test_one_more_costs_the_same_beside_many(tmp_path: Path) -> None:
    few, many = cost_of_one_more(tmp_path / "few", FEW), cost_of_one_more(tmp_path / "many", MANY)
    assert 100 < many < 1.1 * few
