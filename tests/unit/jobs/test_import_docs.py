"""The examples of docs/imports.md, imported."""

import re
from pathlib import Path

import pytest

from chalicelib.imports.naming import Column
from tests.simulation import objects
from tests.simulation.fakes.world import ARTIFACTS, World, installed
from tests.simulation.shift import work
from tests.unit.api.gateway import Gateway

PAGE = (Path(__file__).parents[3] / "docs" / "imports.md").read_text()
EXAMPLES = re.findall(r"```(text|jsonl|csv)\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("form", "manifest", "report"), EXAMPLES, ids=[form for form, *_ in EXAMPLES])
def test_an_example_has_the_report_that_is_shown(form, manifest, report):
    with installed(World()) as world:
        objects.add_lake(world, "default")
        for name in ("frames/a.jpg", "frames/2026/b.png"):
            world.s3.put_object(Bucket="photos", Key=name, Body=b"12345")
        asked = {"manifest": {"content": manifest, "format": form}}
        answer = Gateway().call("POST", "/imports/bucket", asked)
        work(world, queue="walks")
        stored = world.s3.buckets[ARTIFACTS].current(f"imports/{answer.body['job']['id']}/report.csv")
        assert stored
        assert stored.body.decode().replace("\r\n", "\n") == report


def test_there_is_an_example_of_each_form_and_every_column_is_explained():
    assert [form for form, *_ in EXAMPLES] == ["text", "jsonl", "csv"]
    explained = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE))))
    assert {str(column) for column in Column} <= explained
