"""What can go wrong, by what is to be done about it.

TidelakeError
├── Problem                 the API said no: `code` is for programs, `detail` for people
│   ├── InvalidRequest      the call must be changed; every mistake is in `errors`
│   │   ├── InvalidQuery    what stands in `q`, with line and column
│   │   └── InvalidCursor
│   ├── Unauthorized        no key, or none that is valid
│   ├── Forbidden           the key's role is too small, or the datalake does not allow it
│   ├── NotFound            not there, or not yours
│   ├── Conflict            does not fit what is there
│   │   ├── Ambiguous       several are meant; `ids` has them
│   │   └── EtagMismatch    these are no longer the bytes that were meant
│   ├── TooLarge            more than is taken at once
│   └── Unavailable         it failed again and again: try later
│       └── RateLimited
├── Unreachable             no answer, though asked again and again
├── TransferFailed          bytes did not go through; `code` says why
│   └── ChecksumMismatch    they went through, and are not the bytes that were meant
├── JobFailed               `job` has what it had done by then
├── JobCanceled
├── TimedOut                `last` is what was known when patience ended
├── Incomplete              some of many failed; `failed` says which and why
└── NoData                  nothing was found where something was required
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidelake.jobs import Job
    from tidelake.outcomes import Failure

RETRYABLE_STATUSES = frozenset({429, 500, 502, 503, 504})


class TidelakeError(Exception):
    """All that this package raises on purpose, beside ValueError and TypeError for arguments."""


class Problem(TidelakeError):
    """An answer of the API that is no success (RFC 9457)."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        """The HTTP status."""
        self.code: str = body.get("code") or "internal"
        """For programs; it does not change."""
        self.detail: str = body.get("detail") or body.get("title") or f"the API answered {status}"
        """For people."""
        self.request_id: str | None = body.get("request_id")
        """What the operator of the stack finds in the logs."""
        self.errors: list[dict[str, Any]] = list(body.get("errors") or ())
        """Every mistake: `detail`, and `pointer` (in the body) or `parameter`; in `q` `line` and `column`."""
        super().__init__(status, dict(body))

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.status in RETRYABLE_STATUSES

    def __str__(self) -> str:
        places = "".join(
            f"\n  {each.get('pointer') or each.get('parameter')}{_position(each)}: {each.get('detail')}"
            for each in self.errors
        )
        return f"{self.detail} ({self.code}){places}"


class InvalidRequest(Problem):
    pass


class InvalidQuery(InvalidRequest):
    pass


class InvalidCursor(InvalidRequest):
    pass


class Unauthorized(Problem):
    pass


class Forbidden(Problem):
    pass


class NotFound(Problem):
    pass


class Conflict(Problem):
    pass


class Ambiguous(Conflict):
    @property
    def ids(self) -> list[str]:
        """Of up to 100 of the data that is meant."""
        return list(self.args[1].get("ids") or ())


class EtagMismatch(Conflict):
    pass


class TooLarge(Problem):
    pass


class Unavailable(Problem):
    pass


class RateLimited(Unavailable):
    pass


class Unreachable(TidelakeError):
    """Its cause is the last failure of the connection."""


class TransferFailed(TidelakeError):
    def __init__(self, code: str, detail: str, *, retryable: bool = False) -> None:
        self.code = code
        self.detail = detail
        self.retryable = retryable
        super().__init__(code, detail)

    def __str__(self) -> str:
        return f"{self.detail} ({self.code})"


class ChecksumMismatch(TransferFailed):
    def __init__(self, detail: str) -> None:
        super().__init__("checksum_mismatch", detail, retryable=True)


class JobFailed(TidelakeError):
    def __init__(self, job: Job) -> None:
        self.job = job
        super().__init__(f"the job {job.id} ({job.kind}) failed: {job.error}")


class JobCanceled(TidelakeError):
    def __init__(self, job: Job) -> None:
        self.job = job
        super().__init__(f"the job {job.id} ({job.kind}) was canceled")


class TimedOut(TidelakeError):
    def __init__(self, what: str, last: Any) -> None:
        self.last = last
        super().__init__(what)


class Incomplete(TidelakeError):
    def __init__(self, failed: Sequence[Failure]) -> None:
        self.failed = list(failed)
        first = "; ".join(str(each) for each in self.failed[:3])
        super().__init__(f"{len(self.failed)} failed: {first}{' …' if len(self.failed) > 3 else ''}")


class NoData(TidelakeError):
    pass


def problem(status: int, body: Mapping[str, Any]) -> Problem:
    """The exception for an answer: by its code, else by its status."""
    code = body.get("code")
    kind = _BY_CODE.get(code) if isinstance(code, str) else None
    if kind is None:
        kind = Unavailable if status >= 500 else _BY_STATUS.get(status, Problem)
    return kind(status, body)


_BY_CODE: dict[str, type[Problem]] = {
    "invalid_query": InvalidQuery,
    "invalid_cursor": InvalidCursor,
    "ambiguous": Ambiguous,
    "etag_mismatch": EtagMismatch,
    "rate_limited": RateLimited,
}
_BY_STATUS: dict[int, type[Problem]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: RateLimited,
}


def _position(mistake: Mapping[str, Any]) -> str:
    return f" line {mistake['line']}, column {mistake['column']}" if "line" in mistake else ""
