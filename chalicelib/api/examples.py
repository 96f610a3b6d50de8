"""One example of every body and answer, as the OpenAPI document shows them and the tests send them."""

from typing import Any

_LAKE_ID = "7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d"

_LAKE: dict[str, Any] = {
    "id": _LAKE_ID,
    "name": "default",
    "organization": "acme",
    "connector": "stack",
    "bucket": "tidelake-dev-data-123456789012-eu-west-1",
    "prefix": "",
    "capabilities": ["upload", "import"],
    "allow_delete": False,
    "preprocess": "eager",
    "metadata_schema": None,
    "quota": {"items": 1_000_000, "bytes": None},
    "over_quota": False,
    "notifications": {"state": "connected", "detail": None},
    "created_at": "2026-03-01T12:00:00.000Z",
}

_SCHEMA: dict[str, Any] = {
    "fields": {
        "lot": {"type": "string", "required": True},
        "weather": {"type": "choice", "choices": ["sun", "rain"]},
    },
    "extra": False,
}

_DATA: dict[str, Any] = {
    "id": "d7b0a1c2-55d1-5b9c-9d5e-0d2f1a3c4b5d",
    "datalake_id": _LAKE_ID,
    "kind": "object",
    "type": "image",
    "status": "ready",
    "status_reason": None,
    "object_name": "frames/a.jpg",
    "filename": "a.jpg",
    "url": None,
    "health": None,
    "checked_at": None,
    "size": 3317210,
    "etag": "9b2cf535f27731c974343645a3985328",
    "version_id": None,
    "content_type": "image/jpeg",
    "content_encoding": None,
    "last_modified": "2026-03-01T12:00:00.000Z",
    "created_at": "2026-03-01T12:00:01.000Z",
    "updated_at": "2026-03-01T12:00:02.000Z",
    "width": 4000,
    "height": 3000,
    "orientation": 6,
    "channels": 3,
    "metadata": {"acquired_at": "2026-02-28T16:28:39Z", "latitude": 43.46, "longitude": -1.5},
    "custom_metadata": {"lot": "A7"},
    "description": None,
    "tags": ["car"],
    "source": "camera-one",
    "thumbnail": True,
}

_LINK: dict[str, Any] = _DATA | {
    "id": "2f1a3c4b-9d5e-5b9c-55d1-d7b0a1c20d2f",
    "kind": "link",
    "object_name": "frames/frame.0001.jpg",
    "filename": "frame.0001.jpg",
    "url": "https://images.example.org/a/frame.0001.jpg",
    "health": "ok",
    "checked_at": "2026-03-01T12:00:02.000Z",
}

_CONTENT: dict[str, Any] = {
    "id": _DATA["id"],
    "url": "https://tidelake-dev-data-123456789012-eu-west-1.s3.amazonaws.com/frames/a.jpg?X-Amz-Expires=900",
}

_KEY: dict[str, Any] = {
    "id": "0123456789abcdef",
    "name": "ci",
    "role": "editor",
    "organization": "acme",
    "created_at": "2026-03-01T12:00:00.000Z",
    "expires_at": None,
}

_EXTERNAL_ID = "6d1f0c53e2b94a7f8a0b5c9d3e7f1a2b4c6d8e0f"

_CONNECTOR_BODY: dict[str, Any] = {
    "name": "photos of the plant",
    "kind": "role",
    "bucket": "acme-plant-photos",
    "region": "eu-west-1",
    "role_arn": "arn:aws:iam::210987654321:role/tidelake-photos",
}

_CONNECTOR: dict[str, Any] = {
    "id": "3d0c6b1e-2f47-4c8a-9a55-5f0e2d7c9b11",
    **_CONNECTOR_BODY,
    "bucket_owner": "210987654321",
    "endpoint_url": None,
    "external_id": _EXTERNAL_ID,
    "allow_delete": False,
    "state": "active",
    "state_reason": None,
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "List",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": "arn:aws:s3:::acme-plant-photos",
            }
        ],
    },
    "trust_policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TrustTidelake",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"sts:ExternalId": _EXTERNAL_ID},
                    "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/tidelake-prod-*"},
                },
            }
        ],
    },
    "created_at": "2026-03-01T12:00:00.000Z",
    "checked_at": "2026-03-01T12:10:00.000Z",
}

_LABEL: dict[str, Any] = {
    "id": "0b3c2a9e-6a55-4c1e-9b1f-6f1f7f1b2c3d",
    "name": "car",
    "count": 2,
    "created_at": "2026-03-01T12:00:00.000Z",
}

_EDIT: dict[str, Any] = {
    "metadata": {"latitude": 43.46, "longitude": -1.5, "weather": None},
    "custom_metadata": {"lot": "A7", "area": None},
    "description": "first of the day",
    "source": "camera-one",
}

_JOB: dict[str, Any] = {
    "id": "0195510f-6a00-7c1e-9b1f-6f1f7f1b2c3d",
    "kind": "detach_label",
    "datalake_id": _LAKE_ID,
    "state": "running",
    "created_at": "2026-03-01T12:00:00.000Z",
    "started_at": "2026-03-01T12:00:30.000Z",
    "finished_at": None,
    "progress": {"seen": 1000, "changed": 998},
    "error": None,
}

_ENTRY: dict[str, Any] = {
    "object_name": "frames/b.png",
    "size": 48213,
    "content_type": "image/png",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "tags": ["car"],
    "source": "camera-one",
    "custom_metadata": {"lot": "A7"},
    "description": "first of the day",
}

_PENDING: dict[str, Any] = _DATA | {
    **{name: _ENTRY[name] for name in ("object_name", "size", "content_type", "description")},
    **{"filename": "b.png", "type": None, "status": "pending", "etag": None, "last_modified": None},
    **{"width": None, "height": None, "orientation": None, "channels": None, "metadata": {}},
    "thumbnail": False,
}

_FORM: dict[str, Any] = {
    "method": "POST",
    "url": "https://tidelake-dev-data-123456789012-eu-west-1.s3.eu-west-1.amazonaws.com/",
    "fields": {
        "Content-Type": "image/png",
        "key": "frames/b.png",
        "policy": "eyJleHBpcmF0aW9uIjog…",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": "…/20260301/eu-west-1/s3/aws4_request",
        "x-amz-date": "20260301T120000Z",
        "x-amz-signature": "…",
    },
}

BY_SCHEMA: dict[str, dict[str, Any]] = {
    "LakeBody": {
        **{"name": "frames", "connector": "stack", "prefix": "frames/", "metadata_schema": _SCHEMA},
        "quota": {"items": 1_000_000},
    },
    "LakeEditBody": {"name": "frames of old", "preprocess": "off", "metadata_schema": None},
    "LakeAnswer": _LAKE,
    "LakesAnswer": {"items": [_LAKE], "next_cursor": None},
    "StatsAnswer": {
        "items": 2,
        "bytes": 6634420,
        "by_type": {"image": 2},
        "by_status": {"ready": 2},
        "by_kind": {"object": 2},
        "quota": {"items": 1_000_000, "bytes": None},
        "over_quota": False,
    },
    "DataAnswer": _DATA,
    "SearchBody": {
        "q": 'width >= 1000 and not tags.name = "truck"',
        "tags": ["car"],
        "order_by": "-created_at",
        "explain": True,
    },
    "SearchAnswer": {
        "items": [_DATA],
        "next_cursor": None,
        "plan": {
            "access": "tag",
            "index": "taggings",
            "bounds": 'tags.name in ("car")',
            "filter": 'width >= 1000 and not tags.name = "truck"',
            "sorted": False,
            "items_read": 2,
            "requests": 6,
            "capacity": 2.5,
        },
    },
    "ContentBody": {"ids": [_DATA["id"]]},
    "ContentAnswer": _CONTENT,
    "ContentsAnswer": {"items": [_CONTENT], "missing": ["e8a1b2c3-55d1-5b9c-9d5e-0d2f1a3c4b5d"]},
    "LabelBody": {"name": "car"},
    "LabelAnswer": _LABEL,
    "LabelsAnswer": {"items": [_LABEL], "next_cursor": None},
    "TaggingBody": {"tags": ["car", "red"], "ids": [_DATA["id"]]},
    "EditBody": _EDIT,
    "EditsBody": {"ids": [_DATA["id"]], "set": _EDIT},
    "LinksBody": {
        "links": [
            {"url": _LINK["url"], "folder": "frames", "tags": ["car"], "custom_metadata": {"lot": "A7"}}
        ],
        "if_exists": "skip",
    },
    "LinkedAnswer": {
        "ok": [{"index": 0, "data": _LINK}],
        "failed": [
            {
                "index": 1,
                "code": "invalid_request",
                "detail": "A URL should name a host of the public internet",
                "retryable": False,
            }
        ],
        "skipped": [],
    },
    "ChecksBody": {"q": 'health = "dead"'},
    "LinkFileAnswer": {
        "type": "link",
        "shebang": "dataloop",
        "metadata": {
            "dltype": "link",
            "linkInfo": {"type": "url", "ref": _LINK["url"], "mimetype": "image/jpeg"},
        },
    },
    "ChangeAnswer": {
        "changed": 1,
        "missing": ["e8a1b2c3-55d1-5b9c-9d5e-0d2f1a3c4b5d"],
        "failed": [{"id": _DATA["id"], "code": "conflict", "detail": "it would have more than 90 tags"}],
    },
    "UploadsBody": {"uploads": [_ENTRY], "if_exists": "skip", "name_by": "caller"},
    "UploadsAnswer": {
        "ok": [{"index": 0, "data": _PENDING, "upload": _FORM}],
        "failed": [
            {"index": 1, "code": "conflict", "detail": "entry 0 has the same object_name", "retryable": False}
        ],
        "skipped": [{"index": 2, "code": "exists", "data": _DATA}],
    },
    "PartsBody": {"parts": [{"number": 1, "etag": _DATA["etag"]}]},
    "PartsAnswer": {
        "parts": [{"number": 1, "url": f"{_FORM['url']}frames/a.mp4?partNumber=1&uploadId=…"}],
        "next": None,
    },
    "CompletedAnswer": {"id": _DATA["id"], "object_name": "frames/a.mp4"},
    "StatusBody": {"ids": [_DATA["id"]]},
    "ProgressAnswer": {
        "by_status": {"ready": 1},
        "items": [{"id": _DATA["id"], "status": "ready", "status_reason": None, "etag": _DATA["etag"]}],
        "missing": [],
    },
    "DeletionsBody": {"q": 'tags.name = "blurred"', "object": False, "dry_run": True},
    "DeletionAnswer": {
        "id": _DATA["id"],
        "outcome": "forgotten",
        "detail": "The object is still in the bucket: its next event, or a sync, brings it back as new data.",
    },
    "SyncBody": {"dry_run": True, "thumbnails": True},
    "ExportBody": {"format": "jsonl"},
    "RestoreBody": {"job": None},
    "JobAnswer": _JOB,
    "BegunAnswer": {"job": _JOB},
    "CsvBody": {
        "filename": "frames.csv",
        "content": 'URL,item_metadata\nhttps://images.example.org/a.jpg,"{""lot"": ""A7""}"\n',
        "mode": "skip",
    },
    "BucketBody": {"prefixes": ["frames/2026/"], "tags": ["car"], "source": "camera-one", "dry_run": True},
    "ManifestBody": {"content": "frames/a.jpg\nframes/2026/*.jpg\n", "format": "text"},
    "EstimateAnswer": {"objects": 1000, "bytes": 400_000_000, "calls": 3141, "usd": 0.0104},
    "ImportAnswer": {
        "job": _JOB | {"kind": "csv_import", "progress": {}, "state": "queued", "started_at": None},
        "upload": None,
    },
    "LocationAnswer": {
        "url": "https://tidelake-dev-artifacts-123456789012-eu-west-1.s3.eu-west-1.amazonaws.com/imports/…"
    },
    "FormAnswer": {
        "method": "POST",
        "url": "https://tidelake-dev-artifacts-123456789012-eu-west-1.s3.amazonaws.com/",
        "fields": {"key": f"imports/{_JOB['id']}/given.csv", "Content-Type": "text/csv"},
    },
    "JobsAnswer": {"items": [_JOB], "next_cursor": None},
    "ConnectorBody": _CONNECTOR_BODY,
    "ConnectorChangeBody": {"allow_delete": True},
    "ConnectorAnswer": _CONNECTOR,
    "ConnectorsAnswer": {"items": [_CONNECTOR], "next_cursor": None},
    "FindingsAnswer": {
        **{f"can_{each}": True for each in ("list", "read", "write", "overwrite", "notify")},
        "can_delete": False,
        "errors": {
            "can_delete": "cannot delete: grant s3:DeleteObject on arn:aws:s3:::acme-plant-photos/*"
            " (AccessDenied); .tidelake/check/0f1e2d3c4b5a697887960514 is left over"
        },
        "state": "active",
        "state_reason": None,
    },
    "CallerAnswer": {"organization": "acme", "role": "editor", "key_id": _KEY["id"]},
    "KeyBody": {"name": "ci", "role": "editor"},
    "KeyAnswer": _KEY,
    "NewKeyAnswer": _KEY | {"key": f"tl_{_KEY['id']}_{'0' * 64}"},
    "KeysAnswer": {"items": [_KEY], "next_cursor": None},
    "Problem": {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "the mistakes are in `errors`",
        "code": "invalid_request",
        "request_id": "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9",
        "errors": [{"parameter": "limit", "detail": "Input should be less than or equal to 1000"}],
    },
}
