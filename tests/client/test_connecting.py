"""Connectors: over the real API, in this process."""

import pytest
from tidelake import Conflict, InvalidRequest, NotFound

from chalicelib.storage import endpoints
from tests.unit.storage.neighbours import ARN, KEYS, settle


@pytest.fixture(autouse=True)
def _outside(stack, monkeypatch):
    settle(stack.world)
    monkeypatch.setattr(endpoints, "require_public", lambda url: None)


def test_a_role_is_checked_by_what_it_really_may_do(stack, client):
    made = client.create_connector("photos", "photos", "us-east-1", role_arn=ARN)
    assert (made.state, made.kind, made.allow_delete) == ("pending", "role", False)
    assert made.external_id in str(made.trust_policy)
    assert made.policy is not None
    assert client.list_connectors()[0].id == made.id
    refused = made.check()
    assert (refused.can_list, refused.state) == (False, "pending")
    assert refused.errors
    stack.world.sts.roles[ARN] = made.external_id
    checked = made.check()
    assert (checked.can_list, checked.can_read, checked.state) == (True, True, "active")
    assert made.refresh().state == "active"
    assert client.get_connector(made.id).checked_at is not None


def test_settings_are_changed_and_what_is_not_given_stays(client):
    made = client.create_connector(
        "photos",
        "photos",
        "us-east-1",
        kind="keys",
        access_key_id=KEYS.access_key_id,
        secret_access_key=KEYS.secret_access_key,
    )
    assert KEYS.secret_access_key not in repr(made)
    changed = made.update(allow_delete=True, name="pictures")
    assert (changed.name, changed.allow_delete, changed.bucket) == ("pictures", True, "photos")
    with pytest.raises(Conflict):
        client.create_connector("PICTURES", "photos", "us-east-1", role_arn=ARN)


def test_deleting_wants_the_name(client):
    made = client.create_connector("photos", "photos", "us-east-1", role_arn=ARN)
    with pytest.raises(InvalidRequest):
        made.delete(confirm="other")
    made.delete(confirm="photos")
    with pytest.raises(NotFound):
        made.refresh()


@pytest.fixture
def connector(stack, client):
    made = client.create_connector("photos", "photos", "us-east-1", role_arn=ARN)
    stack.world.sts.roles[ARN] = made.external_id
    assert made.check().state == "active"
    return made


def test_lakes_are_made_changed_and_deleted(client, connector):
    schema = {"fields": {"lot": {"type": "string", "required": True}}, "extra": True}
    lake = client.create_datalake("frames", connector.id, prefix="/frames/", metadata_schema=schema)
    assert (lake.name, lake.prefix, lake.connector) == ("frames", "frames/", connector.id)
    assert "import" in lake.capabilities
    assert lake.notifications is not None
    changed = lake.update(name="pictures", preprocess="off", metadata_schema=None)
    assert (changed.name, changed.preprocess, changed.metadata_schema) == ("pictures", "off", None)
    assert client.get_datalake("pictures") == changed
    limited = changed.update(quota={"items": 5})
    assert (limited.quota, limited.over_quota) == ({"items": 5, "bytes": None}, False)
    changed = limited.update(quota=None)
    assert changed.quota is None
    with pytest.raises(Conflict):
        client.create_datalake("PICTURES", connector.id)
    with pytest.raises(InvalidRequest):
        lake.delete(confirm="frames")
    assert changed.delete(confirm="pictures").kind == "delete_lake"
    with pytest.raises(NotFound):
        client.get_datalake("pictures")


def test_one_command_connects_a_bucket_and_says_what_to_grant_until_it_may(stack, say):
    words = ["connect", "s3://photos/frames/", "--name", "mine", "--region", "us-east-1", "--role-arn", ARN]
    told = say(*words, "--json")
    assert told.code == 1
    assert told.json["policy"]["Statement"]
    [trust] = told.json["trust_policy"]["Statement"]
    assert "datalake" not in told.json
    stack.world.sts.roles[ARN] = trust["Condition"]["StringEquals"]["sts:ExternalId"]
    again = say(*words, "--json")
    assert (again.code, again.json["state"], again.json["connector"]) == (0, "active", told.json["connector"])
    assert say(*words, "--json").json == again.json
    assert [each["prefix"] for each in say("lakes", "--json").lines if each["name"] == "mine"] == ["frames/"]
    checked = say("check", "mine", "--json")
    assert (checked.code, checked.json["can_list"]) == (0, True)
    assert say("check", "nobody").code == 3
    assert say("connect", "https://photos", "--region", "x", "--role-arn", ARN).code == 2
    assert say("connect", "s3://photos", "--region", "x").code == 2
