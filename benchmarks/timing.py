"""How the benchmarks measure a call: median processor seconds, and the memory it holds at most."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable


def seconds(call: Callable[[], object], runs: int) -> float:
    """Median processor seconds of a call."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def peak(call: Callable[[], object]) -> int:
    """The most memory that a call holds beyond what stood before it, in bytes."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most
