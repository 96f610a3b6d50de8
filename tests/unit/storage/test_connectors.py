"""Connectors and their keys, over an AWS in memory that is made to fail."""

from dataclasses import replace
from functools import partial

import pytest

from chalicelib.errors import (
    ConnectorChanged,
    ConnectorExists,
    ConnectorInUse,
    CredentialsRefused,
    StorageUnavailable,
    UnknownConnector,
)
from chalicelib.model.connector import ConnectorState
from chalicelib.storage import connectors, lakes, secrets, transactions
from tests.simulation import faults
from tests.simulation.interference import interleave, let
from tests.unit.storage.neighbours import (
    BY_KEYS,
    BY_ROLE,
    KEYS,
    ORGANIZATION,
    OTHER_KEYS,
    home,
    items,
    serving,
)

pytestmark = pytest.mark.usefixtures("world")

NEW_SECRET = "tidelake/test/connectors/two"


def times(operation, fault):
    """How often a call meets the fault until it is told. A transaction that others hinder is tried again."""
    return transactions.ATTEMPTS if (operation, fault) == ("TransactWriteItems", faults.partial) else 1


def held(world):
    return set(world.secretsmanager.secrets)


def rotated(before):
    return replace(before, secret=NEW_SECRET)


def test_a_connector_is_read_as_it_was_created_and_listed_without_its_name():
    made = connectors.create(serving(BY_KEYS), KEYS)
    assert connectors.read(ORGANIZATION, made.id) == made
    assert connectors.of_organization(ORGANIZATION) == [made]
    for name in ("Photos", "PHOTOS", made.id):
        assert connectors.find(ORGANIZATION, name) == made
    assert secrets.read(made.secret) == KEYS


def test_the_secret_is_in_no_table_and_in_no_text_of_it(world):
    made = connectors.create(BY_KEYS, KEYS)
    for text in (str(items(world)), repr(made), repr(KEYS)):
        assert KEYS.secret_access_key not in text


@pytest.mark.parametrize("unknown", ["", "#photos", "x", "Photos", "x" * 4000, "../x"])
def test_what_nobody_made_is_unknown(unknown):
    for ask in (connectors.read, connectors.find):
        with pytest.raises(UnknownConnector):
            ask(ORGANIZATION, unknown)


def test_connectors_are_their_organizations():
    made = connectors.create(BY_ROLE)
    assert connectors.of_organization("other") == []
    for ask in (connectors.read, connectors.find):
        with pytest.raises(UnknownConnector):
            ask("other", made.id)
    connectors.create(replace(BY_ROLE, organization="other"))


def test_names_are_unique_and_a_refused_connector_leaves_no_keys(world):
    connectors.create(BY_ROLE)
    with pytest.raises(ConnectorExists):
        connectors.create(replace(BY_KEYS, id="another", name="PHOTOS"), KEYS)
    assert held(world) == set()
    assert len(items(world)) == 2


def test_of_many_who_take_a_name_at_once_one_gets_it(world):
    runs = interleave(world, *(partial(connectors.create, replace(BY_ROLE, id=f"c{n}")) for n in range(4)))
    assert sorted(type(run.error).__name__ for run in runs) == ["ConnectorExists"] * 3 + ["NoneType"]


@pytest.mark.parametrize("operation", ["CreateSecret", "TransactWriteItems"])
@pytest.mark.parametrize("fault", faults.ALL)
def test_creating_again_after_a_failure_makes_one_connector_with_its_keys(world, operation, fault):
    let(world, operation, *[fault] * times(operation, fault))
    try:
        connectors.create(BY_KEYS, KEYS)
    except StorageUnavailable:
        assert connectors.of_organization(ORGANIZATION) == []
        assert held(world) <= ({BY_KEYS.secret} if operation == "CreateSecret" else set())
        connectors.create(BY_KEYS, KEYS)
    assert connectors.of_organization(ORGANIZATION) == [BY_KEYS]
    assert secrets.read(BY_KEYS.secret) == KEYS


def test_keys_that_cannot_be_taken_back_are_left_over_and_the_failure_is_told(world):
    connectors.create(BY_ROLE)
    let(world, "DeleteSecret", faults.broken)
    with pytest.raises(ConnectorExists):
        connectors.create(replace(BY_KEYS, id="another"), KEYS)
    assert held(world) == {BY_KEYS.secret}


def test_other_keys_are_there_from_the_change_on_and_the_old_are_gone(world):
    before = connectors.create(BY_KEYS, KEYS)
    after = connectors.change(before, rotated(before), OTHER_KEYS)
    assert connectors.read(ORGANIZATION, before.id) == after
    assert after.revision != before.revision
    assert held(world) == {NEW_SECRET}
    assert secrets.read(NEW_SECRET) == OTHER_KEYS


@pytest.mark.parametrize("operation", ["CreateSecret", "TransactWriteItems", "DeleteSecret"])
@pytest.mark.parametrize("fault", faults.ALL)
def test_a_change_that_fails_leaves_a_connector_with_keys_of_its_own(world, operation, fault):
    before = connectors.create(BY_KEYS, KEYS)
    let(world, operation, *[fault] * times(operation, fault))
    try:
        connectors.change(before, rotated(before), OTHER_KEYS)
        expected = OTHER_KEYS
    except StorageUnavailable:
        expected = KEYS
    assert secrets.read(connectors.read(ORGANIZATION, before.id).secret) == expected
    assert len(held(world)) == 1 or operation != "TransactWriteItems"


def test_a_change_whose_outcome_nobody_knows_keeps_both_keys(world):
    before = connectors.create(BY_KEYS, KEYS)
    let_all(world, {"TransactWriteItems": faults.lost, "GetItem": faults.unreachable})
    with pytest.raises(StorageUnavailable):
        connectors.change(before, rotated(before), OTHER_KEYS)
    world.interpose = None
    assert held(world) == {BY_KEYS.secret, NEW_SECRET}
    assert secrets.read(connectors.read(ORGANIZATION, before.id).secret) == OTHER_KEYS


def let_all(world, acts):
    world.interpose = lambda request: acts.get(request.operation, faults.none)(world, request)


def test_of_two_who_change_it_at_once_one_hears_that_it_came_too_late(world):
    before = connectors.create(BY_KEYS, KEYS)
    connectors.change(before, replace(before, allow_delete=True))
    with pytest.raises(ConnectorChanged):
        connectors.change(before, rotated(before), OTHER_KEYS)
    assert held(world) == {BY_KEYS.secret}
    with pytest.raises(ConnectorChanged):
        connectors.record(before, replace(before, state=ConnectorState.BROKEN))
    with pytest.raises(ConnectorChanged):
        connectors.delete(before)
    assert connectors.read(ORGANIZATION, before.id).state is ConnectorState.PENDING


def test_it_takes_another_name_or_another_form_of_its_own():
    before = connectors.create(BY_ROLE)
    connectors.create(replace(BY_ROLE, id="another", name="taken"))
    with pytest.raises(ConnectorExists):
        connectors.change(before, replace(before, name="TAKEN"))
    same = connectors.change(before, replace(before, name="PHOTOS"))
    after = connectors.change(same, replace(same, name="frames"))
    assert connectors.find(ORGANIZATION, "Frames") == after
    with pytest.raises(UnknownConnector):
        connectors.find(ORGANIZATION, "photos")
    connectors.create(replace(BY_ROLE, id="third", name="photos"))


def test_what_was_found_is_no_other_setting():
    before = connectors.create(BY_ROLE)
    connectors.record(before, serving(before))
    assert connectors.read(ORGANIZATION, before.id) == serving(before)


def join(connector, lake="lake"):
    transactions.write("create lake", [connectors.join(connector, lake)])


def test_a_lake_joins_a_connector_that_serves_and_is_as_the_lake_knows_it():
    made = connectors.create(BY_ROLE)
    with pytest.raises(transactions.ConditionsFailed):
        join(made)
    serves = connectors.read(ORGANIZATION, made.id)
    connectors.record(serves, serving(serves))
    join(made)
    join(made)
    assert connectors.read(ORGANIZATION, made.id).lakes == {"lake"}
    connectors.change(serving(made), replace(serving(made), allow_delete=True))
    with pytest.raises(transactions.ConditionsFailed):
        join(made, "late")
    with pytest.raises(transactions.ConditionsFailed):
        join(replace(made, id="nobody"))


def test_a_connector_with_lakes_stays_and_stays_where_it_is(world):
    made = connectors.create(serving(BY_KEYS), KEYS)
    join(made)
    for known in (made, connectors.read(ORGANIZATION, made.id)):
        with pytest.raises(ConnectorInUse):
            connectors.delete(known)
        for place in ({"bucket": "other"}, {"endpoint_url": "https://x.test"}, {"bucket_owner": "1" * 12}):
            with pytest.raises(ConnectorInUse):
                connectors.change(known, replace(known, **place))
    assert held(world) == {made.secret}
    assert connectors.read(ORGANIZATION, made.id) == replace(made, lakes=frozenset({"lake"}))


def test_what_changes_beside_its_lakes_leaves_them():
    made = connectors.create(serving(BY_ROLE))
    join(made)
    connectors.change(made, replace(made, allow_delete=True))
    there = connectors.read(ORGANIZATION, made.id)
    assert (there.lakes, there.allow_delete) == ({"lake"}, True)


def test_it_is_deleted_when_its_last_lake_has_left(world):
    made = connectors.create(serving(BY_ROLE))
    join(made)
    for _ in range(2):
        transactions.write("delete lake", [connectors.leave(ORGANIZATION, made.id, "lake")])
    connectors.delete(connectors.read(ORGANIZATION, made.id))
    assert items(world) == []


@pytest.mark.parametrize("lake_first", [True, False])
@pytest.mark.parametrize(("connector", "keys"), [(BY_ROLE, None), (BY_KEYS, KEYS)])
def test_a_lake_and_the_deletion_of_its_connector_do_not_both_succeed(world, connector, keys, lake_first):
    made = connectors.create(serving(connector), keys)
    acts = [partial(join, made), partial(connectors.delete, made)]
    runs = interleave(world, *(acts if lake_first else reversed(acts)))
    lake, deletion = runs if lake_first else reversed(runs)
    assert (lake.error is None) != (deletion.error is None)
    left = connectors.of_organization(ORGANIZATION)
    assert [each.lakes for each in left] == ([{"lake"}] if lake_first else [])
    assert held(world) == ({made.secret} if lake_first and keys else set())


@pytest.mark.parametrize("operation", ["TransactWriteItems", "DeleteSecret"])
@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("fault", faults.ALL)
def test_deleting_again_after_a_failure_leaves_neither_connector_nor_keys(world, operation, at, fault):
    connectors.create(serving(BY_KEYS), KEYS)
    let(world, operation, *[faults.none] * at, *[fault] * times(operation, fault))
    try:
        connectors.delete(connectors.read(ORGANIZATION, BY_KEYS.id))
    except StorageUnavailable:
        world.interpose = None
        for left in connectors.of_organization(ORGANIZATION):
            connectors.delete(left)
    assert items(world) == []
    assert held(world) == set()


def test_the_stack_has_one_connector_however_often_it_is_deployed():
    made = connectors.create_stack("default", "data", "000000000000", "us-east-1")
    connectors.change(made, replace(made, allow_delete=True))
    again = connectors.create_stack("default", "data", "000000000000", "us-east-1")
    assert again.allow_delete
    assert connectors.of_organization("default") == [again]


def test_a_connector_that_is_gone_refuses_its_bucket():
    """So that nobody waits until it answers."""
    with pytest.raises(CredentialsRefused):
        connectors.s3(home(BY_KEYS))


def test_events_of_a_namesake_find_no_lake_at_another_endpoint(world):
    ours = world.add_lake("ours", "photos")
    elsewhere = replace(ours, id="another", name="elsewhere", connector="c2", bucket_owner=None)
    lakes._item(elsewhere).save()
    assert lakes.of_bucket("photos") == [ours]
    assert lakes.of_bucket(elsewhere.home.routing_key) == [elsewhere]
    assert lakes.find(ours.organization, "elsewhere") == elsewhere


@pytest.mark.parametrize("fault", [faults.throttled, faults.unreachable, faults.lost])
def test_a_reading_that_fails_is_no_empty_answer(world, fault):
    for operation, ask in (
        ("GetItem", partial(connectors.read, ORGANIZATION, "x")),
        ("Query", partial(connectors.of_organization, ORGANIZATION)),
    ):
        let(world, operation, fault)
        with pytest.raises(StorageUnavailable):
            ask()
