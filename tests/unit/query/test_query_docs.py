"""What docs/query.md says is so."""

import json
import re
from pathlib import Path

import pytest

from chalicelib.api import problems
from chalicelib.errors import InvalidQuery
from chalicelib.model.data import Type
from chalicelib.model.label import LabelKind
from chalicelib.query import fields, language, pages, plans, reader
from chalicelib.query.fields import Content
from chalicelib.query.pages import Query
from chalicelib.storage.records import Order
from tests.unit.query.shelf import LAKE, Shelf, record, source_id, tag_ids

TEXT = (Path(__file__).parents[3] / "docs" / "query.md").read_text()
SECTIONS = dict(part.split("\n", 1) for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:])


def table(section):
    rows = re.findall(r"^\| (.+) \|$", SECTIONS[section], flags=re.MULTILINE)
    return [row.split(" | ") for row in rows[1:]]


def fences(section, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", SECTIONS[section], flags=re.MULTILINE | re.DOTALL)


def as_record(shown):
    facts = {name: value for name, value in shown.items() if name not in ("filename", "object_name")}
    facts["type"] = Type(facts["type"])
    facts["tags"] = tag_ids(*facts["tags"])
    facts["source"] = source_id(facts["source"]) if "source" in facts else None
    return record(shown["object_name"], **facts)


[SHOWN] = map(json.loads, fences("Examples", "json"))
LABELS = {
    *((LabelKind.TAG, tag) for each in SHOWN for tag in each["tags"]),
    *((LabelKind.SOURCE, each["source"]) for each in SHOWN if "source" in each),
}


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(("query", "finds"), table("Examples"))
def test_an_example_finds_what_it_says(query, finds, order):
    asked = Query(order=order, where=language.parse(query.strip("`")))
    with Shelf(map(as_record, SHOWN), LABELS).in_place():
        page = pages.read(LAKE, asked, None, 10)
    assert [each.filename for each in page.items] == finds.split(", ")
    assert page.end is None


def test_the_mistake_is_answered_as_shown():
    [text] = fences("Mistakes", "")
    [shown] = map(json.loads, fences("Mistakes", "json"))
    with pytest.raises(InvalidQuery) as caught:
        language.parse(text.rstrip("\n"))
    answered = problems.answer(caught.value, "r").body
    assert {name: answered[name] for name in shown} == shown


def test_the_fields_are_all_there_are():
    told = {}
    for holds, listed in table("Fields"):
        for name in re.findall(r"`(\S+)`", listed):
            content, _, prefix = holds.replace("`", "").partition(", in ")
            told[prefix + name] = Content(content)
    del told["custom_metadata."]
    known = {name: field.content for name, field in fields.FIELDS.items()}
    known |= {f"metadata.{name}": content for name, content in fields.METADATA.items()}
    assert told == known


def test_the_ways_are_all_there_are():
    assert {access.strip("`") for access, *_ in table("What it costs")} == {
        "id",
        "filename",
        "prefix",
        "tag",
        "created_at",
        "order",
        "scan",
        "none",
    }


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (reader.CLAUSES, "at most 20 clauses"),
        (reader.CHARACTERS, "4,096 characters"),
        (plans.GATHERED, "up to 2,000 data found by ids, names and tags"),
        (plans.PROBED, "up to 1,000 found otherwise"),
        (pages.READ_BUDGET, "reads at most 2,000 data"),
    ],
)
def test_the_limits_are_as_told(number, said):
    assert f"{number:,}" in said
    assert said in " ".join(TEXT.split())
