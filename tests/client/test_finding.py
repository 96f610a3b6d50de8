"""Listing, finding, paging: over the real API, in this process."""

import pytest
from tidelake import (
    Ambiguous,
    Client,
    Data,
    InvalidQuery,
    InvalidRequest,
    MultiData,
    NoData,
    NotFound,
    Unauthorized,
)

from tests.client.stack import URL


def put(stack, *names):
    for name in names:
        stack.put(name, name.encode())


def names(found):
    return [data.object_name for data in found]


def test_a_lake_is_found_by_name_and_by_id(client, lake):
    assert client.get_datalake(lake.id) == lake
    assert [each.name for each in client.list_datalakes()] == ["default", "other"]
    with pytest.raises(NotFound, match="no such datalake"):
        client.get_datalake("a/b?c=d")


def test_a_wrong_key_is_one_plain_error(stack):
    with (
        Client(URL, "tl_0000000000000000_" + "0" * 64, transport=stack) as client,
        pytest.raises(Unauthorized),
    ):
        client.get_datalake()
    assert len(stack.sent) == 1


def test_an_empty_lake_is_an_empty_list_and_for_those_who_want_it_an_error(lake):
    found = lake.list_data()
    assert (list(found), len(found), bool(found), found[:5] == MultiData(lake)) == ([], 0, False, True)
    assert found.add_tags("car").changed == 0
    assert found.ids == []
    with pytest.raises(NoData):
        found.require()
    with pytest.raises(IndexError):
        found[0]


def test_pages_follow_by_themselves_and_only_as_far_as_they_are_looked_at(stack, lake, monkeypatch):
    monkeypatch.setattr("tidelake.holdings.PAGE", 2)
    put(stack, *(f"{n}.bin" for n in range(7)))
    stack.sent.clear()
    found = lake.list_data(order_by="object_name")
    assert stack.calls() == []
    assert found[0].object_name == "0.bin"
    assert len(stack.calls()) == 1
    assert names(found[:3]) == ["0.bin", "1.bin", "2.bin"]
    assert len(stack.calls()) == 2
    assert names(found[-2:]) == ["5.bin", "6.bin"]
    assert len(found) == 7
    assert len(stack.calls()) == 4
    assert names(found[::-3]) == ["6.bin", "3.bin", "0.bin"]
    assert names(lake.list_data(order_by="-object_name", limit=3)) == ["6.bin", "5.bin", "4.bin"]
    assert names(lake.list_data(limit=0)) == []
    with pytest.raises(ValueError, match="negative"):
        lake.list_data(limit=-1)


def test_what_is_gone_through_once_is_not_kept(stack, lake, monkeypatch):
    monkeypatch.setattr("tidelake.holdings.PAGE", 2)
    put(stack, "a", "b", "c")
    stack.sent.clear()
    through = lake.iter_data(order_by="object_name")
    assert next(through).object_name == "a"
    assert len(stack.calls()) == 1
    assert names(through) == ["b", "c"]


def test_several_conditions_hold_together(stack, lake):
    put(stack, "day/a.jpg", "day/b.jpg", "night/a.jpg")
    lake.list_data(prefix="day/").add_tags(["car", "red"])
    lake.list_data(filenames=["a.jpg"]).add_tags("van")
    assert names(lake.list_data(tags=["red", "van"], intersect_tags=True)) == ["day/a.jpg"]
    assert len(lake.list_data(tags=["red", "van"])) == 3
    assert names(lake.list_data(tags=[])) == []
    assert names(lake.list_data(q='tags.name = "van" and not tags.name = "car"')) == ["night/a.jpg"]
    assert names(lake.list_data(object_names=["day/b.jpg", "no such"])) == ["day/b.jpg"]
    assert names(lake.list_data(ids=[])) == []


def test_more_names_than_one_call_takes_are_asked_for_in_several(stack, lake):
    put(stack, "a", "b")
    stack.sent.clear()
    many = ["a", *(f"no{n}" for n in range(1500)), "b", "a"]
    assert sorted(names(lake.list_data(object_names=many))) == ["a", "b"]
    assert len(stack.calls()) == 2


def test_folders_are_listed_one_level_at_a_time(stack, lake):
    put(stack, "a/1", "a/b/2", "c/3", "4")
    top = lake.list_folder()
    assert (top.folders, names(top.data)) == (["a/", "c/"], ["4"])
    below = lake.list_folder("a/")
    assert (below.folders, names(below.data)) == (["a/b/"], ["a/1"])


def test_the_one_is_found_or_it_is_said_which_are_meant(stack, lake):
    put(stack, "a/x.jpg", "b/x.jpg")
    assert lake.find_data(object_name="a/x.jpg").filename == "x.jpg"
    with pytest.raises(NotFound):
        lake.find_data(filename="y.jpg")
    with pytest.raises(Ambiguous) as several:
        lake.find_data(filename="x.jpg")
    assert sorted(several.value.ids) == sorted(lake.list_data().ids)
    with pytest.raises(ValueError, match="filename"):
        lake.find_data()


def test_a_mistake_in_a_query_has_its_place(lake):
    with pytest.raises(InvalidQuery, match="line 1, column 9") as mistake:
        list(lake.query("width > "))
    assert mistake.value.errors[0]["parameter"] == "q"
    with pytest.raises(InvalidRequest, match="order_by"):
        len(lake.list_data(order_by="colour"))


def test_sequences_of_data_are_added_sliced_and_told_apart(stack, client, lake):
    put(stack, "a", "b", "c")
    first, rest = lake.list_data(object_names=["a"]), lake.list_data(object_names=["b", "c"])
    both = first + rest
    assert isinstance(both, MultiData)
    assert sorted(names(both)) == ["a", "b", "c"]
    assert both[1:] == rest
    assert isinstance(both[0], Data)
    assert both[0] in both
    assert (both + both).ids == both.ids
    assert repr(first) == "MultiData(['a'])"
    with pytest.raises(ValueError, match="two datalakes"):
        first + client.get_datalake("other").list_data()


def test_refreshing_shows_what_is_now_and_leaves_out_what_is_gone(stack, lake):
    put(stack, "a", "b")
    before = lake.list_data(order_by="object_name")
    assert len(before) == 2
    stack.remove("b")
    before[:1].edit(description="new")
    after = before.refresh()
    assert [(data.object_name, data.description) for data in after] == [("a", "new")]
    assert before[0].description is None
    with pytest.raises(NotFound):
        before[1].refresh()


def test_what_a_newer_stack_tells_on_top_does_no_harm(stack, lake):
    put(stack, "a")
    told = lake.call("GET", "data", lake.list_data()[0].id)
    told |= {"of the future": 1}
    del told["channels"]
    data = Data._read(lake, told)
    assert data.channels is None
    assert data.to_dict()["created_at"].startswith("2026-03-01T12:00:00")
    assert data.created_at.tzinfo is not None


def test_counts_are_told(stack, lake):
    put(stack, "a", "bb")
    assert (lake.stats().items, lake.stats().bytes, lake.stats().by_kind) == (2, 3, {"object": 2})
