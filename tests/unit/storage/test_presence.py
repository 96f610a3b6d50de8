"""What few listings tell of many names, over an AWS in memory."""

import random

import pytest

from chalicelib.model.lake import Lake
from chalicelib.storage import listings
from tests.simulation import faults, objects
from tests.simulation.fakes.world import World
from tests.simulation.interference import let


@pytest.fixture
def lake(world: World) -> Lake:
    return objects.add_lake(world, "default")


def fill(world: World, lake: Lake, *names: str) -> None:
    for name in names:
        world.s3.put_object(Bucket=lake.bucket, Key=name, Body=b"")


def presence(lake: Lake, *names: str) -> dict[str, bool]:
    return listings.presence(lake.home, names)


def test_a_page_tells_of_all_names_up_to_its_end(world: World, lake: Lake) -> None:
    names = [f"f/{n:03}.png" for n in range(100)]
    fill(world, lake, "a", "f/", *names[::2], "f/050", "z")
    assert presence(lake, *names, *names) == {name: n % 2 == 0 for n, name in enumerate(names)}
    assert world.called("ListObjectsV2") == 1


def test_few_names_are_not_worth_a_page(world: World, lake: Lake) -> None:
    assert presence(lake, *(f"{n}.png" for n in range(24))) == {}
    assert world.called("ListObjectsV2") == 0


def test_where_pages_tell_of_few_names_the_rest_is_left(
    world: World, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "PAGE", 40)
    many = [f"dense/{n:04}" for n in range(400)]
    fill(world, lake, *many)
    told = presence(lake, *many[:30], *many[30::10])
    assert list(told) == [*many[:30], *many[30:80:10]]
    assert world.called("ListObjectsV2") == 2
    assert all(told.values())


@pytest.mark.parametrize("seed", range(20))
def test_what_is_told_is_so_whatever_the_names_are(
    world: World, lake: Lake, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(listings, "PAGE", chance.choice((30, 60, 1000)))
    letters = "a/é\uffff\U0001f600 +%"
    names = {"".join(chance.choices(letters, k=chance.randint(1, 4))) for _ in range(300)}
    there = {name for name in names if chance.random() < 0.5}
    fill(world, lake, *there)
    asked = sorted(names, key=lambda name: chance.random())[:200]
    told = presence(lake, *asked)
    assert told == {name: name in there for name in told}
    assert told


@pytest.mark.parametrize("fault", [faults.broken, faults.denied, faults.unreachable])
def test_a_bucket_that_is_not_listed_tells_nothing(world: World, lake: Lake, fault: faults.Fault) -> None:
    let(world, "ListObjectsV2", *[fault] * 9)
    assert presence(lake, *(f"{n:02}.png" for n in range(30))) == {}
