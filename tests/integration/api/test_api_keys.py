import json
import re
from datetime import timedelta

import pytest

import app
from chalicelib.api.auth import CACHE_SECONDS
from chalicelib.errors import StorageUnavailable, Unauthorized
from chalicelib.model import moment
from chalicelib.model.key import Role
from chalicelib.storage import keys
from chalicelib.storage.tables import KeyItem

METHOD = "arn:aws:execute-api:eu-west-1:123456789012:wt6mne2s9k/api/GET/v1/datalakes/default"

pytestmark = pytest.mark.usefixtures("cloud")


def authorize(header):
    return app.authorize({"type": "TOKEN", "authorizationToken": header, "methodArn": METHOD}, None)


def is_denied(answer):
    [statement] = answer["policyDocument"]["Statement"]
    return (statement["Effect"], statement["Resource"]) == ("Deny", "*") and "context" not in answer


def test_a_key_is_found_by_its_text():
    key, text = keys.create("acme", "ci", Role.EDITOR)
    assert keys.find(text) == key
    assert re.fullmatch(r"tl_[0-9a-f]{16}_[0-9a-f]{64}", text)


def test_the_text_is_stored_nowhere():
    _, text = keys.create("acme", "ci", Role.EDITOR)
    [item] = KeyItem.scan()
    assert text.rpartition("_")[2] not in json.dumps(item.to_dynamodb_dict())


def test_the_first_key_is_an_admins():
    assert keys.find(keys.create_admin("acme", "deploy")).role is Role.ADMIN


def test_a_key_ends_when_it_expires(monkeypatch):
    end = moment.now() + timedelta(minutes=1)
    key, text = keys.create("acme", "ci", Role.VIEWER, expires_at=end)
    assert keys.find(text) == key
    monkeypatch.setattr(moment, "now", lambda: end)
    with pytest.raises(Unauthorized):
        keys.find(text)


def test_a_revoked_key_is_refused():
    key, text = keys.create("acme", "ci", Role.VIEWER)
    KeyItem(key.id).delete()
    with pytest.raises(Unauthorized):
        keys.find(text)


def test_the_secret_of_one_key_does_not_open_another():
    one, _ = keys.create("acme", "one", Role.VIEWER)
    _, other = keys.create("acme", "two", Role.ADMIN)
    with pytest.raises(Unauthorized):
        keys.find(f"tl_{one.id}_{other.rpartition('_')[2]}")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: text + "\n",
        lambda text: text.upper(),
        lambda text: text[:-1],
        lambda text: text.replace("tl_", "TL_"),
        lambda text: "",
        lambda text: "tl_nobody_nothing",
        lambda text: "tl_" + "٣" * 16 + "_" + "0" * 64,
    ],
)
def test_anything_else_is_refused(change):
    with pytest.raises(Unauthorized):
        keys.find(change(keys.create_admin("acme", "deploy")))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_key_may_call_every_route_and_says_who_it_is(scheme):
    key, text = keys.create("acme", "ci", Role.EDITOR)
    answer = authorize(f"{scheme} {text}")
    [statement] = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Resource"] == ["arn:aws:execute-api:eu-west-1:123456789012:wt6mne2s9k/api/*/*"]
    assert answer["principalId"] == key.id
    assert answer["context"] == {"organization": "acme", "role": "editor", "key_id": key.id}


@pytest.mark.parametrize(
    "header", ["{}", "Basic {}", "Bearer", "Bearer tl_nobody_nothing", "Bearer {} {}", "\ud800"]
)
def test_a_bad_header_is_denied(header):
    assert is_denied(authorize(header.replace("{}", keys.create_admin("acme", "deploy"))))


def test_an_outage_is_no_denial(monkeypatch):
    def fail(_text):
        raise StorageUnavailable("read key")

    monkeypatch.setattr(keys, "find", fail)
    with pytest.raises(StorageUnavailable):
        authorize("Bearer key")


def test_a_revocation_takes_less_than_a_minute():
    assert CACHE_SECONDS <= 60
