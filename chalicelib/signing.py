import hmac

from chalicelib.config import config


def sign(purpose: str, message: bytes) -> bytes:
    """32 bytes that only this stack can make. Each purpose has a key of its own, so that what was signed for
    one is worth nothing for another."""
    key = hmac.digest(config.signing_key, purpose.encode(), "sha256")
    return hmac.digest(key, message, "sha256")
