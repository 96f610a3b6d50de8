"""The least that there is to do: list page after page, and insert by PartiQL what the scan inserts, in
batches of 25 from eight threads."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from chalicelib.model import limits, moment

if TYPE_CHECKING:
    from bench.stack import Stack
    from chalicelib.model.lake import Lake

THREADS: Final = 8


def scan(cloud: "Stack", lake: "Lake", objects: int) -> float:
    """Objects a second."""
    dynamodb, count, start = cloud.handle.client("dynamodb"), 0, time.perf_counter()
    table = cloud.handle.tables["data"]

    def insert(entries: "tuple[dict[str, Any], ...]") -> None:
        answer = dynamodb.batch_execute_statement(
            Statements=[_statement(table, lake, each) for each in entries]
        )
        if any("Error" in each for each in answer["Responses"]):
            raise RuntimeError("an item was not inserted")

    s3 = cloud.handle.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=lake.bucket, Prefix=lake.prefix)
    with ThreadPoolExecutor(THREADS) as pool:
        for page in pages:
            list(pool.map(insert, batched(page["Contents"], limits.INSERT_BATCH, strict=False)))
            count += len(page["Contents"])
    if count != objects:
        raise RuntimeError(f"the bare script saw {count} objects, not {objects}")
    return count / (time.perf_counter() - start)


def _statement(table: str, lake: "Lake", entry: "dict[str, Any]") -> dict[str, Any]:
    """The item that the scan writes, of what the listing says."""
    data_id, now = lake.data_id(entry["Key"]), moment.rfc3339(moment.now())
    item = {
        "id": {"S": data_id},
        "shard": {"S": lake.shard(data_id)},
        "created_key": {"S": f"{now}#{data_id}"},
        "object_name": {"S": entry["Key"]},
        "filename_key": {"B": f"{entry['Key']}#{data_id}".encode()},
        "state": {"S": "live"},
        "rev": {"N": "1"},
        "op_id": {"S": "0123456789abcdef"},
        "content": {"S": "0123456789abcdef"},
        "size": {"N": str(entry["Size"])},
        "etag": {"S": entry["ETag"].strip('"')},
        "last_modified": {"S": now},
        "status": {"S": "indexed"},
        "updated_at": {"S": now},
    }
    names = ", ".join(f"'{name}': ?" for name in item)
    return {"Statement": f'INSERT INTO "{table}" VALUE {{{names}}}', "Parameters": list(item.values())}
