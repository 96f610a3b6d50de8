import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from chalicelib.model.data import Kind
from chalicelib.model.lake import Bucket

if TYPE_CHECKING:
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake


@dataclass(frozen=True, slots=True)
class Work:
    """The bytes of one record, to be looked at: the message between those who find bytes and preprocess."""

    data_id: str
    bucket: Bucket | None
    """None: in quarantine, where `object_name` is their key."""
    object_name: str
    etag: str | None
    """None: they are not the record's own but those that it points to, whichever are there."""
    content: str
    kind: Kind = Kind.OBJECT
    """Of the record."""
    url: str | None = None
    """Where the bytes come from, if that is elsewhere."""
    check: bool = False
    """Only to see whether a link's target is there, and the same as before."""
    again: bool = False
    """They were looked at before, and the thumbnail that was made of them is gone."""

    @classmethod
    def on(cls, lake: "Lake", data: "Data") -> "Work":
        """That of an object."""
        return cls(data.id, lake.home, data.object_name, data.etag, data.content, again=data.complete)

    @property
    def is_elsewhere(self) -> bool:
        return self.etag is None

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Work":
        fields = json.loads(text)
        home = fields["bucket"]
        known = {"bucket": home and Bucket(**home), "kind": Kind(fields.get("kind", Kind.OBJECT))}
        return cls(**fields | known)
