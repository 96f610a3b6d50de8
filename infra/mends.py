"""Where MiniStack 1.5.33 is not yet like AWS, and Tidelake would notice."""

import copy
from typing import Any

from ministack import app
from ministack.services import dynamodb, lambda_svc

_PAUSE_SECONDS = 0.001


def mend() -> None:
    # After a wake that found no message it sleeps 50 ms, and every write of ours is such a wake.
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = _PAUSE_SECONDS
    _tell_streams_of_partiql_inserts()
    _name_the_shard_of_a_window()
    _route_paths_as_they_came()
    _keep_streams()


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
