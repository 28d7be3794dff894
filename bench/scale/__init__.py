"""A hundred thousand jobs: in three layouts of folders, a thousand of them in flight, read one by one, and as sets."""

from collections.abc import Iterator
from itertools import pairwise

from bench.rows import Row
from bench.scale.sizes import Sizes, repository, step


def rows(sizes: Sizes | None = None) -> Iterator[Row]:
    from bench.grown import grow, move
    from bench.scale import flight, layouts, many_sets, reads

    sizes = sizes or Sizes()
    with repository() as root:
        with step("finished jobs"):
            grow(root, sizes.manifests, folders=sizes.folders[0])
        for before, folders in pairwise((sizes.folders[0], *sizes.folders)):
            yield from layouts.first_loads(sizes, folders)
            with step(f"{folders:,} folders"):
                move(root, sizes.manifests, before, folders)
            yield from layouts.restarts(sizes, folders, root)
        yield from reads.rows(sizes, root)
        yield from flight.rows(sizes, root)
    yield from many_sets.rows(sizes)
