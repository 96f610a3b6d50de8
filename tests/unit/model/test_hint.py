from datetime import timedelta
from itertools import permutations

import pytest

from chalicelib.model import limits, moment
from chalicelib.model.hint import Change, Channel, Hint, Sequencer, merge


def created(sequencer: str | None = "05", channel: Channel = Channel.S3, **fields: object) -> Hint:
    told = {"occurred_at": moment.now(), "size": 1, "etag": "e", "change": Change.CREATED} | fields
    return Hint(
        bucket="b",
        object_name="k",
        sequencer=Sequencer(channel, sequencer) if sequencer else None,
        **told,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("earlier", "later"), [("05", "06"), ("05", "051"), ("0055aed6dcd90281e5", "0055aed6dcd90281e6")]
)
def test_sequencers_compare_as_text_padded_on_the_right(earlier: str, later: str) -> None:
    first, second = Sequencer(Channel.S3, earlier), Sequencer(Channel.S3, later)
    assert first.is_covered_by(second)
    assert not second.is_covered_by(first)


def test_a_sequencer_covers_itself_and_its_zero_padded_form() -> None:
    assert Sequencer(Channel.S3, "05").is_covered_by(Sequencer(Channel.S3, "0500"))
    assert Sequencer(Channel.S3, "0500").is_covered_by(Sequencer(Channel.S3, "05"))


def test_sequencers_of_two_channels_say_nothing_of_each_other() -> None:
    assert not Sequencer(Channel.S3, "05").is_covered_by(Sequencer(Channel.EVENTBRIDGE, "06"))
    assert not Sequencer(Channel.S3, "05").is_covered_by(None)


def test_a_sequencer_survives_being_written_down() -> None:
    assert Sequencer.parse(str(Sequencer(Channel.EVENTBRIDGE, "0a"))) == Sequencer(Channel.EVENTBRIDGE, "0a")


def test_a_fresh_created_event_with_size_and_etag_is_enough_for_a_first_record() -> None:
    assert created().can_insert()
    assert created(change=Change.LISTED, occurred_at=None).can_insert()


@pytest.mark.parametrize(
    "lacking",
    [
        {"size": None},
        {"etag": None},
        {"occurred_at": None},
        {"change": Change.REMOVED},
        {"change": Change.UNKNOWN},
        {"occurred_at": moment.now() - timedelta(seconds=limits.FRESH_SECONDS + 1)},
        {"occurred_at": moment.now() + timedelta(seconds=limits.FRESH_SECONDS + 1)},
    ],
)
def test_anything_less_must_ask_s3(lacking: dict[str, object]) -> None:
    assert not created(**lacking).can_insert()


def test_of_several_created_events_the_latest_stands_whatever_their_order() -> None:
    hints = [created("01", etag="old"), created("03", etag="new"), created("02", etag="middle")]
    assert {merge(order).etag for order in permutations(hints)} == {"new"}


@pytest.mark.parametrize(
    "other",
    [
        created("09", change=Change.REMOVED, size=None, etag=None),
        created(None),
        created("09", channel=Channel.EVENTBRIDGE),
    ],
)
def test_events_that_do_not_simply_follow_each_other_are_left_to_s3(other: Hint) -> None:
    for order in permutations([created("01"), other, created("02")]):
        assert not merge(order).can_insert()


def test_a_merged_hint_keeps_the_latest_sequencer_that_its_hints_have() -> None:
    removed = created("09", change=Change.REMOVED)
    assert str(merge([created("01"), removed, created("02")]).sequencer) == "s3:09"
    assert str(merge([created(None), created("02")]).sequencer) == "s3:02"
