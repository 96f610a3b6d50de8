"""What AWS asks: list prices, and what counted usage comes to at them."""

from dataclasses import dataclass, fields
from typing import Final

REGION: Final = "us-east-1"
DATE: Final = "2026-11-20"

PER_MILLION: Final = {
    "s3_reads": 0.40,
    "s3_writes": 5.00,
    "write_units": 0.625,
    "read_units": 0.125,
    "sqs_requests": 0.40,
    "invocations": 0.20,
    "gb_seconds": 16.6667,
    "log_bytes": 0.0005,
}
"""Dollars for a million of each, without free tiers and discounts: S3 Standard, DynamoDB on demand, standard
queues, Lambda on x86, logs as they come in.

Sources: https://aws.amazon.com/s3/pricing/
         https://aws.amazon.com/dynamodb/pricing/on-demand/ (halved in November 2024)
         https://aws.amazon.com/sqs/pricing/
         https://aws.amazon.com/lambda/pricing/
         https://aws.amazon.com/cloudwatch/pricing/
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Counted in the units that AWS bills."""

    s3_reads: float = 0
    """GET and HEAD."""
    s3_writes: float = 0
    """PUT and LIST."""
    write_units: float = 0
    read_units: float = 0
    sqs_requests: float = 0
    invocations: float = 0
    gb_seconds: float = 0
    log_bytes: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{name: value + getattr(other, name) for name, value in _each(self).items()})

    def __mul__(self, times: float) -> "Usage":
        return Usage(**{name: value * times for name, value in _each(self).items()})


def price_million(usage: Usage) -> dict[str, float]:
    """Dollars for doing a million times what the usage was counted of, by unit."""
    return {name: value * PER_MILLION[name] for name, value in _each(usage).items()}


def _each(usage: Usage) -> dict[str, float]:
    return {field.name: getattr(usage, field.name) for field in fields(Usage)}
