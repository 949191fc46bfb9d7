"""Random people press random buttons at random times; after every step what must always hold is looked at.

A seeded slice in the daily run; `./run prove` goes on for a thousand histories.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cases import actions, alarms, history, permissions, workflow
from cases.models import Case, CasePart, ClockEntry, StageClock
from cases.workflow import Stage, StintStage, Subject
from citymgmt.errors import Refusal
from dispatch.views import DOORS as dispatch
from tests.county import County, beijing

pytestmark = pytest.mark.django_db

ACTIONS = {
    (rule.subject, rule.verb): dispatch[rule.verb].act if rule.door == "dispatch" else getattr(actions, rule.verb)
    for rule in workflow.MOVES
}
STARTS = st.datetimes(
    min_value=beijing(2025, 1, 1).replace(tzinfo=None), max_value=beijing(2026, 11, 1).replace(tzinfo=None)
)
MINUTES = st.one_of(st.integers(0, 30), st.integers(0, 600), st.integers(0, 9000))
LONGEST = 25


def said(rule: workflow.Move, county: County, draw, at) -> dict:
    """Return plausible words for whatever a move must or may say."""
    make = {
        "reason": lambda: "理由",
        "opinion": lambda: "意见",
        "description": lambda: "路边有垃圾",
        "collector": lambda: draw(st.sampled_from([county.collector, county.other_collector, county.third_collector])),
        "condition": lambda: county.condition,
        "result": lambda: draw(st.sampled_from(list(rule.outcomes))),
        "department": lambda: draw(st.sampled_from([county.sanitation_bureau, county.water_company])),
        "handler": lambda: county.handler,
        "department_below": lambda: draw(st.sampled_from([county.squad, county.team])),
        "owner": lambda: county.water_company,
        "hours": lambda: Decimal(2),
        "length": lambda: Decimal(3),
        "required": lambda: draw(st.booleans()),
        "is_optional": lambda: draw(st.booleans()),
        "is_precedent": lambda: draw(st.booleans()),
        "meets_at": lambda: at + timedelta(hours=2),
        "place": lambda: "现场",
        "participants": lambda: "环卫所、供水公司",
        "ground": lambda: "other",
        "until": lambda: (at + timedelta(days=draw(st.integers(1, 40)))).date(),
        "met": lambda: True,
        "is_duplicate": lambda: draw(st.booleans()),
        "verdict": lambda: "wrong_department" if "dispatch" in rule.verb else "not_a_case",
        "files": lambda: [county.proof],
        "first": lambda: county.another,
        "inspector": lambda: county.inspector,
        "same_period": lambda: draw(st.booleans()),
        "errors": lambda: draw(st.integers(0, 2)),
        "level": lambda: "key",
        "demand": lambda: "今日办结",
        "needs_reply": lambda: draw(st.booleans()),
        "reply": lambda: "正在处理",
    }
    wanted = [*rule.facts, *(fact for fact in rule.optional if fact == "files" or draw(st.booleans()))]
    return {fact: make[fact]() for fact in wanted if fact in make}


def live(county: County, data) -> None:
    """Live one history and look at it after every step."""
    at = data.draw(STARTS).replace(tzinfo=beijing(2025, 1, 1).tzinfo)
    source = data.draw(st.sampled_from(["collector", "web"]))
    case = county.report(at=at, source=source)
    county.another = county.report(at=at)
    people = list(county.people.values())
    for _ in range(data.draw(st.integers(3, LONGEST))):
        at += timedelta(minutes=data.draw(MINUTES))
        alarms.sweep(at=at)
        case = Case.objects.get(pk=case.pk)
        subjects = {"stints": list(case.stints.all()), "tasks": list(case.tasks.all()),
                    "requests": list(case.requests.all()), "directives": list(case.directives.all())}  # fmt: skip
        open_to = [(person, button) for person in people
                   for button in permissions.open_moves(person, case, at=at, **subjects)]  # fmt: skip
        if not open_to:
            break
        person, button = data.draw(st.sampled_from(open_to))
        facts = said(button.rule, county, data.draw, at)
        before = case.event_count
        try:
            with transaction.atomic():
                ACTIONS[(button.rule.subject, button.rule.verb)](button.subject, by=person, at=at, **facts)
        except Refusal:
            assert Case.objects.get(pk=case.pk).event_count == before
        look_at(Case.objects.get(pk=case.pk))


def look_at(case: Case) -> None:
    """What always holds."""
    stints, tasks = list(case.stints.all()), list(case.tasks.all())
    clocks = list(StageClock.objects.filter(case=case))
    running = [clock for clock in clocks if clock.state != "stopped"]
    # Exactly one holder, or a final stage.
    assert bool(case.holder_department_id) == case.is_open
    # One running clock set, never two: exactly what the stages ask for.
    wanted = {("overall", None, None)} if case.is_open else set()
    if case.is_open and (name := workflow.RUNNING.get((Subject.CASE, Stage(case.stage)))):
        wanted.add((str(name), None, None))
    for stint in stints if case.is_open else ():
        key = (Subject.STINT, StintStage(stint.stage))
        if name := workflow.RUNNING.get(key) or workflow.PAUSED.get(key):
            wanted.add((str(name), stint.pk, None))
    wanted |= {(task.kind, None, task.pk) for task in tasks if task.stage == "sent" and case.is_open}
    assert {(clock.name, clock.stint_id, clock.task_id) for clock in running} == wanted
    assert len(running) == len(wanted)
    # While departments work, the case shows the least advanced required stint.
    if case.stage in (Stage.PENDING_HANDLE, Stage.HANDLING, Stage.SUSPENDED, Stage.HANDED_OVER, Stage.PENDING_CHECK):
        assert workflow.case_stage_of((one.stage, one.is_required) for one in stints) == case.stage
    # Nobody acts on both sides; nobody judges what he had a hand in; every event's side is its actor's.
    parts = {part.actor_id: part for part in CasePart.objects.filter(case=case)}
    assert not any(part.had_hand and part.has_judged for part in parts.values())
    events = list(case.events.order_by("sequence"))
    bound = [event for event in events if event.actor_id and event.side != workflow.NO_SIDE]
    assert all(parts[event.actor_id].side == event.side for event in bound)
    # The chain holds, and the events reproduce the row.
    previous = history.NO_HASH
    for event in events:
        assert previous.hex() in bytes(event.payload).decode()
        previous = history.digest(bytes(event.payload))
        assert previous == bytes(event.hash)
    assert previous == bytes(case.last_hash)
    assert (len(events), events[-1].to_stage) == (case.event_count, case.stage)
    # Time: entries never go back, and what was used never shrinks.
    for clock in clocks:
        entries = list(ClockEntry.objects.filter(clock=clock).order_by("id"))
        assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
        used = [entry.used_seconds for entry in entries]
        assert used == sorted(used)
        assert (entries[-1].kind == "stop") == (clock.state == "stopped")


def prove(examples: int):
    """Return the test that lives so many histories, each thrown away after it."""

    def test(county):
        @settings(
            max_examples=examples, deadline=None, phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.data())
        def histories(data):
            with transaction.atomic():
                live(county, data)
                transaction.set_rollback(True)

        histories()

    return test


@pytest.fixture
def county() -> County:
    county = County.build()
    county.add_teams()
    county.proof = county.pictures()[0]
    return county


test_what_must_hold_holds_in_random_histories = prove(25)
test_what_must_hold_holds_in_a_thousand_random_histories = pytest.mark.prove(prove(1000))
