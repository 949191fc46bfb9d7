"""Random people press random buttons at random times; after every step what must always hold is looked at.

A seeded slice in the daily run; `./run prove` goes on for a thousand histories and names the moves
that none of them made when they are too many.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cases import actions, alarms, clocks, history, permissions, workflow
from cases.models import Case, CaseEvent, CasePart, ClockEntry, StageClock
from cases.workflow import Stage, StintStage, Subject
from citymgmt.errors import Refusal
from dispatch import actions as commands
from dispatch import experience, safety, straight, terms
from dispatch.models import ApprovalRule
from dispatch.views import DOORS as dispatch
from evaluation import facts as evaluated
from evaluation.indicators import Basis, Window
from evaluation.scoring import ObjectType
from office import settings as office_settings
from tests.county import BEIJING, LONG_AGO, STAGES_OF_THE_TRIP, County, beijing

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
# The citizen's own moves come by his link: nobody in the house presses them.
BY_THE_CITIZEN = tuple(rule for rule in workflow.MOVES if not rule.roles)
# A city that wants more than one to agree; the other half of the histories has the chains as delivered.
CHAINS = {
    "return": ["duty_leader", "dispatcher"], "extension": ["dispatcher", "commander"],
    "suspension": ["acceptance_operator", "commander", "dispatcher"], "deferral": ["dispatcher", "commander"],
    "voiding": ["dispatcher", "duty_leader"], "dispute": ["duty_leader", "commander"],
    "appeal": ["commander", "duty_leader"],
}  # fmt: skip
HOLIDAYS = [date(2025, 10, day) for day in range(1, 9)] + [date(2026, 2, day) for day in range(16, 23)]
MAKE_UP_DAYS = [date(2025, 9, 28), date(2025, 10, 11), date(2026, 2, 14), date(2026, 2, 28)]
SPANS = ((8, 12), (14, 18))
LONG_SINCE = beijing(2024, 6, 3)
made: Counter = Counter()


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
        "urgent": lambda: draw(st.booleans()),
        "hours": lambda: Decimal(2),
        "length": lambda: Decimal(3),
        "required": lambda: draw(st.booleans()),
        "is_optional": lambda: draw(st.booleans()),
        "is_precedent": lambda: draw(st.booleans()),
        "meets_at": lambda: at + timedelta(hours=2),
        "place": lambda: "现场",
        "participants": lambda: "环卫所、供水公司",
        "ground": lambda: "still_there" if rule.verb == "still_unsolved" else "other",
        "until": lambda: (at + timedelta(days=draw(st.integers(1, 40)))).date(),
        "met": lambda: True,
        "is_duplicate": lambda: draw(st.booleans()),
        "verdict": lambda: draw(st.sampled_from(safety.VERDICTS_OF[rule.verb])),
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


def begin(county: County, draw, at: datetime) -> Case:
    """Choose the city's rules, and bring a case by the real moves to where the history begins."""
    office_settings.begin_empty()
    terms.forget()
    rules = {
        "dispatch.levels": draw(st.integers(1, 3)),
        "cases.rework_clock": draw(st.sampled_from(["same", "new_limit"])),
        "dispatch.straight_least_outcomes": 1,
        "dispatch.straight_reports": 0,
        "dispatch.outcome_days": 3650,
        "dispatch.outcome_half_life_days": 0,
        "dispatch.straight_sample_share": draw(st.sampled_from([0.0, 1.0])),
    }
    for key, value in rules.items():
        office_settings.set_value(key, value, by=None, at=at, valid_from=LONG_AGO)
    if draw(st.booleans()):
        ApprovalRule.objects.bulk_create(
            ApprovalRule(kind=kind, chain=chain, valid_from=LONG_AGO) for kind, chain in CHAINS.items()
        )
    how = draw(st.sampled_from(["reported", "on its way", "on its way", "straight", "self-handled"]))
    if how == "straight":
        straight.declare_safe(by=None, at=at, minor_class=county.litter, least_sure=0.5, valid_from=LONG_AGO)
        case = county.report(at=at, files=list(zip(county.proofs, ("near", "far"), strict=True)), accuracy_m=8)
        assert straight.go(at=at) == 1, straight.StraightDecision.objects.get(case=case).against
    elif how == "on its way":
        stages = [stage for stage in STAGES_OF_THE_TRIP if stage not in (Stage.ACCEPTED, Stage.VERIFYING)]
        case = county.case_at(draw(st.sampled_from(stages)), at=at)
    else:
        source = draw(st.sampled_from(["collector", "web"]))
        case = county.report(at=at, source=source, is_self_handled=how == "self-handled" and source == "collector")
    county.another = county.report(at=at)
    return case


def live(county: County, data) -> None:
    """Live one history and look at it after every step."""
    at = began = data.draw(STARTS).replace(tzinfo=BEIJING, microsecond=0)
    case = begin(county, data.draw, at)
    at += timedelta(minutes=len(STAGES_OF_THE_TRIP))
    look_at(Case.objects.get(pk=case.pk))
    favourites = data.draw(st.lists(st.sampled_from(VERBS), min_size=8, max_size=8))
    tried: list[str] = []
    for _ in range(data.draw(st.integers(3, LONGEST))):
        at += timedelta(minutes=data.draw(MINUTES))
        alarms.sweep(at=at)
        if not step(county, Case.objects.get(pk=case.pk), data.draw, at, favourites=favourites, tried=tried):
            break
        look_at(Case.objects.get(pk=case.pk))
    add_up(began, at, cutoff=began + (at - began) * data.draw(st.integers(1, 10)) / 10, basis=data.draw(BASES))
    for event in CaseEvent.objects.filter(case=case):
        made[event.subject, event.verb] += 1


BASES = st.sampled_from(Basis)
VERBS = sorted({rule.verb for rule in workflow.MOVES})
# After these there is little left to press: they are pressed by whoever likes them, or when there is nothing else.
ENDS = {rule.verb for rule in workflow.MOVES for outcome in rule.outcomes.values()
        if outcome.case in workflow.FINAL and rule.verb != "close"}  # fmt: skip


def step(county: County, case: Case, draw, at: datetime, *, favourites: list[str], tried: list[str]) -> bool:
    """Let somebody press a button: a favourite one, else one not tried in this history; False when nobody has any."""
    subjects = {"stints": list(case.stints.all()), "tasks": list(case.tasks.all()),
                "requests": list(case.requests.all()), "directives": list(case.directives.all())}  # fmt: skip
    open_to: dict[str, list] = {}
    for person in county.people.values():
        for button in permissions.open_moves(person, case, at=at, **subjects):
            open_to.setdefault(button.rule.verb, []).append((person, button))
    for rule in BY_THE_CITIZEN:
        if case.stage in rule.frm:
            open_to.setdefault(rule.verb, []).append((None, permissions.Button(rule, case)))
    if not open_to:
        return False
    liked, untried = set(favourites) - set(tried), set(open_to) - set(tried)
    verb = draw(st.sampled_from(sorted(liked & set(open_to) or untried - ENDS or untried or open_to)))
    tried.append(verb)
    person, button = open_to[verb][draw(st.integers(0, len(open_to[verb]) - 1))]
    said_so = {"at": at, **said(button.rule, county, draw, at)}
    if person is not None:
        said_so["by"] = person
    before = case.event_count
    try:
        with transaction.atomic():
            ACTIONS[(button.rule.subject, verb)](button.subject, **said_so)
    except Refusal:
        assert Case.objects.get(pk=case.pk).event_count == before
    return True


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
    # Who holds it: each clock of a department is held by that department, each task by whoever was sent.
    for clock in running:
        if clock.name == "handling":
            assert clock.holder_department_id == next(one.department_id for one in stints if one.pk == clock.stint_id)
        if clock.task_id:
            assert clock.holder_user_id == next(one.collector_id for one in tasks if one.pk == clock.task_id)
    # While departments work, the case shows the least advanced required stint.
    if case.stage in (Stage.PENDING_HANDLE, Stage.HANDLING, Stage.SUSPENDED, Stage.HANDED_OVER, Stage.PENDING_CHECK):
        shown = workflow.case_stage_of((one.stage, one.is_required) for one in stints)
        # Closed by force and opened again, there is no result: it is looked at first, and dispatched if need be.
        is_looked_at = case.reopened_count and (shown, case.stage) == (Stage.PENDING_DISPATCH, Stage.PENDING_CHECK)
        assert shown == case.stage or is_looked_at
    # Nobody acts on both sides; nobody judges what he had a hand in; every event's side is its actor's.
    parts = {part.actor_id: part for part in CasePart.objects.filter(case=case)}
    assert not any(part.had_hand and part.has_judged for part in parts.values())
    events = list(case.events.order_by("sequence"))
    bound = [event for event in events if event.actor_id and event.side != workflow.NO_SIDE]
    assert all(parts[event.actor_id].side == event.side for event in bound)
    assert not actors_of(events, workflow.HAND) & actors_of(events, workflow.JUDGED)
    assert case.reported_by_id is None or case.reported_by_id not in actors_of(events, workflow.JUDGED)
    # The chain holds, and the events reproduce the row.
    previous = history.NO_HASH
    for event in events:
        assert previous.hex() in bytes(event.payload).decode()
        previous = history.digest(bytes(event.payload))
        assert previous == bytes(event.hash)
    assert previous == bytes(case.last_hash)
    assert [event.sequence for event in events] == list(range(1, case.event_count + 1))
    assert told_by(events) == {
        "stage": case.stage, "filed_at": case.filed_at, "closed_at": case.closed_at,
        "reopened": case.reopened_count, "emergency": case.emergency_at, "ownerless": case.is_ownerless,
        "attached": case.merged_into_id is not None,
    }  # fmt: skip
    # Time: entries never go back, what was used never shrinks, and is what an independent count comes to.
    for clock in clocks:
        entries = list(ClockEntry.objects.filter(clock=clock).order_by("id"))
        assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
        used = [entry.used_seconds for entry in entries]
        assert used == sorted(used)
        assert (entries[-1].kind == "stop") == (clock.state == "stopped")
        if clock.limit_value is not None:
            count_again(clock, entries)


def actors_of(events: list[CaseEvent], proof: str) -> set[int]:
    """Return who had a hand in the case, or judged it, by what the events say alone."""
    return {
        event.actor_id for event in events
        if event.actor_id and (rule := workflow.BY_VERB.get((Subject(event.subject), event.verb)))
        and rule.proof == proof
    }  # fmt: skip


def told_by(events: list[CaseEvent]) -> dict:
    """Return what the events, read from the first to the last, say the case is now."""
    told = {"stage": "", "filed_at": None, "closed_at": None, "reopened": 0, "emergency": None, "ownerless": False,
            "attached": False}  # fmt: skip
    for event in events:
        assert event.from_stage == told["stage"] or event.verb == "report"
        told["stage"] = event.to_stage
        match event.verb:
            case "file":
                told["filed_at"] = event.at
            case "reopen" | "still_unsolved":
                told["reopened"] += 1
            case "transfer_to_emergency":
                told["emergency"] = event.at
            case "cancel_emergency":
                told["emergency"] = None
            case "mark_ownerless":
                told["ownerless"] = True
            case "attach" | "attach_filed" | "detach":
                told["attached"] = event.verb != "detach"
        if event.to_stage != Stage.CLOSED:
            told["closed_at"] = None
        elif event.from_stage != Stage.CLOSED:
            told["closed_at"] = event.at
    return told


def count_again(clock: StageClock, entries: list[ClockEntry]) -> None:
    """Count by its entries alone what a clock has used: never a second of a pause, unless it was taken back."""
    used, since, stood_still = 0, None, None
    is_working = clock.limit_unit.startswith("working")
    for entry in entries:
        if entry.kind in ("pause", "stop"):
            if since is not None:
                used += worked(since, entry.at) if is_working else (entry.at - since).total_seconds()
                stood_still = entry.at
            since = None
            assert entry.used_seconds == used
        elif entry.kind == "start":
            since = entry.at
        elif entry.kind in ("resume", "reopen"):
            since = stood_still if entry.note == clocks.COUNTS else entry.at


def worked(begins: datetime, ends: datetime) -> float:
    """Return the seconds of working time between two instants, day by day."""
    day, seconds = begins.astimezone(BEIJING).date(), 0.0
    while day <= ends.astimezone(BEIJING).date():
        if day not in HOLIDAYS and (day.weekday() < 5 or day in MAKE_UP_DAYS):
            for opens, closes in SPANS:
                first = max(begins, datetime(day.year, day.month, day.day, opens, tzinfo=BEIJING))
                last = min(ends, datetime(day.year, day.month, day.day, closes, tzinfo=BEIJING))
                seconds += max(0.0, (last.astimezone(UTC) - first.astimezone(UTC)).total_seconds())
        day += timedelta(days=1)
    return seconds


def add_up(began: datetime, ended: datetime, *, cutoff: datetime, basis: Basis) -> None:
    """The identities of the counts, over the facts of what was lived, at some cut-off."""
    window = Window(began - timedelta(days=1), ended + timedelta(days=1), cutoff, basis)
    found = evaluated.gather(window)
    kinds = {kind: Counter(name for fact in found if fact.kind == kind for name in fact.measures)
             for kind in ("stint", "case", "report", "task")}  # fmt: skip
    for kind in ("stint", "case"):
        counts = kinds[kind]
        assert counts["handled"] == counts["handled_on_time"] + counts["handled_overdue"]
        assert counts["need_handle"] == counts["handled"] + counts["overdue_to_handle"]
        assert counts["need_close"] == counts["need_handle"] == counts["closed"] + counts["to_close"]
        assert counts["closed"] == counts["closed_on_time"] + counts["closed_overdue"]
        assert counts["reworked"] <= min(counts["handled"], counts["rework_times"])
    counts = kinds["report"]
    assert counts["reported"] == Case.objects.filter(reported_at__gte=window.start, reported_at__lte=cutoff).count()
    assert counts["reported"] == sum(
        counts[name]
        for name in (
            "accepted", "not_accepted", "to_accept", "voided_before_accept", "merged_before_accept", "self_handled",
        )
    )  # fmt: skip
    assert counts["filed"] == counts["filed_cases"] - counts["voided_after_filing"]
    assert counts["valid_reported"] <= counts["reported"]
    # Whoever is judged, the groups together are the city.
    departments = evaluated.tally(evaluated.judged(ObjectType.DEPARTMENT, cutoff.date()), found).values()
    assert sum(departments, Counter()) == kinds["stint"]
    streets = evaluated.tally(evaluated.judged(ObjectType.AREA, cutoff.date()), found).values()
    whole = sum(streets, Counter())
    assert {name: whole[name] for name in evaluated.of_the_city(found)} == evaluated.of_the_city(found)
    if cutoff == ended:
        open_now(kinds["stint"])


def open_now(counts: Counter) -> None:
    """Seen from now: what is open with a limit is not yet due, overdue or suspended. What left late stays overdue."""
    stints = list(evaluated.HandlingStint.objects.filter(parent=None, is_undone=False, due_at__isnull=False))
    holding = [one for one in stints if one.stage in workflow.STINT_OPEN and one.stage != StintStage.HANDED_OVER]
    total = counts["to_handle_not_due"] + counts["overdue_to_handle"] + counts["suspended"]
    left = [one for one in stints if one.stage in (StintStage.RETURNED, StintStage.WITHDRAWN)]
    assert len(holding) <= total <= len(holding) + len(left)


def prove(examples: int, *, at_least: int):
    """Return the test that lives so many histories, each thrown away after it, and makes at least so many moves."""

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

        made.clear()
        histories()
        missing = sorted(f"{rule.subject}.{rule.verb}" for rule in workflow.MOVES if not made[rule.subject, rule.verb])
        assert len(workflow.MOVES) - len(missing) >= at_least, missing

    return test


@pytest.fixture
def county() -> County:
    """A county with teams, holidays, and four cases of litter behind it that went to the right department at once."""
    county = County.build()
    county.add_teams()
    days = [{"date": day, "kind": "holiday"} for day in HOLIDAYS]
    days += [{"date": day, "kind": "make_up"} for day in MAKE_UP_DAYS]
    actions.load_calendar(days=days, spans=[], official_until=date(2026, 12, 31))
    clocks.forget_calendar()
    commands.add_responsibility(
        by=county.administrator, at=LONG_SINCE, minor_class=county.litter, department=county.sanitation_bureau,
        valid_from=LONG_AGO,
    )  # fmt: skip
    for number in range(4):
        county.case_at(Stage.CLOSED, at=LONG_SINCE + timedelta(hours=number))
    experience.learn(at=LONG_SINCE + timedelta(days=1))
    county.proofs = county.pictures(2)
    county.proof = county.proofs[0]
    return county


test_what_must_hold_holds_in_random_histories = prove(14, at_least=12)
test_what_must_hold_holds_in_a_thousand_random_histories = pytest.mark.prove(prove(1000, at_least=60))
