"""Bytes that become one object of the artifacts bucket, however many they are."""

from typing import Any

from chalicelib.config import config
from chalicelib.storage import aws

_PIECE_BYTES = 8 * 1024**2
"""S3 takes none below 5 MiB but the last, and 10,000."""


class Pieces:
    """It is there as a whole when it is ended, and not at all before."""

    def __init__(self, key: str, content_type: str) -> None:
        self._target = {"Bucket": config.artifacts_bucket, "Key": key}
        self._type = content_type
        self._waiting = bytearray()
        self._upload: dict[str, str] = {}
        self._sent: list[dict[str, Any]] = []
        self.size = 0

    def write(self, content: bytes) -> int:
        self._waiting += content
        self.size += len(content)
        if len(self._waiting) >= _PIECE_BYTES:
            self._send()
        return len(content)

    def end(self) -> None:
        if not self._upload:
            with aws.calling("write file"):
                _s3().put_object(**self._target, Body=bytes(self._waiting), ContentType=self._type)
            return
        if self._waiting:
            self._send()
        with aws.calling("write file"):
            _s3().complete_multipart_upload(
                **self._target, **self._upload, MultipartUpload={"Parts": self._sent}
            )

    def _send(self) -> None:
        with aws.calling("write file"):
            if not self._upload:
                begun = _s3().create_multipart_upload(**self._target, ContentType=self._type)
                self._upload = {"UploadId": begun["UploadId"]}
            number = len(self._sent) + 1
            answer = _s3().upload_part(
                **self._target, **self._upload, PartNumber=number, Body=bytes(self._waiting)
            )
        self._sent.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._waiting.clear()


def _s3() -> Any:
    return aws.client("s3")
