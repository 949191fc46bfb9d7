"""What the office does for every room: tell people, keep files, note who read what."""

import errno
import hashlib
import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.gis.geos import Point
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.template.defaultfilters import filesizeformat
from django.utils import timezone, translation

from citymgmt.errors import Refusal
from citymgmt.live_publish import publish_messages
from office import gateways, media, messages_text, settings
from office.models import Delivery, Erasure, KeptAnswer, Message, Reach, ReadLog, SavedView, StoredFile

# --- Who changed what, for rows that do not say so themselves ---


def note_change(thing: Model, *, by, at: datetime, did: str, **facts) -> None:
    """Write into Django's own log that somebody changed a row; what the system does by itself (None) is not written.

    The row is kept under its Chinese name, whoever reads it. `did` is a key of DID in citymgmt/house.py, the facts fill
    the gaps of its sentence.
    """
    if by is None:
        return
    with translation.override("zh-hans"):
        name = getattr(thing, "name_zh", "") or str(thing)
    LogEntry.objects.create(
        user=by, action_time=at, content_type=ContentType.objects.get_for_model(thing), object_id=str(thing.pk or ""),
        object_repr=name[:200], action_flag=CHANGE,
        change_message=json.dumps(
            {"did": did, "kind": thing._meta.model_name, "ref": str(getattr(thing, "public_id", "")), **facts}
        ),
    )  # fmt: skip


# --- Messages 消息 ---


@dataclass(frozen=True)
class Letter:
    """What one person is told. `channels` beside the box; `person` None: only outside, to `address`.

    `outside` are the facts that may leave the house; `robots` the names of the chat robots that speak to him.
    """

    person: object | None
    code: str
    facts: dict
    about: str
    url: str
    dedupe: str
    channels: Collection[str] = ()
    outside: dict = field(default_factory=dict)
    robots: Sequence[str] = ()
    address: str = ""
    at_night: bool = False


def tell(
    recipients: Iterable,
    *,
    code: str,
    facts: dict,
    about: str,
    url: str,
    dedupe: str,
    at: datetime,
    channels: Collection[str] = (),
    outside: dict | None = None,
) -> int:
    """Put one message into the box of each of these people and return how many were new.

    Told once: whoever already got a message with this `dedupe` gets none. People who left are left out. What goes out
    by `channels` besides says only what `outside` holds.
    """
    return tell_all(
        [Letter(person, code, facts, about, url, dedupe, channels, outside or {}) for person in set(recipients)], at=at
    )


def tell_all(letters: Iterable[Letter], *, at: datetime) -> int:
    """Put many messages into their boxes, and into the outbox what leaves the house; return how many were new.

    In one transaction, a few statements for all of them. A message that its reader already has is not sent out again.
    """
    letters = [one for one in letters if one.person is None or one.person.is_active]
    wanted = [(_message(one, at=at), one) for one in letters if one.person is not None]
    out = [one for one in letters if one.channels]
    with transaction.atomic() if out else nullcontext():
        new: dict[uuid.UUID, int] = {}
        if wanted:
            Message.objects.bulk_create([message for message, _letter in wanted], ignore_conflicts=True)
            ids = [message.public_id for message, _letter in wanted]
            new = dict(Message.objects.filter(public_id__in=ids).values_list("public_id", "pk"))
        if out:
            told = [(new[message.public_id], one) for message, one in wanted if message.public_id in new]
            told += [(None, one) for one in out if one.person is None]
            Delivery.objects.bulk_create(
                _deliveries([(pk, one) for pk, one in told if one.channels], at=at), ignore_conflicts=True
            )
    readers = sorted({message.recipient_id for message, _letter in wanted if message.public_id in new})
    if readers:
        transaction.on_commit(lambda: publish_messages(user_ids=readers), robust=True)
    return len(new)


def _message(letter: Letter, *, at: datetime) -> Message:
    return Message(
        recipient=letter.person,
        kind=messages_text.TEXTS[letter.code].kind,
        code=letter.code,
        facts=letter.facts,
        about=letter.about,
        url=letter.url,
        dedupe_key=letter.dedupe,
        created_at=at,
    )


def _deliveries(out: list[tuple[int | None, Letter]], *, at: datetime) -> list[Delivery]:
    """What is written into the outbox: only for gateways that are set up and people who can be reached by them."""
    open_channels = gateways.channels()
    people = {letter.person.pk for _pk, letter in out if letter.person is not None}
    reaches = {(one.user_id, one.channel): one for one in Reach.objects.filter(user__in=people)}
    found = []
    for pk, letter in out:
        for channel in open_channels.intersection(letter.channels):
            address = _address(letter, channel, reaches)
            if address:
                found.append(
                    Delivery(
                        message_id=pk,
                        recipient=letter.person,
                        channel=channel,
                        address=address,
                        code=letter.code,
                        facts=letter.outside,
                        url=letter.url,
                        dedupe_key=letter.dedupe,
                        at_night=letter.at_night,
                        created_at=at,
                        next_try_at=at,
                    )
                )
    return found


def _address(letter: Letter, channel: str, reaches: dict[tuple[int, str], Reach]) -> str:
    """Where this person is reached by this channel; "" where he cannot be, or does not want to."""
    if letter.person is None:
        return letter.address
    known = reaches.get((letter.person.pk, channel))
    if known is not None and (known.address or not known.is_wanted):
        return known.address if known.is_wanted else ""
    if channel == Reach.Channel.CHAT:
        return gateways.robot(letter.robots)
    return letter.person.phone if channel == Reach.Channel.SMS else ""


def open_message(message: Message, *, at: datetime) -> None:
    """Its reader saw it. The first time counts."""
    Message.objects.filter(pk=message.pk, read_at__isnull=True).update(read_at=at)


def open_all(*, by, at: datetime) -> int:
    """Everything in this person's box is read; returns how many were not."""
    return Message.objects.unread(by).update(read_at=at)


# --- The outbox 外发 ---

BATCH = 20  # so many are claimed at a time: a killed worker leaves no more of them in doubt
LOST_AFTER = timedelta(minutes=10)
MOST_ATTEMPTS = 8
LONGEST_WAIT = timedelta(hours=1)


class NothingToSendAgain(Refusal):
    """Only what was given up, or perhaps sent, is sent again."""

    code = "nothing_to_send_again"


def send_some(*, at: datetime) -> int:
    """Send what is due from the outbox; return how many were claimed, 0 when there was nothing.

    1  Claim a few rows and commit: they are "being sent" now. Another worker leaves them out (SKIP LOCKED).
    2  Hand each to its gateway, outside any transaction.
    3  Note what came of it, each by itself.
    Killed between 1 and 3, nobody knows whether it went out. After ten minutes it is sent again where the gateway
    knows a key sent twice; otherwise it is marked "perhaps sent" and shown to a person, who decides.
    """
    _look_after_the_lost(at=at)
    claimed = _claim(at=at)
    for delivery in claimed:
        _send(delivery, at=at)
    return len(claimed)


def _claim(*, at: datetime) -> list[Delivery]:
    with transaction.atomic():
        room = {channel: _room(channel, at=at) for channel in gateways.channels()}
        waiting = list(
            Delivery.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(
                state=Delivery.State.WAITING,
                next_try_at__lte=at,
                channel__in=[channel for channel, number in room.items() if number],
            )
            .order_by("next_try_at", "id")[:BATCH]
        )
        quiet = _quiet_until(waiting, at=at)
        for delivery in waiting:
            if delivery.pk in quiet:
                delivery.next_try_at = quiet[delivery.pk]
            elif room[delivery.channel]:
                room[delivery.channel] -= 1
                delivery.state, delivery.claimed_at = Delivery.State.SENDING, at
                delivery.attempts += 1
        Delivery.objects.bulk_update(waiting, ["state", "claimed_at", "attempts", "next_try_at"])
    return [one for one in waiting if one.state == Delivery.State.SENDING]


def _room(channel: str, *, at: datetime) -> int:
    """How many more may go out by this channel in this minute."""
    limit = settings.get(f"office.{channel}_per_minute", on=timezone.localdate(at))
    minute_ago = at - timedelta(minutes=1)
    gone = Delivery.objects.filter(channel=channel, state=Delivery.State.SENT, sent_at__gt=minute_ago).count()
    return max(0, limit - gone)


def _quiet_until(waiting: list[Delivery], *, at: datetime) -> dict[int, datetime]:
    """For which of these it is quiet now, and until when: the person's own hours, else those of the channel."""
    reaches = {
        (one.user_id, one.channel): one
        for one in Reach.objects.filter(user__in=[one.recipient_id for one in waiting if one.recipient_id])
    }
    found = {}
    for delivery in waiting:
        own = reaches.get((delivery.recipient_id, delivery.channel))
        hours = (own.quiet_from, own.quiet_to) if own and own.quiet_from else quiet_hours(delivery.channel, at=at)
        ends_at = end_of_quiet(hours, at=at) if hours and not delivery.at_night else None
        if ends_at is not None:
            found[delivery.pk] = ends_at
    return found


def quiet_hours(channel: str, *, at: datetime) -> tuple[time, time] | None:
    """The city's quiet hours of a channel, "22:00-07:00"; None when it has none."""
    said = settings.get(f"office.{channel}_quiet_hours", on=timezone.localdate(at))
    begins, _dash, ends = said.partition("-")
    return (time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip())) if said else None


def end_of_quiet(hours: tuple[time, time], *, at: datetime) -> datetime | None:
    """When the quiet that holds now ends; None when it does not hold. Hours may pass midnight."""
    begins, ends = hours
    local = timezone.localtime(at)
    now = local.time()
    quiet = begins <= now < ends if begins < ends else now >= begins or now < ends
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if now >= ends else 0)
    return timezone.make_aware(datetime.combine(day, ends))


def _send(delivery: Delivery, *, at: datetime) -> None:
    try:
        gateways.send(delivery)
    except gateways.Refused as error:
        _note(delivery, Delivery.State.DEAD, error=str(error))
    except gateways.Uncertain as error:
        if gateways.knows_keys(delivery.channel):
            _try_later(delivery, error=str(error), at=at)
        else:
            _note(delivery, Delivery.State.UNKNOWN, error=str(error))
    except gateways.Busy as error:
        _try_later(delivery, error=str(error), at=at)
    else:
        _note(delivery, Delivery.State.SENT, sent_at=at)


def _try_later(delivery: Delivery, *, error: str, at: datetime) -> None:
    if delivery.attempts >= MOST_ATTEMPTS:
        _note(delivery, Delivery.State.DEAD, error=error)
    else:
        wait = min(LONGEST_WAIT, timedelta(minutes=2 ** (delivery.attempts - 1)))
        _note(delivery, Delivery.State.WAITING, error=error, next_try_at=at + wait)


def _note(delivery: Delivery, state: str, *, error: str = "", **facts) -> None:
    # Only while it is still ours: whoever was away too long does not overwrite what was decided meanwhile.
    Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.SENDING, claimed_at=delivery.claimed_at).update(
        state=state, last_error=error[:80], **facts
    )


def _look_after_the_lost(*, at: datetime) -> None:
    lost = Delivery.objects.filter(state=Delivery.State.SENDING, claimed_at__lte=at - LOST_AFTER)
    for channel in set(lost.values_list("channel", flat=True)):
        to = Delivery.State.WAITING if gateways.knows_keys(channel) else Delivery.State.UNKNOWN
        lost.filter(channel=channel).update(state=to, next_try_at=at, last_error=gateways.LOST)


def send_again(delivery: Delivery, *, at: datetime) -> None:
    """Put what was given up, or perhaps sent, into the outbox once more. Raises NothingToSendAgain."""
    troubled = Delivery.objects.filter(pk=delivery.pk, state__in=[Delivery.State.DEAD, Delivery.State.UNKNOWN])
    if not troubled.update(state=Delivery.State.WAITING, attempts=0, next_try_at=at, last_error=""):
        raise NothingToSendAgain()


# --- The log of reading 查阅记录 ---


ONE_LOOK = timedelta(minutes=15)


def note_reading(*, reader, what: str, about: str, why: str, at: datetime, number: str = "") -> None:
    """Somebody opened something private. Written before it is shown, in the same transaction as the reading.

    `number` is the case's that it belongs to, if any.
    """
    ReadLog.objects.create(reader=reader, what=what, about=about, why=why, at=at, number=number)


def note_look(*, reader, what: str, about: str, why: str, at: datetime, number: str = "") -> None:
    """The same for what a browser fetches in pieces or page by page: one look within a quarter of an hour is one."""
    lately = ReadLog.objects.filter(about=about, reader=reader, what=what, at__gt=at - ONE_LOOK, at__lte=at)
    if not lately.exists():
        note_reading(reader=reader, what=what, about=about, why=why, at=at, number=number)


READINGS_KEPT_AT_LEAST_DAYS = 183  # held by the database too


def forget_readings(*, before: datetime, at_most: int) -> int:
    """Take readings older than this out of the log, never any of the last half year; return how many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT office_forget_readings(%s, %s)", [before, at_most])
        return cursor.fetchone()[0]


# --- Tombstones 清除记录 ---


def note_erasure(*, by, rule: str, why: str, about: str, at: datetime, number: str = "", pieces: int = 1) -> None:
    """Something private was erased: `by` is None where a rule did it. In the same transaction as the erasing."""
    Erasure.objects.create(by=by, rule=rule, why=why, about=about, at=at, number=number, pieces=pieces)


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
            if not StoredFile.objects.filter(sha256=stored.sha256, erased_at__isnull=True).exists():
                for variant in ("original", "view", "thumb"):
                    storages["evidence"].delete(stored.path(variant))
        forgotten += 1
    return forgotten


def erase_files(files: Iterable[StoredFile], *, at: datetime) -> int:
    """Erase the bytes of stored files and what their cameras wrote; the rows stay as tombstones. Return how many.

    Bytes that another row still needs stay. Who and why is noted by whoever calls (`note_erasure`). Bytes go before the
    rows are committed: cut short, the next run finds the rows again and nothing more to take away.
    """
    erased = 0
    for stored in files:
        with transaction.atomic():
            _alone_with(stored.sha256)
            StoredFile.objects.filter(pk=stored.pk).update(erased_at=at, name="", taken_at=None, taken_point=None)
            if not StoredFile.objects.filter(sha256=stored.sha256, erased_at__isnull=True).exists():
                for variant in ("original", "view", "thumb"):
                    storages["evidence"].delete(stored.path(variant))
        erased += 1
    return erased


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


# --- Writes that come twice ---


class KeyUsedOtherwise(Refusal):
    """The same key came before with another content."""

    code = "key_used_otherwise"


class KeyInUse(Refusal):
    """The write of this key ended between two looks."""

    code = "key_in_use"


_CLAIM = """
    INSERT INTO office_keptanswer (user_id, key, said, body, created_at) VALUES (%s, %s, %s, '', %s)
    ON CONFLICT (user_id, key) DO NOTHING RETURNING id
"""


def claim_key(key: str, *, by, said: str, at: datetime) -> KeptAnswer:
    """Return a new row for a write that is done now, or the row of the same write done before, with its answer.

    In the transaction of the write: whoever sends the same key meanwhile waits here until it ends. Raises
    KeyUsedOtherwise, KeyInUse.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [by.pk, key, said, at])
        made = cursor.fetchone()
    if made is not None:
        return KeptAnswer(pk=made[0], user_id=by.pk, key=key, said=said, created_at=at)
    known = KeptAnswer.objects.filter(user=by, key=key).first()
    if known is None or known.status is None:
        raise KeyInUse()
    if known.said != said:
        raise KeyUsedOtherwise()
    return known


def keep_answer(claimed: KeptAnswer, *, status: int, body: str) -> None:
    """Keep the answer of a write that was done. A refused one did nothing, so its key is free again."""
    row = KeptAnswer.objects.filter(pk=claimed.pk)
    if 200 <= status < 300:
        row.update(status=status, body=body)
    else:
        row.delete()


# --- Clean-up ---

ATTEMPTS_KEPT = timedelta(days=183)
READ_MESSAGES_KEPT = timedelta(days=366)
DELIVERIES_KEPT = timedelta(days=183)


def clean_up(*, at: datetime) -> None:
    """Forget sessions that ended, attempts to log in older than half a year, messages read more than a year ago,
    answers kept for writes that may come again."""
    Session.objects.filter(expire_date__lt=at).delete()
    Delivery.objects.filter(state=Delivery.State.SENT, sent_at__lt=at - DELIVERIES_KEPT).delete()
    Message.objects.filter(read_at__lt=at - READ_MESSAGES_KEPT).delete()
    days = settings.get("office.api_answers_kept_days", on=timezone.localdate(at))
    KeptAnswer.objects.filter(created_at__lt=at - timedelta(days=days)).delete()
    for kept in (AccessAttempt, AccessLog, AccessFailureLog):
        kept.objects.filter(attempt_time__lt=at - ATTEMPTS_KEPT).delete()


# — views of a desk ——————————————————————————————————————————————————————————————————————————————————


class TooManyViews(Refusal):
    """Somebody keeps as many views of a desk as its list holds. Facts: most."""

    code = "too_many_views"


MOST_VIEWS = 20


def keep_view(*, by, desk: str, name: str, query: str) -> SavedView:
    """Keep the address of a desk's list under a name; one of that name is overwritten. Raises TooManyViews."""
    kept = SavedView.objects.of(by, desk=desk)
    with transaction.atomic():
        if one := kept.filter(name=name).first():
            SavedView.objects.filter(pk=one.pk).update(query=query)
            return one
        number = kept.count()
        if number >= MOST_VIEWS:
            raise TooManyViews(most=MOST_VIEWS)
        return SavedView.objects.create(person=by, desk=desk, name=name, query=query, number=number + 1)


def change_view(view: SavedView, *, name: str, number: int, is_default: bool) -> None:
    """Rename a view, put it elsewhere in the list, or let its desk open with it."""
    with transaction.atomic():
        if is_default:
            SavedView.objects.filter(person=view.person_id, desk=view.desk).update(is_default=False)
        SavedView.objects.filter(pk=view.pk).update(name=name, number=number, is_default=is_default)


def forget_view(view: SavedView) -> None:
    """Throw a view away."""
    SavedView.objects.filter(pk=view.pk).delete()
