"""The client of Tidelake, an image datalake that keeps itself in step with your S3 buckets.

>>> client = Client(url, key)
>>> lake = client.get_datalake()
>>> [data.object_name for data in lake.list_data(q="width >= 500", order_by="object_name")]
['camera-one/1000.jpg']
"""

from tidelake.client import Client, Key
from tidelake.connectors import Check, Connector
from tidelake.data import Data, MultiData
from tidelake.datalakes import Datalake, Stats
from tidelake.errors import (
    Ambiguous,
    ChecksumMismatch,
    Conflict,
    EtagMismatch,
    Forbidden,
    Incomplete,
    InvalidCursor,
    InvalidQuery,
    InvalidRequest,
    JobCanceled,
    JobFailed,
    NoData,
    NotFound,
    Problem,
    RateLimited,
    TidelakeError,
    TimedOut,
    TooLarge,
    TransferFailed,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from tidelake.holdings import Folder
from tidelake.jobs import Job
from tidelake.labels import Source, Tag
from tidelake.links import Link
from tidelake.outcomes import Change, DataOutcome, ErrorManager, Failure, Outcome, Skip
from tidelake.queries import Query
from tidelake.retries import Retries
from tidelake.snapshots import Snapshot

__all__ = [
    "Ambiguous",
    "Change",
    "Check",
    "ChecksumMismatch",
    "Client",
    "Conflict",
    "Connector",
    "Data",
    "DataOutcome",
    "Datalake",
    "ErrorManager",
    "EtagMismatch",
    "Failure",
    "Folder",
    "Forbidden",
    "Incomplete",
    "InvalidCursor",
    "InvalidQuery",
    "InvalidRequest",
    "Job",
    "JobCanceled",
    "JobFailed",
    "Key",
    "Link",
    "MultiData",
    "NoData",
    "NotFound",
    "Outcome",
    "Problem",
    "Query",
    "RateLimited",
    "Retries",
    "Skip",
    "Snapshot",
    "Source",
    "Stats",
    "Tag",
    "TidelakeError",
    "TimedOut",
    "TooLarge",
    "TransferFailed",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
]
