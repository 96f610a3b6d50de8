"""What a call changes: data by ids at once, or whatever a query finds as a job."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.api import answers
from chalicelib.api.bodies import Body
from chalicelib.model import limits
from chalicelib.model.job import JobKind, new_job
from chalicelib.storage import jobs

if TYPE_CHECKING:
    from typing import Self

    from chalice.app import Response

    from chalicelib.model.lake import Lake


class Target(Body):
    ids: Annotated[list[str], Field(min_length=1, max_length=limits.IDS_AT_ONCE)] | None = None
    """Of data. Each counts once, however often it is named."""
    q: Annotated[str, Field(min_length=1, max_length=limits.QUERY_CHARACTERS)] | None = None
    """In the place of ids: a condition in the query language."""

    @model_validator(mode="after")
    def _is_one(self) -> "Self":
        if (self.ids is None) == (self.q is None):
            raise PydanticCustomError("target", "Either ids or q should be given")
        return self

    def check(self, lake: "Lake") -> None:
        """Raises InvalidQuery."""
        if self.q is not None:
            # Only when it is asked for: the parser costs every cold start a fifth of a second.
            from chalicelib.query import language

            language.parse(self.q, lake.metadata_schema)

    def begin(self, lake: "Lake", change: dict[str, Any]) -> "Response":
        job = new_job(lake.organization, lake.id, JobKind.EDIT_BY_QUERY, {"q": self.q, **change})
        jobs.begin(job)
        return answers.begun(job)
