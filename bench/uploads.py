"""What it takes to announce uploads: requests to the API and, counted, to DynamoDB and S3, for each file.

The API's function runs in this process against a local cloud. Each file is announced with two tags, a source
and custom metadata. Its bytes go straight into the bucket by what was answered, one request each; that is not
in it.
"""

import io
import json
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, Final

from bench import stack
from bench.calls import Calls
from bench.results import figure

if TYPE_CHECKING:
    from bench.results import Results

COUNTS: Final = (1, 100, 1_000)
BUDGET: Final = 0.15
"""DynamoDB requests for each of a thousand."""


def measure() -> "Results":
    with stack.deployed() as cloud, redirect_stdout(io.StringIO()):
        cloud.hold(*stack.FED)
        cloud.adopt("APIHandler")
        calls = Calls()
        results: Results = {}
        # The first call makes the labels.
        for count in (1, *COUNTS):
            calls.take()
            size = _announce(count, len(results))
            made, _ = calls.take()
            asked = {service: sum(call.service == service for call in made) for service in ("dynamodb", "s3")}
            of = f"_per_file_of_{count}"
            results[f"api_requests{of}"] = figure(1 / count, "requests", digits=3)
            results[f"upload_dynamodb_requests{of}"] = figure(asked["dynamodb"] / count, "requests", digits=3)
            results[f"upload_s3_requests{of}"] = figure(asked["s3"] / count, "requests", digits=3)
            results[f"upload_answer_bytes{of}"] = figure(size / count, "B", digits=0)
        results[f"upload_dynamodb_requests_per_file_of_{COUNTS[-1]}"]["budget"] = BUDGET
    return results


def _announce(count: int, salt: int) -> int:
    """Bytes of the answer."""
    import app

    entries = [
        {
            "object_name": f"uploads/{salt}/IMG_{number:06}.jpg",
            "size": 600_000,
            "content_type": "image/jpeg",
            "tags": ["one", "two"],
            "source": "camera-one",
            "custom_metadata": {"lot": "A7"},
        }
        for number in range(count)
    ]
    answer = app.app(_as_api_gateway({"uploads": entries}), stack.CONTEXT)
    if answer["statusCode"] != 200 or len(json.loads(answer["body"])["ok"]) != count:
        raise RuntimeError(f"the API answers {answer['statusCode']} with {answer['body'][:500]}")
    return len(answer["body"])


def _as_api_gateway(body: "dict[str, Any]") -> dict[str, Any]:
    caller = {"organization": "default", "role": "editor", "key_id": "0123456789abcdef"}
    return {
        "requestContext": {
            "resourcePath": "/v1/datalakes/{lake}/uploads",
            "httpMethod": "POST",
            "path": "/v1/datalakes/default/uploads",
            "requestId": "bench",
            "authorizer": caller,
        },
        "pathParameters": {"lake": "default"},
        "multiValueQueryStringParameters": None,
        "headers": {},
        "stageVariables": None,
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
