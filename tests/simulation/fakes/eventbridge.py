"""An in-memory EventBridge: rules of the default bus, and where they send what matches."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.fakes.errors import refusal

_PATTERN_CHARACTERS = 2048


@dataclass(slots=True)
class Rule:
    pattern: dict[str, Any]
    targets: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class EventBridge:
    rules: dict[str, Rule] = field(default_factory=dict)

    def put_rule(self, *, Name: str, EventPattern: str) -> dict[str, Any]:
        if len(EventPattern) > _PATTERN_CHARACTERS:
            raise refusal("PutRule", "InvalidEventPatternException")
        pattern = json.loads(EventPattern)
        self.rules.setdefault(Name, Rule(pattern)).pattern = pattern
        return {"RuleArn": f"arn:aws:events:us-east-1:000000000000:rule/{Name}"}

    def put_targets(self, *, Rule: str, Targets: list[dict[str, str]]) -> dict[str, Any]:
        self._rule("PutTargets", Rule).targets |= {target["Id"]: target["Arn"] for target in Targets}
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def remove_targets(self, *, Rule: str, Ids: list[str]) -> dict[str, Any]:
        for target in Ids:
            self._rule("RemoveTargets", Rule).targets.pop(target, None)
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def delete_rule(self, *, Name: str) -> dict[str, Any]:
        if Name in self.rules and self.rules[Name].targets:
            raise refusal("DeleteRule", "ValidationException")
        self.rules.pop(Name, None)
        return {}

    def _rule(self, operation: str, name: str) -> Rule:
        if name not in self.rules:
            raise refusal(operation, "ResourceNotFoundException")
        return self.rules[name]
