"""What people may say of data, as JSON has it, wherever they say it: in calls, and in the lines of files."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.model import limits, moment
from chalicelib.model.label import mistake_in

if TYPE_CHECKING:
    from typing import Self

    from pydantic_core import ErrorDetails


class Strict(BaseModel):
    # Built when it is first needed: a cold start would build every route's, and wait for it.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def _nameable(name: str) -> str:
    if mistake := mistake_in(name):
        raise PydanticCustomError("name", "{mistake}", {"mistake": mistake})
    return name


type Name = Annotated[
    str,
    Field(json_schema_extra={"minLength": 1, "maxLength": limits.NAME_CHARACTERS}),
    AfterValidator(_nameable),
]
"""Unique in its datalake, whatever its case and Unicode form."""


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


class MetadataBody(Strict):
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


class Statement(Strict):
    tags: Annotated[list[Name], Field(max_length=limits.TAGS_PER_RECORD)] = Field(default_factory=list)
    """Names. Tags that do not exist are created."""
    source: Name | None = None
    """Its name. One that does not exist is created."""
    metadata: MetadataBody = MetadataBody()
    custom_metadata: dict[Key, Value] = Field(default_factory=dict)
    """As in edits."""
    description: Annotated[str, Field(min_length=1, max_length=limits.DESCRIPTION_CHARACTERS)] | None = None

    @property
    def said(self) -> dict[str, Any]:
        """As a `Saying` has it."""
        return {
            "tags": self.tags,
            "source": self.source,
            "metadata": self.metadata.model_dump(exclude_unset=True),
            "custom_metadata": self.custom_metadata,
            "description": self.description,
        }


def told(error: "ErrorDetails") -> str:
    """What is wrong, for people."""
    detail = "There is no such field" if error["type"] == "extra_forbidden" else error["msg"]
    return detail.removeprefix("Value error, ")
