"""Claims, over a DynamoDB in memory that is made to fail."""

import pytest

from chalicelib.errors import BeingAnswered, IdempotencyKeyReused, StorageUnavailable
from chalicelib.model import limits
from chalicelib.storage import claims
from tests.simulation import faults
from tests.simulation.interference import interleave, let

pytestmark = pytest.mark.usefixtures("world")


def test_the_first_holds_the_claim_and_the_next_waits():
    assert claims.take("c", "asked").answer is None
    with pytest.raises(BeingAnswered):
        claims.take("c", "asked")


def test_the_answer_is_for_everybody_who_asks_the_same():
    claims.settle(claims.take("c", "asked"), "answered")
    assert claims.take("c", "asked").answer == "answered"


def test_another_request_is_refused_whatever_became_of_the_first():
    claim = claims.take("c", "asked")
    for _ in range(2):
        with pytest.raises(IdempotencyKeyReused):
            claims.take("c", "asked otherwise")
        claims.settle(claim, "answered")


def test_who_gives_up_lets_the_next_one_try_with_the_same_nonce():
    first = claims.take("c", "asked")
    claims.release(first)
    second = claims.take("c", "asked")
    assert (second.nonce, second.answer) == (first.nonce, None)
    assert second.owner != first.owner


def test_who_died_is_followed_after_a_minute(world):
    first = claims.take("c", "asked")
    world.clock += limits.CLAIM_HELD_SECONDS + 1
    assert claims.take("c", "asked").nonce == first.nonce
    with pytest.raises(BeingAnswered):
        claims.take("c", "asked")


def test_one_of_many_follows(world):
    claims.release(claims.take("c", "asked"))
    tried = interleave(world, *[lambda: claims.take("c", "asked")] * 4)
    assert [type(each.error) for each in tried].count(BeingAnswered) == 3


def test_one_of_many_is_the_first(world):
    tried = interleave(world, *[lambda: claims.take("c", "asked")] * 4)
    assert [type(each.error) for each in tried].count(BeingAnswered) == 3


def test_who_was_followed_cannot_settle(world):
    first = claims.take("c", "asked")
    world.clock += limits.CLAIM_HELD_SECONDS + 1
    second = claims.take("c", "asked")
    with pytest.raises(BeingAnswered):
        claims.settle(first, "late")
    claims.release(first)
    claims.settle(second, "answered")
    assert claims.take("c", "asked").answer == "answered"


def test_after_a_day_it_is_a_new_request(world):
    first = claims.take("c", "asked")
    claims.settle(first, "answered")
    world.clock += limits.CLAIM_KEPT_SECONDS + 1
    second = claims.take("c", "asked otherwise")
    assert second.answer is None
    assert second.nonce != first.nonce


def test_a_claim_whose_answer_was_lost_is_still_ours(world):
    let(world, "PutItem", faults.repeated)
    claims.settle(claims.take("c", "asked"), "answered")
    claims.release(claims.take("d", "asked"))
    let(world, "UpdateItem", faults.repeated)
    claims.settle(claims.take("d", "asked"), "answered")


@pytest.mark.parametrize("fault", faults.ALL)
@pytest.mark.parametrize("operation", ["PutItem", "GetItem", "UpdateItem"])
def test_whatever_fails_is_an_outage_or_nothing(world, operation, fault):
    claims.release(claims.take("c", "asked"))
    let(world, operation, fault)
    try:
        claim = claims.take("c", "asked")
    except StorageUnavailable:
        world.clock += limits.CLAIM_HELD_SECONDS + 1
        world.interpose = None
        claim = claims.take("c", "asked")
    claims.settle(claim, "answered")
    assert claims.take("c", "asked").answer == "answered"


@pytest.mark.parametrize("fault", faults.ALL)
def test_a_release_that_fails_is_no_failure(world, fault):
    claim = claims.take("c", "asked")
    let(world, "UpdateItem", fault)
    claims.release(claim)
