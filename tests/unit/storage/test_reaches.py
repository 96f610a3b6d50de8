"""Clients that follow their connector's credentials, over an AWS in memory."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib.config import config
from chalicelib.errors import CredentialsRefused, StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.connector import ConnectorState
from chalicelib.model.lake import Bucket
from chalicelib.storage import aws, buckets, connectors, endpoints, reaches, secrets
from tests.simulation import faults
from tests.simulation.interference import let
from tests.unit.storage.neighbours import (
    ARN,
    BY_KEYS,
    BY_ROLE,
    ELSEWHERE,
    KEYS,
    ORGANIZATION,
    OTHER_KEYS,
    home,
    serving,
    settle,
)


@pytest.fixture
def bucket(world):
    return settle(world)


def signer(bucket):
    """Whose calls a client of the bucket makes."""
    held = connectors.s3(bucket)._request_signer._credentials.get_frozen_credentials()
    return held.access_key


def asked(world, *operations):
    return [call.operation for call in world.calls if call.operation in operations]


def made(connector, keys=None):
    connectors.create(serving(connector), keys)
    return home(connector)


def state():
    there = connectors.read(ORGANIZATION, BY_KEYS.id)
    return there.state, there.state_reason


def test_the_stacks_own_bucket_takes_no_connector_and_no_call(world):
    assert connectors.s3(Bucket("data", "1", "default")) is aws.client("s3")
    assert world.calls == []


def test_a_role_is_assumed_with_its_external_id_for_one_bucket_and_an_hour(world, bucket):
    where = made(BY_ROLE)
    bucket.objects["a"] = (world.s3._version(bucket, b"1", "text/plain"),)
    assert buckets.look(where, "a").size == 1
    (assumed,) = world.sts.assumed
    assert (assumed["RoleArn"], assumed["ExternalId"]) == (ARN, BY_ROLE.external_id)
    assert assumed["DurationSeconds"] == 3600
    assert '"arn:aws:s3:::photos"' in assumed["Policy"]


def test_many_calls_are_one_session_and_one_look_a_while(world, bucket):
    where = made(BY_ROLE)
    world.calls.clear()
    for _ in range(100):
        connectors.s3(where)
    assert asked(world, "AssumeRole", "GetItem") == ["GetItem", "AssumeRole"]
    world.clock += 51
    connectors.s3(where)
    assert asked(world, "AssumeRole", "GetItem") == ["GetItem", "AssumeRole", "GetItem"]


def test_a_session_ends_long_before_what_it_signed(world, bucket):
    where = made(BY_ROLE)
    first = signer(where)
    start = world.clock
    while signer(where) == first:
        world.clock += 10
    assert world.clock - start + limits.PRESIGNED_SECONDS < limits.SESSION_SECONDS


@pytest.mark.parametrize("waited", [0, 49])
def test_other_keys_are_used_within_a_minute(world, bucket, waited):
    where = made(BY_KEYS, KEYS)
    assert signer(where) == KEYS.access_key_id
    world.clock += waited
    before = connectors.read(ORGANIZATION, BY_KEYS.id)
    connectors.change(before, replace(before, secret=secrets.name_of(before.id, "2")), OTHER_KEYS)
    changed = world.clock
    while signer(where) != OTHER_KEYS.access_key_id:
        world.clock += 1
    assert world.clock - changed <= 50


def test_a_connector_that_was_deleted_is_refused_also_amid_a_call(world, bucket):
    where = made(BY_KEYS, KEYS)
    s3 = connectors.s3(where)
    connectors.delete(connectors.read(ORGANIZATION, BY_KEYS.id))
    world.clock += 6
    refusal = AWSResponse("", 403, {}, None), {"Error": {"Code": "AccessDenied"}}
    with pytest.raises(CredentialsRefused):
        s3.meta.events.emit("needs-retry.s3.HeadObject", response=refusal, request_dict={"context": {}})
    world.clock += 51
    with pytest.raises(CredentialsRefused):
        connectors.s3(where)


def test_another_role_is_assumed_within_a_minute(world, bucket):
    where = made(BY_ROLE)
    connectors.s3(where)
    before = connectors.read(ORGANIZATION, BY_ROLE.id)
    world.sts.roles["arn:aws:iam::210987654321:role/other"] = BY_ROLE.external_id
    connectors.change(before, replace(before, role_arn="arn:aws:iam::210987654321:role/other"))
    world.clock += 51
    connectors.s3(where)
    assert world.sts.assumed[-1]["RoleArn"].endswith("other")


def test_a_change_that_could_not_be_followed_at_once_is_followed_by_the_next_call(world, bucket):
    where = made(BY_KEYS, KEYS)
    connectors.s3(where)
    before = connectors.read(ORGANIZATION, BY_KEYS.id)
    connectors.change(before, replace(before, secret=secrets.name_of(before.id, "2")), OTHER_KEYS)
    world.clock += 51
    let(world, "GetSecretValue", faults.throttled)
    with pytest.raises(StorageUnavailable):
        connectors.s3(where)
    assert signer(where) == OTHER_KEYS.access_key_id


@pytest.mark.parametrize(("connector", "keys"), [(BY_ROLE, None), (BY_KEYS, KEYS)])
def test_refused_credentials_say_nothing_of_objects_and_the_connector_says_why(
    world, bucket, connector, keys
):
    where = made(connector, keys)
    world.sts.roles.clear()
    world.secretsmanager.secrets.clear()
    world.calls.clear()
    for _ in range(20):
        with pytest.raises(CredentialsRefused):
            buckets.look(where, "a")
    assert state()[0] is ConnectorState.BROKEN
    assert state()[1]
    assert len(asked(world, "AssumeRole", "GetSecretValue")) == 1
    assert len(asked(world, "UpdateItem")) == 1
    world.clock += 6
    with pytest.raises(CredentialsRefused):
        buckets.look(where, "a")
    assert len(asked(world, "UpdateItem")) == 1


def test_credentials_that_are_granted_again_work_again(world, bucket):
    where = made(BY_ROLE)
    world.sts.roles.clear()
    with pytest.raises(CredentialsRefused):
        connectors.s3(where)
    world.sts.roles[ARN] = BY_ROLE.external_id
    world.clock += 6
    assert buckets.look(where, "a") is None


@pytest.mark.parametrize(
    ("connector", "keys", "operation"),
    [(BY_ROLE, None, "AssumeRole"), (BY_KEYS, KEYS, "GetSecretValue"), (BY_KEYS, KEYS, "GetItem")],
)
@pytest.mark.parametrize("fault", [faults.throttled, faults.broken, faults.unreachable, faults.lost])
def test_an_outage_says_nothing_of_the_connector(world, bucket, connector, keys, operation, fault):
    where = made(connector, keys)
    let(world, operation, fault)
    with pytest.raises(StorageUnavailable):
        connectors.s3(where)
    assert state()[0] is ConnectorState.ACTIVE
    connectors.s3(where)


@pytest.mark.parametrize("fault", faults.ALL)
def test_a_state_that_cannot_be_written_hides_no_failure(world, bucket, fault):
    where = made(BY_ROLE)
    world.sts.roles.clear()
    let(world, "UpdateItem", fault)
    with pytest.raises(CredentialsRefused):
        connectors.s3(where)


def test_a_connector_that_is_gone_is_an_outage(world):
    with pytest.raises(StorageUnavailable):
        connectors.s3(home(BY_ROLE))


def test_nobody_reaches_by_anothers_connector(world, bucket):
    made(BY_ROLE)
    with pytest.raises(StorageUnavailable):
        connectors.s3(replace(home(BY_ROLE), organization="other"))


def test_a_bucket_of_another_owner_is_never_read(world, bucket):
    where = made(BY_ROLE)
    bucket.owner = "111111111111"
    with pytest.raises(StorageUnavailable):
        buckets.look(where, "a")
    assert state()[0] is ConnectorState.DEGRADED


def test_a_bucket_that_is_gone_breaks_its_connector_and_removes_no_data(world, bucket):
    where = made(BY_ROLE)
    del world.s3.buckets["photos"]
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            buckets.look(where, "a")
    assert state()[0] is ConnectorState.BROKEN
    assert len(asked(world, "UpdateItem")) == 1


def test_an_endpoint_gets_its_own_address_and_no_account(world, bucket, monkeypatch):
    resolve(monkeypatch, "1.1.1.1")
    where = made(ELSEWHERE, KEYS)
    assert where.owner is None
    assert buckets.look(where, "a") is None
    assert connectors.s3(where).meta.endpoint_url == ELSEWHERE.endpoint_url
    (looked,) = [call for call in world.calls if call.operation == "HeadObject"]
    assert looked.parameters.keys() == {"Bucket", "Key"}


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1"])
def test_an_endpoint_that_leads_inside_by_now_is_not_called(world, bucket, monkeypatch, address):
    resolve(monkeypatch, "1.1.1.1", address)
    where = made(ELSEWHERE, KEYS)
    with pytest.raises(CredentialsRefused):
        buckets.look(where, "a")
    assert asked(world, "HeadObject") == []
    assert "not public" in state()[1]


def resolve(monkeypatch, *addresses):
    answer = [(2, 1, 6, "", (address, 443)) for address in addresses]
    fake = SimpleNamespace(getaddrinfo=lambda *_, **__: answer, SOCK_STREAM=1)
    monkeypatch.setattr(endpoints, "socket", fake)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://example.com",
            "https://user@example.com",
            "https://u:p@example.com",
            "https://",
            "example.com",
        ),
        *(
            "https://example.com/path",
            "https://example.com?x",
            "https://example.com#x",
            "https://example.com/?",
        ),
        *(
            "https://example.com:80",
            "https://example.com:22",
            "https://example.com:99999",
            "https://[::1",
            "",
        ),
        *("https://exa mple.com", "https://example.com\n", "https://é.com", f"https://{'x' * 300}.com"),
        *("file:///etc/passwd", "https://example.com:x"),
    ],
)
def test_what_is_no_endpoint(url):
    assert endpoints.mistake_in(url)


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://s3.example.com/", "https://example.com:9000"]
)
def test_what_is_an_endpoint(url):
    assert endpoints.mistake_in(url) is None


def test_one_endpoint_may_be_exempt_by_configuration_and_no_other(world):
    vars(config)["test_endpoint"] = "http://127.0.0.1:4566"
    assert endpoints.mistake_in("http://127.0.0.1:4566") is None
    endpoints.require_public("http://127.0.0.1:4566")
    assert endpoints.mistake_in("http://127.0.0.1:4567")
    assert endpoints.mistake_in("http://127.0.0.1:4566@example.com")


def test_a_host_without_an_address_is_no_endpoint(monkeypatch):
    def fail(*_, **__):
        raise OSError

    monkeypatch.setattr(endpoints, "socket", SimpleNamespace(getaddrinfo=fail, SOCK_STREAM=1))
    with pytest.raises(CredentialsRefused):
        endpoints.require_public("https://nowhere.example.com")


def refused(code, status=403):
    return status, f"<Error><Code>{code}</Code></Error>".encode()


class TestRefusedCalls:
    """What botocore is made to do when S3 refuses credentials, with answers put where it would send."""

    @pytest.fixture
    def reached(self, monkeypatch):
        """A reach whose credentials are counted, and all requests that its client would send."""
        clock = SimpleNamespace(now=1000.0)
        monkeypatch.setattr(reaches, "time", SimpleNamespace(monotonic=lambda: clock.now))
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        taken = []

        def credentials_of(connector):
            taken.append(connector)
            return aws.ReadOnlyCredentials(f"AKIA{len(taken)}", "secret", None)

        monkeypatch.setattr(reaches.credentials, "of", credentials_of)
        reach = reaches.Reach(lambda: serving(BY_ROLE), lambda *_: None)
        client = reach.client()
        sent = []

        def answer(request, **_):
            sent.append(request.headers["Authorization"].decode().split("Credential=")[1].split("/")[0])
            status, body = responses.pop(0) if responses else (200, b"<ListBucketResult/>")
            return AWSResponse(
                request.url,
                status,
                {"ETag": '"1"'},
                SimpleNamespace(stream=lambda **_: [body], read=lambda *_: body),
            )

        responses = []
        client.meta.events.register("before-send.s3", answer)
        return SimpleNamespace(reach=reach, client=client, sent=sent, responses=responses, clock=clock)

    @pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "InvalidAccessKeyId"])
    def test_they_are_made_once_more_with_new_credentials(self, reached, code):
        reached.clock.now += 6
        reached.responses.append(refused(code))
        reached.client.list_objects_v2(Bucket="photos")
        assert reached.sent == ["AKIA1", "AKIA2"]

    def test_and_not_again_and_again(self, reached):
        reached.clock.now += 6
        reached.responses += [refused("AccessDenied")] * 4
        for _ in range(2):
            with pytest.raises(reached.client.exceptions.ClientError):
                reached.client.list_objects_v2(Bucket="photos")
        assert reached.sent == ["AKIA1", "AKIA2", "AKIA2", "AKIA2"]

    def test_other_failures_are_botocores_matter(self, reached):
        reached.clock.now += 6
        reached.responses.append(refused("NoSuchKey", 404))
        with pytest.raises(reached.client.exceptions.ClientError):
            reached.client.get_object(Bucket="photos", Key="a")
        assert reached.sent == ["AKIA1"]
