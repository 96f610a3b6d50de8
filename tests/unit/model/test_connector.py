"""What findings make of a connector, what is granted for what, and whose events a bucket's are."""

import json
from dataclasses import replace

import pytest

from chalicelib.model import grants
from chalicelib.model.connector import (
    Connector,
    ConnectorKind,
    ConnectorState,
    Findings,
    Permission,
    judged,
)
from chalicelib.model.lake import Bucket, Lake
from chalicelib.upstream.envelopes import open_envelope

ROLE = Connector(
    id="c1",
    organization="acme",
    name="photos",
    kind=ConnectorKind.ROLE,
    bucket="photos",
    region="eu-west-1",
    role_arn="arn:aws:iam::210987654321:role/tidelake",
    external_id="x",
    revision="r",
    created_at="",
)
ACTIVE = replace(ROLE, state=ConnectorState.ACTIVE, grants=frozenset(Permission), bucket_owner="1")
ALL = frozenset(Permission)


def found(*missing: Permission) -> Findings:
    errors = {each: f"no {each}" for each in missing}
    return Findings(grants=ALL - set(missing), errors=errors, bucket_owner="1")


def outcome(connector: Connector) -> tuple[ConnectorState, str | None]:
    return connector.state, connector.state_reason


def test_a_bucket_that_can_be_listed_and_read_makes_a_connector_active():
    after = judged(ROLE, found(Permission.WRITE, Permission.OVERWRITE, Permission.DELETE))
    assert outcome(after) == (ConnectorState.ACTIVE, None)
    assert (after.bucket_owner, after.grants) == ("1", {Permission.LIST, Permission.READ, Permission.NOTIFY})
    assert after.checked_at


@pytest.mark.parametrize("missing", [Permission.LIST, Permission.READ])
@pytest.mark.parametrize(
    ("before", "state"),
    [(ROLE, ConnectorState.PENDING), (ACTIVE, ConnectorState.BROKEN)],
)
def test_one_that_cannot_is_pending_still_or_broken(before, state, missing):
    after = judged(before, found(missing))
    assert outcome(after) == (state, f"no {missing}")
    assert not after.serves
    assert (after.bucket_owner, after.grants) == (before.bucket_owner, before.grants)


@pytest.mark.parametrize("missing", sorted(ALL - {Permission.LIST, Permission.READ}))
def test_what_worked_before_and_fails_now_degrades_it(missing):
    assert outcome(judged(ACTIVE, found(missing))) == (ConnectorState.DEGRADED, f"no {missing}")
    again = judged(judged(ACTIVE, found(missing)), found(missing))
    assert again.state is ConnectorState.DEGRADED
    assert outcome(judged(again, found())) == (ConnectorState.ACTIVE, None)


def test_what_is_needed_and_fails_degrades_it():
    assert judged(ROLE, found(Permission.NOTIFY)).state is ConnectorState.DEGRADED
    deleting = replace(ROLE, allow_delete=True)
    assert judged(deleting, found(Permission.DELETE)).state is ConnectorState.DEGRADED
    elsewhere = replace(ROLE, endpoint_url="https://s3.example.com")
    assert judged(elsewhere, found(Permission.NOTIFY)).state is ConnectorState.ACTIVE


def test_a_broken_one_heals():
    broken = judged(ACTIVE, found(Permission.LIST))
    assert outcome(judged(broken, found())) == (ConnectorState.ACTIVE, None)


def test_a_bucket_at_another_endpoint_has_none_of_the_events_of_its_namesake():
    ours = Bucket("photos", "000000000000", "acme", "c1")
    elsewhere = Bucket("photos", None, "acme", "c2")
    assert ours.routing_key == "photos"
    assert elsewhere.routing_key == "c2/photos"
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "c2/photos"}, "object": {"key": "a"}},
    }
    envelope = open_envelope(json.dumps({"Records": [record]}))
    assert (envelope.hints, len(envelope.malformed)) == ([], 1)


def test_tidelakes_own_objects_are_no_data():
    lake = Lake(
        id="7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d",
        name="all",
        organization="acme",
        connector="c1",
        bucket="photos",
        bucket_owner="1",
        prefix="",
        shards=1,
        created_at="",
    )
    assert lake.holds("a.jpg")
    assert lake.holds("x/.tidelake/a.jpg")
    assert not lake.holds(".tidelake/check/0")
    assert not replace(lake, prefix=".tidelake/check/").holds(".tidelake/check/0")


def actions(document):
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_deleting_is_granted_only_where_it_is_allowed():
    assert "s3:DeleteObject" not in actions(grants.policy(ROLE))
    assert "s3:DeleteObject" in actions(grants.policy(replace(ROLE, allow_delete=True)))


def test_a_session_has_one_bucket_and_deletes_only_what_it_may():
    for connector, end in ((ROLE, ".tidelake/*"), (replace(ROLE, allow_delete=True), "*")):
        session = grants.session_policy(connector)
        resources = {
            action: statement["Resource"]
            for statement in session["Statement"]
            for action in statement["Action"]
        }
        assert resources.pop("kms:Decrypt") == resources.pop("kms:GenerateDataKey") == "*"
        assert all(each.startswith("arn:aws:s3:::photos") for each in resources.values())
        assert resources["s3:DeleteObject"] == f"arn:aws:s3:::photos/{end}"
        assert actions(grants.policy(connector)) <= resources.keys()
        assert len(json.dumps(session, separators=(",", ":"))) <= 2048


def test_only_the_stacks_own_roles_with_the_external_id_are_trusted():
    trusted = "arn:aws:iam::123456789012:role/tidelake-prod-*"
    (statement,) = grants.trust_policy(ROLE, trusted)["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert statement["Condition"] == {
        "StringEquals": {"sts:ExternalId": "x"},
        "ArnLike": {"aws:PrincipalArn": trusted},
    }


@pytest.mark.parametrize(
    ("region", "start"),
    [
        ("eu-west-1", "arn:aws:"),
        ("cn-north-1", "arn:aws-cn:"),
        ("us-gov-west-1", "arn:aws-us-gov:"),
        ("us-isob-east-1", "arn:aws-iso-b:"),
        ("eusc-de-east-1", "arn:aws-eusc:"),
    ],
)
def test_resources_are_named_as_their_part_of_aws_has_it(region, start):
    (listing, *_) = grants.policy(replace(ROLE, region=region))["Statement"]
    assert listing["Resource"].startswith(start)
