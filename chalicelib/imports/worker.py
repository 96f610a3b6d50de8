"""One delivery of the queue of fetches: URL → bytes in quarantine → work for preprocess.

It has no rights but to write into quarantine and to send on what it was given. What cannot be fetched
arrives, too, as the reason: only what AWS refused comes again.
"""

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.errors import NotFetched, StorageUnavailable
from chalicelib.imports.fetching import Fetcher
from chalicelib.model.data import Reason
from chalicelib.model.fetch import Arrival, Fetch
from chalicelib.observability import count, logger
from chalicelib.storage import quarantine, queues
from chalicelib.storage.aws import CALL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.imports.fetching import Fetched


def receive(messages: "Sequence[dict[str, Any]]", remaining_ms: "Callable[[], int]") -> dict[str, Any]:
    """The answer of ReportBatchItemFailures: the messages that must come again, and only those."""
    fetcher = Fetcher(config.fetch_test_server)
    needed_ms = 1000 * (fetcher.limits.total + 2 * CALL_SECONDS)
    receive_one = partial(_receive_one, fetcher=fetcher, is_late=lambda: remaining_ms() < needed_ms)
    done = parallel.for_each(receive_one, messages)
    failed = [message["messageId"] for message, is_done in zip(messages, done, strict=True) if not is_done]
    count("FetchesRetried", len(failed))
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def _receive_one(message: dict[str, Any], *, fetcher: Fetcher, is_late: "Callable[[], bool]") -> bool:
    if is_late():
        return False
    try:
        fetch = Fetch.decode(message["body"])
        arrival, body = _fetch(fetcher, fetch)
        quarantine.store(fetch.key, arrival, body)
        if fetch.work and queues.send_preprocess([fetch.work]):
            raise StorageUnavailable("send preprocess")
    except StorageUnavailable as error:
        logger.warning("fetch was interrupted", message_id=message["messageId"], reason=str(error))
        return False
    except Exception:
        logger.exception("fetch was interrupted", message_id=message["messageId"])
        return False
    count(f"Fetches{'Failed' if arrival.reason else 'Succeeded'}")
    return True


def _fetch(fetcher: Fetcher, fetch: Fetch) -> tuple[Arrival, bytes]:
    try:
        found = fetcher.fetch(fetch.url, look_only=fetch.look_only)
    except NotFetched as error:
        logger.info("nothing was fetched", key=fetch.key, reason=error.args[0])
        return Arrival(reason=error.args[0]), b""
    return _arrival(found, look_only=fetch.look_only), found.body


def _arrival(found: "Fetched", *, look_only: bool) -> Arrival:
    return Arrival(
        size=found.size,
        sha256=hashlib.sha256(found.body).hexdigest() if found.is_whole else None,
        reason=None if found.is_whole or look_only else Reason.TOO_LARGE,
        etag=found.etag,
        last_modified=found.last_modified,
        content_type=found.content_type,
    )
