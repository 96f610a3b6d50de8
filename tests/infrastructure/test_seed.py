"""What deploys do to a stack that people use."""

from collections.abc import Iterator

import pytest

from chalicelib.storage import lakes, queues
from infra import seed
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import OWNER, World, installed

OUTPUTS = {"DataBucket": "photos"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(seed, "join", lambda outputs: None)
    with installed(World()) as world:
        world.s3.buckets["photos"] = Bucket(OWNER)
        yield world


def names() -> list[str]:
    return [lake.name for lake in lakes.of_organization(seed.ORGANIZATION)]


def test_the_lake_of_the_first_deploy_is_made_once_and_stays_deleted(world: World) -> None:
    assert seed.seed(OUTPUTS)
    assert seed.seed(OUTPUTS) is None
    assert names() == ["default"]
    [lake] = lakes.of_organization(seed.ORGANIZATION)
    lakes.delete(lake.organization, lake.id)
    assert seed.seed(OUTPUTS) is None
    assert names() == []


def test_a_deploy_that_was_interrupted_is_finished_by_the_next(world: World) -> None:
    lakes.create_default(seed.ORGANIZATION, "photos", OWNER)
    assert seed.seed(OUTPUTS)
    assert names() == ["default"]


def test_accounts_that_lakes_need_are_let_in_again(world: World) -> None:
    world.add_lake("theirs", "theirs")
    for key, item in world.dynamodb.tables["lakes"].items.items():
        if key[0] == ("S", "#buckets"):
            world.dynamodb.tables["lakes"].items[key] = {**item, "owner": ("S", "111122223333")}
    seed.seed(OUTPUTS)
    policy = world.sqs.queues["events"].policy
    assert queues.OTHERS in policy
    assert "111122223333" in policy
