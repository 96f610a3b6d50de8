from dataclasses import dataclass, field
from typing import Any

from tests.simulation.fakes.errors import refusal


@dataclass(slots=True)
class SecretsManager:
    secrets: dict[str, str] = field(default_factory=dict)

    def create_secret(self, *, Name: str, SecretString: str, Description: str) -> dict[str, Any]:
        if Name in self.secrets:
            raise refusal("CreateSecret", "ResourceExistsException")
        self.secrets[Name] = SecretString
        return {"Name": Name}

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:
        if SecretId not in self.secrets:
            raise refusal("GetSecretValue", "ResourceNotFoundException")
        return {"SecretString": self.secrets[SecretId]}

    def delete_secret(self, *, SecretId: str, ForceDeleteWithoutRecovery: bool) -> dict[str, Any]:
        """Also where there is none, when it need not be recovered."""
        self.secrets.pop(SecretId, None)
        return {}
