"""Clients that reach connectors' buckets, and follow the connectors' credentials.

A function serves many requests with one client. It looks every so often whether the connector has other
credentials by now, and at once when those it has are refused.
"""

import time
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Any

from chalicelib.config import config
from chalicelib.errors import CredentialsRefused
from chalicelib.model import limits
from chalicelib.model.connector import ConnectorKind, ConnectorState
from chalicelib.storage import aws, credentials, endpoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

    from chalicelib.model.connector import Connector

_AGAIN_SECONDS = 5
"""Credentials that were refused are not asked for again before that, however many calls want them."""

_REFUSALS = frozenset(
    {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"}
)
_REFUSALS_OF_HEAD = frozenset({"400", "401", "403"})
"""It has no body to say more."""


class Reach:
    """One connector as this function knows it."""

    def __init__(
        self,
        read: "Callable[[], Connector]",
        note: "Callable[[Connector, ConnectorState, str], object]",
    ) -> None:
        self._read = read
        self._note = note
        self._lock = RLock()
        self._connector: Connector | None = None
        self._client: Any = None
        self._held: aws.Held | None = None
        self._place: tuple[str | None, ...] = ()
        self._looked_at = self._renewed_at = float("-inf")
        self._refusal: CredentialsRefused | None = None

    def client(self) -> Any:
        """Raises CredentialsRefused, StorageUnavailable."""
        with self._lock:
            if self._refusal and self._since(self._looked_at) < _AGAIN_SECONDS:
                raise self._refusal
            if self._refusal or self._since(self._looked_at) >= config.connector_seconds or self._ends():
                self._look(renew=self._ends())
            return self._client

    def report(self, state: ConnectorState, reason: str) -> None:
        """What was met on the way to the bucket becomes the connector's state, once."""
        with self._lock:
            if self._connector and self._connector.serves and self._connector.state is not state:
                self._note(self._connector, state, reason)
                self._connector = replace(self._connector, state=state)

    def _look(self, *, renew: bool) -> None:
        known, connector = self._connector, self._read()
        if renew or self._refusal or known is None or known.revision != connector.revision:
            try:
                self._take(connector, credentials.of(connector))
            except CredentialsRefused as error:
                self._connector, self._looked_at, self._refusal = connector, time.monotonic(), error
                self.report(ConnectorState.BROKEN, str(error.args[-1]))
                raise
        self._connector, self._looked_at, self._refusal = connector, time.monotonic(), None

    def _take(self, connector: "Connector", found: "ReadOnlyCredentials") -> None:
        place = (connector.bucket, connector.region, connector.endpoint_url)
        if self._held is None or self._place != place:
            held = aws.Held(found)
            client = client_of(connector, held)
            client.meta.events.register_first("needs-retry.s3", self._renew_if_refused)
            self._place, self._held, self._client = place, held, client
        self._held.held = found
        self._renewed_at = time.monotonic()

    def _renew_if_refused(self, response: Any, request_dict: dict[str, Any], **_: Any) -> int | None:
        """botocore calls it after each answer; 0 has it sign and send once more, without a pause."""
        context = request_dict["context"]
        if response is None or context.get("renewed") or not _is_refusal(*response):
            return None
        context["renewed"] = True
        with self._lock:
            if self._since(self._looked_at) >= _AGAIN_SECONDS:
                self._look(renew=True)
        return 0

    def _ends(self) -> bool:
        """Whether a session is so old that what it signs might outlive it."""
        is_session = self._connector is not None and self._connector.kind is ConnectorKind.ROLE
        return is_session and self._since(self._renewed_at) >= limits.SESSION_USED_SECONDS

    def _since(self, moment: float) -> float:
        return time.monotonic() - moment


def client_of(connector: "Connector", held: aws.Held, *, patient: bool = True) -> Any:
    """Raises CredentialsRefused where its endpoint leads inside."""
    if connector.endpoint_url:
        endpoints.require_public(connector.endpoint_url)
    return aws.bucket_client(
        held, connector.bucket, connector.region, connector.endpoint_url, patient=patient
    )


def _is_refusal(answer: Any, parsed: dict[str, Any]) -> bool:
    code = str(parsed.get("Error", {}).get("Code", ""))
    return answer.status_code >= 400 and code in _REFUSALS | _REFUSALS_OF_HEAD
