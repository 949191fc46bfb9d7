"""What the office does for every room: tell people, keep files, note who read what."""

import errno
import hashlib
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.gis.geos import Point
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages
from django.db import IntegrityError, connection, transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from citymgmt.errors import Refusal
from office import media, messages_text, settings
from office.models import Message, ReadLog, StoredFile

# --- Messages 消息 ---


def tell(recipients: Iterable, *, code: str, facts: dict, about: str, url: str, dedupe: str, at: datetime) -> int:
    """Put one message into the box of each of these people and return how many were new.

    Told once: whoever already got a message with this `dedupe` gets none. People who left are left out.
    """
    kind = messages_text.TEXTS[code].kind
    wanted = [
        Message(
            recipient=person,
            kind=kind,
            code=code,
            facts=facts,
            about=about,
            url=url,
            dedupe_key=dedupe,
            created_at=at,
        )
        for person in set(recipients)
        if person.is_active
    ]
    if not wanted:
        return 0
    Message.objects.bulk_create(wanted, ignore_conflicts=True)
    return Message.objects.filter(public_id__in=[message.public_id for message in wanted]).count()


def open_message(message: Message, *, at: datetime) -> None:
    """Its reader saw it. The first time counts."""
    Message.objects.filter(pk=message.pk, read_at__isnull=True).update(read_at=at)


def open_all(*, by, at: datetime) -> int:
    """Everything in this person's box is read; returns how many were not."""
    return Message.objects.unread(by).update(read_at=at)


# --- The log of reading 查阅记录 ---


def note_reading(*, reader, what: str, about: str, why: str, at: datetime) -> None:
    """Somebody opened something private. Written before it is shown, in the same transaction as the reading."""
    ReadLog.objects.create(reader=reader, what=what, about=about, why=why, at=at)


# --- Files 附件 ---


class FileTooLarge(Refusal):
    code = "file_too_large"


class FileNotWhatItSays(Refusal):
    code = "file_not_what_it_says"


class FileNumberTaken(Refusal):
    code = "file_number_taken"


class TooManyFiles(Refusal):
    code = "too_many_files"


class DiskFull(Refusal):
    code = "disk_full"


NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
EXPECTED = {kind.value: kind.label for kind in StoredFile.Kind}


def refuse_too_many(number: int, *, at: datetime, most: int | None = None) -> None:
    """Raise TooManyFiles when more are handed in at once than the setting allows, or than `most`."""
    limit = most or settings.get("office.files_at_once", on=timezone.localdate(at))
    if number > limit:
        raise TooManyFiles(number=number, limit=limit)


def store_files(uploads: Sequence[File], *, by, at: datetime, kinds: Collection[str]) -> list[StoredFile]:
    """Keep several files handed in together. One that is refused refuses all; two statements for all of them."""
    refuse_too_many(len(uploads), at=at)
    return keep([examine(upload, by=by, at=at, kinds=kinds) for upload in uploads])


def store_file(
    upload: File,
    *,
    public_id: uuid.UUID,
    by,
    at: datetime,
    kinds: Collection[str],
    claimed_at: datetime | None = None,
) -> StoredFile:
    """Keep a file after making sure that it is what it says and not too large; `by` is None for a citizen.

    The same file sent again under the same number is the one already kept. Raises FileTooLarge, FileNotWhatItSays,
    FileNumberTaken, DiskFull.
    """
    examined = examine(upload, by=by, at=at, kinds=kinds, public_id=public_id, claimed_at=claimed_at)
    known = StoredFile.objects.filter(public_id=public_id).first()
    if known is not None:
        return _the_same(known, examined.row.sha256)
    try:
        return keep([examined])[0]
    except IntegrityError:
        # The same request twice at the same time: the other one was first.
        return _the_same(StoredFile.objects.get(public_id=public_id), examined.row.sha256)


@dataclass(frozen=True)
class Examined:
    """A file that may be kept: its row, not yet written, and the bytes of each variant with their size."""

    row: StoredFile
    contents: dict[str, tuple[File, int]]


def examine(
    upload: File,
    *,
    by,
    at: datetime,
    kinds: Collection[str],
    public_id: uuid.UUID | None = None,
    claimed_at: datetime | None = None,
) -> Examined:
    """Look at a file before it is kept: what it is, how large, what its camera wrote. Asks the database nothing.

    For pictures what others see is made anew, without what the camera wrote. Raises FileTooLarge, FileNotWhatItSays.
    """
    name = _plain_name(upload.name)
    format = media.recognise(upload, declared=getattr(upload, "content_type", None) or "", kinds=kinds)
    expected = [EXPECTED[kind] for kind in sorted(kinds)]
    if format is None or format.kind not in kinds:
        raise FileNotWhatItSays(name=name, expected=expected)
    _refuse_too_large(upload, name, format, at=at)
    row = StoredFile(
        public_id=public_id or uuid.uuid4(),
        sha256=_hash(upload),
        size=upload.size,
        content_type=format.content_type,
        kind=format.kind,
        name=name,
        uploaded_by=by,
        claimed_at=claimed_at,
        recorded_at=at,
    )
    contents = {"original": (upload, upload.size)}
    if format.kind == media.PICTURE:
        picture = _read_picture(upload, name, at=at, expected=expected)
        row.width, row.height, row.taken_at = picture.width, picture.height, picture.taken_at
        # WGS 84 and CGCS2000 differ by centimetres: relabelled, not transformed.
        row.taken_point = Point(*picture.taken_point, srid=4490) if picture.taken_point else None
        contents["view"] = (ContentFile(picture.view), len(picture.view))
        contents["thumb"] = (ContentFile(picture.thumb), len(picture.thumb))
    return Examined(row, contents)


def keep(files: Sequence[Examined]) -> list[StoredFile]:
    """Keep examined files: the bytes under their hash, the rows in one statement. Raises DiskFull, IntegrityError."""
    if not files:
        return []
    with transaction.atomic():
        _alone_with(*(one.row.sha256 for one in files))
        for one in files:
            for variant, (content, size) in one.contents.items():
                _keep(one.row.path(variant), content, size)
        return StoredFile.objects.bulk_create(one.row for one in files)


def forget_files(files: Iterable[StoredFile]) -> int:
    """Erase stored files that nothing refers to, and their bytes where no other row has the same; return how many.

    Whoever hands in the same bytes meanwhile waits, and finds them gone or kept, never half gone.
    """
    forgotten = 0
    for stored in files:
        with transaction.atomic():
            _alone_with(stored.sha256)
            stored.delete()
            if not StoredFile.objects.filter(sha256=stored.sha256).exists():
                for variant in ("original", "view", "thumb"):
                    storages["evidence"].delete(stored.path(variant))
        forgotten += 1
    return forgotten


def _alone_with(*sha256: str) -> None:
    """Be the only one to touch these bytes until the transaction ends; always taken in the same order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(hash, 0)) FROM unnest(%s::text[]) AS hash",
            [sorted(set(sha256))],
        )


def _the_same(known: StoredFile, sha256: str) -> StoredFile:
    if known.sha256 != sha256:
        raise FileNumberTaken()
    return known


def _plain_name(name: str | None) -> str:
    """The name to show, never used as a path: no folders, no control characters, not too long."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-200:]


def _refuse_too_large(upload: File, name: str, format: media.Format, *, at: datetime) -> None:
    limit = settings.get(f"office.{format.kind}_mb", on=timezone.localdate(at)) * 1024 * 1024
    if upload.size > limit:
        raise FileTooLarge(name=name, size=filesizeformat(upload.size), limit=filesizeformat(limit))


def _hash(upload: File) -> str:
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()


def _read_picture(upload: File, name: str, *, at: datetime, expected: list) -> media.Picture:
    megapixels = settings.get("office.picture_megapixels", on=timezone.localdate(at))
    try:
        return media.read_picture(upload, megapixels=megapixels, zone=timezone.get_default_timezone())
    except media.TooManyPixels as error:
        raise FileTooLarge(name=name, size=f"{error.megapixels} MP", limit=f"{megapixels} MP") from error
    except media.NotAPicture as error:
        raise FileNotWhatItSays(name=name, expected=expected) from error


def _keep(path: str, content: File, size: int) -> None:
    """Write bytes under their path unless they already lie there whole. Raises DiskFull."""
    storage = storages["evidence"]
    try:
        if storage.exists(path):
            if storage.size(path) == size:
                return
            # Half of a file: a crash or a full disk cut it short.
            storage.delete(path)
        content.seek(0)
        written = storage.save(path, content)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        storage.delete(path)
        raise DiskFull() from error
    if written != path:
        # Somebody wrote the same bytes at the same time and was first.
        storage.delete(written)


# --- Clean-up ---

ATTEMPTS_KEPT = timedelta(days=183)
READ_MESSAGES_KEPT = timedelta(days=366)


def clean_up(*, at: datetime) -> None:
    """Forget sessions that ended, attempts to log in older than half a year, messages read more than a year ago."""
    Session.objects.filter(expire_date__lt=at).delete()
    Message.objects.filter(read_at__lt=at - READ_MESSAGES_KEPT).delete()
    for kept in (AccessAttempt, AccessLog, AccessFailureLog):
        kept.objects.filter(attempt_time__lt=at - ATTEMPTS_KEPT).delete()
