"""Every operation, asked for by everybody."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.api import openapi
from chalicelib.model import moment
from chalicelib.model.key import Role
from chalicelib.storage import connectors, keys, lakes
from tests import access

OPERATIONS = list(access.operations(json.loads(openapi.text())))


@pytest.fixture
def held(cloud):
    """What each actor sends."""

    def make(organization, role, expires_at=None):
        return keys.create(organization, "test", role, expires_at)

    revoked, text = make("acme", Role.ADMIN)
    keys.revoke("acme", revoked.id)
    ended = moment.now() - timedelta(seconds=1)
    return {
        "anonymous": None,
        "malformed": "tl_nobody_nothing",
        "revoked": text,
        "expired": make("acme", Role.ADMIN, ended)[1],
        access.STRANGER: make("other", Role.ADMIN)[1],
        **{role: make("acme", Role(role))[1] for role in access.ROLES},
    }


@pytest.fixture
def places(lake, put):
    victim, _ = keys.create("acme", "victim", Role.VIEWER)
    connector = connectors.find("acme", "stack")
    victim_lake = replace(lake, id=str(uuid.uuid4()), name="victim")
    lakes.create(victim_lake, connector)
    return {
        "/v1/keys/{id}": victim.id,
        "/v1/connectors/{id}": connector.id,
        "/v1/connectors/{id}/check": connector.id,
        "/v1/datalakes/{lake}": victim_lake.id,
        "lake": lake.id,
        "id": put(lake, "a.jpg").id,
        "name": "car",
        "upload_id": "nothing",
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_everybody_may_do_what_their_role_may_and_nothing_else(gateway, held, places, operation):
    def ask(method, url, key, body):
        answer = gateway.ask(method, url, f"Bearer {key}" if key else None, body)
        return access.Answer(answer.status, answer.body)

    assert access.breaches(ask, operation, held, places) == []


@pytest.mark.parametrize("path", ["/v1/datalakes", "/v1/keys"])
def test_a_stranger_lists_only_what_is_theirs(gateway, held, places, path):
    answer = gateway.ask("GET", path, f"Bearer {held[access.STRANGER]}")
    assert answer.status == 200
    assert {item["organization"] for item in answer.body["items"]} <= {"other"}
