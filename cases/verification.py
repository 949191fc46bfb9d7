"""The proof of the history: reads what is recorded and names every place where it is not as it was written.

Three things are looked at. Each case's chain: the bytes of every event, the chain and its numbers, columns, text and
files beside it, the row of the case. The checkpoints: their own chain, and that what they covered is still there. And
the lines that left the house: they must be among the checkpoints. Everything is digested here and streamed in the order
of the keys, so that memory does not grow and the database that is to be proved is asked for nothing but its rows.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from django.core.files.storage import storages
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from accounts.roles import Role
from cases import checkpoint, history
from cases.checkpoint import Span, rows_of
from cases.models import Case, Checkpoint, HistoryCheck
from office import health
from office.actions import tell
from office.models import StoredFile

# What may be found, in the words of the page. The command prints the code.
FINDINGS = {
    "case_missing": _("There are events of a case that is gone"),
    "case_vanished": _("A case with all its events is gone"),
    "case_added": _("A case was slipped in among those of a day already covered"),
    "case_disagrees": _("The row of the case does not agree with its last event"),
    "chain_broken": _("The event does not follow from the one before it"),
    "checkpoint_altered": _("The checkpoint was altered"),
    "checkpoint_missing": _("A checkpoint is missing"),
    "clock_changed": _("Entries of its clocks were altered, removed or added"),
    "clock_orphan": _("An entry of a clock belongs to no event"),
    "column_altered": _("A column of the event does not agree with what was hashed"),
    "day_disagrees": _("The events covered are not those, or not in that order"),
    "erased_without_note": _("Words were erased and nobody noted who did it and why"),
    "event_altered": _("What was hashed was altered"),
    "events_changed": _("Events up to this one were altered, removed or added"),
    "file_altered": _("The bytes of a file were altered"),
    "file_missing": _("A file that the event names is missing"),
    "file_added": _("A file hangs on the case that no event names"),
    "line_unknown": _("No checkpoint bears out a line that left the house"),
    "no_events": _("The case has no event"),
    "sequence_gap": _("Events are missing or doubled before this one"),
    "text_altered": _("The text of the event was altered"),
    "text_missing": _("The text of the event is missing"),
    "text_orphan": _("A text belongs to no event"),
}


@dataclass(frozen=True)
class Finding:
    """One place that is not as it was written. `number` is the case's, "" where a checkpoint is meant."""

    code: str
    number: str
    sequence: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        where = f"case {self.number}" if self.number else "all cases"
        at = f" event {self.sequence}" if self.sequence is not None else ""
        return f"{where}{at}: {self.code}{f' ({self.detail})' if self.detail else ''}"


@dataclass
class Tally:
    """How much was looked at."""

    events: int = 0
    cases: int = 0
    checkpoints: int = 0
    cases_upto: int = 0


@dataclass(frozen=True)
class Wanted:
    """Which cases to look at: all, one, those recorded since a day, or a slice of keys."""

    number: str = ""
    since: date | None = None
    cases_after: int = 0
    cases_at_most: int | None = None
    files: bool = False
    with_checkpoints: bool = True
    against: tuple[tuple[int, date, str], ...] = field(default=())


def verify(wanted: Wanted, tally: Tally) -> Iterator[Finding]:
    """Return the findings one by one, and count into `tally` what was looked at. One consistent picture, read only."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # All rows are fetched, so the quickest way to the last one is wanted, not to the first.
            cursor.execute(
                "SELECT set_config('cursor_tuple_fraction', '1', true), set_config('work_mem', '128MB', true)"
            )
        where, params = _condition(wanted)
        yield from _chains(where, params, tally, files=wanted.files)
        yield from _clock_orphans(where, params)
        yield from _erased_in_silence(where, params)
        if wanted.number:
            yield from _leaves_of(wanted.number)
        elif wanted.with_checkpoints:
            yield from _checkpoints(wanted.since, tally)
        yield from _lines(wanted.against)


def _condition(wanted: Wanted) -> tuple[str, list]:
    """Return the SQL that a column `case_id` must satisfy."""
    if wanted.number:
        return "{case} IN (SELECT id FROM cases_case WHERE number = %s)", [wanted.number]
    if wanted.since is not None:
        after = _covered_before(wanted.since)
        return "{case} IN (SELECT case_id FROM cases_caseevent WHERE id > %s)", [after[0]]
    if wanted.cases_at_most is not None:
        return "{case} > %s AND {case} <= %s", [wanted.cases_after, wanted.cases_after + wanted.cases_at_most]
    return "TRUE", []


def _covered_before(day: date) -> tuple[int, int]:
    """Return the last keys of event and checkpoint number covered before a day; zeros where none was."""
    before = Checkpoint.objects.filter(day__lt=day).order_by("-number").first()
    return (before.events_upto, before.number) if before else (0, 0)


# — the chains ———————————————————————————————————————————————————————————————————————————————————————

_CASES = """
    SELECT id, number, public_id::text, stage, event_count, last_hash FROM cases_case WHERE {where} ORDER BY id
"""
_EVENTS = """
    SELECT case_id, sequence, payload, hash, at, claimed_at, recorded_at, verb, subject, subject_id::text, outcome,
           side, proof, actor_id, role, department_id, from_stage, to_stage, facts::text, format_version
      FROM cases_caseevent WHERE {where} ORDER BY case_id, sequence
"""
_TEXTS = """
    SELECT case_id, sequence, salt, text, erased_at IS NOT NULL FROM cases_eventtext WHERE {where}
     ORDER BY case_id, sequence
"""
_FILES = """
    SELECT evidence.case_id, file.sha256, file.content_type, file.kind, {erased}
      FROM cases_evidence evidence JOIN office_storedfile file ON file.id = evidence.file_id
     WHERE {where} ORDER BY evidence.case_id, evidence.id
"""
# The columns of an event after its hash, as they are named in what was hashed.
COLUMNS = ("at", "claimed_at", "recorded_at", "verb", "subject", "subject_id", "outcome", "side", "proof", "actor",
           "role", "department", "from_stage", "to_stage", "facts", "format")  # fmt: skip


def _chains(where: str, params: list, tally: Tally, *, files: bool) -> Iterator[Finding]:
    """Walk cases, events, texts and files side by side, all in the order of the cases' keys."""
    staff = dict(User.objects.values_list("pk", "staff_number"))
    codes = dict(Department.objects.values_list("pk", "code"))
    cases = {"rows": rows_of(_CASES.format(where=where.format(case="id")), params)}
    of_case = where.format(case="case_id")
    events = _Beside(_EVENTS.format(where=of_case), params)
    texts = _Beside(_TEXTS.format(where=of_case), params)
    stored = _Beside(
        _FILES.format(where=where.format(case="evidence.case_id"), erased="file.erased_at IS NOT NULL"), params
    )
    for case in cases["rows"]:
        for beside in (events, texts, stored):
            yield from beside.left_before(case[0])
        tally.cases += 1
        tally.cases_upto = case[0]
        mine = events.of(case[0])
        tally.events += len(mine)
        words = {row[1]: row for row in texts.of(case[0])}
        yield from _one_case(case, mine, words, stored.of(case[0]), staff=staff, codes=codes, read_files=files)
    for beside in (events, texts, stored):
        yield from beside.left_before(None)


class _Beside:
    """Rows in the order of their case's key (their first column), handed out case by case."""

    def __init__(self, sql: str, params: list) -> None:
        self.is_events = sql.lstrip().startswith("SELECT case_id, sequence, payload")
        self.groups = groupby(rows_of(sql, params), key=itemgetter(0))
        self.case_id: int | None = None
        self.rows: list[tuple] = []
        self._step()

    def _step(self) -> None:
        self.case_id, rows = next(self.groups, (None, ()))
        self.rows = list(rows)

    def of(self, case_id: int) -> list[tuple]:
        """Return the rows of this case, and go on to the next."""
        if self.case_id != case_id:
            return []
        rows = self.rows
        self._step()
        return rows

    def left_before(self, case_id: int | None) -> Iterator[Finding]:
        """Say what belongs to cases that are not there, up to this one (None: up to the end)."""
        while self.case_id is not None and (case_id is None or self.case_id < case_id):
            code = "case_missing" if self.is_events else "text_orphan"
            yield Finding(
                code, f"?{self.case_id}", self.rows[0][1] if self.is_events else None, f"{len(self.rows)} rows"
            )
            self._step()


def _one_case(case, events, words, stored, *, staff, codes, read_files: bool) -> Iterator[Finding]:
    _id, number, public_id, stage, event_count, last_hash = case
    if not events:
        yield Finding("no_events", number)
    previous, expected, last_stage = "", 1, ""
    named: set[str] = set()
    for event in events:
        sequence, data, event_hash = event[1], event[2], bytes(event[3])
        if sequence != expected:
            yield Finding("sequence_gap", number, sequence, f"expected {expected}")
        if hashlib.sha256(data).digest() != event_hash:
            yield Finding("event_altered", number, sequence)
        try:
            said = json.loads(str(data, "utf-8"))
            differing = _differing(event, said, public_id, staff=staff, codes=codes)
            if said["previous"] != previous:
                yield Finding("chain_broken", number, sequence)
            files = said["facts"].get("files", ())
            text = said["text"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield Finding("event_altered", number, sequence, f"cannot be read: {error}")
        else:
            if differing:
                yield Finding("column_altered", number, sequence, ", ".join(differing))
            named.update(files)
            yield from _text(number, sequence, text, words.pop(sequence, None))
        previous, expected, last_stage = event_hash.hex(), sequence + 1, event[17]
    for sequence in words:
        yield Finding("text_orphan", number, sequence)
    if events:
        row = {"event_count": event_count == events[-1][1], "last_hash": bytes(last_hash).hex() == previous,
               "stage": stage == last_stage}  # fmt: skip
        if wrong := [name for name, agrees in row.items() if not agrees]:
            yield Finding("case_disagrees", number, events[-1][1], ", ".join(wrong))
    yield from _files(number, named, stored, read=read_files)


def _differing(event: tuple, said: dict, public_id: str, *, staff: dict, codes: dict) -> list[str]:
    """Return the names of the columns that do not say what was hashed."""
    claimed, facts = said["claimed_at"], said["facts"]
    columns = (
        *event[4:13], staff.get(event[13]), event[14], codes.get(event[15], ""), event[16], event[17],
        json.loads(event[18]), event[19],
    )  # fmt: skip
    hashed = (
        datetime.fromisoformat(said["at"]), datetime.fromisoformat(claimed) if claimed else None,
        datetime.fromisoformat(said["recorded_at"]), said["verb"], said["subject"], said["subject_id"],
        said["outcome"], said["side"], said["proof"], said["actor"], said["role"],
        # Departments move, their codes do not: the path is of that day.
        said["department"].rstrip("/").rpartition("/")[2], said["from_stage"], said["to_stage"], facts, said["format"],
    )  # fmt: skip
    if columns == hashed and said["case"] == public_id and said["sequence"] == event[1]:
        return []
    wrong = [name for name, ours, theirs in zip(COLUMNS, columns, hashed, strict=True) if ours != theirs]
    wrong += [name for name, value in (("case", public_id), ("sequence", event[1])) if said[name] != value]
    return wrong


def _text(number: str, sequence: int, hashed: str | None, row: tuple | None) -> Iterator[Finding]:
    if hashed is None:
        if row is not None:
            yield Finding("text_orphan", number, sequence)
        return
    if row is None:
        yield Finding("text_missing", number, sequence)
        return
    _case_id, _sequence, salt, text, is_erased = row
    kept_as_it_was = not (text or salt) if is_erased else history.text_hash(text, salt=bytes(salt)) == hashed
    if not kept_as_it_was:
        yield Finding("text_altered", number, sequence)


def _files(number: str, named: set[str], stored: list[tuple], *, read: bool) -> Iterator[Finding]:
    here = {row[1] for row in stored}
    for sha256 in sorted(named - here):
        yield Finding("file_missing", number, None, sha256[:12])
    for sha256 in sorted(here - named):
        yield Finding("file_added", number, None, sha256[:12])
    for _case_id, sha256, content_type, kind, is_erased in stored if read else ():
        if not is_erased:
            yield from _bytes_of(number, sha256, content_type, kind)


def _bytes_of(number: str, sha256: str, content_type: str, kind: str) -> Iterator[Finding]:
    path = StoredFile(sha256=sha256, content_type=content_type, kind=kind).path("original")
    digest = hashlib.sha256()
    try:
        with storages["evidence"].open(path) as content:
            for chunk in content.chunks():
                digest.update(chunk)
    except FileNotFoundError:
        yield Finding("file_missing", number, None, sha256[:12])
        return
    if digest.hexdigest() != sha256:
        yield Finding("file_altered", number, None, sha256[:12])


_ORPHANS = """
    SELECT coalesce(one.number, '?' || entry.case_id), entry.event_sequence, count(*)
      FROM cases_clockentry entry
      LEFT JOIN cases_case one ON one.id = entry.case_id
      LEFT JOIN cases_caseevent event ON event.case_id = entry.case_id AND event.sequence = entry.event_sequence
     WHERE event.id IS NULL AND {where}
     GROUP BY 1, 2 ORDER BY 1, 2
"""


def _clock_orphans(where: str, params: list) -> Iterator[Finding]:
    for number, sequence, count in rows_of(_ORPHANS.format(where=where.format(case="entry.case_id")), params):
        yield Finding("clock_orphan", number, sequence, f"{count} entries")


_SILENT = """
    SELECT one.number, min(words.sequence) FROM cases_eventtext words JOIN cases_case one ON one.id = words.case_id
     WHERE words.erased_at IS NOT NULL AND {where}
       AND NOT EXISTS (SELECT 1 FROM office_erasure noted WHERE noted.number = one.number AND noted.rule = 'words')
     GROUP BY 1 ORDER BY 1
"""


def _erased_in_silence(where: str, params: list) -> Iterator[Finding]:
    for number, sequence in rows_of(_SILENT.format(where=where.format(case="words.case_id")), params):
        yield Finding("erased_without_note", number, sequence)


# — the checkpoints ——————————————————————————————————————————————————————————————————————————————————


def _checkpoints(since: date | None, tally: Tally) -> Iterator[Finding]:
    """Prove the checkpoints made since a day (None: all) and that what they covered is still there."""
    before_number = _covered_before(since)[1] if since is not None else 0
    before = Checkpoint.objects.filter(number=before_number).first()
    numbers = list(
        Checkpoint.objects.filter(number__gt=before_number).order_by("number").values_list("number", flat=True)
    )
    for number in numbers:
        kept = Checkpoint.objects.get(number=number)
        tally.checkpoints += 1
        expected = before.number + 1 if before else 1
        if kept.number != expected:
            yield Finding("checkpoint_missing", "", None, f"between {expected - 1} and {kept.number}")
        found = checkpoint.gather(Span(kept.events_after, kept.events_upto, kept.entries_after, kept.entries_upto))
        yield from _same_as_then(kept, found)
        yield from _sound(kept, before, found.events_digest)
        before = kept


def _name(kept: Checkpoint) -> str:
    return f"checkpoint {kept.number} of {kept.day}"


def _sound(kept: Checkpoint, before: Checkpoint | None, events_digest: str) -> Iterator[Finding]:
    """Say whether a checkpoint itself was altered: its columns, its bytes, its place in the chain."""
    try:
        said = json.loads(bytes(kept.payload))
    except ValueError:
        yield Finding("checkpoint_altered", "", None, f"{_name(kept)}: cannot be read")
        return
    if said.get("events") != events_digest:
        yield Finding("day_disagrees", "", None, _name(kept))
    again = checkpoint.payload(kept, events_digest=said.get("events", ""), previous=said.get("previous", ""))
    wrong = [
        what
        for what, is_wrong in (
            ("hash", history.digest(bytes(kept.payload)) != bytes(kept.hash)),
            ("columns", again != bytes(kept.payload)),
            ("chain", said.get("previous") != (bytes(before.hash).hex() if before else "")),
            ("span", before is not None and (kept.events_after, kept.entries_after)
             != (before.events_upto, before.entries_upto)),
        )
        if is_wrong
    ]  # fmt: skip
    if wrong:
        yield Finding("checkpoint_altered", "", None, f"{_name(kept)}: {', '.join(wrong)}")


def _same_as_then(kept: Checkpoint, found: checkpoint.Gathered) -> Iterator[Finding]:
    """Name the cases of which a checkpoint said something else than what lies there now."""
    if bytes(kept.leaves) == found.leaves_bytes:
        return
    then = leaves_of(kept)
    for number in sorted(then.keys() | found.leaves.keys()):
        yield from _same_leaf(number, then.get(number), found.leaves.get(number), _name(kept))


def leaves_of(kept: Checkpoint) -> dict[str, str]:
    """Return the lines of a checkpoint by case number."""
    lines = bytes(kept.leaves).decode(errors="replace").split("\n")
    return {line.partition(" ")[0]: line for line in lines if line}


def _same_leaf(number: str, then: str | None, now: str | None, name: str) -> Iterator[Finding]:
    if then == now:
        return
    if now is None:
        _number, _public_id, sequence, *_rest = then.split(" ")
        yield Finding("case_vanished", number, None, f"{name} had it with {sequence} events")
        return
    if then is None:
        yield Finding("case_added", number, None, name)
        return
    old, new = then.split(" "), now.split(" ")
    if old[1:4] != new[1:4]:
        yield Finding("events_changed", number, int(old[2]), f"{name}, there are {new[2]} now")
    if old[4:] != new[4:]:
        yield Finding("clock_changed", number, None, f"{name}: {old[4]} entries then, {new[4]} now")


_SPANS_OF_CASE = """
    SELECT kept.number, max(event.sequence) FILTER (WHERE event.id IS NOT NULL)
      FROM cases_checkpoint kept
      LEFT JOIN (cases_caseevent event JOIN cases_case one ON one.id = event.case_id AND one.number = %s)
        ON event.id > kept.events_after AND event.id <= kept.events_upto
     WHERE position(%s::bytea IN kept.leaves) > 0 OR event.id IS NOT NULL
     GROUP BY kept.number ORDER BY kept.number
"""


def _leaves_of(number: str) -> Iterator[Finding]:
    """Compare one case with every checkpoint that speaks of it or should."""
    for kept_number, sequence in list(rows_of(_SPANS_OF_CASE, [number, number.encode()])):
        kept = Checkpoint.objects.get(number=kept_number)
        then = leaves_of(kept).get(number)
        if then is None and sequence is None:
            continue  # the number of another case, which this one is the beginning of
        now = checkpoint.gather(
            Span(kept.events_after, kept.events_upto, kept.entries_after, kept.entries_upto), only=number
        ).leaves.get(number)
        yield from _same_leaf(number, then, now, _name(kept))


# — the lines that left the house ————————————————————————————————————————————————————————————————————


def _lines(against: Iterable[tuple[int, date, str]]) -> Iterator[Finding]:
    """Look for each line among the checkpoints: number, day and hash must be the same."""
    for number, day, said in against:
        kept = Checkpoint.objects.defer("leaves").filter(number=number).first()
        if kept is None or kept.day != day or bytes(kept.hash).hex() != said:
            yield Finding("line_unknown", "", None, f"checkpoint {number} of {day}")


# — runs, by the worker ——————————————————————————————————————————————————————————————————————————————

RECENT_DAYS = 3
CASES_IN_A_SLICE = 20_000
FINDINGS_KEPT = 200


def check_recent(*, at: datetime) -> HistoryCheck:
    """Prove what was recorded in the last days, keep the result, and tell the administrators when it is not sound."""
    check = HistoryCheck.objects.create(scope=HistoryCheck.Scope.RECENT, started_at=at)
    _run(check, Wanted(since=timezone.localdate(at) - timedelta(days=RECENT_DAYS)))
    return _end(check, at=at)


def begin_check_of_all(*, at: datetime) -> HistoryCheck:
    """Begin the proof of everything; it goes on slice by slice, so that no run takes longer than a task may."""
    return HistoryCheck.objects.create(scope=HistoryCheck.Scope.ALL, started_at=at)


def go_on_with_check(check: HistoryCheck, *, at: datetime) -> bool:
    """Prove the next slice of cases, at last the checkpoints; return whether more is left to do."""
    last = Case.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    is_last = check.cases_upto + CASES_IN_A_SLICE >= last
    _run(check, Wanted(cases_after=check.cases_upto, cases_at_most=CASES_IN_A_SLICE, with_checkpoints=is_last))
    check.cases_upto += CASES_IN_A_SLICE
    if not is_last:
        check.save()
        return True
    _end(check, at=at)
    return False


def _run(check: HistoryCheck, wanted: Wanted) -> None:
    tally = Tally()
    for finding in verify(wanted, tally):
        check.finding_count += 1
        if len(check.findings) < FINDINGS_KEPT:
            check.findings.append([finding.code, finding.number, finding.sequence, finding.detail])
    check.event_count += tally.events
    check.case_count += tally.cases
    check.checkpoint_count += tally.checkpoints


def _end(check: HistoryCheck, *, at: datetime) -> HistoryCheck:
    check.finished_at = at
    check.save()
    health.note("history", ok=not check.finding_count)
    if check.finding_count:
        tell(
            User.objects.holding(Role.ADMINISTRATOR, day=timezone.localdate(at)),
            code="history_not_sound", facts={"findings": check.finding_count}, about="", url=reverse("cases:history"),
            dedupe=f"history:{check.pk}", at=at,
        )  # fmt: skip
    return check
