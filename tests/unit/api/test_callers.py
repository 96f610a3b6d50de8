import pytest

from chalicelib.api.callers import caller_of
from chalicelib.errors import Forbidden, Unauthorized
from chalicelib.model.key import Role


def caller(role):
    return caller_of({"authorizer": {"organization": "acme", "role": role, "key_id": "k"}})


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.EDITOR, {Role.VIEWER, Role.EDITOR}),
        (Role.ADMIN, {Role.VIEWER, Role.EDITOR, Role.ADMIN}),
    ],
)
def test_a_role_may_what_the_smaller_ones_may(role, may):
    for needed in Role:
        if needed in may:
            caller(role).require(needed)
        else:
            with pytest.raises(Forbidden):
                caller(role).require(needed)


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"authorizer": None},
        {"authorizer": {}},
        {"authorizer": {"organization": "acme", "role": "root", "key_id": "k"}},
        {"authorizer": {"role": "admin", "key_id": "k"}},
    ],
)
def test_without_the_authorizers_word_nobody_is_anybody(context):
    with pytest.raises(Unauthorized):
        caller_of(context)
