"""The bytes of an event and their chain. Pure: no Django.

An event is hashed as canonical JSON (sorted keys, no blanks, UTF-8) that carries the hash of the event before it in its
case; free text enters only as a salted hash, so that retention may erase the words and the chain still proves itself.
"""

import hashlib
import json
import secrets
from typing import Any

FORMAT_VERSION = 1
NO_HASH = b""


def salt() -> bytes:
    """Return 16 random bytes."""
    return secrets.token_bytes(16)


def text_hash(text: str, *, salt: bytes) -> str:
    """Return the hexadecimal SHA-256 of salt and text."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def payload(content: dict[str, Any], *, previous: bytes) -> bytes:
    """Return the canonical bytes of an event; `content` holds text, whole numbers, booleans, None, lists, dicts."""
    body = {"format": FORMAT_VERSION, "previous": previous.hex(), **content}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data: bytes) -> bytes:
    """Return the 32 bytes of SHA-256."""
    return hashlib.sha256(data).digest()
