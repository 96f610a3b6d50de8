import pytest

from chalicelib.model.estimate import of_import

MILLION = {"seen": 1_000_000, "bytes": 4 * 10**11, "new": 1_000_000, "failed": 0, "taggings": 0}


def test_a_million_new_objects_take_what_was_measured_of_one() -> None:
    index = of_import(MILLION, named=False, eager=False)
    assert (index.objects, index.bytes, index.calls) == (10**6, 4 * 10**11, 1000 + 40_000)
    assert index.usd == pytest.approx(2.505)
    ready = of_import(MILLION, named=False, eager=True)
    assert ready.usd == pytest.approx(9.25, rel=0.01)
    assert ready.calls == 41_000 + 3_100_000


def test_what_is_named_is_looked_at_and_what_failed_was_looked_for() -> None:
    counts = MILLION | {"seen": 10, "new": 0, "failed": 5}
    named = of_import(counts, named=True, eager=True)
    assert (named.calls, named.usd) == (15 + 1, pytest.approx((15 * 0.4 + 10 * 0.625) / 10**6, abs=1e-6))


def test_tags_are_written_with_their_records_in_transactions() -> None:
    counts = {"seen": 1000, "bytes": 0, "new": 0, "failed": 0, "taggings": 3000}
    tagged = of_import(counts, named=False, eager=False)
    assert tagged.calls == 1 + 40 + 40
    assert tagged.usd == pytest.approx((5 + 1000 * 0.625 + 4000 * 2 * 0.625) / 10**6, abs=1e-6)


def test_nothing_costs_nothing() -> None:
    nothing = of_import(dict.fromkeys(MILLION, 0), named=True, eager=True)
    assert (nothing.calls, nothing.usd) == (0, 0)
