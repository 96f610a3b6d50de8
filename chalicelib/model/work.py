import json
from dataclasses import asdict, dataclass

from chalicelib.model.lake import Bucket


@dataclass(frozen=True, slots=True)
class Work:
    """The bytes of one record, to be looked at: the message between upstream and preprocess."""

    data_id: str
    bucket: Bucket
    object_name: str
    etag: str
    content: str

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Work":
        fields = json.loads(text)
        return cls(**fields | {"bucket": Bucket(**fields["bucket"])})
