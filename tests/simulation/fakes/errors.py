from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError


def refusal(
    operation: str,
    code: str,
    status: int = 400,
    *,
    message: str | None = None,
    item: dict[str, Any] | None = None,
    reasons: list[dict[str, Any]] | None = None,
) -> ClientError:
    """What botocore raises for an answer that is not 2xx. A condition that failed may show the item, a
    transaction says why each of its actions was cancelled."""
    response: Any = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
    }
    more = {"Item": item, "CancellationReasons": reasons}
    return ClientError(response | {name: value for name, value in more.items() if value}, operation)


def unanswered(service: str) -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url=service)


def unreachable(service: str) -> ConnectTimeoutError:
    return ConnectTimeoutError(endpoint_url=service)
