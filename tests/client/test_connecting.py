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
