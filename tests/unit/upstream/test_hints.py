from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.model import moment
from chalicelib.model.hint import Change, Channel, Hint, Sequencer, merge

EARLY, LATE = Sequencer(Channel.S3, "0010"), Sequencer(Channel.S3, "0020")
ELSEWHERE = Sequencer(Channel.EVENTBRIDGE, "0010")
HINT = Hint(
    bucket="photos",
    object_name="a.jpg",
    change=Change.CREATED,
    occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
    sequencer=EARLY,
    size=1,
    etag="e",
)


@pytest.mark.parametrize(
    ("one", "other", "covered"),
    [
        ("10", "10", True),
        ("10", "11", True),
        ("11", "10", False),
        ("1", "10", True),
        ("10", "1", True),
        ("2", "10", False),
        ("0a", "0b", True),
    ],
)
def test_sequencers_compare_as_text_padded_with_zeros(one: str, other: str, covered: bool) -> None:
    assert Sequencer(Channel.S3, one).is_covered_by(Sequencer(Channel.S3, other)) is covered


def test_sequencers_of_different_channels_say_nothing_of_each_other() -> None:
    assert not EARLY.is_covered_by(ELSEWHERE)
    assert not ELSEWHERE.is_covered_by(EARLY)
    assert not EARLY.is_covered_by(None)


def test_a_sequencer_survives_being_written_down() -> None:
    assert Sequencer.parse(str(ELSEWHERE)) == ELSEWHERE


@pytest.mark.parametrize(
    ("change", "age", "enough"),
    [
        (Change.CREATED, timedelta(minutes=59), True),
        (Change.CREATED, timedelta(minutes=61), False),
        (Change.CREATED, timedelta(minutes=-59), True),
        (Change.CREATED, timedelta(minutes=-61), False),
        (Change.LISTED, timedelta(days=900), True),
        (Change.REMOVED, timedelta(0), False),
        (Change.UNKNOWN, timedelta(0), False),
    ],
)
def test_only_a_young_creation_or_a_listing_is_enough_for_a_record(
    change: Change, age: timedelta, enough: bool
) -> None:
    assert replace(HINT, change=change, occurred_at=moment.now() - age).can_insert() is enough


@pytest.mark.parametrize("missing", ["size", "etag", "occurred_at"])
def test_a_creation_that_does_not_tell_all_is_not_enough(missing: str) -> None:
    young = replace(HINT, occurred_at=moment.now())
    assert not replace(young, **{missing: None}).can_insert()


def test_of_two_creations_the_later_stands_for_both() -> None:
    later = replace(HINT, sequencer=LATE, size=2)
    assert merge([HINT, later]) == merge([later, HINT]) == later


def test_a_creation_and_a_removal_together_leave_it_to_s3() -> None:
    removal = replace(HINT, change=Change.REMOVED, sequencer=LATE)
    for order in ([HINT, removal], [removal, HINT]):
        merged = merge(order)
        assert (merged.change, merged.sequencer) == (Change.UNKNOWN, LATE)


@pytest.mark.parametrize("sequencer", [None, ELSEWHERE])
def test_hints_that_cannot_be_ordered_are_never_taken_for_old_together(sequencer: Sequencer | None) -> None:
    other = replace(HINT, sequencer=sequencer)
    for order in ([HINT, other], [other, HINT], [HINT, other, HINT]):
        merged = merge(order)
        assert (merged.change, merged.sequencer) == (Change.UNKNOWN, None)
