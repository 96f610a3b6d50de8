"""What is found of a bucket by trying, and what is left there, over an AWS in memory that is made to fail."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from chalicelib.errors import StorageUnavailable
from chalicelib.model.connector import TRIAL_PREFIX, ConnectorKind, Permission
from chalicelib.storage import connectors, credentials, endpoints, trials
from tests.simulation import faults
from tests.simulation.fakes.errors import refusal
from tests.simulation.fakes.s3 import Content
from tests.unit.storage.neighbours import ACCOUNT, ARN, BY_KEYS, BY_ROLE, ELSEWHERE, KEYS, OTHER_KEYS, settle

ALL = frozenset(Permission)
OPERATIONS = {
    Permission.LIST: ("ListObjectsV2", "HeadObject"),
    Permission.READ: ("GetObject",),
    Permission.WRITE: ("PutObject",),
    Permission.DELETE: ("DeleteObject",),
    Permission.NOTIFY: ("GetBucketNotificationConfiguration", "PutBucketNotificationConfiguration"),
}
STEPS = [operation for operations in OPERATIONS.values() for operation in operations]


@pytest.fixture
def bucket(world):
    return settle(world)


@pytest.fixture
def outside(monkeypatch):
    monkeypatch.setattr(endpoints, "require_public", lambda url: None)


def meet(world, operation, fault):
    world.interpose = lambda request: (
        fault(world, request) if request.operation == operation else world.perform(request)
    )


def told(findings):
    """The one thing that is said of everything."""
    (text,) = set(findings.errors.values())
    assert findings.errors.keys() == ALL
    assert findings.grants == frozenset()
    return text


@pytest.mark.parametrize("versioned", [False, True])
def test_all_that_may_be_done_is_found_and_nothing_is_left(world, bucket, versioned):
    bucket.versioned = versioned
    bucket.notifications = {"EventBridgeConfiguration": {}, "TopicConfigurations": [{"TopicArn": "t"}]}
    before = dict(bucket.notifications)
    findings = trials.try_out(BY_ROLE)
    assert (findings.grants, findings.errors, findings.bucket_owner) == (ALL, {}, ACCOUNT)
    assert bucket.objects == {}
    assert bucket.notifications == before


def test_each_trial_is_about_an_object_of_its_own(world, bucket):
    bucket.objects["photos/a"] = (world.s3._version(bucket, b"1", ""),)
    for _ in range(2):
        trials.try_out(BY_ROLE)
    touched = [c.parameters["Key"] for c in world.calls if c.operation in ("PutObject", "DeleteObject")]
    assert len(set(touched)) == 2
    assert all(key.startswith(TRIAL_PREFIX) for key in touched)
    assert bucket.objects.keys() == {"photos/a"}


def test_every_call_expects_the_owner(world, bucket):
    trials.try_out(BY_ROLE)
    calls = [call for call in world.calls if call.service == "s3"]
    assert calls
    assert {call.parameters["ExpectedBucketOwner"] for call in calls} == {ACCOUNT}


@pytest.mark.parametrize(
    ("permission", "operation"), [(p, o) for p, each in OPERATIONS.items() for o in each]
)
def test_what_is_denied_is_found_and_what_to_grant_is_told(world, bucket, permission, operation):
    meet(world, operation, faults.denied)
    findings = trials.try_out(BY_ROLE)
    missing = {permission} | ({Permission.OVERWRITE} if permission is Permission.WRITE else set())
    assert findings.grants == ALL - missing
    assert findings.errors.keys() == missing
    assert "grant s3:" in findings.errors[permission]
    assert bool(bucket.objects) == (permission is Permission.DELETE)
    if bucket.objects:
        (left,) = bucket.objects
        assert left in findings.errors[permission]


def test_reading_is_found_even_where_nothing_may_be_written(world, bucket):
    meet(world, "PutObject", faults.denied)
    assert Permission.READ in trials.try_out(BY_ROLE).grants

    def deny_both(request):
        act = faults.denied if request.operation in ("PutObject", "GetObject") else faults.none
        return act(world, request)

    world.interpose = deny_both
    assert Permission.READ not in trials.try_out(BY_ROLE).grants


def test_a_bucket_where_nothing_may_be_overwritten(world, bucket):
    def once(request):
        act = faults.denied if request.operation == "PutObject" and bucket.objects else faults.none
        return act(world, request)

    world.interpose = once
    findings = trials.try_out(BY_ROLE)
    assert findings.errors.keys() == {Permission.OVERWRITE}
    assert bucket.objects == {}


def test_reading_something_else_than_was_written_is_no_reading(world, bucket):
    def lie(request):
        answer = world.perform(request)
        return answer | {"Body": Content(b"another")} if request.operation == "GetObject" else answer

    world.interpose = lie
    assert trials.try_out(BY_ROLE).errors.keys() == {Permission.READ}


@pytest.mark.parametrize("operation", ["HeadBucket", "AssumeRole", *STEPS])
@pytest.mark.parametrize("fault", [faults.throttled, faults.broken, faults.unreachable, faults.lost])
def test_an_outage_finds_nothing_and_leaves_nothing(world, bucket, operation, fault):
    meet(world, operation, fault)
    with pytest.raises(StorageUnavailable):
        trials.try_out(BY_ROLE)
    if (operation, fault) == ("DeleteObject", faults.lost) or operation != "DeleteObject":
        assert bucket.objects == {}
    assert bucket.notifications == {}


def test_a_cleaning_up_that_fails_hides_no_finding(world, bucket):
    bucket.versioned = True

    def deny_versions(request):
        act = faults.denied if "VersionId" in request.parameters else faults.none
        return act(world, request)

    world.interpose = deny_versions
    assert trials.try_out(BY_ROLE).grants == ALL
    assert bucket.listing() == {}


def test_notifications_are_put_back_should_a_queue_that_is_not_there_be_accepted(world, bucket):
    bucket.knows_queues = False
    bucket.notifications = {"QueueConfigurations": [{"QueueArn": "theirs", "Events": ["s3:ObjectCreated:*"]}]}
    before = dict(bucket.notifications)
    assert Permission.NOTIFY in trials.try_out(BY_ROLE).grants
    assert bucket.notifications == before


def test_a_role_that_trusts_nobody_is_told(world, bucket):
    world.sts.roles.clear()
    assert told(trials.try_out(BY_ROLE)) == credentials.UNTRUSTED


def test_a_role_must_ask_for_the_external_id(world, bucket):
    world.sts.roles[ARN] = None
    assert told(trials.try_out(BY_ROLE)) == credentials.UNGUARDED
    assert not [call for call in world.calls if call.service == "s3"]


@pytest.mark.parametrize("given", [lambda given: given is None, lambda given: given is not None])
def test_a_role_must_refuse_both_no_id_and_a_wrong_one(world, bucket, given):
    """It may trust all who give any, or all who give none."""
    assume = world.sts.assume_role

    def open_to(request):
        if request.operation == "AssumeRole" and given(request.parameters.get("ExternalId")):
            return assume(**request.parameters | {"ExternalId": BY_ROLE.external_id})
        return world.perform(request)

    world.interpose = open_to
    assert told(trials.try_out(BY_ROLE)) == credentials.UNGUARDED


def test_a_wrong_external_id_is_another_one_each_time(world, bucket):
    for _ in range(2):
        trials.try_out(BY_ROLE)
    given = [c.parameters.get("ExternalId") for c in world.calls if c.operation == "AssumeRole"]
    assert given[0] == given[3] == BY_ROLE.external_id
    assert given[1] is given[4] is None
    assert len({given[0], given[2], given[5]}) == 3


def test_a_bucket_that_is_not_there_is_told(world, bucket):
    del world.s3.buckets["photos"]
    assert told(trials.try_out(BY_ROLE)) == "there is no bucket photos"


def test_a_bucket_of_another_account_is_told_unless_that_is_named(world, bucket):
    bucket.owner = "111111111111"
    assert f"does not belong to the account {ACCOUNT}" in told(trials.try_out(BY_ROLE))
    findings = trials.try_out(replace(BY_ROLE, bucket_owner="111111111111"))
    assert (findings.grants, findings.bucket_owner) == (ALL, "111111111111")


def test_the_right_region_is_told(world, bucket):
    bucket.region = "eu-west-1"
    assert told(trials.try_out(BY_ROLE)) == "the bucket is in the region eu-west-1, and not in us-east-1"


@pytest.mark.parametrize("status", [301, 400])
def test_the_right_region_is_told_also_where_s3_refuses(world, bucket, status):
    def refuse(world, request):
        error = refusal("HeadBucket", str(status), status)
        error.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] = "eu-west-1"
        raise error

    meet(world, "HeadBucket", refuse)
    assert "in the region eu-west-1" in told(trials.try_out(BY_ROLE))


def test_keys_are_tried_before_they_are_kept(world, bucket):
    made = connectors.create(BY_KEYS, KEYS)
    del world.sts.keys[KEYS.access_key_id]
    assert "AWS does not know these keys" in told(trials.try_out(made))
    findings = trials.try_out(made, OTHER_KEYS)
    assert (findings.grants, findings.bucket_owner) == (ALL, ACCOUNT)
    assert {call.access_key for call in world.calls if call.service == "s3"} == {OTHER_KEYS.access_key_id}


def test_keys_that_are_gone_are_told(world, bucket):
    assert "Secrets Manager" in told(trials.try_out(BY_KEYS))


def test_the_stacks_own_bucket_is_tried_with_its_functions_rights(world, bucket):
    stack = replace(BY_KEYS, id="stack", kind=ConnectorKind.STACK, secret=None, bucket_owner=ACCOUNT)
    assert trials.try_out(stack).grants == ALL
    assert {call.access_key for call in world.calls} == {"nobody"}


class TestElsewhere:
    """At an endpoint that is not AWS, and may answer whatever it likes."""

    @pytest.fixture(autouse=True)
    def made(self, world, bucket, outside):
        connectors.create(ELSEWHERE, KEYS)

    def test_all_but_notifications_is_found(self, world, bucket):
        findings = trials.try_out(ELSEWHERE)
        assert (findings.grants, findings.bucket_owner) == (ALL - {Permission.NOTIFY}, None)
        assert bucket.objects == {}
        assert not [call for call in world.calls if "ExpectedBucketOwner" in call.parameters]

    def test_it_proves_no_owner(self, world, bucket):
        """Else its lakes would get the events of the bucket in AWS that has the name."""
        findings = trials.try_out(replace(ELSEWHERE, bucket_owner=ACCOUNT))
        assert (findings.proved, findings.bucket_owner) == (True, None)

    def test_its_region_is_its_own_matter(self, world, bucket):
        bucket.region = "elsewhere"
        assert trials.try_out(ELSEWHERE).proved

    @pytest.mark.parametrize("operation", ["HeadBucket", "ListObjectsV2"])
    @pytest.mark.parametrize("fault", [faults.throttled, faults.broken, faults.unreachable, faults.lost])
    def test_its_outages_are_findings(self, world, bucket, operation, fault):
        meet(world, operation, fault)
        findings = trials.try_out(ELSEWHERE)
        assert not findings.proved
        assert findings.reason

    @pytest.mark.parametrize("operation", ["HeadBucket", *STEPS[:-2]])
    def test_nonsense_is_a_finding(self, world, bucket, operation):
        def nonsense(world, request):
            raise ValueError("invalid timestamp")

        meet(world, operation, nonsense)
        findings = trials.try_out(ELSEWHERE)
        assert [text for text in findings.errors.values() if "as S3 does (ValueError)" in text]

    def test_its_words_are_not_repeated(self, world, bucket):
        def shout(world, request):
            raise refusal("ListObjectsV2", "<script>" * 100, 403)

        meet(world, "ListObjectsV2", shout)
        assert trials.try_out(ELSEWHERE).errors[Permission.LIST].endswith("(403)")

    def test_a_slow_one_is_given_up(self, world, bucket, monkeypatch):
        clock = iter(range(0, 10_000, 9))
        monkeypatch.setattr(trials, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        findings = trials.try_out(ELSEWHERE)
        assert "no time" in findings.errors[Permission.READ]
        assert bucket.objects == {}
