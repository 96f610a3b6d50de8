from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from chalicelib.config import config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def for_each[T, R](function: "Callable[[T], R]", items: "Sequence[T]") -> list[R]:
    """The results in the order of the items. Waiting for AWS is what overlaps; one item costs no thread."""
    workers = min(config.workers, len(items))
    if workers <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))
