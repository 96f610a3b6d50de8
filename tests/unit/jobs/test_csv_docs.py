"""The examples of docs/csv.md, imported."""

import re
from pathlib import Path

import pytest

from chalicelib.imports.dialect import Column
from tests.simulation import objects
from tests.simulation.fakes.world import ARTIFACTS, World, installed
from tests.simulation.shift import work
from tests.unit.api.gateway import Gateway

PAGE = (Path(__file__).parents[3] / "docs" / "csv.md").read_text()
EXAMPLES = re.findall(r"```csv\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("sheet", "report"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_has_the_report_that_is_shown(sheet, report):
    with installed(World()) as world:
        objects.add_lake(world, "default")
        answer = Gateway().call("POST", "/imports/csv", {"filename": "frames.csv", "content": sheet})
        work(world)
        key = f"imports/{answer.body['job']['id']}/report.csv"
        stored = world.s3.buckets[ARTIFACTS].current(key)
        assert stored
        assert stored.body.decode().replace("\r\n", "\n") == report


def test_there_are_examples_and_every_column_is_explained():
    assert len(EXAMPLES) > 1
    explained = {name.lower() for name in re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)}
    assert {str(column) for column in Column} <= explained
