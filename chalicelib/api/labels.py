"""Tags and sources: what data is labelled with, and the labelling."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from chalicelib.api import answers, cursors
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.api.parameters import ListParameters
from chalicelib.api.targets import Target
from chalicelib.errors import InvalidQuery, InvalidRequest, LabelExists, UnknownLabel
from chalicelib.model import limits
from chalicelib.model.data import is_id
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.label import LabelKind, mistake_in
from chalicelib.storage import counters, jobs, labels, lakes, taggings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.label import Label


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


def _no_id(name: str) -> str:
    if is_id(name.lower()):
        raise PydanticCustomError("id", "A name should not look like an id")
    return name


type NameBesideIds = Annotated[Name, AfterValidator(_no_id)]
"""Of what is found by its id and by its name."""


class LabelBody(Body):
    name: Name
    """1 to 128 characters. Names that differ in case or Unicode form only are the same name."""


class TaggingBody(Target):
    tags: Annotated[list[Name], Field(min_length=1, max_length=limits.TAGS_PER_RECORD)]
    """Names of tags."""


@operation(ListParameters, answers={200: answers.LabelsAnswer})
def list_tags(caller: "Caller", parameters: "ListParameters", lake: str) -> "Response":
    """List the tags of a datalake.

    By name, without regard to case. `count` says how many data have the tag; it follows within seconds.
    """
    return _list(caller, parameters, lake, LabelKind.TAG)


@operation(ListParameters, answers={200: answers.LabelsAnswer})
def list_sources(caller: "Caller", parameters: "ListParameters", lake: str) -> "Response":
    """List the sources of a datalake.

    By name, without regard to case. `count` says how many data have the source; it follows within seconds.
    """
    return _list(caller, parameters, lake, LabelKind.SOURCE)


@operation(body=LabelBody, creates=True, answers={201: answers.LabelAnswer}, errors=(LabelExists,))
def create_tag(
    caller: "Caller", parameters: "Parameters", body: LabelBody, lake: str, seed: bytes
) -> "Response":
    """Create a tag."""
    return _create(caller, body, lake, LabelKind.TAG, seed)


@operation(body=LabelBody, creates=True, answers={201: answers.LabelAnswer}, errors=(LabelExists,))
def create_source(
    caller: "Caller", parameters: "Parameters", body: LabelBody, lake: str, seed: bytes
) -> "Response":
    """Create a source."""
    return _create(caller, body, lake, LabelKind.SOURCE, seed)


@operation(answers={200: answers.LabelAnswer}, errors=(UnknownLabel,))
def show_tag(caller: "Caller", parameters: "Parameters", lake: str, name: str) -> "Response":
    """Show one tag.

    By its name in any case and Unicode form.
    """
    return _show(caller, lake, LabelKind.TAG, name)


@operation(answers={200: answers.LabelAnswer}, errors=(UnknownLabel,))
def show_source(caller: "Caller", parameters: "Parameters", lake: str, name: str) -> "Response":
    """Show one source.

    By its name in any case and Unicode form.
    """
    return _show(caller, lake, LabelKind.SOURCE, name)


@operation(answers={200: answers.LabelAnswer, 201: answers.LabelAnswer})
def put_tag(caller: "Caller", parameters: "Parameters", lake: str, name: str) -> "Response":
    """Get or create a tag.

    All who ask for one name at once get the same tag.
    """
    return _put(caller, lake, LabelKind.TAG, name)


@operation(answers={200: answers.LabelAnswer, 201: answers.LabelAnswer})
def put_source(caller: "Caller", parameters: "Parameters", lake: str, name: str) -> "Response":
    """Get or create a source.

    All who ask for one name at once get the same source.
    """
    return _put(caller, lake, LabelKind.SOURCE, name)


@operation(body=LabelBody, answers={200: answers.LabelAnswer}, errors=(UnknownLabel, LabelExists))
def rename_tag(
    caller: "Caller", parameters: "Parameters", body: LabelBody, lake: str, name: str
) -> "Response":
    """Rename a tag.

    All data that has it shows the new name at once. Another form of the same name is a new name, too.
    """
    return _rename(caller, body, lake, LabelKind.TAG, name)


@operation(body=LabelBody, answers={200: answers.LabelAnswer}, errors=(UnknownLabel, LabelExists))
def rename_source(
    caller: "Caller", parameters: "Parameters", body: LabelBody, lake: str, name: str
) -> "Response":
    """Rename a source.

    All data that has it shows the new name at once. Another form of the same name is a new name, too.
    """
    return _rename(caller, body, lake, LabelKind.SOURCE, name)


@operation(answers={202: answers.BegunAnswer}, errors=(UnknownLabel,))
def delete_tag(caller: "Caller", parameters: "Parameters", lake: str, name: str) -> "Response":
    """Delete a tag.

    From now on nothing shows it and its name is free. A job, which begins half a minute later, takes it off
    all data.
    """
    return _delete(caller, lake, LabelKind.TAG, name)


@operation(answers={202: answers.BegunAnswer}, errors=(UnknownLabel,))
def delete_source(caller: "Caller", parameters: "Parameters", lake: str, name: str) -> "Response":
    """Delete a source.

    From now on nothing shows it and its name is free. A job, which begins half a minute later, takes it off
    all data.
    """
    return _delete(caller, lake, LabelKind.SOURCE, name)


@operation(
    body=TaggingBody, answers={200: answers.ChangeAnswer, 202: answers.BegunAnswer}, errors=(InvalidQuery,)
)
def attach_tags(caller: "Caller", parameters: "Parameters", body: TaggingBody, lake: str) -> "Response":
    """Attach tags to data.

    Tags that do not exist are created. `changed` counts the data that did not have all of the tags before;
    `missing` are the ids of no data in this datalake; `failed` is what cannot have so many tags: 90 at most.
    After an error the same call may be repeated. What a query finds is a job's work.
    """
    home = lakes.find(caller.organization, lake)
    body.check(home)
    found = labels.get_or_create_all(home.id, LabelKind.TAG, body.tags)
    tags = frozenset(tag.id for tag in found.values())
    if body.ids is None:
        return body.begin(home, {"attach": sorted(tags)})
    return _retagged(taggings.attach(home.id, tags, body.ids))


@operation(
    body=TaggingBody, answers={200: answers.ChangeAnswer, 202: answers.BegunAnswer}, errors=(InvalidQuery,)
)
def detach_tags(caller: "Caller", parameters: "Parameters", body: TaggingBody, lake: str) -> "Response":
    """Detach tags from data.

    `changed` counts the data that had one of the tags; `missing` are the ids of no data in this datalake.
    Nothing has tags that do not exist. After an error the same call may be repeated. What a query finds is a
    job's work.
    """
    home = lakes.find(caller.organization, lake)
    body.check(home)
    found = labels.find(home.id, LabelKind.TAG, body.tags)
    tags = frozenset(tag.id for tag in found.values())
    if body.ids is None:
        return body.begin(home, {"detach": sorted(tags)})
    return _retagged(taggings.detach(home.id, tags, body.ids))


def _list(caller: "Caller", parameters: "ListParameters", lake: str, kind: LabelKind) -> "Response":
    home = lakes.find(caller.organization, lake)
    walk = [f"{kind}s", home.organization, home.id]
    after = None if parameters.cursor is None else cursors.unseal(walk, parameters.cursor)
    found, end = labels.page(home.id, kind, after, parameters.limit)
    cursor = None if end is None else cursors.seal(walk, end)
    return answers.found({"items": _described(found), "next_cursor": cursor})


def _create(caller: "Caller", body: LabelBody, lake: str, kind: LabelKind, seed: bytes) -> "Response":
    home = lakes.find(caller.organization, lake)
    label = labels.create(home.id, kind, body.name, str(UUID(bytes=seed[:16], version=4)))
    return answers.created(answers.describe_label(label, 0))


def _show(caller: "Caller", lake: str, kind: LabelKind, name: str) -> "Response":
    return _shown(labels.get(lakes.find(caller.organization, lake).id, kind, name))


def _put(caller: "Caller", lake: str, kind: LabelKind, name: str) -> "Response":
    if mistake := mistake_in(name):
        raise InvalidRequest(("name", mistake))
    label, created = labels.get_or_create(lakes.find(caller.organization, lake).id, kind, name)
    return answers.created(answers.describe_label(label, 0)) if created else _shown(label)


def _rename(caller: "Caller", body: LabelBody, lake: str, kind: LabelKind, name: str) -> "Response":
    home = lakes.find(caller.organization, lake)
    return _shown(labels.rename(home.id, labels.get(home.id, kind, name), body.name))


def _delete(caller: "Caller", lake: str, kind: LabelKind, name: str) -> "Response":
    home = lakes.find(caller.organization, lake)
    label = labels.get(home.id, kind, name)
    job = new_job(home.organization, home.id, JobKind.DETACH_LABEL, asdict(label))
    # The job first, and the deletion again by the job: who is interrupted here leaves nothing half done. It
    # waits until no call is left that knows the label from before.
    jobs.begin(job, delay_seconds=limits.CALL_SECONDS)
    labels.delete(home.id, label)
    return answers.begun(job)


def _shown(label: "Label") -> "Response":
    [description] = _described([label])
    return answers.found(description)


def _described(found: "Sequence[Label]") -> list[answers.LabelAnswer]:
    counts = counters.of_labels(found)
    return [answers.describe_label(label, counts[label.id]) for label in found]


def _retagged(outcome: taggings.Retagging) -> "Response":
    failed = [answers.failure(data_id, "conflict", _FULL) for data_id in outcome.full]
    return answers.changed(len(outcome.changed), outcome.missing, failed)


_FULL = f"it would have more than {limits.TAGS_PER_RECORD} tags"
