"""Every lake is compared with its bucket once a night, so that no event that was lost is missed for long."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.errors import StorageUnavailable
from chalicelib.model import moment
from chalicelib.model.job import ACTIVE, OF_WHOLE_LAKES
from chalicelib.observability import count, logger
from chalicelib.storage import jobs, lakes

if TYPE_CHECKING:
    from chalicelib.model.lake import Lake

_PATIENCE_SECONDS = 3600
"""What is waiting for its bytes to be looked at for less than that may still have its turn."""

_JOBS = 100
"""Of one state that are looked at, the newest first."""

_WALK_HOURS = 22
"""The longest that a walk is waited for. What is neither over nor new by then may be lost, and the nights to
come must not be, too; if it is not, two compare at once, which does no harm."""


def sync_all() -> None:
    """Raises StorageUnavailable when some lake's sync was not begun: then Lambda calls again, and those that
    were begun are left alone."""
    begun = parallel.for_each(_sync, list(lakes.every()))
    logger.info("nightly syncs were begun", begun=begun.count(True), lakes=len(begun))
    count("NightlySyncsBegun", begun.count(True))
    if None in begun:
        raise StorageUnavailable("begin sync", f"{begun.count(None)} lakes")


def _sync(lake: "Lake") -> bool | None:
    """Whether it was begun, which it is not while the lake is walked over anyway. None: it should have
    been."""
    try:
        if _is_walked(lake):
            return False
        jobs.begin_sync(lake, patience_seconds=_PATIENCE_SECONDS)
    except StorageUnavailable as error:
        logger.warning("sync was not begun", lake_id=lake.id, reason=str(error))
        return None
    return True


def _is_walked(lake: "Lake") -> bool:
    since = moment.rfc3339(moment.now() - timedelta(hours=_WALK_HOURS))
    return any(
        job.kind in OF_WHOLE_LAKES and job.created_at >= since
        for state in sorted(ACTIVE)
        for job in jobs.page(lake.organization, lake.id, state, None, _JOBS)
    )
