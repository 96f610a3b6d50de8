"""What people write of data: metadata, description and source."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.api import answers, bodies
from chalicelib.api.bodies import Body
from chalicelib.api.labels import Name
from chalicelib.api.operations import operation
from chalicelib.api.targets import Target
from chalicelib.errors import InvalidBody, InvalidQuery, UnknownData
from chalicelib.model import limits, moment
from chalicelib.model.edit import Edit
from chalicelib.model.label import LabelKind
from chalicelib.storage import edits, labels, lakes
from chalicelib.storage.edits import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.edit import Mistake
    from chalicelib.model.lake import Lake


def _in_utc(text: str) -> str:
    if not moment.is_rfc3339(text):
        raise PydanticCustomError("rfc3339", "Input should be a time as RFC 3339 has it, with its offset")
    return moment.rfc3339(moment.parse(text.upper()))


def _scalar(value: Any) -> Any:
    if value is not None and not isinstance(value, str | int | float):
        raise PydanticCustomError("scalar", "Input should be a text, a number, true, false or null")
    if isinstance(value, str) and len(value) > limits.TEXT_CHARACTERS:
        raise PydanticCustomError(
            "too_long", f"Input should have at most {limits.TEXT_CHARACTERS} characters"
        )
    return value


type Text = Annotated[str, Field(min_length=1, max_length=limits.TEXT_CHARACTERS)]
type Time = Annotated[str, AfterValidator(_in_utc), WithJsonSchema({"type": "string", "format": "date-time"})]
type Angle = Annotated[float, Field(ge=-360, le=360)]
type Measure = Annotated[float, Field(gt=0, le=1e9)]
type Key = Annotated[str, Field(min_length=1, max_length=limits.NAME_CHARACTERS)]
type Value = Annotated[
    Any,
    AfterValidator(_scalar),
    WithJsonSchema(
        {
            "type": ["string", "integer", "number", "boolean", "null"],
            "maxLength": limits.TEXT_CHARACTERS,
        }
    ),
]


class MetadataBody(Body):
    """Each field takes the place of what the bytes say. Null clears it: then nothing is said of it."""

    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    """Degrees, north is positive. Together with `longitude` only."""
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    """Degrees, east is positive. Together with `latitude` only."""
    altitude: Annotated[float, Field(ge=-100_000, le=100_000)] | None = None
    """Metres above sea level."""
    acquired_at: Time | None = None
    """With its offset; kept in UTC with milliseconds."""
    acquired_by: Text | None = None
    weather: Text | None = None
    resolution_x: Measure | None = None
    """Pixels per `resolution_unit`."""
    resolution_y: Measure | None = None
    """Pixels per `resolution_unit`."""
    resolution_unit: Text | None = None
    compression: Text | None = None
    manufacturer: Text | None = None
    model: Text | None = None
    lens: Text | None = None
    software: Text | None = None
    color_space: Text | None = None
    exposure_time: Measure | None = None
    """Seconds."""
    f_number: Measure | None = None
    iso: Measure | None = None
    focal_length: Measure | None = None
    """Millimetres."""
    sensor_width: Measure | None = None
    """Millimetres."""
    brand: Text | None = None
    custom_id: Text | None = None
    reference: Text | None = None
    yaw: Angle | None = None
    """Degrees."""
    pitch: Angle | None = None
    """Degrees."""
    roll: Angle | None = None
    """Degrees."""
    region_of_interest: Text | None = None

    @model_validator(mode="after")
    def _place_is_whole(self) -> "Self":
        given = {"latitude", "longitude"} & self.model_fields_set
        if len(given) == 1 or (self.latitude is None) != (self.longitude is None):
            raise PydanticCustomError(
                "place", "latitude and longitude should be given together, or both be null"
            )
        return self


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
