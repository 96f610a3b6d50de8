"""What may be done with a connector's bucket, found by doing it below a prefix that is Tidelake's own."""

import re
import secrets as random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import CredentialsRefused, StorageUnavailable
from chalicelib.model import grants, limits
from chalicelib.model.connector import TRIAL_PREFIX, ConnectorKind, Findings, Permission
from chalicelib.storage import aws, credentials
from chalicelib.storage.reaches import client_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.model.connector import Connector
    from chalicelib.storage.secrets import Keys

_NAME_BYTES = 12
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}", re.ASCII)
_NOT_THERE = frozenset({"404", "NoSuchKey"})


def try_out(connector: "Connector", keys: "Keys | None" = None) -> Findings:
    """`keys` in the place of those that the connector has. Raises StorageUnavailable where AWS did not
    answer: that says nothing of the connector."""
    try:
        s3, owner = _open(connector, keys)
        trial = _Trial(connector, s3, owner)
        _prove_home(trial)
    except CredentialsRefused as refusal:
        return Findings(errors=dict.fromkeys(Permission, str(refusal.args[-1])))
    try:
        trial.run()
    finally:
        trial.clean_up()
    return trial.findings()


def _open(connector: "Connector", keys: "Keys | None") -> tuple[Any, str | None]:
    """A client, and the account that is to own the bucket: that of the credentials, unless another one is
    named. None at an S3-compatible endpoint, whose word would prove nothing."""
    if connector.kind is ConnectorKind.STACK:
        return aws.client("s3"), connector.bucket_owner
    if keys:
        found = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, None)
    else:
        found = credentials.of(connector)
    owner = None if connector.endpoint_url else connector.bucket_owner
    if connector.kind is ConnectorKind.ROLE:
        credentials.prove_guarded(connector)
        owner = owner or str(connector.role_arn).split(":")[4]
    elif connector.endpoint_url is None:
        owner = owner or credentials.account_of(found, connector.region)
    return client_of(connector, aws.Held(found), patient=False), owner


def _prove_home(trial: "_Trial") -> None:
    """Raises CredentialsRefused where the bucket is not there, is not where or whose it is said to be, or may
    not be seen."""
    connector = trial.connector
    try:
        answer = trial.call("head_bucket")
    except ClientError as error:
        trial.require_verdict(error)
        _require_region(connector, error.response)
        if aws.error_code(error) in ("404", "NoSuchBucket"):
            raise CredentialsRefused("see bucket", f"there is no bucket {connector.bucket}") from error
        if trial.owner and _is_seen_without_owner(trial):
            raise CredentialsRefused(
                "see bucket",
                f"the bucket does not belong to the account {trial.owner}; `bucket_owner` names another one",
            ) from error
        told = trial.told(Permission.LIST, error)
        if connector.kind is ConnectorKind.KEYS:
            told += ", or other keys: these may not be valid"
        raise CredentialsRefused("see bucket", told) from error
    except Exception as error:
        raise trial.unanswered(error) from error
    _require_region(connector, answer)


def _require_region(connector: "Connector", answer: Any) -> None:
    region = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if connector.endpoint_url is None and region and region != connector.region:
        raise CredentialsRefused(
            "see bucket", f"the bucket is in the region {region}, and not in {connector.region}"
        )


def _is_seen_without_owner(trial: "_Trial") -> bool:
    try:
        trial.s3.head_bucket(Bucket=trial.connector.bucket)
    except (ClientError, BotoCoreError):
        return False
    return True


@dataclass(slots=True)
class _Trial:
    connector: "Connector"
    s3: Any
    owner: str | None
    key: str = field(default_factory=lambda: f"{TRIAL_PREFIX}{random.token_hex(_NAME_BYTES)}")
    granted: set[Permission] = field(default_factory=set)
    errors: dict[Permission, str] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    """Of the trial's own object, where the bucket keeps them."""
    is_left: bool = False
    is_deleting: bool = False
    ends_at: float = field(default_factory=lambda: time.monotonic() + limits.TRIAL_SECONDS)

    def run(self) -> None:
        self.attempt(Permission.LIST, self.list)
        self.attempt(Permission.WRITE, lambda: self.write(b"1"))
        self.attempt(Permission.OVERWRITE, lambda: self.write(b"2"))
        self.attempt(Permission.READ, self.read)
        self.attempt(Permission.DELETE, self.delete)
        self.attempt(Permission.NOTIFY, self.notify)

    def attempt(self, permission: Permission, act: "Callable[[], None]") -> None:
        if time.monotonic() > self.ends_at:
            self.errors[permission] = "there was no time left to try: the answers before were too slow"
            return
        try:
            act()
        except ClientError as error:
            self.require_verdict(error)
            self.errors[permission] = self.told(permission, error)
        except CredentialsRefused as error:
            self.errors[permission] = str(error.args[-1])
        except Exception as error:
            self.errors[permission] = str(self.unanswered(error).args[-1])
        else:
            self.granted.add(permission)

    def call(self, method: str, **more: Any) -> Any:
        owner = {"ExpectedBucketOwner": self.owner} if self.owner else {}
        return getattr(self.s3, method)(Bucket=self.connector.bucket, **owner, **more)

    def list(self) -> None:
        """Also that a missing object is told from a forbidden one, without which none is ever gone."""
        self.call("list_objects_v2", Prefix=TRIAL_PREFIX, MaxKeys=1)
        try:
            self.call("head_object", Key=f"{self.key}-missing")
        except ClientError as error:
            if aws.error_code(error) not in _NOT_THERE:
                raise

    def write(self, body: bytes) -> None:
        if body != b"1" and Permission.WRITE not in self.granted:
            raise CredentialsRefused("overwrite", self.errors[Permission.WRITE])
        self.is_left = True
        try:
            answer = self.call("put_object", Key=self.key, Body=body)
        except ClientError as error:
            self.is_left = Permission.WRITE in self.granted or aws.is_passing(error)
            raise
        self._note_version(answer)

    def read(self) -> None:
        """What was written; or where nothing could be, that it is missing rather than forbidden."""
        try:
            answer = self.call("get_object", Key=self.key)
        except ClientError as error:
            if self.is_left or aws.error_code(error) not in _NOT_THERE:
                raise
            return
        found = answer["Body"].read(2)
        answer["Body"].close()
        if found not in (b"1", b"2"):
            raise CredentialsRefused("read", "what was read is not what was written")

    def delete(self) -> None:
        self.is_deleting = True
        self._note_version(self.call("delete_object", Key=self.key))
        self.is_left = False

    def notify(self) -> None:
        """Asks for one more notification, to a queue that there is not. Who may not is refused; who may hears
        that there is no such queue, and the bucket stays as it is.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
        """
        if self.connector.kind is ConnectorKind.STACK:
            return  # the template says whom it tells
        if self.connector.endpoint_url:
            raise CredentialsRefused("notify", "an S3-compatible endpoint tells nobody here of its changes")
        current = self.call("get_bucket_notification_configuration")
        del current["ResponseMetadata"]
        region, name = self.connector.region, self.key.rpartition("/")[2]
        nowhere = f"arn:{grants.partition(region)}:sqs:{region}:{self.owner}:tidelake-check-{name}"
        asked = [{"QueueArn": nowhere, "Events": ["s3:ReducedRedundancyLostObject"]}]
        try:
            self._put_notifications(
                current | {"QueueConfigurations": [*current.get("QueueConfigurations", ()), *asked]}
            )
        except ClientError as error:
            if aws.error_code(error) != "InvalidArgument":
                raise
            return
        self._put_notifications(current)

    def clean_up(self) -> None:
        """As far as it goes. What is left is Tidelake's own and data of no lake."""
        with suppress(Exception):
            if self.is_left and not self.is_deleting:
                self.delete()
            for version in self.versions:
                if time.monotonic() < self.ends_at:
                    self.call("delete_object", Key=self.key, VersionId=version)

    def findings(self) -> Findings:
        if self.is_left and Permission.DELETE in self.errors:
            self.errors[Permission.DELETE] += f"; {self.key} is left over"
        return Findings(grants=frozenset(self.granted), errors=self.errors, bucket_owner=self.owner)

    def told(self, permission: Permission, error: ClientError) -> str:
        code = aws.error_code(error)
        status = error.response["ResponseMetadata"].get("HTTPStatusCode")
        reason = code if _CODE.fullmatch(code) else str(status)
        wanted = f"{grants.actions(permission)} on {grants.resource(self.connector, permission)}"
        return f"cannot {permission}: grant {wanted} ({reason})"

    def require_verdict(self, error: ClientError) -> None:
        """Raises StorageUnavailable where AWS was in trouble: that says nothing of the connector."""
        if self.connector.endpoint_url is None and aws.is_passing(error):
            raise StorageUnavailable("try connector", aws.error_code(error)) from error

    def unanswered(self, error: Exception) -> CredentialsRefused:
        """What an endpoint answers is up to whoever named it, and so may be anything."""
        if isinstance(error, BotoCoreError) and self.connector.endpoint_url is None:
            raise StorageUnavailable("try connector", type(error).__name__) from error
        if self.connector.endpoint_url is None:
            raise error
        return CredentialsRefused(
            "try connector", f"the endpoint does not answer as S3 does ({type(error).__name__})"
        )

    def _put_notifications(self, configuration: dict[str, Any]) -> None:
        self.call("put_bucket_notification_configuration", NotificationConfiguration=configuration)

    def _note_version(self, answer: dict[str, Any]) -> None:
        if answer.get("VersionId") not in (None, "null"):
            self.versions.append(str(answer["VersionId"]))
