"""The only reader of the environment. Read when first asked for, so that importing the code needs none of
it."""

import os
from functools import cached_property


class Config:
    @cached_property
    def data_table(self) -> str:
        return os.environ["DATA_TABLE"]

    @cached_property
    def lakes_table(self) -> str:
        return os.environ["LAKES_TABLE"]

    @cached_property
    def connectors_table(self) -> str:
        return os.environ["CONNECTORS_TABLE"]

    @cached_property
    def connector_secrets(self) -> str:
        """What the names of secrets that hold connectors' keys begin with."""
        return os.environ["CONNECTOR_SECRETS"]

    @cached_property
    def connector_seconds(self) -> float:
        """How long a connector is used without looking whether it has other credentials by now."""
        return float(os.environ.get("CONNECTOR_SECONDS", "50"))

    @cached_property
    def trusted_roles(self) -> str:
        """A pattern of the ARNs of the roles that this stack's functions have."""
        return os.environ["TRUSTED_ROLES"]

    @cached_property
    def test_endpoint(self) -> str:
        """The one endpoint that need be neither public nor https. Empty: none."""
        return os.environ.get("TEST_ENDPOINT", "")

    @cached_property
    def gallery_origins(self) -> list[str]:
        """Where the gallery may send bytes and get them from, beside its own origin and the region's S3."""
        return os.environ.get("GALLERY_ORIGINS", "").split()

    @cached_property
    def keys_table(self) -> str:
        return os.environ["KEYS_TABLE"]

    @cached_property
    def organizations_table(self) -> str:
        return os.environ["ORGANIZATIONS_TABLE"]

    @cached_property
    def claims_table(self) -> str:
        return os.environ["CLAIMS_TABLE"]

    @cached_property
    def labels_table(self) -> str:
        return os.environ["LABELS_TABLE"]

    @cached_property
    def taggings_table(self) -> str:
        return os.environ["TAGGINGS_TABLE"]

    @cached_property
    def traces_table(self) -> str:
        return os.environ["TRACES_TABLE"]

    @cached_property
    def jobs_table(self) -> str:
        return os.environ["JOBS_TABLE"]

    @cached_property
    def jobs_queue(self) -> str:
        return os.environ["JOBS_QUEUE"]

    @cached_property
    def ranges_table(self) -> str:
        return os.environ["RANGES_TABLE"]

    @cached_property
    def walks_queue(self) -> str:
        return os.environ["WALKS_QUEUE"]

    @cached_property
    def ranges_at_once(self) -> int:
        """Of one job: as many as there may be workers."""
        return int(os.environ["RANGES_AT_ONCE"])

    @cached_property
    def counters_table(self) -> str:
        return os.environ["COUNTERS_TABLE"]

    @cached_property
    def artifacts_bucket(self) -> str:
        return os.environ["ARTIFACTS_BUCKET"]

    @cached_property
    def events_queue(self) -> str:
        return os.environ["EVENTS_QUEUE"]

    @cached_property
    def events_queue_arn(self) -> str:
        return os.environ["EVENTS_QUEUE_ARN"]

    @cached_property
    def events_dead_letters(self) -> str:
        return os.environ["EVENTS_DEAD_LETTERS"]

    @cached_property
    def preprocess_queue(self) -> str:
        return os.environ["PREPROCESS_QUEUE"]

    @cached_property
    def preprocess_large_queue(self) -> str:
        return os.environ["PREPROCESS_LARGE_QUEUE"]

    @cached_property
    def fetches_queue(self) -> str:
        return os.environ["FETCHES_QUEUE"]

    @cached_property
    def fetch_test_server(self) -> str | None:
        """The one host with its port that may be asked without TLS, wherever it is."""
        return os.environ.get("FETCH_TEST_SERVER") or None

    @cached_property
    def signing_key(self) -> bytes:
        """Keys the hashes of API keys and signs cursors."""
        return os.environ["SIGNING_KEY"].encode()

    @cached_property
    def workers(self) -> int:
        """Calls to AWS that one invocation may have under way at once."""
        return int(os.environ.get("WORKERS", "16"))


config = Config()
