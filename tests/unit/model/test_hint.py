from datetime import timedelta
from itertools import permutations

import pytest

from chalicelib.model import limits, moment
from chalicelib.model.hint import Change, Channel, Hint, Sequencer, later, merge


def created(sequencer: str | None = "05", channel: Channel = Channel.S3, **fields: object) -> Hint:
    told = {"occurred_at": moment.now(), "size": 1, "etag": "e", "change": Change.CREATED} | fields
    return Hint(
        bucket="b",
        object_name="k",
        sequencer=Sequencer.read(channel, sequencer) if sequencer else None,
        **told,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("earlier", "later_one"), [("05", "06"), ("05", "051"), ("0055AED6DCD90281E5", "0055aed6dcd90281e6")]
)
def test_of_two_sequencers_the_later_counts_as_if_both_had_the_same_length(
    earlier: str, later_one: str
) -> None:
    first, second = Sequencer.read(Channel.S3, earlier), Sequencer.read(Channel.S3, later_one)
    assert later(first, second) == later(second, first) == second


def test_zeros_at_the_end_of_a_sequencer_mean_nothing() -> None:
    assert Sequencer.read(Channel.S3, "05") == Sequencer.read(Channel.S3, "0500")


def test_sequencers_of_two_channels_do_not_compare_so_the_second_stands() -> None:
    s3, bridge = Sequencer.read(Channel.S3, "09"), Sequencer.read(Channel.EVENTBRIDGE, "01")
    assert later(s3, bridge) == bridge
    assert later(bridge, s3) == s3
    assert later(s3, None) == later(None, s3) == s3


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
    ],
)
def test_anything_less_must_ask_s3(lacking: dict[str, object]) -> None:
    assert not created(**lacking).can_insert()


@pytest.mark.parametrize("age", [limits.FRESH_SECONDS + 60, -limits.FRESH_SECONDS - 60])
def test_an_event_from_long_ago_or_from_the_future_must_ask_s3(age: int) -> None:
    assert not created(occurred_at=moment.now() - timedelta(seconds=age)).can_insert()


def test_repetitions_of_one_event_are_that_event() -> None:
    assert merge([created("05"), created("0500")]).can_insert()


@pytest.mark.parametrize(
    "other",
    [
        created("09"),
        created("09", change=Change.REMOVED, size=None, etag=None),
        created(None),
        created("09", channel=Channel.EVENTBRIDGE),
    ],
)
def test_what_is_left_after_different_events_only_s3_can_tell(other: Hint) -> None:
    for order in permutations([created("01"), other, created("02")]):
        assert not merge(order).can_insert()


def test_different_events_together_never_pass_for_a_repetition_of_one_of_them() -> None:
    assert merge([created("01"), created(None)]).sequencer is None
