"""What a new image costs: the requests of the real handlers counted, their time estimated, both at list prices.

The handlers run in this process against a local cloud, with the batches that Lambda gives them when there is
enough to do: 100 events, 10 images, 1,000 changes. Billed time is estimated upwards from the processor time that
was measured: a function gets its share of a processor by its memory, and while it waits for AWS it does nothing
else. Not in it are cold starts, what waits in a quiet stack's half-empty batches, and what is kept for months.
"""

import base64
import io
import json
import time
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from math import ceil
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench import capacity, pictures, prices, stack
from bench.calls import Call, Calls, count_operations
from bench.prices import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.stack import Stack

WARM_UP: Final = 20
IMAGES: Final = {"2mp_jpeg": 400, "12mp_jpeg": 100}
"""How many of each. Written twice, they fill one batch of the stream."""

DELIVERIES: Final = {"Upstream": 100, "Preprocess": 10, "Changes": 1000}
"""Records in one call, as app.py asks for."""

WAIT_MS: Final = {
    "Query": 8,
    "BatchExecuteStatement": 15,
    "UpdateItem": 8,
    "TransactWriteItems": 20,
    "SendMessageBatch": 12,
    "GetObject": 30,
    "PutObject": 40,
}
"""Assumed until AWS answers."""

BYTES_A_MS: Final = 50_000
"""Assumed from S3 to one function."""

WORKERS: Final = 16
"""Calls of one kind that a function has under way at once, as chalicelib/config.py has it."""

PROCESSOR_MB: Final = 1769
"""Memory that comes with one whole processor.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

PLATFORM_LOG_BYTES: Final = 400
"""Lambda's own lines about one call."""

SQS_BYTES: Final = 64 * 1024
"""What one request to SQS may carry before it counts as two."""
