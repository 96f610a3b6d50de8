"""Every number the domain depends on, with its unit and its reason."""

FRESH_SECONDS = 3600
"""A created event younger than this may be believed without asking S3. A tombstone lives far longer, so an
event this young about an object that is already gone always meets the tombstone of that removal."""

TOMBSTONE_DAYS = 8
"""At least 7: longer than any event is retried, and the window in which a returning key gets its tags
back."""

INSERT_BATCH = 25
"""Statements in one PartiQL BatchExecuteStatement (an AWS limit)."""

READ_BATCH = 100
"""Keys in one BatchGetItem (an AWS limit)."""

CHECK_ATTEMPTS = 10
"""Lost races for one record within one delivery; after that the message comes again."""

KEY_BYTES = 1024
"""Longest S3 key in UTF-8, and longest sort key of a DynamoDB index."""

OBJECT_BYTES = 50 * 1024**4
"""Largest object that S3 holds."""

FILENAME_SORT_BYTES = KEY_BYTES - 17
"""What is left of a sort key for a file name beside a separator and the 16 bytes of the record's id. Names
that agree up to here are ordered by id."""

SHARDS = 4
"""Index partitions of a new lake; each takes 1,000 writes a second."""

PRESIGNED_SECONDS = 900

THUMBNAIL_PIXELS = 256
"""Longest side of a thumbnail."""
