"""What links point to: somebody is asked to fetch it, or to look whether it is still there."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.errors import StorageUnavailable
from chalicelib.model import moment
from chalicelib.model import url as urls
from chalicelib.model.data import Facts, Health, Kind, Reason, Status
from chalicelib.model.fetch import Fetch
from chalicelib.model.work import Work
from chalicelib.observability import logger
from chalicelib.storage import connectors, queues, records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.model.data import Data
    from chalicelib.model.lake import Bucket
    from chalicelib.model.url import Url


@dataclass(slots=True)
class Courier:
    organization: str
    _homes: "dict[str, Bucket] | None" = None
    """Buckets by their names, once they have been asked for."""

    def reach(self, url: "Url") -> "Bucket | None":
        """The bucket of an s3:// URL, if the organization reaches it."""
        if self._homes is None:
            self._homes = connectors.homes(self.organization)
        return self._homes.get(url.host)

    def order(self, text: str, work: Work, key: str) -> Fetch | Work | None:
        """Who is to be asked for what the URL points to, on behalf of the work. None: nobody, ever."""
        try:
            url = urls.read(text, config.fetch_test_server)
        except ValueError:
            return None
        there = replace(work, etag=None, url=url.text)
        if not url.in_s3:
            there = replace(there, bucket=None, object_name=key)
            return Fetch(url.text, key, there, look_only=work.check)
        home = self.reach(url)
        return replace(there, bucket=home, object_name=url.target) if home else None

    def fetch(self, links: "Sequence[Data]") -> set[str]:
        """Answers the ids of those whose targets will be fetched, or cannot be."""
        return self._send(links, look_only=False)

    def fetch_again(self, links: "Sequence[Data]") -> set[str]:
        """As if they were new. Those that are gone, or that somebody else does it for, are answered, too."""
        fresh = parallel.for_each(lambda each: records.await_target(each, moment.new_op_id()), links)
        waiting = [each for each in fresh if each]
        return {each.id for each in links} - {each.id for each in waiting} | self.fetch(waiting)

    def look(self, links: "Sequence[Data]") -> set[str]:
        """Answers the ids of those whose targets will be looked at."""
        return self._send(links, look_only=True)

    def _send(self, links: "Sequence[Data]", *, look_only: bool) -> set[str]:
        fetches: list[Fetch] = []
        works: list[Work] = []
        for each in links:
            again = each.complete and not look_only
            work = Work(each.id, None, "", None, each.content, Kind.LINK, check=look_only, again=again)
            key = f"{each.id}/{f'look-{moment.new_op_id()}' if look_only else each.content}"
            match self.order(str(each.url), work, key):
                case Fetch() as fetch:
                    fetches.append(fetch)
                case Work() as found:
                    works.append(found)
                case None:
                    _give_up(work)
        left = {fetch.key.partition("/")[0] for fetch in _left(queues.send_fetches, fetches)}
        left |= {work.data_id for work in _left(queues.send_preprocess, works)}
        return {each.id for each in links} - left


def _left[M](send: "Callable[[Sequence[M]], list[M]]", messages: list[M]) -> list[M]:
    """Those that were not accepted."""
    try:
        return send(messages)
    except StorageUnavailable as error:
        logger.warning("targets were not asked for", reason=str(error), links=len(messages))
        return messages


def _give_up(work: Work) -> None:
    """Nobody reaches it any more."""
    if work.check:
        records.note_health(work.data_id, work.content, Health.DEAD)
        return
    facts = Facts(status=Status.FAILED, status_reason=Reason.REFUSED)
    records.publish_target(work, facts, None, thumbnail=False)
