"""The routes of connectors, over an AWS in memory."""

import json
from dataclasses import replace

import pytest

from chalicelib.storage import connectors, endpoints, transactions
from tests.simulation import faults
from tests.simulation.interference import let
from tests.unit.api.gateway import Gateway
from tests.unit.storage.neighbours import ACCOUNT, ARN, KEYS, OTHER_KEYS, settle

ROUTE = "/v1/connectors"
ROLE = {"name": "photos", "kind": "role", "bucket": "photos", "region": "us-east-1", "role_arn": ARN}
BY_KEYS = {
    **{"name": "photos", "kind": "keys", "bucket": "photos", "region": "us-east-1"},
    **{"access_key_id": KEYS.access_key_id, "secret_access_key": KEYS.secret_access_key},
}
OTHERS = {"access_key_id": OTHER_KEYS.access_key_id, "secret_access_key": OTHER_KEYS.secret_access_key}
WRONG = {"access_key_id": "AKIA9", "secret_access_key": "wrong"}


@pytest.fixture
def bucket(world):
    return settle(world)


@pytest.fixture
def admin(world, bucket) -> Gateway:
    return Gateway(role="admin", organization="acme")


@pytest.fixture(autouse=True)
def outside(monkeypatch):
    monkeypatch.setattr(endpoints, "require_public", lambda url: None)


def make(admin, body):
    answer = admin.call("POST", ROUTE, body)
    assert answer.status == 201, answer.body
    return answer.body


def activate(admin, world, body):
    made = make(admin, body)
    world.sts.roles[ARN] = made["external_id"]
    assert admin.call("POST", f"{ROUTE}/{made['id']}/check").body["state"] == "active"
    return admin.call("GET", f"{ROUTE}/{made['id']}").body


def patch(admin, made, body):
    return admin.call("PATCH", f"{ROUTE}/{made['id']}", body)


def delete(admin, made, confirm):
    return admin.call("DELETE", f"{ROUTE}/{made['id']}", confirm=confirm)


def test_a_role_is_made_with_an_external_id_of_its_own_and_told_what_to_grant(admin):
    made, other = make(admin, ROLE), make(admin, ROLE | {"name": "other"})
    assert made["state"] == "pending"
    assert made["external_id"] != other["external_id"]
    assert len(made["external_id"]) == 40
    (trust,) = made["trust_policy"]["Statement"]
    assert trust["Condition"]["StringEquals"] == {"sts:ExternalId": made["external_id"]}
    assert made["id"] not in made["external_id"]


@pytest.mark.parametrize(
    "body", [{"external_id": "mine"}, {"state": "active"}, {"id": "stack"}, {"kind": "stack"}]
)
def test_what_is_ours_to_say_nobody_else_can(admin, body):
    made = make(admin, ROLE)
    assert admin.call("POST", ROUTE, ROLE | {"name": "x"} | body).status == 400
    assert patch(admin, made, body).status == 400


def test_keys_are_never_shown(admin, world):
    made = make(admin, BY_KEYS)
    shown = [made, admin.call("GET", ROUTE).body, admin.call("GET", f"{ROUTE}/{made['id']}").body]
    shown += [patch(admin, made, OTHERS).body, admin.call("POST", f"{ROUTE}/{made['id']}/check").body]
    text = json.dumps(shown)
    assert not [
        value for value in (*BY_KEYS.values(), *OTHERS.values()) if "secret-" in value and value in text
    ]
    assert KEYS.access_key_id not in text


def test_a_repeated_request_makes_one_connector_and_one_secret(admin, world):
    admin.headers["Idempotency-Key"] = "once"
    assert make(admin, BY_KEYS) == make(admin, BY_KEYS)
    assert len(world.secretsmanager.secrets) == 1
    assert admin.call("POST", ROUTE, BY_KEYS | WRONG).status == 409
    assert [
        each for each in world.dynamodb.tables["claims"].items.values() if KEYS.secret_access_key in str(each)
    ] == []


@pytest.mark.parametrize("operation", ["CreateSecret", "TransactWriteItems", "PutItem", "UpdateItem"])
@pytest.mark.parametrize("fault", faults.ALL)
def test_a_repeated_request_after_a_failure_makes_one_connector(admin, world, operation, fault):
    admin.headers["Idempotency-Key"] = "once"
    transaction = (operation, fault) == ("TransactWriteItems", faults.partial)
    let(world, operation, *[fault] * (transactions.ATTEMPTS if transaction else 1))
    first = admin.call("POST", ROUTE, BY_KEYS)
    assert first.status in (201, 503)
    world.clock += 90
    assert first.status == 503 or make(admin, BY_KEYS) == first.body
    made = make(admin, BY_KEYS)
    assert [each["id"] for each in admin.call("GET", ROUTE).body["items"]] == [made["id"]]
    assert len(world.secretsmanager.secrets) == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (ROLE | {"role_arn": None}, "#"),
        (ROLE | {"access_key_id": "a", "secret_access_key": "b"}, "#"),
        (ROLE | {"endpoint_url": "https://example.com"}, "#"),
        (BY_KEYS | {"role_arn": ARN}, "#"),
        (BY_KEYS | {"secret_access_key": None}, "#"),
        (BY_KEYS | {"access_key_id": "a b"}, "#/access_key_id"),
        (BY_KEYS | {"endpoint_url": "http://example.com"}, "#/endpoint_url"),
        (ROLE | {"name": ""}, "#/name"),
        (ROLE | {"name": "3D0C6B1E-2F47-4C8A-9A55-5F0E2D7C9B11"}, "#/name"),
        (ROLE | {"role_arn": "arn:aws:iam::1:role/x"}, "#/role_arn"),
        (ROLE | {"role_arn": f"{ARN}\n"}, "#/role_arn"),
        (ROLE | {"region": "us-east-1.evil.example.com"}, "#/region"),
        (ROLE | {"region": "auto"}, "#/region"),
        (BY_KEYS | {"region": "cn-north-1"}, "#/region"),
        (BY_KEYS | {"region": "eusc-de-east-1"}, "#/region"),
        (ROLE | {"bucket_owner": "1"}, "#/bucket_owner"),
        *(
            (ROLE | {"bucket": name}, "#/bucket")
            for name in (
                *("ab", "Upper", "a_b", "a/b", "arn:aws:s3:::photos", "a..b", "192.168.0.1", "photos--x-s3"),
                *(
                    "photos-s3alias",
                    "photos--ol-s3",
                    "xn--photos",
                    "-photos",
                    "photos-",
                    "x" * 64,
                    "../photos",
                ),
            )
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(admin, world, body, place):
    answer = admin.call("POST", ROUTE, {name: value for name, value in body.items() if value is not None})
    assert answer.status == 400
    assert answer.places == [place]
    assert world.secretsmanager.secrets == {}


def test_at_another_endpoint_names_are_its_own_matter(admin):
    body = BY_KEYS | {"endpoint_url": "https://example.com/", "region": "auto", "bucket": "My_Photos"}
    made = make(admin, body)
    assert made["endpoint_url"] == "https://example.com"
    assert "s3:PutBucketNotification" not in json.dumps(made["policy"])


def test_a_check_activates_and_says_what_was_found(admin, world):
    made = make(admin, ROLE)
    check = f"{ROUTE}/{made['id']}/check"
    refused = admin.call("POST", check).body
    assert (refused["can_list"], refused["state"]) == (False, "pending")
    assert refused["errors"].keys() == {name for name in refused if name.startswith("can_")}
    world.sts.roles[ARN] = made["external_id"]
    found = admin.call("POST", check).body
    assert (found["can_list"], found["errors"], found["state"]) == (True, {}, "active")
    shown = admin.call("GET", f"{ROUTE}/{made['id']}").body
    assert (shown["state"], shown["bucket_owner"]) == ("active", ACCOUNT)
    assert shown["checked_at"]


def test_a_check_of_settings_that_were_changed_meanwhile_is_a_conflict(admin, world):
    made = activate(admin, world, ROLE)

    def change(request):
        if request.operation == "HeadBucket":
            world.interpose = None
            assert patch(admin, made, {"allow_delete": True}).status == 200
        return world.perform(request)

    world.interpose = change
    assert admin.call("POST", f"{ROUTE}/{made['id']}/check").status == 409


@pytest.mark.parametrize("body", [WRONG, {"bucket": "nowhere"}, {"region": "eu-west-1"}])
def test_a_bad_change_of_a_connector_that_works_changes_nothing(admin, world, body):
    made = activate(admin, world, BY_KEYS)
    kept = dict(world.secretsmanager.secrets)
    answer = patch(admin, made, body)
    assert answer.status == 409
    assert "stays as it was: " in answer.body["detail"]
    assert admin.call("GET", f"{ROUTE}/{made['id']}").body == made
    assert world.secretsmanager.secrets == kept


def test_good_keys_of_a_connector_that_works_take_their_place_at_once(admin, world):
    made = activate(admin, world, BY_KEYS)
    answer = patch(admin, made, OTHERS)
    assert (answer.status, answer.body["state"]) == (200, "active")
    (kept,) = world.secretsmanager.secrets.values()
    assert OTHER_KEYS.secret_access_key in kept


def test_another_role_has_to_ask_for_the_same_external_id(admin, world):
    made, another = activate(admin, world, ROLE), f"{ARN}-2"
    world.sts.roles[another] = None
    assert "external id" in patch(admin, made, {"role_arn": another}).body["detail"]
    world.sts.roles[another] = made["external_id"]
    answer = patch(admin, made, {"role_arn": another})
    assert (answer.body["state"], answer.body["external_id"]) == ("active", made["external_id"])


def test_a_pending_connector_takes_any_settings(admin, world):
    made = make(admin, BY_KEYS)
    answer = patch(admin, made, WRONG | {"bucket": "other-photos", "region": "eu-west-1"})
    assert (answer.status, answer.body["state"]) == (200, "pending")
    assert len(world.secretsmanager.secrets) == 1


def test_an_outage_during_a_change_changes_nothing(admin, world):
    made = activate(admin, world, BY_KEYS)
    for operation in ("HeadBucket", "TransactWriteItems", "CreateSecret"):
        let(world, operation, faults.broken)
        assert patch(admin, made, OTHERS).status == 503
        assert admin.call("GET", f"{ROUTE}/{made['id']}").body == made
    assert KEYS.secret_access_key in json.dumps(world.secretsmanager.secrets)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "keys"}, 400),
        (OTHERS, 400),
        ({"access_key_id": "AKIA2"}, 400),
        ({"endpoint_url": "https://example.com"}, 400),
        ({"colour": "red"}, 400),
        ({}, 200),
        ({"kind": "role", "name": None}, 200),
    ],
)
def test_a_role_stays_a_role(admin, world, body, status):
    made = activate(admin, world, ROLE)
    assert patch(admin, made, body).status == status
    assert admin.call("GET", f"{ROUTE}/{made['id']}").body == made


def test_allowing_to_delete_what_was_never_proved_degrades_it(admin, world):
    def never(request):
        act = faults.denied if request.operation == "DeleteObject" else faults.none
        return act(world, request)

    world.interpose = never
    made = activate(admin, world, ROLE)
    world.interpose = None
    assert patch(admin, made, {"allow_delete": True}).body["state"] == "degraded"
    assert admin.call("POST", f"{ROUTE}/{made['id']}/check").body["state"] == "active"


def test_naming_the_role_again_settles_for_what_it_may_now(admin, world):
    made = activate(admin, world, ROLE)
    world.interpose = lambda request: (
        faults.denied(world, request) if request.operation == "PutObject" else world.perform(request)
    )
    check = f"{ROUTE}/{made['id']}/check"
    assert [admin.call("POST", check).body["state"] for _ in range(2)] == ["degraded", "degraded"]
    assert patch(admin, made, {"role_arn": ARN}).body["state"] == "active"
    assert admin.call("POST", check).body["state"] == "active"


def test_at_another_endpoint_nobody_owns_the_bucket(admin):
    """A name in AWS would be reached by its owner, and its events would come to these lakes."""
    elsewhere = {"endpoint_url": "https://example.com"}
    assert admin.call("POST", ROUTE, BY_KEYS | elsewhere | {"bucket_owner": ACCOUNT}).status == 400
    made = make(admin, BY_KEYS | {"bucket_owner": ACCOUNT})
    assert patch(admin, made, elsewhere | {"bucket_owner": ACCOUNT}).status == 400
    assert patch(admin, made, elsewhere).body["bucket_owner"] is None
    assert patch(admin, made, {"bucket_owner": ACCOUNT}).status == 400


def test_names_are_unique_in_the_organization(admin):
    made = make(admin, ROLE)
    assert admin.call("POST", ROUTE, ROLE | {"name": "PHOTOS"}).status == 409
    other = make(admin, ROLE | {"name": "other"})
    assert patch(admin, other, {"name": "Photos"}).status == 409
    assert patch(admin, made, {"name": "Photos"}).body["name"] == "Photos"
    assert [each["name"] for each in admin.call("GET", ROUTE).body["items"]] == ["Photos", "other"]


def test_a_connector_is_deleted_by_its_name_and_with_its_keys(admin, world):
    made = make(admin, BY_KEYS)
    for confirm in ("", "PHOTOS", made["id"]):
        assert delete(admin, made, confirm).status == 400
    assert admin.call("DELETE", f"{ROUTE}/{made['id']}").status == 400
    assert delete(admin, made, "photos").status == 204
    assert delete(admin, made, "photos").status == 404
    assert world.secretsmanager.secrets == {}


def test_a_connector_with_lakes_is_neither_deleted_nor_moved(admin, world, bucket):
    made = activate(admin, world, ROLE)
    there = connectors.read("acme", made["id"])
    transactions.write("create lake", [connectors.join(there, "lake")])
    world.s3.buckets["other-photos"] = replace(bucket)
    assert delete(admin, made, "photos").body["detail"] == "there are datalakes on this connector"
    assert patch(admin, made, {"bucket": "other-photos"}).status == 409
    assert patch(admin, made, {"allow_delete": True, "role_arn": ARN}).status == 200


def test_the_stacks_own_connector_stays_as_it_is(world, admin):
    admin.organization = "default"
    connectors.create_stack("default", "data", "000000000000", "us-east-1")
    stack = admin.call("GET", f"{ROUTE}/stack").body
    assert (stack["state"], stack["policy"], stack["trust_policy"]) == ("active", None, None)
    assert patch(admin, stack, {"allow_delete": True}).body["allow_delete"]
    for body in ({"name": "x"}, {"bucket": "photos"}, {"role_arn": ARN}, OTHERS):
        assert patch(admin, stack, body).status == 409
    assert delete(admin, stack, "stack").status == 409
    admin.organization = "acme"
    assert admin.call("GET", f"{ROUTE}/stack").status == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_connectors_are_for_admins(admin, role):
    made = make(admin, ROLE)
    admin.role = role
    asked = [
        admin.call("GET", ROUTE),
        admin.call("POST", ROUTE, ROLE),
        admin.call("GET", f"{ROUTE}/{made['id']}"),
        patch(admin, made, {"allow_delete": True}),
        delete(admin, made, "photos"),
        admin.call("POST", f"{ROUTE}/{made['id']}/check"),
    ]
    assert {answer.status for answer in asked} == {403}
