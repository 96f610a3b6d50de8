from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to be the one who answers a request, and the answer for those who send it again."""

    id: str
    fingerprint: str
    """Of what was asked. Another one under the same id is another request."""
    nonce: str
    """The same for every attempt at the request, so that all of them would create the same thing."""
    owner: str
    held_until: int
    """Seconds since the epoch. After that its owner is taken for dead."""
    answer: str | None = None
