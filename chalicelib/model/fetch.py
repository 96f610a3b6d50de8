"""Bytes from somewhere else: what is asked for, and what came of it."""

import json
from dataclasses import asdict, dataclass

from chalicelib.model.data import Reason, Sight
from chalicelib.model.work import Work


@dataclass(frozen=True, slots=True)
class Fetch:
    """One URL, to be fetched into quarantine: the message to the function that alone reaches other hosts."""

    url: str
    key: str
    """Of what comes of it, in quarantine."""
    work: Work | None = None
    """Sent to preprocess when it is there."""
    look_only: bool = False
    """What its host says of it, without the bytes."""

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Fetch":
        fields = json.loads(text)
        work = fields["work"]
        return cls(**fields | {"work": work and Work.decode(json.dumps(work))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What came of a fetch."""

    size: int | None = None
    """Of the target. What lies in quarantine is less where it was not fetched whole."""
    sha256: str | None = None
    """Of the bytes, if they are there."""
    reason: Reason | None = None
    """Why they are not there, or not all of them."""
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None
    """As the host calls it."""

    @property
    def has_head(self) -> bool:
        """Whether at least the first bytes are there."""
        return self.reason in (None, Reason.TOO_LARGE)

    @property
    def sight(self) -> Sight:
        return Sight(
            size=self.size,
            etag=self.etag,
            content_type=self.content_type,
            last_modified=self.last_modified,
        )

    def encode(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})

    @classmethod
    def decode(cls, text: str) -> "Arrival":
        fields = json.loads(text)
        return cls(**fields | {"reason": Reason(fields["reason"]) if "reason" in fields else None})
