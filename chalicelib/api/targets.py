"""What a call is about: data by ids, or whatever a query finds."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.api import answers
from chalicelib.api.bodies import Body
from chalicelib.model import limits
from chalicelib.model.job import JobKind, new_job
from chalicelib.query import language
from chalicelib.storage import jobs

if TYPE_CHECKING:
    from typing import Self

    from chalice.app import Response

    from chalicelib.model.lake import Lake


class Choice(Body):
    ids: Annotated[list[str], Field(min_length=1, max_length=limits.IDS_AT_ONCE)] | None = None
    """Of data. Each counts once, however often it is named."""
    q: Annotated[str, Field(min_length=1, max_length=limits.QUERY_CHARACTERS)] | None = None
    """In the place of ids: a condition in the query language."""

    @model_validator(mode="after")
    def _is_one_at_most(self) -> "Self":
        if self.ids is not None and self.q is not None:
            raise PydanticCustomError("target", "Either ids or q should be given")
        return self

    def check(self, lake: "Lake") -> None:
        """Raises InvalidQuery."""
        if self.q is not None:
            language.parse(self.q, lake.metadata_schema)


class Target(Choice):
    """What is changed: data by ids at once, what a query finds by a job."""

    @model_validator(mode="after")
    def _is_one(self) -> "Self":
        if self.ids is None and self.q is None:
            raise PydanticCustomError("target", "Either ids or q should be given")
        return self

    def begin(self, lake: "Lake", change: dict[str, Any]) -> "Response":
        job = new_job(lake.organization, lake.id, JobKind.EDIT_BY_QUERY, {"q": self.q, **change})
        jobs.begin(job)
        return answers.begun(job)
