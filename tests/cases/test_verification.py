"""Somebody with every right on the database rewrites the history; the proof finds it and names the place."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import actions, checkpoint, history, verification
from cases.models import Case, CaseEvent, Checkpoint, ClockEntry, EventText
from cases.verification import Tally, Wanted, verify
from office import health
from office import settings as office_settings
from office.actions import note_erasure, send_some
from office.models import Message
from tests.county import MONDAY, County

pytestmark = pytest.mark.django_db

TABLES = ("cases_caseevent", "cases_clockentry", "cases_checkpoint")
NIGHT = MONDAY.replace(hour=23, minute=50)


@pytest.fixture
def county():
    return County.build()


@pytest.fixture
def cases(county):
    """One closed case of a citizen, one open one of a collector; a checkpoint over both; then the open one goes on."""
    closed = county.case_at("closed", source="web", description="")
    going_on = county.case_at("pending_filing")
    checkpoint.make(at=NIGHT)
    actions.file(
        going_on, by=county.duty_leader, at=NIGHT + timedelta(hours=9), condition=county.condition, opinion="立"
    )
    return closed, Case.objects.get(pk=going_on.pk)


def found(**wanted) -> set[tuple]:
    """Return (code, case number, event number) of what the proof finds."""
    return {(one.code, one.number, one.sequence) for one in verify(Wanted(**wanted), Tally())}


def codes(**wanted) -> set[str]:
    return {code for code, _number, _sequence in found(**wanted)}


def tamper(*statements: str, **params) -> None:
    """Rewrite as the owner of the tables does who first takes the guards away."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for statement in statements:
            cursor.execute(statement, params)


@pytest.fixture(autouse=True)
def thrown_away():
    """What a test breaks is undone before the database looks at its constraints."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rehash(case: Case, first: int, **changed) -> None:
    """Change what an event says and hash it and everything that follows anew: the chain itself is whole again."""
    events = list(CaseEvent.objects.filter(case=case).order_by("sequence"))
    previous = bytes(events[first - 2].hash) if first > 1 else b""
    for event in events[first - 1 :]:
        content = json.loads(bytes(event.payload))
        content.pop("format")
        content.pop("previous")
        if event.sequence == first:
            content |= changed
        data = history.payload(content, previous=previous)
        previous = history.digest(data)
        tamper(
            "UPDATE cases_caseevent SET payload = %(data)s, hash = %(hash)s, verb = %(verb)s WHERE id = %(id)s",
            data=data, hash=previous, verb=content["verb"], id=event.pk,
        )  # fmt: skip
    tamper("UPDATE cases_case SET last_hash = %(hash)s WHERE id = %(id)s", hash=previous, id=case.pk)


# — nothing was done ——————————————————————————————————————————————————————————————————————————————————


def test_a_history_nobody_touched_has_no_finding(cases):
    tally = Tally()
    assert list(verify(Wanted(files=True), tally)) == []
    assert (tally.cases, tally.events, tally.checkpoints) == (2, CaseEvent.objects.count(), 1)


def test_one_case_and_the_last_days_can_be_looked_at_alone(cases):
    tally = Tally()
    assert list(verify(Wanted(number=cases[0].number), tally)) == []
    assert (tally.cases, tally.events) == (1, cases[0].event_count)
    tally = Tally()
    assert list(verify(Wanted(since=NIGHT.date() + timedelta(days=1)), tally)) == []
    assert (tally.cases, tally.events, tally.checkpoints) == (1, cases[1].event_count, 0)


# — an event, a text, a file, a clock ——————————————————————————————————————————————————————————————————

EDITED = {
    "at": "at + interval '1 minute'",
    "claimed_at": "at",
    "recorded_at": "recorded_at - interval '1 second'",
    "verb": "'void'",
    "subject": "'stint'",
    "subject_id": "'00000000-0000-0000-0000-000000000001'",
    "outcome": "'fail'",
    "side": "'command'",
    "proof": "'judged'",
    "actor_id": "(SELECT max(id) FROM accounts_user)",
    "role": "'leader'",
    "department_id": "(SELECT max(id) FROM accounts_department)",
    "from_stage": "'closed'",
    "to_stage": "'handling'",
    "facts": "'{\"x\": 1}'",
    "format_version": "9",
}


def test_every_edited_column_is_found(cases):
    for column, value in EDITED.items():
        with transaction.atomic():
            tamper(f"UPDATE cases_caseevent SET {column} = {value} WHERE case_id = %(case)s AND sequence = 2",
                   case=cases[0].pk)  # fmt: skip
            assert ("column_altered", cases[0].number, 2) in found(), column
            transaction.set_rollback(True)


def test_an_edited_payload_is_found(cases):
    tamper(r"UPDATE cases_caseevent SET payload = overlay(payload placing 'X' from 30) WHERE case_id = %(case)s"
           " AND sequence = 3", case=cases[0].pk)  # fmt: skip
    assert ("event_altered", cases[0].number, 3) in found()


def test_an_event_hashed_anew_alone_breaks_the_chain_after_it(cases):
    event = CaseEvent.objects.get(case=cases[0], sequence=2)
    data = bytes(event.payload).replace(b'"verb":"accept"', b'"verb":"refuse"')
    tamper("UPDATE cases_caseevent SET payload = %(data)s, hash = %(hash)s, verb = 'refuse' WHERE id = %(id)s",
           data=data, hash=history.digest(data), id=event.pk)  # fmt: skip
    assert ("chain_broken", cases[0].number, 3) in found()


def test_an_event_hashed_anew_with_all_that_follow_is_found_by_the_checkpoint(cases):
    closed, _going_on = cases
    rehash(closed, 2, at="2026-03-02T09:00:30+08:00", verb="accept")
    tamper("UPDATE cases_caseevent SET at = '2026-03-02T09:00:30+08:00' WHERE case_id = %(case)s AND sequence = 2",
           case=closed.pk)  # fmt: skip
    assert found() == {("events_changed", closed.number, closed.event_count), ("day_disagrees", "", None)}
    assert found(number=closed.number) == {("events_changed", closed.number, closed.event_count)}


def test_a_removed_event_is_found(cases):
    tamper("DELETE FROM cases_caseevent WHERE case_id = %(case)s AND sequence = 4", case=cases[0].pk)
    assert ("sequence_gap", cases[0].number, 5) in found()


def test_the_newest_events_of_a_case_do_not_vanish_unseen(cases):
    closed, last = cases[0], cases[0].event_count - 1
    before = CaseEvent.objects.get(case=closed, sequence=last)
    tamper(
        "DELETE FROM cases_caseevent WHERE case_id = %(case)s AND sequence > %(last)s",
        "DELETE FROM cases_clockentry WHERE case_id = %(case)s AND event_sequence > %(last)s",
        "UPDATE cases_case SET event_count = %(last)s, last_hash = %(hash)s, stage = %(stage)s, closed_at = NULL"
        " WHERE id = %(case)s",
        case=closed.pk, last=last, hash=bytes(before.hash), stage=before.to_stage,
    )  # fmt: skip
    assert ("events_changed", closed.number, last + 1) in found()


def test_a_removed_newest_event_shows_at_the_row_even_before_the_night(cases):
    going_on = cases[1]
    tamper("DELETE FROM cases_caseevent WHERE case_id = %(case)s AND sequence = %(last)s", case=going_on.pk,
           last=going_on.event_count)  # fmt: skip
    assert ("case_disagrees", going_on.number, going_on.event_count - 1) in found()


def test_an_event_slipped_in_is_found(cases):
    going_on = cases[1]
    last = CaseEvent.objects.get(case=going_on, sequence=2)
    last.pk, last.sequence = None, going_on.event_count + 1
    last.save(force_insert=True)
    assert {code for code, number, _sequence in found() if number == going_on.number} >= {
        "column_altered", "chain_broken", "case_disagrees"}  # fmt: skip


def test_two_events_that_changed_places_are_found(cases):
    tamper(*(f"UPDATE cases_caseevent SET sequence = {new} WHERE case_id = %(case)s AND sequence = {old}"
             for old, new in ((2, 999), (3, 2), (999, 3))), case=cases[0].pk)  # fmt: skip
    assert {("column_altered", cases[0].number, 2), ("column_altered", cases[0].number, 3)} <= found()


def test_events_that_got_other_keys_are_found(cases):
    tamper(*(f"UPDATE cases_caseevent SET id = {new} WHERE id = {old}" for old, new in exchanged(cases[0])))
    assert found() == {("day_disagrees", "", None)}


def exchanged(case: Case):
    one, other = CaseEvent.objects.filter(case=case).order_by("sequence").values_list("pk", flat=True)[:2]
    return (one, -1), (other, one), (-1, other)


def test_an_altered_text_is_found_and_an_erased_one_is_in_order(cases):
    text = EventText.objects.filter(case=cases[0]).order_by("sequence").first()
    EventText.objects.filter(pk=text.pk).update(text="", salt=b"", erased_at=NIGHT)
    note_erasure(by=None, rule="words", why="保存期满", about="", at=NIGHT, number=cases[0].number)
    assert found() == set()
    EventText.objects.filter(pk=text.pk).update(text="另一句话", salt=bytes(text.salt), erased_at=None)
    assert found() == {("text_altered", cases[0].number, text.sequence)}
    EventText.objects.filter(pk=text.pk).delete()
    assert found() == {("text_missing", cases[0].number, text.sequence)}


def test_a_text_that_belongs_to_no_event_is_found(cases):
    EventText.objects.create(case=cases[0], sequence=1, salt=history.salt(), text="补一句")
    assert found() == {("text_orphan", cases[0].number, 1)}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases_clockentry SET due_after = due_after + interval '1 hour' WHERE id = %(id)s",
        "UPDATE cases_clockentry SET used_seconds = used_seconds + 1 WHERE id = %(id)s",
        "DELETE FROM cases_clockentry WHERE id = %(id)s",
    ],
)
def test_a_clock_that_was_put_back_is_found(cases, statement):
    entry = ClockEntry.objects.filter(case=cases[0], due_after__isnull=False).order_by("id").last()
    tamper(statement, id=entry.pk)
    assert found() == {("clock_changed", cases[0].number, None)}


def test_an_entry_of_a_clock_that_belongs_to_no_event_is_found(cases):
    tamper("UPDATE cases_clockentry SET event_sequence = 99 WHERE id = (SELECT max(id) FROM cases_clockentry"
           " WHERE case_id = %(case)s)", case=cases[0].pk)  # fmt: skip
    assert ("clock_orphan", cases[0].number, 99) in found()


@pytest.mark.parametrize(
    "change", ["event_count = event_count - 1", "last_hash = decode('00', 'hex')", "stage = 'voided', closed_at = NULL"]
)
def test_a_row_that_disagrees_with_its_events_is_found(cases, change):
    tamper(f"UPDATE cases_case SET {change} WHERE id = %(case)s", case=cases[0].pk)
    assert codes() == {"case_disagrees"}


def test_pictures_are_proved_by_their_bytes(cases):
    closed = cases[0]
    file = closed.evidence.get().file
    path = storages["evidence"].path(file.path("original"))
    with open(path, "rb") as content:
        kept = content.read()
    try:
        with open(path, "wb") as content:
            content.write(kept[:-1] + b"x")
        assert found() == set()
        assert found(files=True) == {("file_altered", closed.number, None)}
    finally:
        with open(path, "wb") as content:
            content.write(kept)
    closed.evidence.all().delete()
    assert found() == {("file_missing", closed.number, None)}


# — a whole case —————————————————————————————————————————————————————————————————————————————————————

OF_A_CASE = ("cases_clockentry", "cases_stageclock", "cases_eventtext", "cases_evidence", "cases_caseevent",
             "cases_casepart", "cases_fieldtask", "cases_request", "cases_handlingstint")  # fmt: skip


def remove(case: Case) -> None:
    tamper(*(f"DELETE FROM {table} WHERE case_id = %(case)s" for table in OF_A_CASE),
           "DELETE FROM cases_case WHERE id = %(case)s", case=case.pk)  # fmt: skip


def test_a_whole_case_does_not_vanish_unseen(cases):
    closed = cases[0]
    remove(closed)
    assert found() == {("case_vanished", closed.number, None), ("day_disagrees", "", None)}
    assert found(number=closed.number) == {("case_vanished", closed.number, None)}


def test_the_row_of_a_case_does_not_vanish_from_under_its_events(cases):
    tamper("DELETE FROM cases_case WHERE id = %(case)s", case=cases[0].pk)
    assert ("case_vanished", cases[0].number, None) in found()
    assert "case_missing" in codes()


def test_a_case_without_events_is_found(cases):
    tamper("DELETE FROM cases_caseevent WHERE case_id = %(case)s", case=cases[1].pk)
    assert ("no_events", cases[1].number, None) in found()


def test_a_case_that_got_another_number_is_found(cases):
    tamper("UPDATE cases_case SET number = '999902-20260302-77777' WHERE id = %(case)s", case=cases[0].pk)
    assert found() == {("case_vanished", cases[0].number, None), ("case_added", "999902-20260302-77777", None)}


# — the checkpoints ——————————————————————————————————————————————————————————————————————————————————


def line_of_the_night() -> str:
    return checkpoint.line(Checkpoint.objects.order_by("number").last())


def test_each_checkpoint_covers_what_came_since_the_one_before(cases):
    assert checkpoint.make(at=NIGHT) != []  # something came since
    assert checkpoint.make(at=NIGHT) == []  # nothing did
    first, second = Checkpoint.objects.order_by("number")
    assert second.events_after == first.events_upto
    assert (second.event_count, second.case_count) == (1, 1)
    assert second.total_events == CaseEvent.objects.count()
    assert found() == set()


def test_a_quiet_day_has_its_checkpoint_too(cases):
    checkpoint.make(at=NIGHT)
    quiet = checkpoint.make(at=NIGHT + timedelta(days=1))
    assert [(one.event_count, one.case_count) for one in quiet] == [(0, 0)]
    assert found() == set()


def test_a_very_busy_day_has_several(cases, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGEST_EVENTS", 3)
    monkeypatch.setattr(checkpoint, "LARGEST_ENTRIES", 7)
    tamper("DELETE FROM cases_checkpoint")
    made = checkpoint.make(at=NIGHT)
    assert len(made) > 3
    assert max(one.event_count for one in made) == 3
    assert sum(one.event_count for one in made) == CaseEvent.objects.count()
    assert found() == set()
    remove(cases[0])
    assert ("case_vanished", cases[0].number, None) in found()


def test_making_one_reads_what_is_new_and_nothing_else(cases, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        (made,) = checkpoint.make(at=NIGHT)
    assert bytes(made.leaves).decode().split(" ")[0] == cases[1].number


@pytest.mark.parametrize(
    "change", ["day = day + 1", "event_count = 0", "leaves = ''", "hash = decode('00', 'hex')", "payload = '{}'",
               "events_upto = events_upto - 1"]
)  # fmt: skip
def test_an_altered_checkpoint_is_found(cases, change):
    tamper(f"UPDATE cases_checkpoint SET {change}")
    assert "checkpoint_altered" in codes()


def test_a_missing_checkpoint_is_found_and_the_last_one_by_its_line(cases):
    checkpoint.make(at=NIGHT)
    said = tuple(checkpoint.said_by(line_of_the_night()))
    assert found(against=said) == set()
    tamper("DELETE FROM cases_checkpoint WHERE number = 2")
    assert found() == set()
    assert found(against=said) == {("line_unknown", "", None)}
    checkpoint.make(at=NIGHT + timedelta(days=1))
    assert found(against=said) == {("line_unknown", "", None)}
    tamper("DELETE FROM cases_checkpoint WHERE number = 1")
    assert {"checkpoint_missing", "checkpoint_altered"} <= codes()


def test_a_checkpoint_made_anew_over_a_rewritten_history_is_found_by_its_line(cases):
    said = tuple(checkpoint.said_by(line_of_the_night()))
    remove(cases[0])
    tamper("DELETE FROM cases_checkpoint")
    checkpoint.make(at=NIGHT)
    assert found() == set()
    assert found(against=said) == {("line_unknown", "", None)}


def test_the_line_leaves_the_house_to_whom_the_city_named(cases, county, settings, tmp_path):
    settings.GATEWAYS = {"mail": {"kind": "file", "path": str(tmp_path / "mail")}}
    office_settings.set_value("cases.checkpoint_mail", ["archive@city.example"], by=county.administrator, at=NIGHT,
                              valid_from=MONDAY.date())  # fmt: skip
    (made,) = checkpoint.make(at=NIGHT)
    send_some(at=NIGHT + timedelta(minutes=1))
    sent = json.loads((tmp_path / "mail").read_text())
    assert sent["address"] == "archive@city.example"
    assert checkpoint.said_by(sent["text"]) == [(2, NIGHT.date(), bytes(made.hash).hex())]


def test_the_database_refuses_to_rewrite_what_proves_something(cases):
    for table in TABLES:
        for statement in ("UPDATE {table} SET id = id", "DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement.format(table=table))


# — the command ——————————————————————————————————————————————————————————————————————————————————————


def test_the_command_names_the_place_and_fails(cases, tmp_path):
    kept = tmp_path / "lines.txt"
    kept.write_text(f"To whom it may concern\n{line_of_the_night()}\n")
    out = StringIO()
    call_command("verify_history", "--against", str(kept), "--files", stdout=out)
    assert out.getvalue().startswith("0 findings in ")
    tamper("UPDATE cases_caseevent SET verb = 'void' WHERE case_id = %(case)s AND sequence = 3", case=cases[0].pk)
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_history", "--case", cases[0].number, stdout=out)
    assert left.value.code == 1
    assert out.getvalue().splitlines()[0] == f"case {cases[0].number} event 3: column_altered (verb)"
    with pytest.raises(CommandError, match="holds no line"):
        call_command("verify_history", "--against", "nothing of the kind")


def test_the_checkpoint_can_be_made_by_hand(cases):
    out = StringIO()
    call_command("checkpoint_history", stdout=out)
    assert out.getvalue().strip() == line_of_the_night()


# — by night —————————————————————————————————————————————————————————————————————————————————————————


def test_the_nightly_proof_keeps_its_result_and_tells_the_administrators(cases, county, seat):
    at = NIGHT + timedelta(days=1)
    sound = verification.check_recent(at=at)
    assert (sound.finding_count, sound.case_count) == (0, 2)
    assert all(check.ok for check in health.checks(at=at) if check.name == "history")
    assert not Message.objects.exists()
    tamper("UPDATE cases_caseevent SET verb = 'void' WHERE case_id = %(case)s AND sequence = 2", case=cases[1].pk)
    verification.check_recent(at=at)
    assert [(one.recipient, one.code) for one in Message.objects.all()] == [(county.administrator, "history_not_sound")]
    assert not all(check.ok for check in health.checks(at=at) if check.name == "history")
    page = seat(county.administrator).get("/maintenance/history/").content.decode()
    assert cases[1].number in page
    assert line_of_the_night() in page


def test_all_is_proved_in_slices_that_hand_on(cases, monkeypatch):
    monkeypatch.setattr(verification, "CASES_IN_A_SLICE", 1)
    check = verification.begin_check_of_all(at=NIGHT)
    check.cases_upto = cases[0].pk - 1
    assert verification.go_on_with_check(check, at=NIGHT)
    assert not verification.go_on_with_check(check, at=NIGHT)
    check.refresh_from_db()
    assert (check.case_count, check.checkpoint_count, check.finding_count) == (2, 1, 0)
    assert check.event_count == CaseEvent.objects.count()
    assert check.finished_at == NIGHT


def test_the_lines_are_saved_from_the_page_by_those_who_may(cases, county, seat):
    saved = seat(county.administrator).get("/maintenance/history/lines/").getvalue().decode()
    assert saved == line_of_the_night() + "\n"
    for url in ("/maintenance/history/", "/maintenance/history/lines/"):
        assert seat(county.operator).get(url).status_code == 403


# — anything at all ——————————————————————————————————————————————————————————————————————————————————

# Columns of these tables that the proof answers for; keys of rows move only what a checkpoint covered.
ANSWERED_FOR = {
    "cases_caseevent": {*EDITED, "id", "case_id", "sequence", "payload", "hash"},
    "cases_clockentry": {"id", "clock_id", "case_id", "kind", "at", "recorded_at", "due_before", "due_after",
                         "used_seconds", "event_sequence", "note"},
    "cases_eventtext": {"case_id", "sequence", "salt", "text", "erased_at"},
    "cases_checkpoint": {"number", "day", "made_at", "events_after", "events_upto", "entries_after", "entries_upto",
                         "event_count", "entry_count", "case_count", "total_events", "leaves", "payload", "hash"},
    "cases_case": {"number", "public_id", "event_count", "last_hash"},
}  # fmt: skip
CHANGES = {
    "bytea": "set_byte({0}, length({0}) / 2, get_byte({0}, length({0}) / 2) # 1)",
    "int4": "{0} + 1000000", "int8": "{0} + 1000000", "int2": "{0} + 1", "varchar": "left({0} || 'x', 10)",
    "text": "{0} || 'x'", "date": "{0} + 1", "uuid": "'00000000-0000-0000-0000-0000000000aa'",
    "jsonb": "{0} || '{{\"x\": 1}}'",
    "timestamptz": "coalesce({0} + interval '1 microsecond', '2026-01-01')",
}  # fmt: skip


def tampering(examples: int):
    """Return the test that changes one random cell, or removes one random row, so many times."""

    def test(cases):
        checkpoint.make(at=NIGHT)
        assert found() == set()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, column_name, udt_name FROM information_schema.columns"
                " WHERE table_name = ANY(%s) ORDER BY 1, 2", [list(ANSWERED_FOR)],
            )  # fmt: skip
            columns = [
                (table, column, kind) for table, column, kind in cursor.fetchall() if column in ANSWERED_FOR[table]
            ]
        assert len(columns) == sum(map(len, ANSWERED_FOR.values()))

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.data())
        def anything(data):
            with transaction.atomic():
                table, column, kind = data.draw(st.sampled_from(columns))
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT id, {column} FROM {table} ORDER BY id")
                    row, before = data.draw(st.sampled_from(cursor.fetchall()))
                is_emptied = before is not None and bytes_of(before) == b""
                change = "decode('ff', 'hex')" if kind == "bytea" and is_emptied else CHANGES[kind].format(column)
                if kind == "varchar" and column != "number":
                    change = "'x'"
                tamper(f"UPDATE {table} SET {column} = {change} WHERE id = %(id)s", id=row)
                assert codes(), (table, column, row, before)
                transaction.set_rollback(True)

        anything()

    return test


def bytes_of(value) -> bytes:
    return bytes(value) if isinstance(value, memoryview) else str(value).encode()


test_whatever_is_changed_is_found = tampering(40)
test_whatever_is_changed_is_found_a_thousand_times = pytest.mark.prove(tampering(1000))
