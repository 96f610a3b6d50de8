"""Who may be whom: access keys of several accounts, and roles that are assumed."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.simulation.fakes.errors import refusal

OWN_KEY = "nobody"
"""Of the project's own functions."""


@dataclass(slots=True)
class STS:
    account: str
    """Of the project's own functions."""
    keys: dict[str, str] = field(default_factory=dict)
    """Access key → its account."""
    roles: dict[str, str | None] = field(default_factory=dict)
    """ARN → the external id that it asks for, if it does."""
    assumed: list[dict[str, Any]] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))
    _caller: str = OWN_KEY

    def authenticate(self, operation: str, access_key: str) -> None:
        self._caller = access_key
        if access_key != OWN_KEY and access_key not in self.keys:
            code = "403" if operation.startswith("Head") else "InvalidAccessKeyId"
            raise refusal(operation, code, 403)

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": self.keys.get(self._caller, self.account)}

    def assume_role(self, *, RoleArn: str, ExternalId: str | None = None, **more: Any) -> dict[str, Any]:
        if RoleArn not in self.roles or self.roles[RoleArn] not in (None, ExternalId):
            raise refusal("AssumeRole", "AccessDenied", 403)
        self.assumed.append({"RoleArn": RoleArn, "ExternalId": ExternalId, **more})
        access_key = f"ASIA{next(self._numbers)}"
        self.keys[access_key] = RoleArn.split(":")[4]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return {"Credentials": dict(zip(names, (access_key, "secret", "token"), strict=True))}
