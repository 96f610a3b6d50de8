"""The ledger of what the API asks of DynamoDB."""

import pytest

from bench import labels, memory, pages
from bench.memory import count_units
from bench.results import figure
from chalicelib.model.data import Sight

SIGHT = Sight(size=1, etag="e")


def item(size):
    return {"a": {"S": "x" * (size - 1)}}


@pytest.fixture
def desk():
    with memory.opened() as desk:
        yield desk


def test_a_query_is_charged_for_all_it_reads_together():
    assert count_units("Query", {}, {"Items": [item(1000)] * 5}) == 1
    assert count_units("Query", {"ConsistentRead": True}, {"Items": [item(1000)] * 4}) == 1
    assert count_units("Query", {}, {"Items": []}) == 0.5


def test_a_projection_hides_the_shard_and_not_its_price():
    names, values = {"#shard": "shard"}, {":shard": {"S": "s" * 1000}}
    projected = {
        "ProjectionExpression": "#key, id",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    assert count_units("Query", projected, {"Items": [item(1000)] * 4}) == 1


def test_a_batch_is_charged_for_each_item_and_for_those_that_are_not_there():
    asked = {"RequestItems": {"data": {"Keys": [{}] * 4}}}
    answer = {"Responses": {"data": [item(10), item(4097)]}}
    assert count_units("BatchGetItem", asked, answer) == 0.5 + 1 + 2 * 0.5
    asked["RequestItems"]["data"]["ConsistentRead"] = True
    assert count_units("BatchGetItem", asked, answer) == 1 + 2 + 2


def test_writes_are_not_charged_for_reading():
    assert count_units("TransactWriteItems", {}, {}) == 0


def test_a_page_is_entered_with_every_request(desk):
    desk.fill({f"{n:03}": SIGHT for n in range(150)})
    answer, ledger = desk.ask("POST", "/data/search", {"limit": 100})
    assert len(answer["items"]) == 100
    assert ledger.operations == {"Query": 1 + desk.lake.shards, "BatchGetItem": 1}
    assert (ledger.requests, ledger.writes, ledger.written) == (6, 0, 0)
    keys_and_lake = ledger.read.items - 100
    assert 102 + 1 <= keys_and_lake <= 150 + 1
    assert ledger.units > 100 * 0.5


def test_what_the_api_refuses_is_no_measurement(desk):
    with pytest.raises(RuntimeError, match="400"):
        desk.ask("POST", "/data/search", {"limit": 0})
    assert desk.world.interpose is None


def test_tagging_is_counted_for_each_record(desk, monkeypatch):
    monkeypatch.setattr(labels, "RECORDS", 300)
    monkeypatch.setattr(labels, "TAGGED", 100)
    found = {name: measured["value"] for name, measured in labels._measure(desk).items()}
    assert found["tag_rename_writes"] == 1
    assert found["tag_rename_items"] == 3
    assert found["tag_detach_items"] == 2
    # The tag itself is made on the way.
    assert found["tag_attach_items"] == (200 + 2) / 100
    # The lake, the tag, one batch that is read, two transactions.
    assert found["tag_detach_requests"] == (1 + 1 + 1 + 2) / 100


def test_a_page_that_costs_more_in_a_larger_lake_is_shown_as_a_miss(monkeypatch):
    monkeypatch.setattr(pages, "SIZES", (1_000, 10_000))
    measured = {
        pages._key(name, what, size): figure(size / 1_000, "", 1, digits=0)
        for name in pages.QUESTIONS
        for what in pages.MEASURES
        for size in pages.SIZES
    }
    *_, small, large = (set(column.cells) for column in pages.table(measured).columns)
    assert (small, large) == ({"1"}, {"[bold red]10"})


def test_questions_are_answered_by_the_plans_they_are_asked_for(desk):
    pages._fill(desk, 1_000)
    for name in pages.QUESTIONS:
        assert pages._count(desk, name)
