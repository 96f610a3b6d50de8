import pytest

from chalicelib.model.schema import Schema


def schema(*, extra: bool = False, **fields: object) -> Schema:
    return Schema.read({"fields": fields, "extra": extra})


ADMITTED = {
    "string": ["", "x", "2026-01-01T00:00:00Z"],
    "integer": [0, -5, 2**63 - 1],
    "float": [0, 1.5, -2],
    "boolean": [True, False],
    "datetime": ["2026-01-01T00:00:00Z", "2026-01-01t10:00:00.5+02:00"],
    "choice": ["a", "b"],
}
REFUSED = {
    "string": [1, True],
    "integer": [1.0, True, "1"],
    "float": [True, "1.5"],
    "boolean": [0, "true"],
    "datetime": [
        5,
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "",
    ],
    "choice": ["c", "A", 1, True],
}


@pytest.mark.parametrize("kind", ADMITTED)
def test_a_value_is_of_its_type(kind):
    rules = schema(key={"type": kind, "choices": ["a", "b"]})
    for value in ADMITTED[kind]:
        assert list(rules.mistakes_in({"key": value})) == []
    for value in REFUSED[kind]:
        assert [key for key, _ in rules.mistakes_in({"key": value})] == ["key"], value


def test_what_is_required_is_there_and_what_is_unknown_is_not():
    given = {"lot": {"type": "string", "required": True}, "area": {"type": "float"}}
    assert [key for key, _ in schema(**given).mistakes_in({"other": 1})] == ["other", "lot"]
    assert [key for key, _ in schema(extra=True, **given).mistakes_in({"other": 1, "lot": "A"})] == []


@pytest.mark.parametrize(
    "given",
    [
        {"fields": {"a": {"type": "text"}}, "extra": True},
        {"fields": {"a": {"type": "string", "colour": 1}}, "extra": True},
    ],
)
def test_what_is_no_schema_is_refused(given):
    with pytest.raises((ValueError, TypeError)):
        Schema.read(given)
