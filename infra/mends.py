"""Where MiniStack 1.5.33 is not yet like AWS, and Tidelake would notice."""

import base64
import copy
import functools
import gc
import hashlib
import json
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb, lambda_svc, s3

_PAUSE_SECONDS = 0.001


def mend() -> None:
    # After a wake that found no message it sleeps 50 ms, and every write of ours is such a wake.
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = _PAUSE_SECONDS
    _tell_streams_of_partiql_inserts()
    _name_the_shard_of_a_window()
    _route_paths_as_they_came()
    _keep_streams()
    _name_the_role_behind_a_session()
    _heed_the_expected_owner()
    _name_rules_of_the_default_bus()
    _verify_sums_of_forms()
    _parse_once()
    _look_for_rubbish_seldom()


def _tell_streams_of_partiql_inserts() -> None:
    """They appear in a table's stream as every other write does.
    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""
    insert = dynamodb._partiql_insert

    def insert_and_tell(table: dict[str, Any], parsed: dict[str, Any]) -> tuple[int, Any, Any]:
        status, headers, body = insert(table, parsed)
        if status == 200:
            item = parsed["item"]
            dynamodb._emit_stream_event(table["TableName"], "INSERT", None, item.get("M", item))
        return status, headers, body

    dynamodb._partiql_insert = insert_and_tell


def _name_the_shard_of_a_window() -> None:
    """Tumbling windows are accepted and forgotten; a table's stream is one shard here.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html"""
    execute = lambda_svc._execute_function

    def execute_in_window(function: Any, event: Any, *more: Any, **named: Any) -> Any:
        records = event.get("Records") if isinstance(event, dict) else None
        if records and isinstance(records, list) and records[0].get("eventSource") == "aws:dynamodb":
            event = {**event, "shardId": "shardId-00000000000000000000-00000000"}
        return execute(function, event, *more, **named)

    lambda_svc._execute_function = execute_in_window


def _route_paths_as_they_came() -> None:
    """A REST API finds the route and hands over the parts of the path as they came: `%2F` is part of a name,
    and whoever gets it decodes it."""
    handle = app._handle_execute_api_request

    async def handle_raw(host: str, path: str, *rest: Any, raw_path: str | None = None, **more: Any) -> Any:
        return await handle(host, raw_path or path, *rest, raw_path=raw_path, **more)

    app._handle_execute_api_request = handle_raw


def _keep_streams() -> None:
    """What is written down at the end holds how far each stream was read, but not the stream: what had not
    been read yet would be lost, and as much of what is written later be taken for read."""
    state, restore = dynamodb.get_state, dynamodb.load_persisted_state

    def state_with_streams() -> dict[str, Any]:
        streams = {"stream_records": dynamodb._stream_records, "stream_trimmed": dynamodb._stream_trimmed}
        return {**state(), **copy.deepcopy(streams)}

    def restore_with_streams(kept: dict[str, Any]) -> None:
        restore(kept)
        dynamodb._stream_records.update(kept.get("stream_records", {}))
        dynamodb._stream_trimmed.update(kept.get("stream_trimmed", {}))

    dynamodb.get_state, dynamodb.load_persisted_state = state_with_streams, restore_with_streams


def _name_the_role_behind_a_session() -> None:
    """Policies know a session by the ARN of its role.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn"""
    resolve = iam_evaluator._resolve_condition_key

    def resolve_role(key: str, context: Any) -> Any:
        found = resolve(key, context)
        if key.lower() == "aws:principalarn" and ":assumed-role/" in str(found):
            account, role = found.split(":")[4], iam_evaluator._role_name_from_assumed_arn(found)
            return f"arn:aws:iam::{account}:role/{role}"
        return found

    iam_evaluator._resolve_condition_key = resolve_role


def _heed_the_expected_owner() -> None:
    """A request that expects another owner of the bucket is refused.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"""
    refuse = s3._apply_bucket_scope

    def refuse_also_others(method: str, bucket: str, key: str, headers: Any, *more: Any) -> Any:
        expected, owner = headers.get("x-amz-expected-bucket-owner"), s3._bucket_owner_account(bucket)
        if expected and owner and expected != owner:
            return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")
        return refuse(method, bucket, key, headers, *more)

    s3._apply_bucket_scope = refuse_also_others


def _name_rules_of_the_default_bus() -> None:
    """Whoever wants to make a rule there, or to say where it leads, needs the right to `rule/{name}`.
    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html"""
    extract = iam_actions.extract_resource_arn

    def extract_rules(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> Any:
        target = headers.get("x-amz-target", "").rpartition(".")[2] if service == "events" else ""
        if target in ("PutRule", "DeleteRule", "PutTargets", "RemoveTargets"):
            asked = json.loads(body)
            if "EventBusName" not in asked:
                return f"arn:aws:events:{region}:{account}:rule/{asked.get('Rule') or asked.get('Name')}"
        return extract(service, method, path, headers, body, query, region, account)

    iam_actions.extract_resource_arn = extract_rules


def _verify_sums_of_forms() -> None:
    """A form may say which sum its file must have.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html"""
    post = s3._post_object

    def post_verified(bucket_name: str, body: bytes, headers: dict[str, Any]) -> Any:
        parts = s3._parse_multipart_form(headers.get("content-type", ""), body)
        fields = {name.lower(): value for name, _, _, value in parts}
        summed = base64.b64encode(hashlib.sha256(fields.get("file", b"")).digest())
        if fields.get("x-amz-checksum-sha256", summed) != summed:
            return s3._error("BadDigest", "The SHA256 you specified did not match the calculated one.", 400)
        return post(bucket_name, body, headers)

    s3._post_object = post_verified


def _parse_once() -> None:
    """Expressions are parsed anew for each item of a table, and all policies of a role for each request: so
    all takes the longer the more there is."""
    dynamodb._condition_syntax_error = functools.cache(dynamodb._condition_syntax_error)
    tokenize = functools.cache(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokenize(expression))
    parse = iam_evaluator.parse_policy_document
    parse_text = functools.cache(parse)
    iam_evaluator.parse_policy_document = lambda policy: (
        parse_text(policy) if isinstance(policy, str) else parse(policy)
    )


def _look_for_rubbish_seldom() -> None:
    """Python looks through all that is held each time some thousand objects were made, and here everything of
    the cloud is held: so all takes the longer the more there is."""
    gc.set_threshold(100_000, 50, 100)
