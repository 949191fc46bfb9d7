"""The vault 隐私保险库: name, phone and words of reporters, sealed; read through one door that notes who and why.

AES-256-GCM; the record's public number is authenticated with it, so a sealed text cannot be moved to another record.
Each row names its key, so keys can change. The phone is found through an HMAC under a key of its own. The keys lie in
a file outside the database (settings.VAULT_KEYS): whoever has only one of the two has nothing.
"""

import hashlib
import hmac
import json
import os
import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import VaultRecord
from accounts.permissions import may_read_vault
from citymgmt.errors import Refusal
from office.actions import note_erasure, note_reading

NONCE_BYTES = 12
CANARY = "canary"
CANARY_ID = uuid.UUID(int=0)


class NotForYou(Refusal):
    code = "vault_not_for_you"


class ReasonMissing(Refusal):
    code = "vault_reason_missing"


class RecordErased(Refusal):
    code = "vault_record_erased"


class WrongVaultKey(Exception):
    """The key file does not belong to this database. Not a refusal: nobody at a desk can do anything about it."""


@dataclass(frozen=True)
class Opened:
    name: str
    phone: str
    words: str


def seal(
    *, kind: str, name: str, phone: str, words: str, at: datetime, public_id: uuid.UUID | None = None
) -> uuid.UUID:
    """Keep what a reporter said about himself and return the number under which it is kept.

    Sealing again under the same number keeps what is there: a form sent twice makes one record.
    """
    record = sealed(kind=kind, name=name, phone=phone, words=words, at=at, public_id=public_id)
    try:
        with transaction.atomic():
            record.save(force_insert=True)
    except IntegrityError:
        if not VaultRecord.objects.filter(public_id=record.public_id, kind=kind).exists():
            raise
    return record.public_id


def sealed(
    *, kind: str, name: str, phone: str, words: str, at: datetime, public_id: uuid.UUID | None = None
) -> VaultRecord:
    """Return a sealed record that is not written yet: for whoever writes it together with what it belongs to."""
    require_right_key(at=at)
    public_id = public_id or uuid.uuid4()
    return VaultRecord(
        public_id=public_id,
        kind=kind,
        created_at=at,
        phone_index=_blind(phone),
        **_sealed(public_id, Opened(name=name, phone=phone, words=words)),
    )


def open_record(public_id: uuid.UUID, *, reader, why: str, at: datetime, number: str = "") -> Opened:
    """Read a record; who looked and why is kept, with the number of the case it belongs to.

    Raises NotForYou, ReasonMissing, RecordErased.
    """
    _refuse_reader(reader, why, at=at)
    require_right_key(at=at)
    record = VaultRecord.objects.exclude(kind=CANARY).get(public_id=public_id)
    if record.erased_at is not None:
        raise RecordErased(erased_at=record.erased_at)
    with transaction.atomic():
        note_reading(reader=reader, what="vault", about=str(public_id), why=why, at=at, number=number)
        return _opened(record)


def find_by_phone(phone: str, *, reader, why: str, at: datetime) -> list[uuid.UUID]:
    """The records with exactly this number, the newest first; nothing is opened. Raises NotForYou, ReasonMissing."""
    _refuse_reader(reader, why, at=at)
    require_right_key(at=at)
    index = _blind(phone)
    if index is None:
        return []
    # The number itself stays out of the log; its blind index says which one was looked for.
    note_reading(reader=reader, what="vault_search", about=index.hex()[:60], why=why, at=at)
    found = VaultRecord.objects.filter(phone_index=index).order_by("-created_at", "-id")
    return list(found.values_list("public_id", flat=True))


def erase(public_id: uuid.UUID, *, by, rule: str, why: str, at: datetime, number: str = "") -> bool:
    """Forget what is in a record; the record stays as a tombstone, and who did it and why is noted.

    `by` is None where a rule of retention did it; `number` is the case's. Erasing twice is erasing once. Raises
    ReasonMissing.
    """
    if not why.strip():
        raise ReasonMissing()
    with transaction.atomic():
        erased = VaultRecord.objects.exclude(kind=CANARY).filter(public_id=public_id, erased_at__isnull=True).update(
            ciphertext=b"", nonce=b"", phone_index=None, erased_at=at
        )  # fmt: skip
        if erased:
            note_erasure(by=by, rule=rule, why=why, about=str(public_id), at=at, number=number)
    return bool(erased)


def reseal(*, batch: int = 500) -> int:
    """Seal up to `batch` records that are still under an older key with the current one; returns how many were."""
    with transaction.atomic():
        old = (
            VaultRecord.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(erased_at__isnull=True)
            .exclude(key_id=settings.VAULT_KEYS["current"])
            .order_by("id")[:batch]
        )
        records = list(old)
        for record in records:
            for name, value in _sealed(record.public_id, _opened(record)).items():
                setattr(record, name, value)
        VaultRecord.objects.bulk_update(records, ["ciphertext", "nonce", "key_id"])
    return len(records)


# --- The right key ---

_right_key_seen = False


def require_right_key(*, at: datetime) -> None:
    """Make sure, once in each process, that the key file belongs to this database. Raises WrongVaultKey.

    The first start seals a canary; every later one must be able to open it, and must hold every key still in use.
    """
    global _right_key_seen
    if _right_key_seen:
        return
    canary = _canary(at)
    in_use = set(VaultRecord.objects.filter(erased_at__isnull=True).values_list("key_id", flat=True).distinct())
    missing = in_use - set(settings.VAULT_KEYS["keys"])
    if missing:
        raise WrongVaultKey(f"the key file lacks keys that are in use: {', '.join(sorted(missing))}")
    try:
        opened = _opened(canary)
    except InvalidTag:
        raise WrongVaultKey("the key file belongs to another database: its key does not open this one") from None
    if bytes(canary.phone_index) != _blind(opened.phone):
        raise WrongVaultKey("the key file belongs to another database: its index key is another one")
    _right_key_seen = True


def forget() -> None:
    """Look at the canary again at the next use."""
    global _right_key_seen
    _right_key_seen = False


def _canary(at: datetime) -> VaultRecord:
    canary = VaultRecord.objects.filter(kind=CANARY).first()
    if canary is not None:
        return canary
    content = Opened(name=CANARY, phone="0000000", words="")
    canary, _created = VaultRecord.objects.get_or_create(
        kind=CANARY,
        defaults={
            "public_id": CANARY_ID,
            "created_at": at,
            "phone_index": _blind(content.phone),
            **_sealed(CANARY_ID, content),
        },
    )
    return canary


# --- Sealing and opening ---


def _sealed(public_id: uuid.UUID, content: Opened) -> dict:
    keys = settings.VAULT_KEYS
    nonce = os.urandom(NONCE_BYTES)
    plain = json.dumps([content.name, content.phone, content.words], ensure_ascii=False).encode()
    ciphertext = AESGCM(keys["keys"][keys["current"]]).encrypt(nonce, plain, public_id.bytes)
    return {"ciphertext": ciphertext, "nonce": nonce, "key_id": keys["current"]}


def _opened(record: VaultRecord) -> Opened:
    key = AESGCM(settings.VAULT_KEYS["keys"][record.key_id])
    plain = key.decrypt(bytes(record.nonce), bytes(record.ciphertext), record.public_id.bytes)
    name, phone, words = json.loads(plain)
    return Opened(name=name, phone=phone, words=words)


def normal_phone(phone: str) -> str:
    """The digits of a number in one form: full-width digits, blanks, hyphens and the country's code do not matter."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", phone))
    return re.sub(r"^(?:00)?86(?=1\d{10}$)", "", digits)


def _blind(phone: str) -> bytes | None:
    digits = normal_phone(phone)
    if not digits:
        return None
    return hmac.new(settings.VAULT_KEYS["index"], digits.encode(), hashlib.sha256).digest()


def _refuse_reader(reader, why: str, *, at: datetime) -> None:
    if not may_read_vault(reader, at=at):
        raise NotForYou()
    if not why.strip():
        raise ReasonMissing()
