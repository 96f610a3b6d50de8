"""Lakes that hold more than their quota, told of again and again for as long as they do."""

from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.errors import StorageUnavailable
from chalicelib.observability import count, logger
from chalicelib.storage import counters, lakes

if TYPE_CHECKING:
    from chalicelib.model.lake import Lake


def watch(function_name: str) -> None:
    """Raises StorageUnavailable when that is not known of some: then Lambda calls again."""
    limited = [lake for lake in lakes.every() if lake.quota]
    found = parallel.for_each(_is_over, limited)
    count("DatalakesOverQuota", found.count(True), function_name=function_name)
    if None in found:
        raise StorageUnavailable("read counters", f"{found.count(None)} lakes")


def _is_over(lake: "Lake") -> bool | None:
    try:
        counts = counters.read(lake.id)
    except StorageUnavailable as error:
        logger.warning("quota was not looked at", lake_id=lake.id, reason=str(error))
        return None
    if lake.quota is None or not lake.quota.is_exceeded_by(counts):
        return False
    logger.warning(
        "datalake holds more than its quota",
        lake_id=lake.id,
        organization=lake.organization,
        items=counts.items,
        bytes=counts.bytes,
        most_items=lake.quota.items,
        most_bytes=lake.quota.bytes,
    )
    return True
