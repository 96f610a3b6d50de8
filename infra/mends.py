"""Where MiniStack 1.5.33 is not yet like AWS, and Tidelake would notice."""

from typing import Any

from ministack.services import dynamodb


def mend() -> None:
    """PartiQL inserts appear in a table's stream, as every other write does.
    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""
    insert = dynamodb._partiql_insert

    def insert_and_tell(table: dict[str, Any], parsed: dict[str, Any]) -> tuple[int, Any, Any]:
        status, headers, body = insert(table, parsed)
        if status == 200:
            item = parsed["item"]
            dynamodb._emit_stream_event(table["TableName"], "INSERT", None, item.get("M", item))
        return status, headers, body

    dynamodb._partiql_insert = insert_and_tell
