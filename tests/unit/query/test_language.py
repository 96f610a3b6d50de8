import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import InvalidQuery
from chalicelib.query import fields
from chalicelib.query.language import parse
from chalicelib.query.tree import And, Clause, Not, Operator, Or
from tests.unit.query.trees import trees

WIDTH, HEIGHT = fields.find("width", ""), fields.find("height", "")
FILENAME = fields.FILENAME
AFTER_A_FIELD = ["= != < <= > >=", "contains", "exists", "in", "not", "starts"]


def equal(field, value):
    return Clause(field, Operator.EQUAL, (value,))


def mistake_in(text):
    with pytest.raises(InvalidQuery) as caught:
        parse(text)
    [(detail, line, column, expected)] = caught.value.args
    return detail, (line, column), expected


@given(trees())
@settings(max_examples=500)
def test_what_is_written_of_a_tree_reads_as_that_tree(tree):
    assert parse(str(tree)) == tree
    assert str(parse(str(tree))) == str(tree)


@pytest.mark.parametrize(
    "text",
    [
        "width = 1 or width = 2 and height = 3",
        "width=1 OR(width=2 And\n\theight=3)",
        "((width = 1)) or ((width = 2) and (height = 3))",
    ],
)
def test_and_binds_closer_than_or_and_keywords_have_no_case(text):
    assert parse(text) == Or((equal(WIDTH, 1), And((equal(WIDTH, 2), equal(HEIGHT, 3)))))


def test_not_binds_closest_and_two_of_them_are_none():
    assert parse("not width = 1 and height = 2") == And((Not(equal(WIDTH, 1)), equal(HEIGHT, 2)))
    assert parse("not (not (width = 1))") == equal(WIDTH, 1)


def test_chains_in_brackets_are_one_chain():
    three = And((equal(WIDTH, 1), equal(WIDTH, 2), equal(WIDTH, 3)))
    assert parse("width = 1 and (width = 2 and width = 3)") == three


@pytest.mark.parametrize("operator", Operator)
def test_every_operator_is_read(operator):
    value = {Operator.EXISTS: "", Operator.IN: '("a", "b")', Operator.NOT_IN: "()"}.get(operator, '"a"')
    clause = parse(f"filename {operator.upper()} {value}")
    assert (clause.field, clause.operator) == (FILENAME, operator)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\"b\\c\/\n\t\u00e9\ud83d\ude00"', 'a"b\\c/\n\té😀'),
        ('"it\'s é 😀 \x7f"', "it's é 😀 \x7f"),
        ('""', ""),
    ],
)
def test_strings_are_those_of_json(text, value):
    assert parse(f"filename = {text}") == equal(FILENAME, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-12", -12), ("1.50", 1.5), ("2E3", 2000.0), ("-9223372036854775808", -(2**63))],
)
def test_numbers_are_those_of_json(text, value):
    [read] = parse(f"width = {text}").values
    assert (read, type(read)) == (value, type(value))


def test_booleans_are_keywords():
    assert parse("thumbnail = TRUE").values == (True,)
    assert parse("custom_metadata.ok in (true, False)").values == (True, False)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("lot", "lot"),
        ("exists", "exists"),
        ("größe-2", "größe-2"),
        ("1", "1"),
        (r'"a b.c\"\u00e9"', 'a b.c"é'),
    ],
)
def test_custom_metadata_has_any_keys(text, key):
    assert parse(f"custom_metadata.{text} exists").field == fields.find("custom_metadata", key)


SCHEMA = {
    "extra": True,
    "fields": {
        "lot": {"type": "string"},
        "area": {"type": "float"},
        "number": {"type": "integer"},
        "ok": {"type": "boolean"},
        "day": {"type": "datetime"},
        "grade": {"type": "choice", "choices": ["a", "b"]},
    },
}


@pytest.mark.parametrize(
    ("clause", "wrong"),
    [
        ('lot > "a"', "lot = 1"),
        ("area >= 1", 'area = "1"'),
        ("number in (1, 2.5)", "number = true"),
        ("ok = true", 'ok = "true"'),
        ('day > "2025-01-01"', "day > 5"),
        ('grade = "a"', "grade = 1"),
        ("other = 1", "other ="),
    ],
)
def test_a_schema_says_what_custom_metadata_holds(clause, wrong):
    assert str(parse(f"custom_metadata.{clause}", SCHEMA)) == f"custom_metadata.{clause}"
    with pytest.raises(InvalidQuery):
        parse(f"custom_metadata.{wrong}", SCHEMA)


@pytest.mark.parametrize(
    ("text", "detail", "place", "expected"),
    [
        ("", "The query ends too early", (1, 1), ["(", "a field", "not"]),
        ("width >", "The query ends too early", (1, 8), ["a number", "a string", "false", "true"]),
        ("width = 1 or", "The query ends too early", (1, 13), ["(", "a field", "not"]),
        ("(width = 1", "The query ends too early", (1, 11), [")", "and", "or"]),
        ("width = 1)", "This cannot stand here", (1, 10), ["and", "or", "the end"]),
        ("width ~ 3", "This cannot stand here", (1, 7), AFTER_A_FIELD),
        ("width\n  and 3", "This cannot stand here", (2, 3), AFTER_A_FIELD),
        ("width = 01", "This cannot stand here", (1, 10), ["and", "or", "the end"]),
        ("width = null", "This cannot stand here", (1, 9), ["a number", "a string", "false", "true"]),
        ("filename contains 3", "This cannot stand here", (1, 19), ["a string"]),
        ('filename = "open', "This string does not end, or holds what must be escaped", (1, 12), None),
        (r'filename = "\N"', "This string does not end, or holds what must be escaped", (1, 12), None),
        ('filename = "a\nb"', "This string does not end, or holds what must be escaped", (1, 12), None),
        ("nothing = 1", "There is no field nothing", (1, 1), []),
        ("width = 1 and Width = 1", "There is no field Width", (1, 15), []),
        ("tags exists", "There is no field tags", (1, 1), []),
        ("tags.id = 1", "There is no field tags.id", (1, 1), []),
        ("width.name = 1", "There is no field width.name", (1, 1), []),
        ("custom_metadata.a.b = 1", "This cannot stand here", (1, 18), AFTER_A_FIELD),
        ("metadata.colour = 1", "There is no field metadata.colour", (1, 1), []),
        ("custom_metadata exists", "There is no field custom_metadata", (1, 1), []),
        ('width = "3"', "width holds a number", (1, 9), ["a number"]),
        ("width in (1, true)", "width holds a number", (1, 14), ["a number"]),
        ("filename = 3", "filename holds text", (1, 12), ["text"]),
        ('created_at > "yesterday"', "created_at holds a time", (1, 14), ["a time"]),
        ('created_at > "2025-02-30"', "created_at holds a time", (1, 14), ["a time"]),
        ("thumbnail < true", "`<` makes no sense: thumbnail holds true or false", (1, 11), []),
        ('width starts with "1"', "`starts with` makes no sense: width holds a number", (1, 7), []),
        ('type = "sound"', "type is never that", (1, 8), ['"image"', '"video"', '"other"']),
        ("width = 9223372036854775808", "An integer has at most 64 bits", (1, 9), []),
        ("width = 1e999", "A number is at most 1.8e308", (1, 9), []),
        (r'custom_metadata."\ud800" exists', "Half a surrogate pair is no character", (1, 1), []),
        (r'filename = "\ud800"', "Half a surrogate pair is no character", (1, 12), []),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text, detail, place, expected):
    told = mistake_in(text)
    assert told[:2] == (detail, place)
    assert expected is None or told[2] == expected


def test_a_query_has_at_most_20_clauses():
    text = " or ".join(["width = 1"] * 20)
    assert len(parse(text).parts) == 20
    detail, place, _ = mistake_in(text + " or width = 1")
    assert (detail, place) == ("A query has at most 20 clauses", (1, len(text) + 5))


def test_a_query_has_at_most_4096_characters():
    longest = 'filename = "' + "a" * 4083 + '"'
    assert len(longest) == 4096
    assert parse(longest)
    assert mistake_in(longest + " ")[:2] == ("A query has at most 4,096 characters", (1, 4097))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "width = 1" + ")" * 2000,
        "not " * 1000 + "width = 1",
        "not(" * 800 + "width = 1" + ")" * 800,
        "width = 1 or (height = 2 and (" * 3 + "width = 1" + "))" * 3,
    ],
)
def test_depth_is_no_danger(text):
    assert parse(text)


@pytest.mark.parametrize("text", ["(" * 4096, "not " * 1024, "a" * 4096, "width=1 or(" * 370, "1" * 4096])
def test_the_worst_text_is_a_mistake_like_any_other(text):
    mistake_in(text)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(["width", "tags.name", "=", "<", "in", "not", "and", "(", ")", ",", "1", '"a"', "exists"])
).map(" ".join))  # fmt: skip
@settings(max_examples=300)
def test_any_text_is_a_query_or_a_mistake(text):
    try:
        tree = parse(text)
    except InvalidQuery:
        return
    assert parse(str(tree)) == tree


def test_the_parser_is_not_loaded_before_a_query_comes():
    code = "import sys, chalicelib.query.pages, chalicelib.api.searches; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_field_can_be_asked_for():
    for name, field in fields.FIELDS.items():
        assert parse(f"{name} exists") == Clause(field, Operator.EXISTS)
