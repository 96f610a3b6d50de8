from dataclasses import fields

import pytest

from chalicelib.model.prices import PER_MILLION, Usage, price_million


def test_every_unit_has_a_price() -> None:
    assert {field.name for field in fields(Usage)} == PER_MILLION.keys()


def test_a_million_times_one_unit_costs_its_list_price() -> None:
    dollars = price_million(Usage(s3_writes=1, s3_reads=1, write_units=4))
    assert dollars["s3_writes"] == pytest.approx(5.0)
    assert dollars["s3_reads"] == pytest.approx(0.4)
    assert dollars["write_units"] == pytest.approx(2.5)
    assert dollars["gb_seconds"] == 0


def test_usage_adds_up_and_scales() -> None:
    assert Usage(sqs_requests=1) + Usage(sqs_requests=0.5, invocations=2) * 0.1 == Usage(
        sqs_requests=1.05, invocations=0.2
    )


def test_a_gigabyte_second_and_a_gigabyte_of_logs_cost_what_lambda_and_cloudwatch_ask() -> None:
    dollars = price_million(Usage(gb_seconds=1e-6, log_bytes=1000))
    assert dollars["gb_seconds"] == pytest.approx(0.0000166667)
    assert dollars["log_bytes"] == pytest.approx(0.5)
