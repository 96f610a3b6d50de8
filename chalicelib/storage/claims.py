"""Claims on requests that may come again: one of them is answered, the others hear the same answer."""

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from chalicelib.errors import BeingAnswered, IdempotencyKeyReused, StorageUnavailable
from chalicelib.model import limits, moment
from chalicelib.model.claim import Claim
from chalicelib.storage import aws
from chalicelib.storage.tables import ClaimItem

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

_NONCE_BYTES = 16


def take(claim_id: str, fingerprint: str) -> Claim:
    """The claim, which is the caller's until it is settled, released or too old, or which has its answer.

    Raises IdempotencyKeyReused where the request was another one, BeingAnswered while somebody else holds it.
    """
    now = _now()
    draft = Claim(
        id=claim_id,
        fingerprint=fingerprint,
        nonce=secrets.token_hex(_NONCE_BYTES),
        owner=moment.new_op_id(),
        held_until=now + limits.CLAIM_HELD_SECONDS,
    )
    try:
        _insert(draft, now)
    except aws.ConditionFailed:
        return _join(_read(claim_id), draft)
    return draft


def settle(claim: Claim, answer: str) -> None:
    """Raises BeingAnswered where the claim grew too old and somebody else has it now."""
    try:
        with aws.calling("settle claim"):
            ClaimItem(claim.id).update(
                [ClaimItem.answer.set(answer)], condition=ClaimItem.owner == claim.owner
            )
    except aws.ConditionFailed as error:
        raise BeingAnswered from error


def release(claim: Claim) -> None:
    """Let the next one try at once. It may fail: the claim is free by itself a little later."""
    with suppress(StorageUnavailable, aws.ConditionFailed), aws.calling("release claim"):
        ClaimItem(claim.id).update([ClaimItem.held_until.set(0)], condition=ClaimItem.owner == claim.owner)


def _join(there: Claim, draft: Claim) -> Claim:
    if there.owner == draft.owner:
        # Our own insert had succeeded, and only its answer was lost.
        return draft
    if there.fingerprint != draft.fingerprint:
        raise IdempotencyKeyReused
    if there.answer is not None:
        return there
    if there.held_until > _now():
        raise BeingAnswered
    return _take_over(there, draft)


def _take_over(there: Claim, draft: Claim) -> Claim:
    actions: list[Action] = [ClaimItem.owner.set(draft.owner), ClaimItem.held_until.set(draft.held_until)]
    unchanged = (ClaimItem.owner == there.owner) & ClaimItem.answer.does_not_exist()
    try:
        with aws.calling("take over claim"):
            ClaimItem(there.id).update(actions, condition=unchanged)
    except aws.ConditionFailed as error:
        if _read(there.id).owner != draft.owner:
            raise BeingAnswered from error
    return Claim(
        id=there.id,
        fingerprint=there.fingerprint,
        nonce=there.nonce,
        owner=draft.owner,
        held_until=draft.held_until,
    )


def _insert(draft: Claim, now: int) -> None:
    item = ClaimItem(
        id=draft.id,
        fingerprint=draft.fingerprint,
        nonce=draft.nonce,
        owner=draft.owner,
        held_until=draft.held_until,
        expires_at=now + limits.CLAIM_KEPT_SECONDS,
    )
    with aws.calling("insert claim"):
        item.save(condition=free(now))


def free(now: int) -> "Condition":
    """Whether there is no claim, or one that DynamoDB has yet to remove."""
    condition: Condition = ClaimItem.id.does_not_exist() | (ClaimItem.expires_at < now)
    return condition


def _read(claim_id: str) -> Claim:
    with aws.calling("read claim"):
        item = ClaimItem.get(claim_id, consistent_read=True)
    return Claim(
        id=item.id,
        fingerprint=item.fingerprint,
        nonce=item.nonce,
        owner=item.owner,
        held_until=int(item.held_until),
        answer=item.answer,
    )


def _now() -> int:
    return int(moment.now().timestamp())
