"""What people write of data: metadata, description and source."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from chalicelib.api import answers, bodies
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.api.targets import Target
from chalicelib.downstream.statements import Key, MetadataBody, Name, Value
from chalicelib.errors import InvalidBody, InvalidQuery, UnknownData
from chalicelib.model import limits
from chalicelib.model.edit import Edit
from chalicelib.model.label import LabelKind
from chalicelib.storage import edits, labels, lakes
from chalicelib.storage.edits import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.edit import Mistake
    from chalicelib.model.lake import Lake


class EditBody(Body):
    """What is not named stays as it is."""

    metadata: MetadataBody = MetadataBody()
    custom_metadata: dict[Key, Value] = Field(default_factory=dict)
    """Merged into what is there; null removes a key. Both together are at most 100 keys and 16 KiB as JSON,
    and as the datalake's schema has it, if it has one."""
    description: Annotated[str, Field(min_length=1, max_length=limits.DESCRIPTION_CHARACTERS)] | None = None
    """Null removes it."""
    source: Name | None = None
    """Its name. One that does not exist is created. Null removes it."""


class EditsBody(Target):
    set: EditBody
    """What to change of each."""


@operation(body=EditBody, answers={200: answers.DataAnswer}, errors=(UnknownData,))
def edit_data(caller: "Caller", parameters: "Parameters", body: EditBody, lake: str, id: str) -> "Response":
    """Edit one data.

    Fields that are not named stay. What a person wrote wins over what the bytes say, also over what later
    bytes will say. Two who edit different fields at once both succeed.
    """
    home = lakes.find(caller.organization, lake)
    [edited] = edits.apply(home, _edit(home, body), [id])
    if edited.data is None:
        raise UnknownData(id)
    if edited.mistakes:
        raise InvalidBody(*((bodies.pointer(*place), detail) for place, detail in edited.mistakes))
    return answers.found(answers.describe_data(edited.data, labels.names_of(home.id, [edited.data])))


@operation(
    body=EditsBody, answers={200: answers.ChangeAnswer, 202: answers.BegunAnswer}, errors=(InvalidQuery,)
)
def edit_many(caller: "Caller", parameters: "Parameters", body: EditsBody, lake: str) -> "Response":
    """Edit many data alike.

    `changed` counts the data that is not as it was; `missing` are the ids of no data in this datalake;
    `failed` is what the datalake's schema or the limits of custom metadata do not allow. After an error the
    same call may be repeated. What a query finds is a job's work.
    """
    home = lakes.find(caller.organization, lake)
    body.check(home)
    edit = _edit(home, body.set)
    if body.ids is None:
        return body.begin(home, {"edit": asdict(edit)})
    edited = edits.apply(home, edit, body.ids)
    changed = sum(each.outcome is Outcome.CHANGED for each in edited)
    missing = [each.id for each in edited if each.outcome is Outcome.MISSING]
    failed = [
        answers.failure(each.id, "invalid_request", _told(each.mistakes)) for each in edited if each.mistakes
    ]
    return answers.changed(changed, missing, failed)


def _edit(lake: "Lake", body: EditBody) -> Edit:
    texts: dict[str, str | None] = {}
    if "description" in body.model_fields_set:
        texts["description"] = body.description
    if "source" in body.model_fields_set:
        texts["source"] = body.source and labels.get_or_create(lake.id, LabelKind.SOURCE, body.source)[0].id
    return Edit(
        metadata=body.metadata.model_dump(exclude_unset=True),
        custom_metadata=body.custom_metadata,
        texts=texts,
    )


def _told(mistakes: "Sequence[Mistake]") -> str:
    return "; ".join(f"{bodies.pointer(*place)}: {detail}" for place, detail in mistakes)
