"""What people write of many data, and which of them they forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidelake import edits
from tidelake.jobs import Job
from tidelake.labels import names
from tidelake.outcomes import Change, Failure
from tidelake.places import Place
from tidelake.wire import parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from typing_extensions import Unpack

    from tidelake.edits import Changes


class Remarks(Place):
    def add_tags(self, tags: str | Iterable[str], *, ids: Sequence[str]) -> Change:
        """Give data tags, which are created where they do not exist. Any number of ids; of none, nothing.

        What has the tags already is not `changed`.
        """
        return self._many("POST", {"tags": names(tags)}, ids, "data", "tags")

    def remove_tags(self, tags: str | Iterable[str], *, ids: Sequence[str]) -> Change:
        """Take tags off data, which need not have them."""
        return self._many("DELETE", {"tags": names(tags)}, ids, "data", "tags")

    def edit_data(self, ids: Sequence[str], **changes: Unpack[Changes]) -> Change:
        """Edit data alike: `tidelake.edits.Changes` says what may be changed, and how.

        Raises InvalidRequest with every mistake; what the datalake's schema does not allow has `failed`.
        """
        return self._many("PATCH", {"set": edits.body(changes)}, ids, "data")

    def delete_data(
        self, ids: Sequence[str], *, delete_objects: bool = False, dry_run: bool = False
    ) -> list[Job]:
        """Forget data, or delete their objects from the bucket: a job for each 1,000 ids.

        Raises Forbidden where the connector does not allow deleting.
        """
        options = {"object": delete_objects, "dry_run": dry_run}
        found = [self.call("POST", "data", "delete", body={"ids": part, **options}) for part in parts(ids)]
        return [Job._read(self.wire, each["job"]) for each in found]

    def _many(self, method: str, body: Mapping[str, Any], ids: Sequence[str], *steps: str) -> Change:
        change = Change()
        for part in parts(ids):
            found = self.call(method, *steps, body={**body, "ids": part})
            failed = [Failure(each["id"], each["code"], each["detail"]) for each in found.get("failed", ())]
            change += Change(found["changed"], list(found["missing"]), failed)
        return change
