from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError


def refusal(operation: str, code: str, status: int = 400, **more: object) -> ClientError:
    """What botocore raises for an answer that is not 2xx."""
    response = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
        **more,
    }
    return ClientError(response, operation)  # type: ignore[arg-type]


def unanswered(service: str) -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url=service)


def unreachable(service: str) -> ConnectTimeoutError:
    return ConnectTimeoutError(endpoint_url=service)
