"""Links are forgotten, and what has their name or their target stays."""

import pytest

from chalicelib.storage import connectors, records
from tests.simulation.objects import add_connector, put
from tests.simulation.shift import work


@pytest.fixture
def linked(gateway, world, lake, monkeypatch):
    """A link to an object of the very bucket, by the name and with the etag of that object."""
    add_connector(lake.bucket)
    monkeypatch.setattr(connectors, "allows_delete", lambda bucket: True)
    gateway.role = "admin"
    [object_id] = put(world, lake, "a.jpg")
    answer = gateway.call("POST", "/links", {"links": [{"url": f"s3://{lake.bucket}/a.jpg", "tags": ["t"]}]})
    [link] = answer.body["ok"]
    return link["data"]["id"], object_id


def test_a_link_is_forgotten_and_may_be_made_again(gateway, world, lake, linked):
    link_id, object_id = linked
    answer = gateway.call("DELETE", f"/data/{link_id}")
    assert (answer.status, answer.body["outcome"]) == (200, "forgotten")
    assert gateway.call("GET", f"/data/{link_id}").status == 404
    assert gateway.call("GET", f"/data/{object_id}").status == 200
    assert world.dynamodb.tables["taggings"].items == {}
    again = gateway.call("POST", "/links", {"links": [{"url": f"s3://{lake.bucket}/a.jpg"}]})
    [made] = again.body["ok"]
    assert (made["data"]["id"], made["data"]["tags"]) == (link_id, [])


def test_no_object_is_deleted_for_a_link_of_its_name(gateway, world, lake, linked):
    link_id, object_id = linked
    etag = records.read(object_id).etag
    answer = gateway.call("DELETE", f"/data/{link_id}", object="true", etag=etag)
    assert (answer.status, answer.body["code"]) == (409, "conflict")
    begun = gateway.call("POST", "/data/delete", {"ids": [link_id], "object": True})
    work(world)
    job = gateway.call("GET", f"/v1/jobs/{begun.body['job']['id']}").body
    assert (job["state"], job["progress"]["failed"], job["progress"]["deleted"]) == ("succeeded", 1, 0)
    assert "a.jpg" in world.s3.buckets[lake.bucket].listing()


def test_links_are_forgotten_by_a_query(gateway, world, linked):
    link_id, object_id = linked
    begun = gateway.call("POST", "/data/delete", {"q": 'kind = "link"'})
    work(world)
    job = gateway.call("GET", f"/v1/jobs/{begun.body['job']['id']}").body
    assert (job["state"], job["progress"]["forgotten"]) == ("succeeded", 1)
    assert gateway.call("GET", f"/data/{link_id}").status == 404
    assert gateway.call("GET", f"/data/{object_id}").status == 200
