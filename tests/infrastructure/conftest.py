import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from infra import package

if TYPE_CHECKING:
    from collections.abc import Iterator

type Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def built() -> package.Package:
    return package.build()


@pytest.fixture(scope="session")
def template(built: package.Package) -> dict[str, Any]:
    return json.loads(built.template.read_text())


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> Resources:
    """The properties of every resource by its logical id."""
    return {name: resource.get("Properties", {}) for name, resource in template["Resources"].items()}


@pytest.fixture(scope="session")
def of_type(template: dict[str, Any], resources: Resources) -> Any:
    def select(kind: str) -> Resources:
        ending = f"::{kind}"
        return {
            name: resources[name]
            for name, resource in template["Resources"].items()
            if resource["Type"].endswith(ending)
        }

    return select


@pytest.fixture(scope="session")
def code(built: package.Package) -> "Iterator[zipfile.ZipFile]":
    with zipfile.ZipFile(built.code) as archive:
        yield archive
