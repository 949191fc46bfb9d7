"""The daily checkpoint over all cases 历史校验点: what was recorded since the last one, digested and chained.

An event proves itself and the ones before it in its case. Nothing in a case proves that the case is there at all, or
that its newest events are: that is what a checkpoint is for, and it counts only where the machine's owner cannot reach
it. So each one is a line of text that leaves the house, by mail and by the bulletin.

Its work follows what was recorded since the one before, however many cases there are: events and clock entries are
taken by their keys, each exactly once. docs/decisions/0006-checkpoints.md says how keys and commits are kept in step.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.db import connection, transaction
from django.utils import timezone

from cases import history
from cases.models import Checkpoint
from office import settings
from office.actions import Letter, tell_all

LARGEST_EVENTS = 200_000
LARGEST_ENTRIES = 600_000
FETCHED_AT_ONCE = 5_000
PATIENCE_SECONDS = 60
NOTHING = "-"


class StillWriting(Exception):
    """A transaction that may still add to what a checkpoint would cover has not ended. Nothing at a desk is wrong."""


@dataclass(frozen=True)
class Span:
    """The keys that one checkpoint covers: after < id <= upto, of events and of clock entries."""

    events_after: int
    events_upto: int
    entries_after: int
    entries_upto: int


@dataclass
class Gathered:
    """What lies in a span now. `leaves` by case number: the line that stands for the case."""

    event_count: int = 0
    entry_count: int = 0
    events_digest: str = ""
    leaves: dict[str, str] = field(default_factory=dict)

    @property
    def leaves_bytes(self) -> bytes:
        """Return the lines in the order of the case numbers."""
        return "\n".join(self.leaves[number] for number in sorted(self.leaves)).encode()


# — what lies in a span ——————————————————————————————————————————————————————————————————————————————

_EVENTS = """
    SELECT event.case_id, event.sequence, event.hash, coalesce(one.number, ''), coalesce(one.public_id::text, '')
      FROM cases_caseevent event LEFT JOIN cases_case one ON one.id = event.case_id
     WHERE event.id > %s AND event.id <= %s {only} ORDER BY event.id
"""
_MICROSECONDS = "coalesce((extract(epoch from entry.{0}) * 1000000)::bigint::text, '')"
_ENTRIES = f"""
    SELECT entry.case_id,
           concat_ws('|', entry.clock_id, entry.kind, {_MICROSECONDS.format("at")},
                     {_MICROSECONDS.format("recorded_at")}, {_MICROSECONDS.format("due_before")},
                     {_MICROSECONDS.format("due_after")}, entry.used_seconds, entry.event_sequence, entry.note),
           coalesce(one.number, ''), coalesce(one.public_id::text, '')
      FROM cases_clockentry entry LEFT JOIN cases_case one ON one.id = entry.case_id
     WHERE entry.id > %s AND entry.id <= %s {{only}} ORDER BY entry.id
"""


def rows_of(sql: str, params: list | tuple = ()) -> Iterator[tuple]:
    """Return the rows of a query one by one, fetched in portions; needs an open transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.cursor.itersize = FETCHED_AT_ONCE
        cursor.execute(sql, params)
        yield from cursor.cursor


def gather(span: Span, *, only: str = "") -> Gathered:
    """Read what lies in a span now and digest it here, not in the database that is to be proved.

    `only` is a case number: nothing but its leaf is wanted.
    """
    condition, numbers = ("AND one.number = %s", [only]) if only else ("", [])
    found, digest = Gathered(), hashlib.sha256()
    cases: dict[int, tuple[str, str]] = {}
    last: dict[int, tuple[int, bytes]] = {}
    for case_id, sequence, event_hash, number, public_id in rows_of(
        _EVENTS.format(only=condition), [span.events_after, span.events_upto, *numbers]
    ):
        found.event_count += 1
        digest.update(event_hash)
        if case_id not in cases:
            cases[case_id] = (number or f"?{case_id}", public_id or NOTHING)
        if case_id not in last or sequence > last[case_id][0]:
            last[case_id] = (sequence, event_hash)
    entries: dict[int, list] = {}
    for case_id, line, number, public_id in rows_of(
        _ENTRIES.format(only=condition), [span.entries_after, span.entries_upto, *numbers]
    ):
        found.entry_count += 1
        if case_id not in cases:
            cases[case_id] = (number or f"?{case_id}", public_id or NOTHING)
        known = entries.setdefault(case_id, [0, hashlib.sha256()])
        known[0] += 1
        known[1].update(line.encode() + b"\n")
    found.events_digest = digest.hexdigest()
    for case_id, (number, public_id) in cases.items():
        sequence, event_hash = last.get(case_id, (0, b""))
        count, entries_digest = entries.get(case_id, (0, None))
        found.leaves[number] = " ".join((
            number, public_id, str(sequence), bytes(event_hash).hex() or NOTHING,
            str(count), entries_digest.hexdigest() if entries_digest else NOTHING,
        ))  # fmt: skip
    return found


# — making one ———————————————————————————————————————————————————————————————————————————————————————


def make(*, at: datetime) -> list[Checkpoint]:
    """Cover everything recorded since the last checkpoint and return the new ones: one as a rule.

    More after a very busy day or an import, so that none grows without bound; none where today's stands and nothing
    came since. Its line goes to the outbox in the same transaction. Raises StillWriting.
    """
    upto = _settled()
    made: list[Checkpoint] = []
    with transaction.atomic():
        _alone()
        before = Checkpoint.objects.defer("leaves").order_by("-number").first()
        while True:
            span = _next_span(before, upto)
            is_empty = span.events_after == span.events_upto and span.entries_after == span.entries_upto
            if is_empty and before is not None and (made or before.day >= timezone.localdate(at)):
                break
            before = _keep(before, span, gather(span), at=at)
            made.append(before)
        _send(made, at=at)
    return made


def _settled() -> tuple[int, int]:
    """Return the keys of event and clock entry up to which nothing can be added any more.

    Keys are handed out before they are committed, so a key below the highest may still be on its way. Steps: 1 note
    the last keys handed out; 2 note the next transaction number, which every transaction that holds such a key is
    below (it locked its case before it took the key); 3 wait until all of those have ended.
    """
    with connection.cursor() as cursor:
        upto = []
        for table in ("cases_caseevent", "cases_clockentry"):
            cursor.execute(f"SELECT pg_get_serial_sequence('{table}', 'id')")
            sequence = cursor.fetchone()[0]
            cursor.execute(
                f"SELECT greatest((SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}),"
                f" (SELECT coalesce(max(id), 0) FROM {table}))"
            )
            upto.append(cursor.fetchone()[0])
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        next_transaction = cursor.fetchone()[0]
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_snapshot_xip(pg_current_snapshot()) AS running WHERE running < %s::xid8",
                [next_transaction],
            )
            if not cursor.fetchone()[0]:
                return upto[0], upto[1]
            if time.monotonic() > give_up:
                raise StillWriting(f"a transaction has been writing for more than {PATIENCE_SECONDS} seconds")
            time.sleep(0.2)


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('cases.checkpoint', 0))")


def _next_span(before: Checkpoint | None, upto: tuple[int, int]) -> Span:
    events_after = before.events_upto if before else 0
    entries_after = before.entries_upto if before else 0
    return Span(
        events_after,
        _upto("cases_caseevent", events_after, max(upto[0], events_after), LARGEST_EVENTS),
        entries_after,
        _upto("cases_clockentry", entries_after, max(upto[1], entries_after), LARGEST_ENTRIES),
    )


def _upto(table: str, after: int, upto: int, largest: int) -> int:
    """Return the key of the `largest`-th row after a key, or `upto` where there are fewer."""
    if upto - after <= largest:
        return upto
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {table} WHERE id > %s AND id <= %s ORDER BY id OFFSET %s LIMIT 1",
            [after, upto, largest - 1],
        )
        row = cursor.fetchone()
    return row[0] if row else upto


def _keep(before: Checkpoint | None, span: Span, found: Gathered, *, at: datetime) -> Checkpoint:
    leaves = found.leaves_bytes
    kept = Checkpoint(
        number=before.number + 1 if before else 1, day=timezone.localdate(at), made_at=at,
        events_after=span.events_after, events_upto=span.events_upto, entries_after=span.entries_after,
        entries_upto=span.entries_upto, event_count=found.event_count, entry_count=found.entry_count,
        case_count=len(found.leaves), total_events=(before.total_events if before else 0) + found.event_count,
        leaves=leaves,
    )  # fmt: skip
    kept.payload = payload(kept, events_digest=found.events_digest, previous=bytes(before.hash).hex() if before else "")
    kept.hash = history.digest(kept.payload)
    kept.save(force_insert=True)
    return kept


_COLUMNS = ("number", "events_after", "events_upto", "entries_after", "entries_upto", "event_count", "entry_count",
            "case_count", "total_events")  # fmt: skip


def payload(kept: Checkpoint, *, events_digest: str, previous: str) -> bytes:
    """Return the canonical bytes of a checkpoint: its columns, its digests, and the hash of the one before it."""
    content = {name: getattr(kept, name) for name in _COLUMNS} | {
        "day": kept.day.isoformat(),
        "made_at": kept.made_at.astimezone(UTC).isoformat(),
        "cases": hashlib.sha256(kept.leaves).hexdigest(),
        "events": events_digest,
        "previous": previous,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


# — the line that leaves the house ———————————————————————————————————————————————————————————————————

_LINE = re.compile(r"checkpoint (\d+) of (\d{4}-\d\d-\d\d): .*?sha256 ([0-9a-f]{64})")


def line(kept: Checkpoint) -> str:
    """Return the one line that is mailed and printed: it proves this checkpoint and all before it."""
    return (
        f"checkpoint {kept.number} of {kept.day:%Y-%m-%d}: {kept.event_count} events of {kept.case_count} cases, "
        f"{kept.total_events} events in all, sha256 {bytes(kept.hash).hex()}"
    )


def _send(made: list[Checkpoint], *, at: datetime) -> None:
    """Put the line of the newest checkpoint, which proves all before it, into the outbox to whom the city named."""
    addresses = settings.get("cases.checkpoint_mail", on=timezone.localdate(at))
    if made:
        tell_all(
            [
                Letter(
                    person=None, code="history_checkpoint", facts={}, about="", url="", channels=("mail",),
                    dedupe=f"checkpoint:{made[-1].number}", outside={"line": line(made[-1])}, address=address,
                )
                for address in addresses
            ],
            at=at,
        )  # fmt: skip


def said_by(text: str) -> list[tuple[int, date, str]]:
    """Return number, day and hash of every checkpoint that a text names: a line, a mail, a file of them."""
    flat = " ".join(text.split())
    return [(int(number), date.fromisoformat(day), said) for number, day, said in _LINE.findall(flat)]
