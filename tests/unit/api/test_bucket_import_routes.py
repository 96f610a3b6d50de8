"""What may be asked of a bucket import, and what is wrong with other requests."""

import json
from typing import Any

import pytest

from chalicelib.model import limits
from chalicelib.model.lake import Lake
from tests.simulation import objects
from tests.simulation.fakes.world import World
from tests.unit.api.gateway import Gateway


@pytest.fixture
def photos(world: World) -> Lake:
    """A lake under a prefix, beside one that is not."""
    objects.add_lake(world, "default")
    return world.add_lake("frames", "photos", prefix="frames/", shards=3)


def ask(body: Any, **gateway: str) -> Any:
    return Gateway(lake="frames", **gateway).call("POST", "/imports/bucket", body)


def text(content: str = "frames/a\n", **more: Any) -> dict[str, Any]:
    return {"manifest": {"content": content, "format": "text", **more}}


def test_the_job_is_begun_with_the_widest_of_the_prefixes(world, photos):
    prefixes = ["frames/b/", "frames/a", "frames/ab", "frames/b/c/"]
    answer = ask({"prefixes": prefixes, "tags": ["car"], "source": "camera", "dry_run": True})
    assert answer.status == 202
    assert (answer.body["job"]["kind"], answer.body["job"]["state"]) == ("bucket_import", "queued")
    [message] = world.sqs.queues["walks"].visible.values()
    task = json.loads(message.body)["job"]["task"]
    assert task == {
        "prefixes": ["frames/a", "frames/b/"],
        "manifest": None,
        "tags": ["car"],
        "source": "camera",
        "dry_run": True,
        "eager": True,
    }
    assert ask({"prefixes": ["frames/"]}, role="viewer").status == 403


def test_a_manifest_is_read_as_it_was_when_it_was_named(world, photos):
    world.s3.put_object(Bucket="photos", Key="frames/m.txt", Body=b"frames/a\n")
    assert ask({"manifest": {"key": "frames/m.txt", "format": "text"}}).status == 202
    [message] = world.sqs.queues["walks"].visible.values()
    manifest = json.loads(message.body)["job"]["task"]["manifest"]
    stored = world.s3.buckets["photos"].current("frames/m.txt")
    assert manifest == {"format": "text", "key": "frames/m.txt", "size": 9, "etag": stored.etag}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "#"),
        ({"prefixes": ["frames/"]} | text(), "#"),
        ({"prefixes": []}, "#/prefixes"),
        ({"prefixes": ["frames/"] * 91}, "#/prefixes"),
        ({"prefixes": ["frames/" + "é" * 500] * 30}, "#"),
        ({"prefixes": ["frames/" + "é" * 509]}, "#/prefixes/0"),
        ({"prefixes": ["frames/", "fram"]}, "#/prefixes/1"),
        ({"prefixes": ["other/"]}, "#/prefixes/0"),
        ({"prefixes": [""]}, "#/prefixes/0"),
        ({"prefixes": ["frames/"], "tags": [""]}, "#/tags/0"),
        ({"prefixes": ["frames/"], "tags": ["t"] * 91}, "#/tags"),
        ({"prefixes": ["frames/"], "on_create": True}, "#/on_create"),
        ({"manifest": {"format": "text"}}, "#/manifest"),
        (text(key="frames/m"), "#/manifest"),
        (text(""), "#/manifest/content"),
        (text(format="xml"), "#/manifest/format"),
        (text(format="inventory"), "#/manifest"),
        ({"manifest": {"key": "frames/none", "format": "text"}}, "#/manifest/key"),
        ({"manifest": {"key": "secret.txt", "format": "text"}}, "#/manifest/key"),
        ({"manifest": {"key": "k" * 1025, "format": "text"}}, "#/manifest/key"),
        ({"manifest": {"key": "frames/" + "é" * 509, "format": "text"}}, "#/manifest/key"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_its_place(world, photos, body, place):
    world.s3.put_object(Bucket="photos", Key="secret.txt", Body=b"secret\n")
    answer = ask(body)
    assert (answer.status, answer.places) == (400, [place])
    assert not world.sqs.queues["walks"].visible


def test_names_of_tidelakes_own_objects_are_nobodys(world, photos):
    answer = Gateway().call("POST", "/imports/bucket", {"prefixes": ["a/", ".tidelake/check/"]})
    assert (answer.status, answer.places) == (400, ["#/prefixes/1"])


def test_a_manifest_that_is_too_large_for_a_call_is_told_so(world, photos):
    assert ask(text("é" * (limits.SHEET_TEXT_BYTES // 2 + 1))).status == 413


def test_a_bucket_that_does_not_answer_is_asked_again_later(world, photos):
    del world.s3.buckets["photos"]
    assert ask({"manifest": {"key": "frames/m", "format": "text"}}).status == 503


@pytest.mark.parametrize("widest", ["é" * 157, "\x01" * 157, "🐋" * 78])
def test_every_import_that_may_be_asked_for_fits_into_a_message(world, photos, widest):
    prefixes = [f"frames/{n:02}{widest}" for n in range(90)]
    tags = [f"{n:02}{'🐋' * 126}" for n in range(90)]
    assert ask({"prefixes": [each + widest for each in prefixes], "tags": tags}).status == 400
    assert ask({"prefixes": prefixes, "tags": tags}).status == 202
    [message] = world.sqs.queues["walks"].visible.values()
    assert len(message.body.encode()) < 256 * 1024
