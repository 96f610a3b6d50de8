"""The whole stack in this process, behind the one door that the SDK goes through: the real API, upstream,
preprocess, changes and jobs over an AWS in memory, whose objects are also reached by presigned URLs.

Every request to the API is held against its OpenAPI document."""

import base64
import hashlib
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import RLock
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
from botocore.exceptions import ClientError
from jsonschema import Draft202012Validator, ValidationError
from werkzeug.formparser import parse_form_data

import app
from chalicelib.api import openapi
from chalicelib.changes import fold
from chalicelib.model.key import Role
from chalicelib.model.lake import Lake
from chalicelib.preprocess import worker
from chalicelib.storage import keys
from chalicelib.upstream import intake
from tests.simulation import objects, shift
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.s3 import Version
from tests.simulation.fakes.world import ORGANIZATION, Request, World, installed
from tests.unit.api.gateway import route_of

URL = "https://stack.test/api/v1"

_HOST = "stack.test"
_DELIVERIES = 20
"""Of jobs, before a call. Some wait for what does not come here."""

_CONTEXT = SimpleNamespace(
    function_name="api",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:api",
    aws_request_id="r",
)

type Fault = Callable[[httpx.Request, Callable[[], httpx.Response]], httpx.Response]
"""What becomes of a request; it may have the request answered."""


@dataclass
class Stack(httpx.BaseTransport):
    world: World
    lake: Lake
    key: str
    sent: list[httpx.Request] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    """Each is used once, for the first request whose method and path match."""
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Parts that came, by upload."""
    arrives: bool = True
    """Whether what changes in the bucket is heard of."""
    positions: Counter[str] = field(default_factory=Counter)
    """How much of each shard of the stream was folded."""
    _lock: Any = field(default_factory=RLock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        with self._lock:
            self.sent.append(request)
            answer = self._spoiled(request)
        if answer.is_closed:
            return httpx.Response(
                answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content)
            )
        return answer

    def _spoiled(self, request: httpx.Request) -> httpx.Response:
        for n, (pattern, fault) in enumerate(self.faults):
            if re.search(pattern, f"{request.method} {request.url.raw_path.decode()}"):
                del self.faults[n]
                return fault(request, lambda: self._answer(request))
        return self._answer(request)

    def calls(self) -> list[str]:
        """Of the API, so far: methods and routes."""
        found = [request for request in self.sent if request.url.host == _HOST]
        return [f"{request.method} {_route(request)[1]}" for request in found]

    def put(self, name: str, body: bytes) -> None:
        """As somebody else does it who has the bucket."""
        with self._lock:
            self.world.s3.put_object(Bucket=self.lake.bucket, Key=name, Body=body)
            self.settle()

    def remove(self, name: str) -> None:
        with self._lock:
            self.world.s3.delete_object(Bucket=self.lake.bucket, Key=name)
            self.settle()

    def object(self, name: str) -> bytes | None:
        found = self.world.s3.buckets[self.lake.bucket].current(name)
        return found and found.body

    def settle(self) -> None:
        """Until nothing is left to do."""
        if not self.arrives:
            return
        told, self.world.s3.events = self.world.s3.events, []
        for event in told:
            self.world.sqs.send_message(QueueUrl="events", MessageBody=s3_notification(event))
        self._hand_out("events", lambda messages: intake.receive(messages, lambda: 60_000))
        self._hand_out("preprocess", lambda messages: worker.receive(messages, lambda: 60_000, worker.SMALL))
        for _ in range(_DELIVERIES):
            shift.deliver(self.world)
            shift.deliver(self.world, queue="walks")
        for shard in {change.shard for change in self.world.dynamodb.tables["data"].changes}:
            self._fold(shard)

    def _hand_out(self, queue: str, handler: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        while messages := self.world.sqs.receive(queue, list(self.world.sqs.queues[queue].visible)[:10]):
            failed = {
                each["itemIdentifier"]
                for each in handler([m.as_record() for m in messages])["batchItemFailures"]
            }
            assert not failed
            self.world.sqs.settle(queue, [message.id for message in messages], [])

    def _fold(self, shard: str) -> None:
        changes = [each for each in self.world.dynamodb.tables["data"].changes if each.shard == shard]
        left = changes[self.positions[shard] :]
        if left:
            fold.receive({"Records": [each.as_event(["id"]) for each in left], "shardId": shard, "state": {}})
        self.positions[shard] = len(changes)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == _HOST:
            return self._api(request)
        bucket = request.url.host.partition(".")[0]
        if request.method == "GET":
            return self._get(request, bucket)
        if request.method == "POST":
            return self._post_form(request, bucket)
        return self._put_part(request) if "partNumber" in request.url.params else self._put(request, bucket)

    def _api(self, request: httpx.Request) -> httpx.Response:
        self.settle()
        _, resource, names = _route(request)
        check_contract(request, resource)
        asked = {
            "type": "TOKEN",
            "authorizationToken": request.headers["Authorization"],
            "methodArn": "arn:::",
        }
        who = app.authorize(asked, None).get("context")
        if who is None:
            return _problem(401, "unauthorized")
        answer = app.app(_event(request, resource, names, who), _CONTEXT)
        return httpx.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])

    def _get(self, request: httpx.Request, bucket: str) -> httpx.Response:
        found = self.world.s3.buckets[bucket].current(_key(request))
        if found is None:
            return _xml(404, "NoSuchKey")
        etag = f'"{found.etag}"'
        if request.headers.get("If-Match", etag) != etag:
            return _xml(412, "PreconditionFailed")
        return _ranged(request, found, {"ETag": etag})

    def _post_form(self, request: httpx.Request, bucket: str) -> httpx.Response:
        """As a form's policy has it: this key, this type, this many bytes, this sum."""
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": request.headers["Content-Type"],
            "CONTENT_LENGTH": request.headers["Content-Length"],
            "wsgi.input": io.BytesIO(request.content),
        }
        _, form, files = parse_form_data(environ)
        with files["file"].stream as file:
            body = file.read()
        policy = json.loads(base64.b64decode(form["policy"]))
        ranges = [each for each in policy["conditions"] if isinstance(each, list)]
        size = next(each[1:] for each in ranges if each[0] == "content-length-range")
        if not size[0] <= len(body) <= size[1]:
            return _xml(400, "EntityTooLarge" if len(body) > size[1] else "EntityTooSmall")
        wanted = form.get("x-amz-checksum-sha256")
        if wanted and base64.b64encode(hashlib.sha256(body).digest()).decode() != wanted:
            return _xml(400, "BadDigest")
        answer = self.world.s3.put_object(
            Bucket=bucket, Key=form["key"], Body=body, ContentType=form["Content-Type"]
        )
        return httpx.Response(204, headers={"ETag": answer["ETag"]})

    def _put(self, request: httpx.Request, bucket: str) -> httpx.Response:
        """As its signature has it: with these headers, and as many bytes as it says."""
        signed = request.url.params["X-Amz-SignedHeaders"].split(";")
        if not all(name in request.headers for name in signed):
            return _xml(403, "SignatureDoesNotMatch")
        body, wanted = request.content, request.headers.get("x-amz-checksum-sha256")
        if len(body) != int(request.headers["Content-Length"]):
            return _xml(400, "IncompleteBody")
        if "If-None-Match" in request.headers and self.world.s3.buckets[bucket].current(_key(request)):
            return _xml(412, "PreconditionFailed")
        if wanted and base64.b64encode(hashlib.sha256(body).digest()).decode() != wanted:
            return _xml(400, "BadDigest")
        answer = self.world.s3.put_object(
            Bucket=bucket, Key=_key(request), Body=body, ContentType=request.headers["Content-Type"]
        )
        return httpx.Response(200, headers={"ETag": answer["ETag"]})

    def _put_part(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if query["uploadId"] not in self.uploads:
            return _xml(404, "NoSuchUpload")
        self.uploads[query["uploadId"]][int(query["partNumber"])] = request.content
        return httpx.Response(200, headers={"ETag": f'"{_md5(request.content)}"'})

    def interpose(self, request: Request) -> Any:
        """What the fake S3 does not know."""
        parameters = request.parameters
        if request.operation == "CreateMultipartUpload":
            name = f"upload{len(self.uploads) + 1}"
            self.uploads[name] = {}
            return {"UploadId": name}
        if request.operation == "AbortMultipartUpload":
            self.uploads.pop(parameters["UploadId"], None)
            return {}
        if request.operation == "CompleteMultipartUpload":
            return self._complete(parameters)
        return self.world.perform(request)

    def _complete(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        parts = self.uploads.get(parameters["UploadId"])
        if parts is None:
            raise ClientError({"Error": {"Code": "NoSuchUpload"}}, "CompleteMultipartUpload")
        told = {each["PartNumber"]: each["ETag"] for each in parameters["MultipartUpload"]["Parts"]}
        if told != {number: _md5(body) for number, body in parts.items()}:
            raise ClientError({"Error": {"Code": "InvalidPart"}}, "CompleteMultipartUpload")
        del self.uploads[parameters["UploadId"]]
        body = b"".join(parts[number] for number in sorted(parts))
        bucket, key = parameters["Bucket"], parameters["Key"]
        self.world.s3.put_object(Bucket=bucket, Key=key, Body=body)
        # An etag of parts is no MD5 of all.
        etag = f"{_md5(body)}-{len(parts)}"
        *versions, last = self.world.s3.buckets[bucket].objects[key]
        self.world.s3.buckets[bucket].objects[key] = (*versions, replace(last, etag=etag))
        self.world.s3.events[-1] = replace(self.world.s3.events[-1], etag=etag)
        return {"ETag": etag}


@contextmanager
def running() -> Iterator[Stack]:
    with installed(World()) as world:
        lake = objects.add_lake(world, "default", "other")
        objects.add_connector(lake.bucket)
        _, key = keys.create(ORGANIZATION, "tests", Role.ADMIN, None, keys.new_seed())
        stack = Stack(world, lake, key)
        world.interpose = stack.interpose
        yield stack


DOCUMENT = openapi.document()


def check_contract(request: httpx.Request, resource: str) -> None:
    """Whether the API's description has this call, with all that is given with it."""
    operation = DOCUMENT["paths"][resource][request.method.lower()]
    described = {(each["in"], each["name"]): each for each in operation["parameters"]}
    for name in request.url.params:
        assert ("query", name) in described, f"{resource}: no parameter {name}"
    takes_key = ("header", "Idempotency-Key") in described
    assert takes_key == ("Idempotency-Key" in request.headers), f"{resource}: Idempotency-Key"
    needed = {name for (place, name), each in described.items() if place == "query" and each.get("required")}
    assert needed <= set(request.url.params), f"{resource}: without {needed}"
    if request.content:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        _validate(json.loads(request.content), schema)
    else:
        assert "requestBody" not in operation, f"{resource}: a body is needed"


def _validate(body: Any, schema: Mapping[str, Any]) -> None:
    known = {**schema, "components": DOCUMENT["components"]}
    for error in Draft202012Validator(known).iter_errors(body):
        assert not _breaks_contract(error), error.message


def _breaks_contract(error: ValidationError) -> bool:
    """What is wrong with a value is for the API to say; what fields there are, and of what type, is the
    contract."""
    if error.validator not in ("anyOf", "oneOf"):
        return error.validator in ("additionalProperties", "required", "type")
    ways: defaultdict[Any, list[ValidationError]] = defaultdict(list)
    for each in error.context:
        ways[each.schema_path[0]].append(each)
    return all(any(map(_breaks_contract, way)) for way in ways.values())


def _route(request: httpx.Request) -> tuple[str, str, dict[str, str]]:
    path = request.url.raw_path.decode().partition("?")[0].removeprefix("/api")
    method, resource = route_of(request.method, path)
    found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", resource), path)
    assert found
    return method, resource, found.groupdict()


def _event(request: httpx.Request, resource: str, names: dict[str, str], who: Any) -> dict[str, Any]:
    query = parse_qs(request.url.query.decode(), keep_blank_values=True)
    return {
        "headers": dict(request.headers.multi_items())
        | {name.title(): value for name, value in request.headers.items()},
        "multiValueQueryStringParameters": query or None,
        "pathParameters": names or None,
        "stageVariables": None,
        "isBase64Encoded": False,
        "body": request.content.decode() or None,
        "requestContext": {
            "requestId": "r",
            "resourcePath": resource,
            "httpMethod": request.method,
            "authorizer": who,
            "identity": {"sourceIp": "192.0.2.1"},
        },
    }


def _key(request: httpx.Request) -> str:
    return unquote(request.url.raw_path.decode().partition("?")[0].removeprefix("/"))


def _ranged(request: httpx.Request, found: Version, headers: dict[str, str]) -> httpx.Response:
    asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    if not asked:
        return httpx.Response(200, headers=headers, content=found.body)
    start, size = int(asked[1]), len(found.body)
    if start >= size:
        return _xml(416, "InvalidRange")
    headers |= {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
    return httpx.Response(206, headers=headers, content=found.body[start:])


def _xml(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, text=f"<Error><Code>{code}</Code><Message>{code} it is</Message></Error>")


def _problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "code": code, "detail": code, "request_id": "r"})


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


# What may happen on the way


def lost(request: httpx.Request, answer: Callable[[], httpx.Response]) -> httpx.Response:
    """Done, and nobody hears of it."""
    answer()
    raise httpx.ReadTimeout("the answer was lost", request=request)


def refused(request: httpx.Request, answer: Callable[[], httpx.Response]) -> httpx.Response:
    raise httpx.ConnectError("nobody is there", request=request)


def says(status: int, **headers: str) -> Fault:
    given = {name.replace("_", "-"): value for name, value in headers.items()}

    def say(request: httpx.Request, answer: Callable[[], httpx.Response]) -> httpx.Response:
        return httpx.Response(
            status, headers=given, json={"status": status, "code": "internal", "detail": "no"}
        )

    return say


def breaks_off(after: int) -> Fault:
    """The connection ends after so many bytes of the body."""

    def break_off(request: httpx.Request, answer: Callable[[], httpx.Response]) -> httpx.Response:
        whole = answer()

        def some() -> Iterator[bytes]:
            yield whole.content[:after]
            raise httpx.ReadError("broken off", request=request)

        return httpx.Response(whole.status_code, headers=whole.headers, content=some())

    return break_off
