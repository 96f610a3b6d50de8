"""Keys through the API, and requests that are sent again."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from chalicelib.errors import StorageUnavailable, Unauthorized
from chalicelib.model import moment
from chalicelib.storage import claims, keys
from chalicelib.storage.tables import ClaimItem, KeyItem

URL = "/v1/keys"
ASKED = {"name": "ci", "role": "editor"}


@pytest.fixture
def admin(gateway):
    gateway.authorizer |= {"role": "admin"}
    return gateway


def create(gateway, idempotency_key=None, **body):
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return gateway.call("POST", URL, ASKED | body, headers)


def is_problem(answer, status, code):
    assert (answer.status, answer.body["code"]) == (status, code), answer
    return True


def test_a_key_is_shown_when_it_is_made_and_never_again(admin):
    answer = create(admin)
    text = answer.body.pop("key")
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert keys.find(text).id == answer.body["id"]
    assert answer.body == {
        "id": answer.body["id"],
        "name": "ci",
        "role": "editor",
        "organization": "acme",
        "created_at": answer.body["created_at"],
        "expires_at": None,
    }
    assert admin.get(URL).body == {"items": [answer.body], "next_cursor": None}


def test_a_key_ends_when_it_is_said_to(admin, monkeypatch):
    end = moment.now() + timedelta(hours=1)
    answer = create(admin, expires_at=end.isoformat())
    assert answer.body["expires_at"] == moment.rfc3339(end)
    keys.find(answer.body["key"])
    monkeypatch.setattr(moment, "now", lambda: end)
    with pytest.raises(Unauthorized):
        keys.find(answer.body["key"])


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "n" * 129},
        {"name": 5},
        {"name": None},
        {"role": "root"},
        {"role": None},
        {"organization": "other"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2099-01-01T00:00:00"},
        {"expires_at": "9999-12-31T23:59:59-23:00"},
        {"expires_at": "4099999999"},
        {"expires_at": 4099999999},
        {"expires_at": "tomorrow"},
    ],
)
def test_a_bad_field_is_a_400_with_its_place(admin, body):
    answer = create(admin, **body)
    assert is_problem(answer, 400, "invalid_request")
    assert [error["pointer"] for error in answer.body["errors"]] == [f"#/{name}" for name in body]
    assert not list(KeyItem.scan())


@pytest.mark.parametrize(
    "body", [None, "", "null", "[]", "{", '{"name": "a", "name": "b", "role": "viewer"}']
)
def test_a_body_that_is_no_object_is_a_400(admin, body):
    assert is_problem(admin.call("POST", URL, body), 400, "invalid_request")


def test_names_have_up_to_128_characters_of_any_kind(admin):
    assert create(admin, name="😀" * 128).status == 201


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_admins_manage_keys(gateway, role):
    key, _ = keys.create("acme", "ci", "viewer")
    gateway.authorizer |= {"role": role}
    answers = [gateway.get(URL), create(gateway), gateway.call("DELETE", f"{URL}/{key.id}")]
    assert all(is_problem(answer, 403, "forbidden") for answer in answers)
    assert len(list(KeyItem.scan())) == 1


def test_a_revoked_key_is_gone(admin):
    made = create(admin).body
    answer = admin.call("DELETE", f"{URL}/{made['id']}")
    assert (answer.status, answer.body) == (204, None)
    with pytest.raises(Unauthorized):
        keys.find(made["key"])
    assert admin.get(URL).body["items"] == []


def test_a_foreign_key_is_one_that_does_not_exist(admin):
    foreign, text = keys.create("other", "theirs", "viewer")
    answers = [admin.call("DELETE", f"{URL}/{each}") for each in (foreign.id, "0" * 16, "x", "n" * 3000)]
    assert all(is_problem(answer, 404, "not_found") for answer in answers)
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert keys.find(text) == foreign
    assert admin.get(URL).body["items"] == []


def test_keys_come_in_pages_and_cursors_belong_to_the_organization(admin):
    made = {create(admin).body["id"] for _ in range(5)}
    seen, cursor = [], ""
    while cursor is not None:
        page = admin.get(f"{URL}?limit=2" + (f"&cursor={cursor}" if cursor else "")).body
        seen += [key["id"] for key in page["items"]]
        cursor = page["next_cursor"]
    assert (len(seen), set(seen)) == (5, made)
    cursor = admin.get(f"{URL}?limit=2").body["next_cursor"]
    admin.authorizer |= {"organization": "other"}
    for forged in (cursor, "AAAA", ""):
        assert is_problem(admin.get(f"{URL}?cursor={forged}"), 400, "invalid_cursor")


def test_a_request_that_comes_again_is_answered_alike_and_makes_one_key(admin):
    first, second = create(admin, "one"), create(admin, "one")
    assert (first.status, first.headers, first.body) == (second.status, second.headers, second.body)
    assert len(list(KeyItem.scan())) == 1
    assert keys.find(first.body["key"]).id == first.body["id"]


def test_what_is_kept_of_an_answer_does_not_open_the_api(admin):
    secret = create(admin, "one").body["key"].rpartition("_")[2]
    [item] = ClaimItem.scan()
    assert secret not in json.dumps(item.to_dynamodb_dict())


def test_a_revoked_key_does_not_come_back_when_its_request_does(admin):
    made = create(admin, "one").body
    admin.call("DELETE", f"{URL}/{made['id']}")
    assert create(admin, "one").status == 201
    with pytest.raises(Unauthorized):
        keys.find(made["key"])


def test_another_request_with_the_same_idempotency_key_is_a_conflict(admin):
    create(admin, "one")
    assert is_problem(create(admin, "one", name="other"), 409, "conflict")
    assert len(list(KeyItem.scan())) == 1


def test_idempotency_keys_of_others_do_not_matter(admin):
    create(admin, "one")
    admin.authorizer |= {"organization": "other"}
    assert create(admin, "one", name="other").status == 201


def test_without_an_idempotency_key_every_request_makes_a_key(admin):
    assert create(admin).body["id"] != create(admin).body["id"]


@pytest.mark.parametrize("key", [" ", "é", "k" * 256, "a b", "\n"])
def test_an_idempotency_key_that_cannot_be_is_a_400(admin, key):
    answer = create(admin, key)
    assert is_problem(answer, 400, "invalid_request")
    assert [error["parameter"] for error in answer.body["errors"]] == ["Idempotency-Key"]


def test_a_mistake_is_not_kept(admin):
    assert create(admin, "one", name="").status == 400
    assert create(admin, "one").status == 201


def test_a_failure_is_not_kept_and_its_key_is_found_again(admin, monkeypatch):
    def fail(claim, answer):
        raise StorageUnavailable("settle claim")

    with monkeypatch.context() as patch:
        patch.setattr(claims, "settle", fail)
        assert is_problem(create(admin, "one"), 503, "storage_unavailable")
    answer = create(admin, "one")
    assert answer.status == 201
    [item] = KeyItem.scan()
    assert keys.find(answer.body["key"]).id == item.id


def test_a_request_that_comes_again_too_soon_is_a_conflict(admin, monkeypatch):
    second = []

    def create_slowly(*given):
        monkeypatch.undo()
        second.append(create(admin, "one"))
        return keys.create(*given)

    monkeypatch.setattr("chalicelib.api.keys.keys", SimpleNamespace(create=create_slowly))
    first = create(admin, "one")
    assert is_problem(second[0], 409, "conflict")
    assert create(admin, "one").body == first.body


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_everybody_is_told_what_the_api_takes_them_for(gateway, role):
    gateway.authorizer |= {"role": role, "key_id": "0123456789abcdef"}
    assert gateway.call("GET", "/v1/caller").body == {
        "organization": gateway.authorizer["organization"],
        "role": role,
        "key_id": "0123456789abcdef",
    }
