"""Listing, searching and finding, over tables that moto keeps."""

import itertools
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from chalicelib.model.data import Kind, Status, Type
from chalicelib.model.edit import Edit
from chalicelib.model.label import LabelKind
from chalicelib.storage import edits, labels, taggings
from chalicelib.storage.tables import DataItem

DATA = "/v1/datalakes/default/data"
ORDERS = ["created_at", "-created_at", "object_name", "-object_name", "filename", "-filename"]


@pytest.fixture
def shown(lake, put):
    """Four data with names, tags and sources. The widths of three are 100, 200 and 300."""
    made = {
        "a/1.jpg": put(lake, "a/1.jpg"),
        "a/2.jpg": put(lake, "a/2.jpg", status=Status.FAILED),
        "b/1.jpg": put(lake, "b/1.jpg"),
        "b/c/3.mov": put(lake, "b/c/3.mov", type=Type.VIDEO),
    }
    for n, name in enumerate(["a/1.jpg", "a/2.jpg", "b/1.jpg"], 1):
        DataItem(made[name].id).update([DataItem.width.set(100 * n)])
    tag(lake, "car", made["a/1.jpg"], made["a/2.jpg"])
    tag(lake, 'Trück "x"', made["a/2.jpg"], made["b/1.jpg"])
    source = labels.get_or_create(lake.id, LabelKind.SOURCE, "Camera")[0]
    edits.apply(lake, Edit(texts={"source": source.id}), [made["b/1.jpg"].id])
    return made


def tag(lake, name, *data):
    label = labels.get_or_create(lake.id, LabelKind.TAG, name)[0]
    taggings.attach(lake.id, frozenset({label.id}), [each.id for each in data])


def names(answer):
    assert answer.status == 200, answer.body
    return sorted(item["object_name"] for item in answer.body["items"])


def listed(gateway, **query):
    return names(gateway.get(f"{DATA}?" + urlencode(query, doseq=True)))


def searched(gateway, **body):
    return names(gateway.call("POST", f"{DATA}/search", body))


def is_problem(answer, status, code):
    return (answer.status, answer.body["code"]) == (status, code)


CONDITIONS = [
    ({"prefix": "a/"}, {"a/1.jpg", "a/2.jpg"}),
    ({"filename": "1.jpg"}, {"a/1.jpg", "b/1.jpg"}),
    ({"object_name": "b/1.jpg"}, {"b/1.jpg"}),
    ({"kind": "object"}, {"a/1.jpg", "a/2.jpg", "b/1.jpg", "b/c/3.mov"}),
    ({"kind": "link"}, set()),
    ({"type": "video"}, {"b/c/3.mov"}),
    ({"status": "failed"}, {"a/2.jpg"}),
    ({"source": "CAMERA"}, {"b/1.jpg"}),
    ({"tags": ["Car"]}, {"a/1.jpg", "a/2.jpg"}),
    ({"tags": ["car", 'trück "X"']}, {"a/1.jpg", "a/2.jpg", "b/1.jpg"}),
    ({"tags": ["car", "nothing"]}, {"a/1.jpg", "a/2.jpg"}),
    ({"q": "width > 100"}, {"a/2.jpg", "b/1.jpg"}),
    ({"q": 'tags.name contains "üc" or type = "video"'}, {"a/2.jpg", "b/1.jpg", "b/c/3.mov"}),
]


@pytest.mark.parametrize("order", ORDERS)
def test_any_two_conditions_hold_together_in_every_order(gateway, shown, order):
    ask = itertools.cycle([listed, searched])
    for (first, some), (second, others) in itertools.combinations(CONDITIONS, 2):
        if not first.keys() & second.keys():
            assert next(ask)(gateway, order_by=order, **first, **second) == sorted(some & others)


def test_all_of_the_tags_are_the_intersection(gateway, shown):
    both = {"tags": ["car", 'Trück "x"']}
    assert listed(gateway, intersect_tags="true", **both) == ["a/2.jpg"]
    assert searched(gateway, intersect_tags=True, **both) == ["a/2.jpg"]
    assert searched(gateway, intersect_tags=True, tags=["car", "nothing"]) == []


def test_an_empty_list_is_a_set_like_any_other(gateway, shown):
    for name in ("ids", "object_names", "filenames", "tags"):
        assert searched(gateway, **{name: []}) == []
        assert len(searched(gateway, **{name: None})) == 4
    assert len(searched(gateway, tags=[], intersect_tags=True)) == 4


def test_lists_of_ids_and_names_find_those_that_are_there(gateway, shown, foreign_lake, put):
    foreign = put(foreign_lake, "a/1.jpg")
    ids = [shown["a/1.jpg"].id, shown["a/1.jpg"].id, foreign.id, "no-such-id", "x" * 1000]
    assert searched(gateway, ids=ids) == ["a/1.jpg"]
    assert searched(gateway, object_names=["b/1.jpg", "b/", "nothing"]) == ["b/1.jpg"]
    assert searched(gateway, filenames=["1.jpg", "3.mov", "nothing"]) == ["a/1.jpg", "b/1.jpg", "b/c/3.mov"]
    assert searched(gateway, filenames=["1.jpg"], ids=ids, q="width < 1000") == ["a/1.jpg"]
    assert searched(gateway, ids=[f"{n}" for n in range(1000)]) == []


def test_pages_of_every_order_and_way_fit_together(gateway, shown):
    ways = [{}, {"tags": ["car", 'Trück "x"']}, {"filenames": ["1.jpg", "2.jpg"]}, {"prefix": "a/"}]
    for order, way in itertools.product(ORDERS, ways):
        whole = gateway.call("POST", f"{DATA}/search", {"order_by": order, **way}).body["items"]
        pieces, cursor = [], None
        while True:
            body = {"order_by": order, **way, "limit": 1, "cursor": cursor}
            page = gateway.call("POST", f"{DATA}/search", body).body
            pieces += page["items"]
            if (cursor := page["next_cursor"]) is None:
                break
        assert pieces == whole


def test_a_cursor_is_good_for_the_same_question_only(gateway, shown):
    asked = {"tags": ["car"], "limit": 1}
    cursor = gateway.call("POST", f"{DATA}/search", asked).body["next_cursor"]
    assert gateway.call("POST", f"{DATA}/search", asked | {"cursor": cursor}).status == 200
    # The same question, however it is put.
    assert gateway.get(f"{DATA}?tags=car&limit=5&cursor={cursor}").status == 200
    others = [
        *(
            {"tags": ["car", "van"]},
            {"tags": ["car"], "intersect_tags": True},
            {"tags": ["car"], "q": "width > 1"},
        ),
        *({"tags": ["car"], "order_by": "filename"}, {"tags": ["car"], "delimiter": "/"}, {}),
    ]
    for other in others:
        answer = gateway.call("POST", f"{DATA}/search", other | {"cursor": cursor})
        assert is_problem(answer, 400, "invalid_cursor")


def test_folders_are_listed_level_by_level(gateway, shown):
    def level(**body):
        answer = gateway.call("POST", f"{DATA}/search", {"delimiter": "/", **body})
        return answer.body["folders"], [item["object_name"] for item in answer.body["items"]]

    assert level() == (["a/", "b/"], [])
    assert level(order_by="-object_name") == (["b/", "a/"], [])
    assert level(prefix="b/") == (["b/c/"], ["b/1.jpg"])
    assert level(prefix="b/", q="width > 1") == ([], ["b/1.jpg"])
    assert level(type="video") == (["b/"], [])
    assert level(prefix="nothing/") == ([], [])
    first = gateway.call("POST", f"{DATA}/search", {"delimiter": "/", "limit": 1}).body
    assert first["folders"] == ["a/"]
    assert level(cursor=first["next_cursor"]) == (["b/"], [])
    answer = gateway.call("POST", f"{DATA}/search", {"delimiter": "/", "order_by": "filename"})
    assert is_problem(answer, 400, "invalid_request")
    assert answer.body["errors"][0]["pointer"] == "#/order_by"


def test_a_plan_tells_what_was_done(gateway, shown):
    body = {"q": 'tags.name = "car" and width > 100', "explain": True}
    plan = gateway.call("POST", f"{DATA}/search", body).body["plan"]
    assert plan == {
        "access": "tag",
        "index": "taggings",
        "bounds": 'tags.name = "car"',
        "filter": "width > 100",
        "sorted": False,
        "items_read": plan["items_read"],
        "requests": plan["requests"],
        "capacity": plan["capacity"],
    }
    assert plan["requests"] >= 6
    assert plan["items_read"] >= 4
    assert plan["capacity"] > 0
    assert gateway.get(f"{DATA}?explain=true").body["plan"]["access"] == "order"
    assert "plan" not in gateway.get(DATA).body


def test_one_is_found_by_its_id_and_its_names(gateway, shown, foreign_lake, put):
    one, foreign = shown["a/2.jpg"], put(foreign_lake, "z/foreign.jpg")

    def find(**query):
        return gateway.get(f"{DATA}/find?" + urlencode(query))

    for query in ({"id": one.id}, {"object_name": "a/2.jpg"}, {"filename": "2.jpg", "id": one.id}):
        answer = find(**query)
        assert (answer.status, answer.body) == (200, gateway.get(f"{DATA}/{one.id}").body)
    nothing = [{"filename": "x"}, {"id": "x"}, {"filename": "1.jpg", "id": one.id}, {"id": foreign.id}]
    for query in (*nothing, {"filename": "foreign.jpg"}, {"filename": ""}, {"object_name": "a/"}):
        assert is_problem(find(**query), 404, "not_found")
    several = find(filename="1.jpg")
    assert is_problem(several, 409, "ambiguous")
    assert sorted(several.body["ids"]) == sorted([shown["a/1.jpg"].id, shown["b/1.jpg"].id])
    without = find()
    assert is_problem(without, 400, "invalid_request")
    assert [error["parameter"] for error in without.body["errors"]] == ["id", "object_name", "filename"]


def test_many_of_one_name_are_told_by_up_to_100_ids(gateway, lake, put):
    for n in range(105):
        put(lake, f"{n}/same.jpg")
    answer = gateway.get(f"{DATA}/find?filename=same.jpg")
    assert is_problem(answer, 409, "ambiguous")
    assert len(set(answer.body["ids"])) == 100


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_mistake_in_a_query_is_told_with_its_place(gateway, lake, method):
    if method == "GET":
        answer = gateway.get(f"{DATA}?" + urlencode({"q": "width >\n  and"}))
    else:
        answer = gateway.call("POST", f"{DATA}/search", {"q": "width >\n  and"})
    assert is_problem(answer, 400, "invalid_query")
    [error] = answer.body["errors"]
    assert (error["parameter"], error["line"], error["column"]) == ("q", 2, 3)
    assert error["expected"] == ["a number", "a string", "false", "true"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"q": ""}, "q"),
        ({"q": "a" * 5000}, "q"),
        ({"tags": ["a", ""]}, "tags.1"),
        ({"tags": ["a" * 129]}, "tags.0"),
        ({"source": ""}, "source"),
        ({"filename": "é" * 513}, "filename"),
        ({"intersect_tags": "yes"}, "intersect_tags"),
        ({"explain": "1"}, "explain"),
        ({"kind": "thing"}, "kind"),
        ({"filename": ["a", "b"]}, "filename"),
        ({"ids": "x"}, "ids"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(gateway, lake, query, parameter):
    answer = gateway.get(f"{DATA}?" + urlencode(query, doseq=True))
    assert is_problem(answer, 400, "invalid_request")
    assert [error["parameter"] for error in answer.body["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ids": ["x"] * 1001}, "#/ids"),
        ({"ids": [1]}, "#/ids/0"),
        ({"object_names": ["é" * 513]}, "#/object_names/0"),
        ({"tags": ["a"] * 101}, "#/tags"),
        ({"limit": 0}, "#/limit"),
        ({"limit": "5"}, "#/limit"),
        ({"delimiter": "-"}, "#/delimiter"),
        ({"explain": "true"}, "#/explain"),
        ({"colour": "red"}, "#/colour"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(gateway, lake, body, pointer):
    answer = gateway.call("POST", f"{DATA}/search", body)
    assert is_problem(answer, 400, "invalid_request")
    assert [error["pointer"] for error in answer.body["errors"]] == [pointer]


def test_names_that_no_index_can_hold_are_just_not_there(gateway, shown):
    long = '"' + "é" * 1500 + '"'
    for q in (
        *(f"object_name starts with {long}", f"filename starts with {long}", f"filename = {long}"),
        *(f"tags.name = {long}", f"object_name = {long}", 'tags.name in ("")', 'filename in ("\\u0000", "")'),
    ):
        for order in ORDERS:
            assert listed(gateway, q=q, order_by=order) == []


def test_every_kind_can_be_asked_for(gateway, shown):
    assert all(isinstance(listed(gateway, kind=kind.value), list) for kind in Kind)


def test_pages_tell_where_thumbnails_are_only_when_they_are_asked_to(gateway, lake, put):
    shown, bare = put(lake, "a.jpg"), put(lake, "b.txt", thumbnail=False)
    asked = (
        gateway.get(f"{DATA}?thumbnails=true"),
        gateway.call("POST", f"{DATA}/search", {"thumbnails": True}),
    )
    for answer in asked:
        urls = {item["id"]: item["thumbnail_url"] for item in answer.body["items"]}
        assert urls.keys() == {shown.id, bare.id}
        assert urls[bare.id] is None
        found = urlsplit(urls[shown.id])
        assert found.path == f"/{shown.thumbnail_key}"
        assert parse_qs(found.query)["X-Amz-Expires"] == ["900"]
    assert all("thumbnail_url" not in item for item in gateway.get(DATA).body["items"])


def test_a_page_with_thumbnails_goes_on_where_it_ended_without(gateway, lake, put):
    for n in range(4):
        put(lake, f"{n}.jpg")
    first = gateway.get(f"{DATA}?order_by=object_name&limit=2&thumbnails=true")
    second = gateway.get(f"{DATA}?order_by=object_name&limit=2&cursor={first.body['next_cursor']}")
    assert names(second) == ["2.jpg", "3.jpg"]
