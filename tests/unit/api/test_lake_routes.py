"""Lakes as an admin makes, changes and deletes them, on buckets that tell of their changes or do not."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import CredentialsRefused, StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.connector import Connector, ConnectorKind, ConnectorState, Permission
from chalicelib.model.job import JobState
from chalicelib.storage import aws, connectors, lakes
from tests.simulation import faults, objects
from tests.simulation.fakes.errors import refusal
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ORGANIZATION, OWNER, Request, World, installed
from tests.simulation.interference import interleave, let
from tests.simulation.shift import deliver, work
from tests.unit.api.gateway import Answer, Gateway

QUEUE = f"arn:aws:sqs:us-east-1:{OWNER}:tidelake-test-events"
OTHER_ACCOUNT = "111122223333"
LAKES = "/v1/datalakes"
FOREIGN = {
    "LambdaFunctionConfigurations": [
        {"Id": "theirs", "LambdaFunctionArn": "arn:aws:lambda:x", "Events": ["s3:ObjectRestore:*"]}
    ],
    "QueueConfigurations": [
        {
            "Id": "tidelake-like",
            "QueueArn": "arn:aws:sqs:us-east-1:1:theirs",
            "Events": ["s3:ObjectCreated:Put"],
            "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "theirs/"}]}},
        }
    ],
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # How credentials are had is not looked at here.
    monkeypatch.setattr(connectors, "s3", lambda bucket: aws.client("s3"))
    with installed(World()) as world:
        objects.add_lake(world, "default")
        world.s3.buckets |= {"yours": Bucket(OWNER), "theirs": Bucket(OTHER_ACCOUNT)}
        world.meanwhile = lambda: objects.hear(world)
        connectors.create_stack(ORGANIZATION, "photos", OWNER, "us-east-1")
        connectors.create(connector("yours"))
        connectors.create(connector("theirs", bucket_owner=OTHER_ACCOUNT))
        world.calls.clear()
        yield world


@pytest.fixture
def admin(world: World) -> Gateway:
    return Gateway(role="admin")


def connector(name: str, **more: Any) -> Connector:
    made = Connector(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        organization=ORGANIZATION,
        name=name,
        kind=ConnectorKind.ROLE,
        bucket=name,
        region="us-east-1",
        bucket_owner=OWNER,
        state=ConnectorState.ACTIVE,
        grants=frozenset({Permission.LIST, Permission.READ, Permission.WRITE}),
        revision="r",
        created_at="2026-03-01T12:00:00.000Z",
    )
    return replace(made, **more)


def create(admin: Gateway, name: str = "frames", connector: str = "yours", **more: Any) -> Answer:
    return admin.call("POST", LAKES, {"name": name, "connector": connector, **more})


def delete(admin: Gateway, lake: str, confirm: str) -> Answer:
    return admin.call("DELETE", f"{LAKES}/{lake}", confirm=confirm)


def told(world: World, bucket: str = "yours") -> list[str]:
    """The prefixes that the bucket tells our queue of."""
    found = world.s3.buckets[bucket].notifications.get("QueueConfigurations", [])
    ours = [each for each in found if each["QueueArn"] == QUEUE]
    assert all(each["Id"].startswith("tidelake-") for each in ours)
    return sorted(
        each["Filter"]["Key"]["FilterRules"][0]["Value"] if "Filter" in each else "" for each in ours
    )


def is_refused(answer: Answer, status: int, code: str) -> bool:
    assert (answer.status, answer.body["status"], answer.body["code"]) == (status, status, code)
    return True


def state(answer: Answer) -> str:
    assert answer.status in (200, 201)
    return str(answer.body["notifications"]["state"])


def test_what_is_in_the_bucket_already_is_recorded_by_a_job_once_all_functions_know_the_lake(world, admin):
    for name in ("a/1", "a/2", "b"):
        world.s3.put_object(Bucket="yours", Key=name, Body=b"1")
    made = create(admin, prefix="a", on_create="scan")
    assert (made.status, made.body["job"]["kind"], made.body["job"]["state"]) == (201, "scan", "queued")
    [message] = world.sqs.queues["walks"].visible.values()
    assert message.delay > 10
    work(world, queue="walks")
    job = admin.call("GET", f"/v1/jobs/{made.body['job']['id']}").body
    assert (job["state"], job["progress"]["inserted"]) == ("succeeded", 2)
    assert "job" not in admin.call("GET", f"{LAKES}/{made.body['id']}").body


def test_a_lake_is_made_and_its_bucket_tells_of_it(world, admin):
    made = create(admin, prefix="/a/", preprocess="off")
    assert (made.status, state(made)) == (201, "connected")
    assert made.body == {
        "id": made.body["id"],
        "name": "frames",
        "organization": ORGANIZATION,
        "connector": connector("yours").id,
        "bucket": "yours",
        "prefix": "a/",
        "capabilities": ["upload", "import"],
        "allow_delete": False,
        "preprocess": "off",
        "metadata_schema": None,
        "quota": None,
        "over_quota": False,
        "notifications": {"state": "connected", "detail": None},
        "created_at": "2026-03-01T12:00:00.000Z",
    }
    assert admin.call("GET", f"{LAKES}/FRAMES").body == made.body
    assert admin.call("GET", f"{LAKES}/{made.body['id']}").body == made.body
    assert made.body in admin.call("GET", LAKES).body["items"]
    assert told(world) == ["a/"]
    assert uuid.UUID(made.body["id"]).version == 4


def test_the_stacks_own_bucket_tells_already(world, admin):
    made = create(admin, connector="stack", prefix="b")
    assert (state(made), made.body["connector"]) == ("connected", "stack")
    assert not [call for call in world.calls if call.service in ("s3", "events", "sqs")]


def test_a_list_of_lakes_is_two_requests(world, admin):
    for name in ("one", "two", "three"):
        create(admin, name, prefix=name)
    world.calls.clear()
    assert len(admin.call("GET", LAKES).body["items"]) == 4
    assert [call.operation for call in world.calls] == ["Query", "Query"]


@pytest.mark.parametrize("name", ["FRAMES", "fr\u0061mes"])
def test_a_name_is_one_lakes(world, admin, name):
    create(admin)
    assert is_refused(create(admin, name), 409, "conflict")
    assert state(Gateway(role="admin").call("GET", f"{LAKES}/frames")) == "connected"


def test_of_two_who_make_a_lake_of_one_name_at_once_one_wins(world, admin):
    answers: list[Answer] = []
    running = interleave(world, *[lambda: answers.append(create(admin))] * 2)
    assert not any(each.error for each in running)
    assert sorted(answer.status for answer in answers) == [201, 409]
    assert len(admin.call("GET", LAKES).body["items"]) == 2


def test_what_is_made_with_an_idempotency_key_is_made_once(world, admin):
    admin.headers["Idempotency-Key"] = "k"
    first, again = create(admin), create(admin)
    assert (first.status, again.status, first.body) == (201, 201, again.body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": ""}, "#/name"),
        ({"name": "x" * 129}, "#/name"),
        ({"name": "7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d"}, "#/name"),
        ({"name": "7F8E3B0E-55D1-5B9C-9D5E-0D2F1A3C4B5D"}, "#/name"),
        ({"connector": "nothing"}, "#/connector"),
        ({"connector": "x" * 200}, "#/connector"),
        ({"prefix": "x" * 1024}, "#/prefix"),
        ({"prefix": "é" * 512}, "#/prefix"),
        ({"prefix": "/.tidelake/x"}, "#/prefix"),
        ({"prefix": None}, "#/prefix"),
        ({"on_create": "import"}, "#/on_create"),
        ({"preprocess": "later"}, "#/preprocess"),
        ({"quota": {"items": -5}}, "#/quota/items"),
        ({"metadata_schema": {}}, "#/metadata_schema/fields"),
        ({"metadata_schema": {"fields": {}, "more": 1}}, "#/metadata_schema/more"),
        ({"metadata_schema": {"fields": {"": {"type": "string"}}}}, "#/metadata_schema/fields//[key]"),
        ({"metadata_schema": {"fields": {"a": {"type": "text"}}}}, "#/metadata_schema/fields/a/type"),
        ({"metadata_schema": {"fields": {"a": {"type": "choice"}}}}, "#/metadata_schema/fields/a"),
        (
            {"metadata_schema": {"fields": {"a": {"type": "choice", "choices": ["x", "x"]}}}},
            "#/metadata_schema/fields/a",
        ),
        (
            {"metadata_schema": {"fields": {"a": {"type": "string", "choices": ["x"]}}}},
            "#/metadata_schema/fields/a",
        ),
        (
            {"metadata_schema": {"fields": {"a": {"type": "choice", "choices": [""]}}}},
            "#/metadata_schema/fields/a/choices/0",
        ),
        ({"metadata_schema": {"fields": {f"{n}": {"type": "string"} for n in range(101)}}}, None),
        (
            {"metadata_schema": {"fields": {f"{n:0128}": {"type": "boolean"} for n in range(100)}}},
            "#/metadata_schema",
        ),
    ],
)
def test_what_cannot_be_a_lake_is_a_400_with_its_place(world, admin, body, place):
    answer = admin.call("POST", LAKES, {"name": "frames", "connector": "yours", **body})
    assert is_refused(answer, 400, "invalid_request")
    if place:
        assert answer.places == [place]
    assert len(admin.call("GET", LAKES).body["items"]) == 1


def test_another_organizations_connector_is_none(world):
    stranger = Gateway(role="admin", organization="foreign")
    for name in ("stack", "yours", connector("yours").id):
        assert create(stranger, connector=name).places == ["#/connector"]


def test_a_connector_that_does_not_serve_takes_no_lakes(world, admin):
    connectors.create(connector("idle", state=ConnectorState.PENDING))
    assert is_refused(create(admin, connector="idle"), 409, "conflict")


def test_a_connector_cannot_go_while_a_lake_is_made_on_it(world, admin):
    def decide(request: Request) -> Any:
        if request.operation == "TransactWriteItems":
            world.interpose = None
            connectors.delete(connectors.find(ORGANIZATION, "yours"))
        return world.perform(request)

    world.interpose = decide
    assert is_refused(create(admin), 409, "conflict")
    assert len(admin.call("GET", LAKES).body["items"]) == 1


def test_only_what_is_named_changes(world, admin):
    schema = {"fields": {"lot": {"type": "string"}}}
    before = create(admin, metadata_schema=schema, preprocess="off").body
    assert before["metadata_schema"] == {
        "fields": {"lot": {"type": "string", "required": False, "choices": []}},
        "extra": False,
    }
    lake = f"{LAKES}/frames"
    assert admin.call("PATCH", lake, {"preprocess": "eager"}).body == before | {"preprocess": "eager"}
    cleared = admin.call("PATCH", lake, {"metadata_schema": None}).body
    assert cleared == before | {"preprocess": "eager", "metadata_schema": None}
    renamed = admin.call("PATCH", lake, {"name": "Other"}).body
    assert renamed == cleared | {"name": "Other"}
    assert admin.call("GET", lake).status == 404
    assert admin.call("GET", f"{LAKES}/other").body == renamed
    assert create(admin, "frames", "stack").status == 201
    assert is_refused(admin.call("PATCH", f"{LAKES}/other", {"name": "FRAMES"}), 409, "conflict")
    assert admin.call("PATCH", f"{LAKES}/other", {"name": "OTHER"}).body["name"] == "OTHER"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"prefix": "a"}, "#"),
        ({"connector": "stack"}, "#"),
        ({"name": None}, "#/name"),
        ({"preprocess": None}, "#/preprocess"),
        ({"id": "x"}, "#/id"),
    ],
)
def test_what_cannot_change_is_a_400(world, admin, body, place):
    answer = admin.call("PATCH", f"{LAKES}/default", body)
    assert is_refused(answer, 400, "invalid_request")
    assert answer.places == [place]


def test_two_who_change_a_lake_at_once_both_succeed(world, admin):
    create(admin)
    answers: list[Answer] = []
    bodies = [{"name": "one"}, {"preprocess": "off"}, {"metadata_schema": {"fields": {}}}]
    lake = f"{LAKES}/{lakes.find(ORGANIZATION, 'frames').id}"
    running = interleave(
        world, *[lambda body=body: answers.append(admin.call("PATCH", lake, body)) for body in bodies]
    )
    assert not any(each.error for each in running)
    assert [answer.status for answer in answers] == [200] * 3
    there = admin.call("GET", lake).body
    assert (there["name"], there["preprocess"]) == ("one", "off")
    assert there["metadata_schema"] is not None


def test_a_schema_holds_for_what_is_edited_from_then_on(world, admin):
    lake = create(admin, connector="stack")
    home = lakes.find(ORGANIZATION, "frames")
    [data_id] = objects.put(world, home, "a")
    edit = f"{LAKES}/frames/data/{data_id}"
    assert admin.call("PATCH", edit, {"custom_metadata": {"free": 1}}).status == 200
    schema = {"fields": {"lot": {"type": "choice", "choices": ["A", "B"]}}, "extra": True}
    admin.call("PATCH", f"{LAKES}/{lake.body['id']}", {"metadata_schema": schema})
    assert admin.call("PATCH", edit, {"custom_metadata": {"lot": "C"}}).places == ["#/custom_metadata/lot"]
    assert admin.call("PATCH", edit, {"custom_metadata": {"lot": "B"}}).status == 200


@pytest.mark.parametrize("confirm", [{}, {"confirm": ""}, {"confirm": "DEFAULT"}, {"confirm": "other"}])
def test_deleting_wants_the_name(world, admin, confirm):
    answer = admin.call("DELETE", f"{LAKES}/default", **confirm)
    assert is_refused(answer, 400, "invalid_request")
    assert answer.places == ["confirm"]
    assert admin.call("GET", f"{LAKES}/default").status == 200


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_admins_make_change_and_delete(world, role):
    gateway = Gateway(role=role)
    for answer in (
        create(gateway),
        gateway.call("PATCH", f"{LAKES}/default", {}),
        delete(gateway, "default", "default"),
    ):
        assert is_refused(answer, 403, "forbidden")
    assert world.calls == []


# What the bucket tells.


def test_what_others_have_the_bucket_tell_stays_as_it_is(world, admin):
    bucket = world.s3.buckets["yours"]
    bucket.notifications = deepcopy(FOREIGN)
    create(admin, prefix="a")
    assert told(world) == ["a/"]
    for name, entries in FOREIGN.items():
        assert [each for each in bucket.notifications[name] if each in entries] == entries
    delete(admin, "frames", "frames")
    finish(world)
    assert bucket.notifications == FOREIGN


def test_the_fewest_prefixes_are_told_and_none_twice(world, admin):
    for name, prefix, expected in (
        ("1", "a/b", ["a/b/"]),
        ("2", "c", ["a/b/", "c/"]),
        ("3", "a", ["a/", "c/"]),
        ("4", "a/b/c", ["a/", "c/"]),
        ("5", "a b", ["a", "c/"]),
    ):
        assert state(create(admin, name, prefix=prefix)) == "connected"
        assert told(world) == expected
    create(admin, "6")
    assert told(world) == [""]
    for name, expected in (("6", ["a", "c/"]), ("5", ["a/", "c/"]), ("3", ["a/b/", "c/"]), ("1", None)):
        delete(admin, name, name)
        finish(world)
        assert told(world) == (expected or ["a/b/c/", "c/"])


def test_a_bucket_that_tells_enough_already_is_not_asked_again(world, admin):
    create(admin, "1", prefix="a")
    world.calls.clear()
    assert state(create(admin, "2", prefix="a/b")) == "connected"
    assert not world.called("PutBucketNotificationConfiguration")


def test_a_bucket_that_is_not_heard_is_pending_until_it_is(world, admin):
    world.meanwhile = lambda: None
    made = create(admin)
    assert state(made) == "pending"
    assert "PATCH" in made.body["notifications"]["detail"]
    objects.hear(world)
    assert state(admin.call("GET", f"{LAKES}/frames")) == "connected"


def test_a_bucket_that_is_heard_late_is_asked_again_by_an_empty_patch(world, admin):
    world.meanwhile = lambda: None
    create(admin)
    world.s3.tests.clear()
    world.s3.buckets["yours"].notifications.clear()
    world.meanwhile = lambda: objects.hear(world)
    assert state(admin.call("PATCH", f"{LAKES}/frames", {})) == "connected"
    assert told(world) == [""]


def test_an_overlap_with_others_is_said_and_mended_by_an_empty_patch(world, admin):
    bucket = world.s3.buckets["yours"]
    bucket.notifications = deepcopy(FOREIGN)
    made = create(admin)
    assert state(made) == "failed"
    assert "EventBridge" in made.body["notifications"]["detail"]
    assert bucket.notifications == FOREIGN
    bucket.notifications["EventBridgeConfiguration"] = {}
    assert state(admin.call("PATCH", f"{LAKES}/frames", {})) == "eventbridge"


@pytest.mark.parametrize("operation", ["Get", "Put"])
def test_a_connector_that_may_not_notify_is_said(world, admin, operation):
    let(world, f"{operation}BucketNotificationConfiguration", faults.denied)
    made = create(admin)
    assert state(made) == "failed"
    assert "s3:PutBucketNotification" in made.body["notifications"]["detail"]
    assert state(admin.call("PATCH", f"{LAKES}/frames", {"preprocess": "off"})) == "connected"


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled"])
def test_a_connector_that_s3_refuses_is_said_and_its_lake_can_be_deleted(world, admin, code):
    """As when its keys are revoked: what cannot be taken back from the bucket keeps nothing else."""

    def refused(request: Request) -> Any:
        if request.operation.endswith("BucketNotificationConfiguration"):
            raise refusal(request.operation, code, 403)
        return world.perform(request)

    world.interpose = refused
    made = create(admin)
    assert state(made) == "failed"
    assert code in made.body["notifications"]["detail"]
    objects.put(world, lakes.find(ORGANIZATION, "frames"), "a")
    delete(admin, "frames", "frames")
    finish(world)
    assert is_clean(world, made.body["id"])
    assert connectors.find(ORGANIZATION, "yours").lakes == frozenset()


def test_a_connector_that_is_gone_holds_up_no_deletion(world, admin, monkeypatch):
    made = create(admin)

    def gone(bucket: Any) -> Any:
        raise CredentialsRefused("reach bucket", "there is no such connector")

    monkeypatch.setattr(connectors, "s3", gone)
    mended = admin.call("PATCH", f"{LAKES}/frames", {})
    assert "no such connector" in mended.body["notifications"]["detail"]
    delete(admin, "frames", "frames")
    finish(world)
    assert is_clean(world, made.body["id"])


def test_a_bucket_that_is_gone_is_said(world, admin):
    del world.s3.buckets["yours"]
    assert create(admin).body["notifications"] == {"state": "failed", "detail": "there is no such bucket"}


def test_a_service_that_is_not_aws_tells_nothing(world, admin):
    connectors.create(connector("minio", bucket_owner=None, endpoint_url="https://minio.example"))
    assert state(create(admin, connector="minio")) == "failed"
    assert not [call for call in world.calls if call.service == "s3"]
    delete(admin, "frames", "frames")
    finish(world)
    assert connectors.find(ORGANIZATION, "minio").lakes == frozenset()


def test_eventbridge_is_used_where_it_is_on(world, admin):
    bucket = world.s3.buckets["yours"]
    create(admin, "before", prefix="a")
    bucket.notifications["EventBridgeConfiguration"] = {}
    assert state(create(admin, "2", prefix="b")) == "eventbridge"
    assert told(world) == []
    [(name, rule)] = world.events.rules.items()
    assert name.startswith("tidelake-test-")
    assert rule.targets == {"events": QUEUE}
    assert rule.pattern["detail"] == {
        "bucket": {"name": ["yours"]},
        "object": {"key": [{"prefix": "a/"}, {"prefix": "b/"}]},
    }
    delete(admin, "2", "2")
    finish(world)
    assert rule.pattern["detail"]["object"]["key"] == [{"prefix": "a/"}]
    delete(admin, "before", "before")
    finish(world)
    assert world.events.rules == {}
    assert bucket.notifications == {"EventBridgeConfiguration": {}}


def test_a_lake_that_is_named_by_its_id_is_read_alone(world, admin):
    made = create(admin).body
    world.calls.clear()
    assert admin.call("GET", f"{LAKES}/{made['id']}").body == made
    assert not world.called("Query")
    assert Gateway(role="admin", organization="another").call("GET", f"{LAKES}/{made['id']}").status == 404


@pytest.mark.parametrize("is_eventbridge", [False, True])
def test_a_bucket_with_very_many_lakes_tells_of_everything(world, admin, is_eventbridge):
    """S3 has room for a hundred limits, a rule of EventBridge for two thousand characters."""
    bucket = world.s3.buckets["yours"]
    if is_eventbridge:
        bucket.notifications["EventBridgeConfiguration"] = {}
    for n in range(limits.TOLD_PREFIXES):
        lakes.create(replace(lakes.find(ORGANIZATION, "default"), **lake_on("yours", n)), connector("yours"))
    assert state(create(admin, prefix="z")) == ("eventbridge" if is_eventbridge else "connected")
    if is_eventbridge:
        [rule] = world.events.rules.values()
        assert rule.pattern["detail"] == {"bucket": {"name": ["yours"]}}
    else:
        assert told(world) == [""]


def lake_on(bucket: str, n: int) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"lake {n}")),
        "name": f"lake {n}",
        "bucket": bucket,
        "connector": connector(bucket).id,
        "prefix": f"a-folder-with-a-long-name/{n}/",
    }


def test_another_accounts_bucket_is_let_in_and_out(world, admin):
    world.s3.buckets["theirs"].notifications = {"EventBridgeConfiguration": {}}
    assert state(create(admin, connector="theirs")) == "connected"
    assert OTHER_ACCOUNT in world.sqs.queues["events"].policy
    assert told(world, "theirs") == [""]
    delete(admin, "frames", "frames")
    finish(world)
    assert OTHER_ACCOUNT not in world.sqs.queues["events"].policy
    assert world.s3.buckets["theirs"].notifications == {"EventBridgeConfiguration": {}}


def test_two_lakes_that_are_made_at_once_on_one_bucket_are_both_told_of(world, admin):
    made: list[Answer] = []
    running = interleave(
        world,
        *[lambda name=name: made.append(create(admin, name, prefix=name)) for name in ("a", "b", "c")],
    )
    assert not any(each.error for each in running)
    assert [answer.status for answer in made] == [201] * 3
    for name in "abc":
        if state(admin.call("GET", f"{LAKES}/{name}")) != "connected":
            assert state(admin.call("PATCH", f"{LAKES}/{name}", {})) == "connected"
    assert told(world) == ["a/", "b/", "c/"]


def test_who_writes_at_the_same_time_and_takes_ours_away_does_not_succeed(world, admin):
    taken = []

    def decide(request: Request) -> Any:
        answer = world.perform(request)
        if request.operation == "PutBucketNotificationConfiguration" and not taken:
            taken.append(request)
            world.s3.buckets["yours"].notifications = deepcopy(FOREIGN)
        return answer

    world.interpose = decide
    assert state(create(admin, prefix="a")) == "connected"
    assert told(world) == ["a/"]
    assert FOREIGN["QueueConfigurations"][0] in world.s3.buckets["yours"].notifications["QueueConfigurations"]


OPERATIONS = [
    "Query",
    "GetItem",
    "PutItem",
    "UpdateItem",
    "TransactWriteItems",
    "GetBucketNotificationConfiguration",
    "PutBucketNotificationConfiguration",
    "GetQueueAttributes",
    "SetQueueAttributes",
]
FAULTS = [faults.throttled, faults.broken, faults.unreachable, faults.lost, faults.repeated]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("nth", [0, 1])
def test_a_creation_that_fails_anywhere_is_mended_by_asking_again(world, admin, operation, fault, nth):
    let(world, operation, *[faults.none] * nth, fault)
    admin.headers["Idempotency-Key"] = "k"
    answer = create(admin, connector="theirs", prefix="a")
    assert answer.status in (201, 503)
    world.interpose = None
    world.clock += 61
    again = create(admin, connector="theirs", prefix="a")
    assert again.status == 201
    admin.headers.clear()
    assert [each["name"] for each in admin.call("GET", LAKES).body["items"]] == ["default", "frames"]
    mended = admin.call("PATCH", f"{LAKES}/frames", {})
    assert state(mended) == "connected"
    assert told(world, "theirs") == ["a/"]
    delete(admin, "frames", "frames")
    finish(world)
    assert world.s3.buckets["theirs"].notifications == {}
    assert connectors.find(ORGANIZATION, "theirs").lakes == frozenset()


@pytest.mark.parametrize(
    "operation",
    [
        *OPERATIONS,
        "SendMessage",
        "BatchWriteItem",
    ],
)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_deletion_that_fails_anywhere_leaves_nothing(world, admin, operation, fault, nth):
    create(admin, connector="theirs", prefix="a")
    home = lakes.find(ORGANIZATION, "frames")
    objects.put(world, home, "a/1")
    admin.call("PUT", f"{LAKES}/frames/tags/car")
    let(world, operation, *[faults.none] * nth, fault)
    answer = delete(admin, "frames", "frames")
    assert answer.status in (202, 503)
    world.meanwhile = lambda: None
    finish(world)
    if admin.call("GET", f"{LAKES}/frames").status == 200:
        assert delete(admin, "frames", "frames").status == 202
        finish(world)
    assert is_clean(world, home.id)
    assert world.s3.buckets["theirs"].notifications == {}
    assert connectors.find(ORGANIZATION, "theirs").lakes == frozenset()


def finish(world: World) -> None:
    """All jobs, and what `changes` does meanwhile."""
    while deliver(world):
        with suppress(StorageUnavailable):
            objects.count(world)


def is_clean(world: World, lake_id: str) -> bool:
    tables = world.dynamodb.tables
    for name in ("data", "lakes", "labels", "taggings", "counters"):
        assert not [item for item in tables[name].items.values() if lake_id in repr(item)], name
    assert {item["state"][1] for item in tables["jobs"].items.values()} <= {JobState.SUCCEEDED}
    return True
