"""Every number the domain depends on, with its unit and its reason."""

FRESH_SECONDS = 3600
"""A created event younger than this may be believed without asking S3. A tombstone lives far longer, so an
event this young about an object that is already gone always meets the tombstone of that removal."""

ANNOUNCED_SECONDS = FRESH_SECONDS + 600
"""How long the bytes of an announced object are waited for, and at least how long after S3 said that they are
not there. Longer than FRESH_SECONDS by more than clocks differ: a created event about bytes that were gone by
then must not find the record gone, too, and be believed."""

TOMBSTONE_DAYS = 8
"""At least 7: longer than any event is retried, and the window in which a returning key gets its tags
back."""

RENAME_MINUTES = 60
"""Between the coming and the going of the same bytes under two names, if that is to be one object renamed."""

RENAME_SUSPECTS = 100
"""Records with one content that came or went in an hour, for it to be looked which of them is which. Among
more it would not be sure."""

TRACED_PUTS = 100
"""Objects that were put, in one batch of the stream: of more none is traced, but only those that S3 says were
copied, and those that were looked at. A million traces are 24 MB, and that is 1.5 cents more than the price
of a million new objects has room for."""

TRACES_READ = 1_000_000
"""Of one lake and an hour: 24 MB and some two seconds. What is beyond is not taken for renamed."""

TAGS_PER_RECORD = 90
"""One transaction of at most 100 writes (an AWS limit) holds a record with all its tags, and another one the
counters of all of them with those of two sources and the lake."""

IDS_AT_ONCE = 1000
"""Records that one call may name."""

CUSTOM_KEYS = 100
CUSTOM_BYTES = 16_384
"""Of custom metadata as JSON, so that a record with everything stays far below 400 KB (an AWS limit)."""

TEXT_CHARACTERS = 1024
"""Longest text in metadata that people write."""

DESCRIPTION_CHARACTERS = 4096

QUERY_CHARACTERS = 4096

JOB_DAYS = 30
"""How long a job can be looked at."""

QUOTA = 2**53 - 1
"""Largest number of items or bytes, which programs in JavaScript can still tell from the next one."""

CALL_SECONDS = 30
"""Longer than any call to the API takes. What one has read before then, it no longer acts on after that."""

NOTIFICATION_SECONDS = 8
"""How long the call that makes a bucket tell of its changes waits for the first sign of it."""

TOLD_PREFIXES = 80
"""By which a bucket's notifications are limited: S3 allows it 100, and some are others'."""

SETTLE_SECONDS = 330
"""Longer than anything goes on that knew a lake before it was deleted: a step of a job may take as long
as its function may run, five minutes; events are taken for a minute by who remembers a bucket's lakes for ten
seconds."""

COUNTING_HOURS = 25
"""A stream keeps its records for a day: what it has not told the counters by then it never will."""

SCHEMA_BYTES = 16_384
"""Of a metadata schema as JSON: each look at a lake reads it."""

CHOICES = 100
"""That a metadata schema gives for one key."""

LAKE_KNOWN_SECONDS = 20
"""After that every function knows a lake that was made: longer than upstream remembers the lakes of a bucket
(10 s) and an index is behind its table."""

INSERT_BATCH = 25
"""Statements in one PartiQL BatchExecuteStatement (an AWS limit)."""

TRANSACTION_WRITES = 100
"""In one TransactWriteItems (an AWS limit)."""

READ_BATCH = 100
"""Keys in one BatchGetItem (an AWS limit)."""

CHECK_ATTEMPTS = 10
"""Lost races for one record within one delivery; after that the message comes again."""

KEY_BYTES = 1024
"""Longest S3 key in UTF-8, and longest sort key of a DynamoDB index."""

LINK_NAME_BYTES = KEY_BYTES - 1
"""What is left of a sort key for the name of a link, beside what tells it from an object of that name."""

URL_CHARACTERS = 2048

LINKS_AT_ONCE = 1000
"""That one call may create."""

OBJECT_BYTES = 50 * 1024**4
"""Largest object that S3 holds."""

FORM_BYTES = 64 * 1024**2
"""What goes up in one piece. What is larger goes in parts, of which one that fails is sent again alone."""

WHOLE_BYTES = 5 * 1024**3
"""Largest object that S3 takes in one piece, and largest part."""

PARTS = 10_000
"""Of one object (an S3 limit)."""

MULTIPART_SECONDS = 7 * 86_400
"""How long parts may take to come. The rule of the bucket that removes unfinished uploads says the same."""

FILENAME_SORT_BYTES = KEY_BYTES - 17
"""What is left of a sort key for a file name beside a separator and the 16 bytes of the record's id. Names
that agree up to here are ordered by id."""

SHARDS = 4
"""Index partitions of a new lake; each takes 1,000 writes a second."""

PRESIGNED_SECONDS = 900

SESSION_SECONDS = 3600
"""How long an assumed role is, the longest that AWS allows to whoever has a role already."""

SESSION_USED_SECONDS = SESSION_SECONDS - PRESIGNED_SECONDS - 300
"""How long it is used: what it has signed must outlive it nowhere, and clocks differ."""

TRIAL_SECONDS = 15
"""How long it is tried what a connector may do: the last call of it must end before the API has to answer
(29 s)."""

NAME_CHARACTERS = 128
"""Longest name that people give to a thing."""

CLAIM_HELD_SECONDS = 60
"""Longer than the API function may run (29 s): whoever still holds a claim after that is dead."""

CLAIM_KEPT_SECONDS = 86_400
"""How long the answer to a request with an Idempotency-Key is repeated."""

ASKED_SECONDS = 300
"""How long nobody else asks for bytes to be looked at once somebody has. After that the work may be lost."""

THUMBNAIL_PIXELS = 256
"""Longest side of a thumbnail."""

SHEET_BYTES = 1_000_000_000
"""Largest CSV file."""

SHEET_TEXT_BYTES = 5_000_000
"""Largest one that comes within a request. API Gateway takes 10 MB and Lambda 6 MB of it."""

MANIFEST_LINE_BYTES = 256 * 1024
"""Longest line of a manifest. All that can be said of one object takes less than half of it."""

MANIFEST_FILES = 100_000
"""Of one inventory, which names some million objects in each."""

PREFIXES = 90
PREFIXES_JSON_BYTES = 90_000
"""Of one import, together, as they stand in a message, which has 256 KB (an SQS limit) and holds all tags,
too."""

REPORTED_STEPS = 2_500
"""Steps with failures that a report tells of: all those of five million lines. To join them takes a worker of
512 MB, which has a third of a processor, half of the three minutes that it may run."""

SHEET_SECONDS = 2 * PRESIGNED_SECONDS
"""How long a file is waited for: its form may be used until half of that, and the file takes its time."""

FAILED_ROWS = 1_000_000
"""Of an export that is imported. A file with more is none, or of another datalake, and may be of any size: a
gigabyte of gzip can be a thousand of empty lines."""

SHEET_ROWS = 1_000_000
SHEET_COLUMNS = 1000

SHEET_HEAD_BYTES = 64 * 1024
"""The row with the names of the columns lies within these."""

ROW_BYTES = 8 * 1024**2
"""Longest row, and so six megabytes of an image. The parser holds four bytes for each character of a cell."""

ROW_LINES = 10_000
"""What one row may extend over. Beyond that a quote was forgotten."""

UNCLOSED_QUOTES = 100
"""Rows whose quote is never closed, each of which is looked for over the whole of `ROW_BYTES`. A file with
more is no CSV."""
