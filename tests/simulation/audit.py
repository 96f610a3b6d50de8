"""What must hold of the whole system when nothing is under way."""

from collections import Counter
from collections.abc import Iterator

from chalicelib.model import moment
from chalicelib.model.counts import gather, weigh
from chalicelib.model.data import Data, State, Status
from chalicelib.model.label import LabelKind
from chalicelib.model.lake import Lake, is_folder
from chalicelib.storage import counters, labels, records
from chalicelib.upstream.envelopes import open_envelope
from tests.simulation.fakes.dynamodb import encoded
from tests.simulation.fakes.s3 import Version
from tests.simulation.fakes.world import ARTIFACTS
from tests.simulation.system import FORGOTTEN, System

_OUTCOMES = ("Applied", "Redundant", "Parked", "Ignored", "Retried")


def complaints(system: System) -> list[str]:
    return [
        *(each for lake in system.lakes for each in _about_lake(system, lake)),
        *_about_labels(system),
        *_about_thumbnails(system),
        *_about_queues(system),
        *_about_metrics(system),
    ]


def records_of(system: System, lake: Lake) -> dict[str, Data]:
    items = system.world.dynamodb.tables["data"].items.values()
    found = (records.from_attributes(encoded(item)) for item in items)
    return {data.object_name: data for data in found if data.lake_id == lake.id}


def live_records(system: System, lake: Lake) -> dict[str, Data]:
    return {name: data for name, data in records_of(system, lake).items() if data.live}


def hints_in(system: System, body: str) -> int:
    """As many as a message must be accounted for with: a hint counts once for every lake that it is about."""
    envelope = open_envelope(body)
    lakes = [
        sum(lake.bucket == hint.bucket and lake.holds(hint.object_name) for lake in system.lakes)
        for hint in envelope.hints
    ]
    return envelope.ignored + len(envelope.malformed) + sum(max(1, each) for each in lakes)


def _about_lake(system: System, lake: Lake) -> Iterator[str]:
    known, there = records_of(system, lake), _objects(system, lake)
    live = {name: data for name, data in known.items() if data.live}
    for key in sorted(live.keys() ^ there.keys()):
        if (lake.id, key) in system.forgotten and _is_forgotten(known.get(key)):
            continue
        yield f"{lake.name}: {key!r} is only in the {'index' if key in live else 'bucket'}"
    for key in sorted(live.keys() & there.keys()):
        if wrong := _differences(live[key], there[key]):
            yield f"{lake.name}: {key!r} has {wrong}"
    total: Counter[str] = Counter()
    for data in known.values():
        total.update(weigh(data))
    if counters.read(lake.id) != gather(total):
        yield f"{lake.name}: counted {counters.read(lake.id)}, there are {gather(total)}"


def _is_forgotten(data: Data | None) -> bool:
    """By the last write, or altogether, or announced anew since."""
    return data is None or data.op_id.startswith(FORGOTTEN) or data.state is State.ANNOUNCED


def _about_labels(system: System) -> Iterator[str]:
    found = [data for lake in system.lakes for data in records_of(system, lake).values()]
    holders = Counter(label for data in found for label in data.tags if data.state is not State.GONE)
    taggings = system.world.dynamodb.tables["taggings"].items.values()
    held = {(tag, data.id) for data in found for tag in data.tags}
    listed = {(item["tag_shard"][1].partition("#")[0], item["id"][1]) for item in taggings}
    if held != listed:
        yield f"taggings without their records: {listed - held}, and the other way: {held - listed}"
    for lake in system.lakes:
        for tag in labels.page(lake.id, LabelKind.TAG, None, 10)[0]:
            counted = counters.of_labels([tag])[tag.id]
            if counted != holders[tag.id]:
                yield f"{lake.name}: {counted} are counted with {tag.name}, of {holders[tag.id]}"


def _objects(system: System, lake: Lake) -> dict[str, Version]:
    listing = system.world.s3.buckets[lake.bucket].listing()
    return {
        key: version
        for key, version in listing.items()
        if lake.holds(key) and not is_folder(key, len(version.body))
    }


def _differences(data: Data, version: Version) -> dict[str, object]:
    shown = {
        "etag": (data.etag, version.etag),
        "size": (data.size, len(version.body)),
        "version_id": (data.version_id or "null", version.id),
        "last_modified": (data.last_modified, moment.rfc3339(version.last_modified)),
        "looked at": (data.status is not Status.INDEXED, True),
        "width": (data.width, len(version.body) if data.thumbnail else data.width),
    }
    return {name: pair for name, pair in shown.items() if pair[0] != pair[1]}


def _about_thumbnails(system: System) -> Iterator[str]:
    stored = set(system.world.s3.buckets[ARTIFACTS].objects)
    live = [data for lake in system.lakes for data in live_records(system, lake).values()]
    shown = {data.thumbnail_key for data in live if data.thumbnail}
    for key in sorted(shown - stored):
        yield f"the thumbnail {key} is missing"
    for key in sorted(stored - shown):
        yield f"the thumbnail {key} is nobody's"


def _about_queues(system: System) -> Iterator[str]:
    for name, queue in system.world.sqs.queues.items():
        left = [*queue.visible.values(), *queue.in_flight.values()]
        if name == "events-dead-letters":
            parked = [message for message in left if message.attributes.get("reason")]
            if len(parked) < system.junk:
                yield f"{len(parked)} messages are parked of {system.junk} that nobody understands"
            left = [message for message in left if message not in parked]
        if left:
            yield f"{len(left)} messages are left in {name}"


def _about_metrics(system: System) -> Iterator[str]:
    counted = system.world.metrics
    outcomes = {name: counted[f"Events{name}"] for name in _OUTCOMES}
    if counted["EventsReceived"] != sum(outcomes.values()):
        yield f"{counted['EventsReceived']} hints were received, and became {outcomes}"
