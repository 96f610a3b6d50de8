"""The evaluator against another one, which is written from docs/query.md in plain Python."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.answers import DataAnswer
from chalicelib.downstream.statements import MetadataBody
from chalicelib.model.data import Kind, Reason, Status, Type
from chalicelib.query import evaluation, fields, times
from chalicelib.query.language import parse
from tests.unit.query.shelf import record, source_id, tag_ids
from tests.unit.query.trees import FIELDS, KEYS, NUMBERS, TIMES, WORDS, trees

TAGS = ["a", "ab", "É", "B"]
LOCAL_TIME = "2025-01-01T00:00:00.000"
NAMES = {key: name for name in TAGS for key in tag_ids(name)} | {source_id("b"): "b"}

MAYBE = partial(st.one_of, st.none())
DATA = st.builds(
    record,
    st.lists(st.sampled_from(["a", "b", "/", "é", "😀"]), min_size=1, max_size=5).map("".join),
    minute=st.integers(0, 4),
    status=st.sampled_from(Status),
    status_reason=MAYBE(st.sampled_from(Reason)),
    type=MAYBE(st.sampled_from(Type)),
    size=st.integers(0, 3),
    width=MAYBE(st.integers(-1, 3)),
    content_type=MAYBE(WORDS),
    description=MAYBE(WORDS),
    last_modified=MAYBE(st.just("2025-01-01T00:02:00.000Z")),
    thumbnail=st.booleans(),
    tags=st.frozensets(st.sampled_from([*NAMES, "tag:nameless"])),
    source=MAYBE(st.sampled_from([source_id("b"), "source:nameless"])),
    metadata=st.fixed_dictionaries(
        {},
        optional={
            "latitude": NUMBERS,
            "iso": st.integers(0, 3),
            "software": WORDS,
            "acquired_at": TIMES | st.just("2025-01-01T00:02:00.000") | st.just("never"),
        },
    ),
    custom_metadata=st.dictionaries(KEYS, WORDS | NUMBERS | st.booleans(), max_size=3),
)


def asks(text, **facts):
    return evaluation.compile(parse(text))(record("a/b.jpg", **facts), NAMES)


@given(trees(), DATA)
@settings(max_examples=500, deadline=None)
def test_a_tree_means_what_plain_python_says(tree, data):
    assert evaluation.compile(tree)(data, NAMES) == means(tree, data)


@given(FIELDS.flatmap(lambda field: trees(st.just(field))), DATA)
@settings(max_examples=300, deadline=None)
def test_every_field_is_compared_by_what_it_holds(tree, data):
    assert evaluation.compile(tree)(data, NAMES) == means(tree, data)


def means(tree, data):
    match type(tree).__name__:
        case "Not":
            return not means(tree.part, data)
        case "And":
            return False not in [means(part, data) for part in tree.parts]
        case "Or":
            return True in [means(part, data) for part in tree.parts]
    operator, values = tree.operator.value, tree.values
    held = [value for value in look_up(str(tree.field), tree.field.key, data) if value is not None]
    if operator == "exists":
        return held != []
    if operator in ("!=", "not in"):
        return not any(compares("=", tree.field, one, value) for one in held for value in values)
    if operator == "in":
        operator = "="
    return any(compares(operator, tree.field, one, value) for one in held for value in values)


def look_up(name, key, data):
    if name == "tags.name":
        return [NAMES.get(tag) for tag in data.tags]
    if name == "source":
        return [NAMES.get(data.source)]
    if name == "filename":
        return [data.object_name.split("/")[-1]]
    if name == "datalake_id":
        return ["7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d"]
    if name.startswith("metadata."):
        return [data.metadata[key]] if key in data.metadata else []
    if name.startswith("custom_metadata."):
        return [data.custom_metadata[key]] if key in data.custom_metadata else []
    return [vars_of(data)[name]]


def vars_of(data):
    return {name: getattr(data, name) for name in data.__dataclass_fields__}


def compares(operator, field, left, right):
    if field.content.name == "TIME":
        left, right = moment(left), moment(right)
    if field.content.name == "LABEL":
        # Enough for the names used here.
        left, right = (text.lower().replace("e\u0301", "é") for text in (left, right))
    kinds = {"str": "text", "Kind": "text", "Status": "text", "Reason": "text", "Type": "text"}
    kinds |= {"int": "number", "float": "number", "bool": "boolean", "datetime": "time"}
    left_kind, right_kind = (kinds.get(type(value).__name__) for value in (left, right))
    if left_kind is None or left_kind != right_kind:
        return False
    if left_kind == "text":
        left, right = str(left).encode(), str(right).encode()
    return {
        "=": lambda: left == right,
        "<": lambda: left < right,
        "<=": lambda: left < right or left == right,
        ">": lambda: left > right,
        ">=": lambda: left > right or left == right,
        "contains": lambda: left_kind == "text" and right in left,
        "starts with": lambda: left_kind == "text" and left[: len(right)] == right,
    }[operator]()


def moment(text):
    text = text.replace(" ", "T")
    forms = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
    for form in [each + zone for each in forms for zone in ("", "%z")]:
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


@pytest.mark.parametrize(
    ("text", "facts", "answer"),
    [
        ("width != 3", {"width": None}, True),
        ("not width = 3", {"width": None}, True),
        ("width not in (3)", {"width": None}, True),
        ("width < 3", {"width": None}, False),
        ("not width < 3", {"width": None}, True),
        ("width = 3.0", {"width": 3}, True),
        ("custom_metadata.lot = 1", {"custom_metadata": {"lot": True}}, False),
        ("custom_metadata.lot = true", {"custom_metadata": {"lot": 1}}, False),
        ('custom_metadata.lot = "1"', {"custom_metadata": {"lot": 1}}, False),
        ('custom_metadata.lot > ""', {"custom_metadata": {"lot": 1}}, False),
        ("custom_metadata.lot exists", {"custom_metadata": {"lot": ""}}, True),
        ("custom_metadata.lot exists", {"custom_metadata": {"Lot": "A"}}, False),
        ('custom_metadata.lot contains "1"', {"custom_metadata": {"lot": 11}}, False),
        ('tags.name = "A" and tags.name = "AB"', {"tags": tag_ids("a", "ab")}, True),
        ('tags.name != "a"', {"tags": tag_ids("a", "ab")}, False),
        ('tags.name = "e\u0301"', {"tags": tag_ids("É")}, True),
        ('tags.name starts with "E\u0301"', {"tags": tag_ids("É")}, True),
        ("tags.name exists", {"tags": frozenset({"tag:nameless"})}, False),
        ("source exists", {"source": "source:nameless"}, False),
        ('source = "B"', {"source": source_id("b")}, True),
        ("thumbnail exists and thumbnail = false", {"thumbnail": False}, True),
        ('metadata.acquired_at > "2025-01-01T00:00+01:00"', {"metadata": {"acquired_at": LOCAL_TIME}}, True),
        ('metadata.acquired_at != "2025-01-01"', {"metadata": {"acquired_at": "never"}}, True),
        ('object_name > "a/"', {}, True),
        ('object_name contains "/b" and not object_name contains "B"', {}, True),
    ],
)  # fmt: skip
def test_the_odd_cases_are_decided(text, facts, answer):
    assert asks(text, **facts) is answer


def test_every_field_of_an_answer_can_be_asked_for():
    named = {str(field).partition(".")[0] for field in fields.FIELDS.values()}
    # What is no field of data: the two that have fields of their own, and addresses.
    others = {"metadata", "custom_metadata", "url", "thumbnail_url"}
    assert named | others == set(DataAnswer.__annotations__)


def test_every_metadata_that_people_write_can_be_asked_for():
    assert set(fields.METADATA) == set(MetadataBody.model_fields)


@pytest.mark.parametrize("choices", [Kind, Status, Type])
def test_known_choices_are_all_there_are(choices):
    assert all(parse(f'{choices.__name__.lower()} = "{choice}"') for choice in choices)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_a_time_is_the_same_in_every_zone(when, minutes):
    try:
        there = when.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    assert times.read(there.isoformat()) == times.read(there.isoformat(" ")) == when
