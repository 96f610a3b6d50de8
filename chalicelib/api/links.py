"""Links: data whose bytes lie elsewhere, and whether they are still there."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from chalicelib.api import answers, entries
from chalicelib.api.bodies import Body, ByItself
from chalicelib.api.entries import Entry
from chalicelib.api.operations import operation
from chalicelib.api.targets import Choice
from chalicelib.downstream import links
from chalicelib.downstream.outcomes import IfLinked
from chalicelib.errors import InvalidQuery
from chalicelib.model import limits
from chalicelib.model.job import JobKind, new_job
from chalicelib.storage import jobs, labels, lakes

if TYPE_CHECKING:
    from typing import Self

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters


class LinkEntry(Entry):
    url: Annotated[str, Field(min_length=1)]
    """`https://…` on port 443, without user and password, of a host of the public internet; or
    `s3://bucket/key` in a bucket that a connector of the organization reaches. At most 2,048 characters."""
    name: Annotated[str, Field(min_length=1)] | None = None
    """Null: what follows the last `/` of the URL's path. Where another URL has the name, the link gets a
    suffix that is always the same."""
    folder: str = ""
    """Put before the name. Together at most 1,010 bytes of UTF-8, no control characters, no part `.` or
    `..`."""
    mimetype: str | None = None
    """What it is said to be, until its bytes have been looked at."""


class LinksBody(Body):
    links: Annotated[
        list[Annotated[LinkEntry, ByItself]], Field(min_length=1, max_length=limits.LINKS_AT_ONCE)
    ]
    """Each is taken or refused by itself."""
    if_exists: IfLinked = IfLinked.ERROR
    """Where there is a link to the same URL under the same name: fail, skip, or update what is said of it,
    which adds tags, merges metadata, and fetches what was dead or has changed."""

    @model_validator(mode="after")
    def _labels_are_few(self) -> "Self":
        entries.require_few_labels(self.links)
        return self


class ChecksBody(Choice):
    """Of neither, all links are checked."""


@operation(body=LinksBody, answers={200: answers.LinkedAnswer})
def create_links(caller: "Caller", parameters: "Parameters", body: LinksBody, lake: str) -> "Response":
    """Create links.

    Each that is `ok` is data of its own, even if an object has the same name; it is `indexed` until its
    target has been fetched, which happens once and tells its size, its type and its thumbnail. Nothing is
    written to any bucket. The same call may be repeated; an entry that is `retryable` may succeed as it is,
    with `if_exists` = `skip`.
    """
    home = lakes.find(caller.organization, lake)
    drafts = [
        links.LinkDraft(each.url, each.name, each.folder, each.mimetype, **each.said)
        for each in entries.fitting(body.links).values()
    ]
    outcomes = entries.woven(body.links, links.create(home, drafts, body.if_exists))
    names = labels.names_of(home.id, [each.data for each in outcomes.values() if each.data])
    return answers.linked([outcomes[n] for n in range(len(body.links))], names)


@operation(body=ChecksBody, answers={202: answers.BegunAnswer}, errors=(InvalidQuery,))
def check_links(caller: "Caller", parameters: "Parameters", body: ChecksBody, lake: str) -> "Response":
    """Check links.

    A job looks whether their targets are still there and still the same: `health` becomes `ok`, `dead` or
    `changed`. Those that could not be fetched before are fetched. Data that is no link is passed over.
    """
    home = lakes.find(caller.organization, lake)
    body.check(home)
    task: dict[str, Any] = body.model_dump(exclude_none=True)
    job = new_job(home.organization, home.id, JobKind.CHECK_LINKS, task)
    jobs.begin(job)
    return answers.begun(job)
