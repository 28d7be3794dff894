"""A hundred thousand jobs: in three layouts of folders, a thousand of them in flight, read one by one, and as sets."""

from collections.abc import Iterator
from functools import partial

from bench.rows import Row
from bench.scale.sizes import Sizes


def rows(sizes: Sizes | None = None) -> Iterator[Row]:
    from bench.scale import flight, layouts, many_sets, reads

    sizes = sizes or Sizes()
    middle = sizes.folders[len(sizes.folders) // 2]
    for folders in sizes.folders:
        if folders == middle:
            yield from layouts.rows(sizes, folders, partial(reads.rows, sizes))
        else:
            yield from layouts.rows(sizes, folders)
    yield from flight.rows(sizes)
    yield from many_sets.rows(sizes)
