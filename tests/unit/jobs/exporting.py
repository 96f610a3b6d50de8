"""A lake with all that can be in one, its export, and what people see of it."""

import gzip
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from chalicelib.imports import exported
from chalicelib.model import link
from chalicelib.model.data import Facts, Status, Type
from chalicelib.model.lake import Lake
from chalicelib.storage import records
from tests.simulation import objects
from tests.simulation.fakes.world import ARTIFACTS, World
from tests.simulation.shift import work
from tests.unit.api.gateway import Gateway

NAMES = [
    *(
        "a",
        "a/",
        "a//b",
        "A",
        "é.jpg",
        "e\u0301.jpg",
        "𠀀/🐋.jpg",
        "line\nbreak",
        "tab\t",
        "\x01",
        "#?&+%20 b",
    ),
    *("k" * 1024, "\U0010ffff", '"quoted"', "\u2028", "-"),
]


def fill(world: World, lake: Lake, gateway: Gateway, random: Random, names: list[str] = NAMES) -> None:
    """Objects and links of the same names, whatever can be said of some of them, some that are gone, and
    what is announced."""
    gone = [f"gone/{n}" for n in range(3)]
    ids = objects.put(world, lake, *names, *gone)
    links = [{"url": f"https://example.org/{n}.jpg", "name": name} for n, name in enumerate(linked(names))]
    answer = gateway.call("POST", "/links", {"links": links}).body
    ids += [each["data"]["id"] for each in answer["ok"]]
    assert not answer["failed"]
    publish(ids)
    for data_id in ids:
        if random.random() < 0.7:
            assert gateway.call("PATCH", f"/data/{data_id}", {**said(random)}).status == 200
        if tags := random.sample(["car", "𠀀", "two words", "gone"], random.randrange(4)):
            gateway.call("POST", "/data/tags", {"tags": tags, "ids": [data_id]})
    for name in gone:
        objects.delete(world, lake, name)
    upload = {"object_name": "announced.jpg", "size": 5, "content_type": "image/jpeg"}
    assert gateway.call("POST", "/uploads", {"uploads": [upload]}).status == 200
    gateway.call("DELETE", "/tags/gone")
    work(world)
    world.clock += 60


def linked(names: list[str]) -> list[str]:
    """Names that links may have, too."""
    return [name for name in names if link.mistake_in(name) is None]


def publish(ids: list[str]) -> None:
    """What the bytes of some say, always the same."""
    for data in records.read_all(ids).values():
        if data.id < "8":
            metadata = {"model": "40D", "weather": "dry"}
            facts = Facts(status=Status.READY, type=Type.IMAGE, width=40, height=30, metadata=metadata)
            records.publish(data.id, data.content, facts, None, thumbnail=True)


def said(random: Random) -> Mapping[str, Any]:
    things: dict[str, Any] = {
        "metadata": {"weather": random.choice(["rain", None, "𠀀"]), "latitude": 43.5, "longitude": -1},
        "custom_metadata": {"lot": "A7", "n": 3, "x": 1.5, "ok": False, "1,2": "\"'\n"},
        "description": "first\nsecond 🐋",
        "source": random.choice(["camera-one", "drone"]),
    }
    return {name: things[name] for name in random.sample(sorted(things), random.randrange(1, 5))}


def export(world: World, gateway: Gateway, file_format: str = "jsonl") -> str:
    answer = gateway.call("POST", "/exports", {"format": file_format})
    assert answer.status == 202
    work(world, queue="walks")
    return str(answer.body["job"]["id"])


def shown(gateway: Gateway) -> list[dict[str, Any]]:
    """The whole list, as people see it, but for what is only announced."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = gateway.call("GET", "/data", limit="1000", **cursor).body
        items += [item for item in page["items"] if item["status"] != "pending"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


def files(world: World, job_id: str) -> dict[str, bytes]:
    start = f"exports/files/{job_id}/"
    stored = world.s3.buckets[ARTIFACTS].listing().items()
    return {key.removeprefix(start): version.body for key, version in stored if key.startswith(start)}


def lines(world: World, job_id: str) -> list[dict[str, Any]]:
    found = [body for name, body in sorted(files(world, job_id).items()) if name != "manifest.json"]
    return [json.loads(line) for body in found for line in gzip.decompress(body).split(b"\n") if line]


def as_shown(line: Mapping[str, Any]) -> dict[str, Any]:
    """What the list says of it."""
    empty = {"tags": [], "custom_metadata": {}, "shown_metadata": {}}
    whole: dict[str, Any] = {name: line.get(name, empty.get(name)) for name in exported.COLUMNS}
    return whole | {"metadata": whole.pop("shown_metadata")}
