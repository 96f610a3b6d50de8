"""Keys and organizations, over a DynamoDB in memory that is made to fail."""

import pytest

from chalicelib.errors import StorageUnavailable, UnknownKey
from chalicelib.model.key import Role
from chalicelib.storage import keys, organizations
from tests.simulation import faults
from tests.simulation.interference import interleave, let

pytestmark = pytest.mark.usefixtures("world")

SEED = bytes(32)


def make(organization="acme", seed=None):
    return keys.create(organization, "ci", Role.VIEWER, seed=seed)


def count(world, table):
    return len(world.dynamodb.tables[table].items)


def test_a_seed_makes_one_key(world):
    assert make(seed=SEED) == make(seed=SEED)
    assert count(world, "keys") == 1


def test_seeds_are_not_seen_in_what_they_make():
    key, text = make(seed=SEED)
    assert SEED.hex()[:16] not in text
    assert key.secret_hash not in text


def test_a_key_whose_id_is_taken_by_another_is_not_made(world):
    key, _ = make(seed=SEED)
    item = world.dynamodb.tables["keys"].items[("S", key.id),]
    world.dynamodb.tables["keys"].items[("S", key.id),] = {**item, "secret_hash": ("S", "another")}
    with pytest.raises(StorageUnavailable):
        make(seed=SEED)


@pytest.mark.parametrize("fault", faults.ALL)
def test_creating_again_after_a_failure_makes_no_second_key(world, fault):
    let(world, "PutItem", fault)
    try:
        made = make(seed=SEED)
    except StorageUnavailable:
        made = make(seed=SEED)
    assert count(world, "keys") == 1
    assert keys.find(made[1]) == made[0]


@pytest.mark.parametrize("fault", faults.ALL)
def test_revoking_again_after_a_failure_revokes(world, fault):
    key, _ = make()
    let(world, "DeleteItem", fault)
    try:
        keys.revoke("acme", key.id)
    except StorageUnavailable:
        world.interpose = None
        if count(world, "keys"):
            keys.revoke("acme", key.id)
    assert count(world, "keys") == 0


def test_two_who_revoke_the_same_key_both_have_done_it(world):
    key, _ = make()
    done = interleave(world, *[lambda: keys.revoke("acme", key.id)] * 2)
    assert [each.error for each in done] == [None, None]


@pytest.mark.parametrize("key_id", ["", "x", "0123456789abcdef", "0123456789ABCDEF", "0" * 3000, "\ud800"])
def test_what_is_no_key_cannot_be_revoked(key_id):
    with pytest.raises(UnknownKey):
        keys.revoke("acme", key_id)


def test_nobody_revokes_the_keys_of_others(world):
    key, _ = make("other")
    with pytest.raises(UnknownKey):
        keys.revoke("acme", key.id)
    assert count(world, "keys") == 1


def test_keys_are_listed_page_by_page_and_only_ones_own():
    own = sorted(make()[0].id for _ in range(5))
    make("other")
    first = keys.of_organization("acme", "", 3)
    rest = keys.of_organization("acme", first[-1].id, 3)
    assert [key.id for key in (*first, *rest)] == own


def test_an_organization_starts_with_one_admin_key():
    assert not organizations.exists("acme")
    key = keys.find(organizations.create("acme", "first"))
    assert (key.organization, key.name, key.role) == ("acme", "first", Role.ADMIN)
    assert organizations.exists("acme")


def test_an_organization_is_made_once(world):
    organizations.create("acme", "first")
    assert organizations.create("acme", "first") is None
    assert count(world, "keys") == 1


def test_one_of_many_makes_the_organization(world):
    tried = interleave(world, *[lambda: organizations.create("acme", "first")] * 3)
    assert [each.result for each in tried].count(None) == 2
    assert count(world, "keys") == 1


@pytest.mark.parametrize("fault", faults.ALL)
def test_an_organization_is_made_whole_or_not_at_all(world, fault):
    let(world, "TransactWriteItems", fault)
    try:
        made = organizations.create("acme", "first")
    except StorageUnavailable:
        assert count(world, "organizations") == count(world, "keys")
    else:
        assert keys.find(made)
