"""What can go wrong, by what is to be done about it.

TidelakeError
├── MalformedMessage        will never be understood: park it
├── MalformedFile           is not what it was said to be
├── Hopeless                a job can never succeed, and it says why
├── StorageUnavailable      AWS failed, timed out or refused: try again later, believe nothing
│   ├── Refused             and will refuse it each time: it must not take others along
│   └── CredentialsRefused  those of a connector
├── Unreadable              the bytes of one object cannot be had
│   ├── ContentChanged      they are not the ones that were meant: look again
│   ├── Archived
│   ├── AccessDenied
│   └── NotFetched          from another host
├── NotSupported            the bucket's storage, or the connector, cannot do it
├── InvalidRequest          the caller must change the request
│   ├── InvalidCursor
│   ├── InvalidQuery        what stands in `q`
│   └── InvalidBody
├── InvalidUrl              no target of a link
├── TooLarge                more than is taken at once
├── Unauthorized            no key, or none that is valid
├── Forbidden               the key's role is too small
├── DeleteNotAllowed        whoever made the connector did not allow it
├── NotFound                not there, or not the caller's
│   ├── UnknownLake
│   ├── UnknownData
│   ├── UnknownConnector
│   ├── UnknownKey
│   ├── UnknownLabel
│   ├── UnknownJob
│   ├── NotALink
│   ├── NoTarget            what a link points to is not reached any more
│   ├── UnknownUpload
│   ├── NoContent           its bytes have not come yet
│   ├── NoThumbnail
│   ├── ThumbnailAwaited    it is being made
│   ├── NoReport
│   └── UnknownFile         of the gallery
└── Conflict                does not fit what is there
    ├── Ambiguous           several are meant, and one was asked for
    ├── LabelExists
    ├── LakeExists
    ├── ConnectorExists
    ├── ConnectorInUse      by a lake
    ├── ConnectorChanged    by somebody else meanwhile
    ├── ConnectorFails      with the settings that it was to have
    ├── OfTheStack          a connector that is as it is
    ├── ConnectorIdle       it serves no lakes
    ├── ObjectExists
    ├── HasNoObject         it is a link
    ├── EtagMismatch        the bytes are other ones by now
    ├── JobIsOver
    ├── JobMustEnd          what it does cannot be left half done
    ├── IdempotencyKeyReused
    └── BeingAnswered       the same request is still at work
"""


class TidelakeError(Exception):
    pass


class MalformedMessage(TidelakeError):
    pass


class MalformedFile(TidelakeError):
    """Its argument is what is wrong with it, for people."""


class Hopeless(TidelakeError):
    """Its argument is the reason, for people."""


class StorageUnavailable(TidelakeError):
    pass


class Refused(StorageUnavailable):
    pass


class CredentialsRefused(StorageUnavailable):
    """Its arguments are what was to be done and why it cannot be."""


class Unreadable(TidelakeError):
    pass


class ContentChanged(Unreadable):
    pass


class Archived(Unreadable):
    pass


class AccessDenied(Unreadable):
    pass


class NotFetched(Unreadable):
    """Its argument is why, as records have it."""


class InvalidUrl(TidelakeError, ValueError):
    """Its argument is why, for people."""


class NotSupported(TidelakeError):
    """Its argument is what."""


class InvalidRequest(TidelakeError):
    """Its arguments are the mistakes, each with its place: `("limit", "Input should be …")`."""


class InvalidCursor(InvalidRequest):
    pass


class InvalidQuery(InvalidRequest):
    """Its arguments are the mistakes, each with its place in the text and what could stand there:
    `("The query ends too early", line, column, ["a string", …])`."""


class InvalidBody(InvalidRequest):
    """Its places are JSON pointers."""


class TooLarge(TidelakeError):
    """Its argument is how much is allowed."""


class Unauthorized(TidelakeError):
    pass


class Forbidden(TidelakeError):
    pass


class DeleteNotAllowed(TidelakeError):
    pass


class NotFound(TidelakeError):
    pass


class UnknownLake(NotFound):
    pass


class UnknownData(NotFound):
    pass


class UnknownConnector(NotFound):
    pass


class UnknownKey(NotFound):
    pass


class UnknownLabel(NotFound):
    """Its argument is the kind."""


class UnknownJob(NotFound):
    pass


class NotALink(NotFound):
    pass


class NoTarget(NotFound):
    """Its argument is the bucket that no connector reaches."""


class UnknownUpload(NotFound):
    pass


class NoContent(NotFound):
    """Its argument is the data's status."""


class NoThumbnail(NotFound):
    """Its argument says why."""


class ThumbnailAwaited(NotFound):
    pass


class NoReport(NotFound):
    pass


class UnknownFile(NotFound):
    pass


class Conflict(TidelakeError):
    pass


class Ambiguous(Conflict):
    """Its arguments are the ids."""


class JobIsOver(Conflict):
    """Its argument is the state that it ended in."""


class JobMustEnd(Conflict):
    pass


class LakeExists(Conflict):
    pass


class ConnectorIdle(Conflict):
    """Its argument is the state that it is in."""


class LabelExists(Conflict):
    """Its argument is the kind."""


class ConnectorExists(Conflict):
    pass


class ConnectorInUse(Conflict):
    pass


class ConnectorChanged(Conflict):
    pass


class ConnectorFails(Conflict):
    """Its argument says why."""


class OfTheStack(Conflict):
    pass


class ObjectExists(Conflict):
    pass


class HasNoObject(Conflict):
    pass


class EtagMismatch(Conflict):
    pass


class IdempotencyKeyReused(Conflict):
    pass


class BeingAnswered(Conflict):
    pass
