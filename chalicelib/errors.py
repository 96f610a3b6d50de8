"""What can go wrong, by what is to be done about it.

TidelakeError
├── MalformedMessage        will never be understood: park it
├── StorageUnavailable      AWS failed, timed out or refused: try again later, believe nothing
│   └── Refused             and will refuse it each time: it must not take others along
├── Unreadable              the bytes of one object cannot be had
│   ├── ContentChanged      they are not the ones that were meant: look again
│   ├── Archived
│   └── AccessDenied
├── InvalidRequest          the caller must change the request
│   └── InvalidCursor
├── Unauthorized            no key, or none that is valid
├── Forbidden               the key's role is too small
└── NotFound                not there, or not the caller's
    ├── UnknownLake
    ├── UnknownData
    └── NoThumbnail
"""


class TidelakeError(Exception):
    pass


class MalformedMessage(TidelakeError):
    pass


class StorageUnavailable(TidelakeError):
    pass


class Refused(StorageUnavailable):
    pass


class Unreadable(TidelakeError):
    pass


class ContentChanged(Unreadable):
    pass


class Archived(Unreadable):
    pass


class AccessDenied(Unreadable):
    pass


class InvalidRequest(TidelakeError):
    """Its arguments are the mistakes, each with its place: `("limit", "Input should be …")`."""


class InvalidCursor(InvalidRequest):
    pass


class Unauthorized(TidelakeError):
    pass


class Forbidden(TidelakeError):
    pass


class NotFound(TidelakeError):
    pass


class UnknownLake(NotFound):
    pass


class UnknownData(NotFound):
    pass


class NoThumbnail(NotFound):
    """Its argument says why."""
