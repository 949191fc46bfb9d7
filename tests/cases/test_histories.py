"""Random people press random buttons at random times; after every step what must always hold is looked at.

A seeded slice in the daily run; `./run prove` goes on for a thousand histories, and every row of the table must then
have been made by somebody who was shown its button, or by whoever has no button: the citizen, the system.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from random import Random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts import actions as accounts
from accounts.models import Appointment
from accounts.roles import Role
from cases import actions, alarms, clocks, history, permissions, workflow
from cases.models import Case, CaseEvent, CasePart, ClockEntry, StageClock
from cases.workflow import Move, Stage, StintStage, Subject
from citymgmt.errors import Refusal
from dispatch import actions as commands
from dispatch import experience, requests, safety, straight, terms
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
LONGEST = 40
Rule = tuple[Subject, str]
# The citizen's own moves come by his link: nobody in the house presses them.
BY_THE_CITIZEN = tuple(rule for rule in workflow.MOVES if not rule.roles)
# What many a case never comes to, for there is little left to press afterwards: pressed more rarely.
ENDS = {rule.verb for rule in workflow.MOVES for outcome in rule.outcomes.values()
        if outcome.case in workflow.FINAL and rule.verb != "close"}  # fmt: skip
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
FIRST, LAST = beijing(2025, 1, 1), beijing(2026, 11, 1)
STARTS = {"on its way": 12, "straight": 3, "reported": 2, "self-handled": 1}
# Most of the branches leave the trip where departments have the case.
STANDS = {stage: 1 for stage in STAGES_OF_THE_TRIP} | {
    Stage.PENDING_HANDLE: 4, Stage.HANDLING: 12, Stage.HANDED_OVER: 2, Stage.PENDING_CLOSE: 2, Stage.CLOSED: 3,
}  # fmt: skip
PUBLIC = ("hotline", "web", "media", "petition")
# What many a history is about: a few buttons are then pressed first wherever they are shown. By the table: what is said
# of one kind of request, and its steps; the levels below; the handlers; what went straight through; what comes late.
OF_ANY_KIND = {rule.verb for rule in workflow.MOVES if rule.kinds == workflow.REQUEST_KINDS}
ABOUT: dict[str, set[str]] = {
    kind: OF_ANY_KIND | {f"{ask}_{kind}" for ask in ("ask", "open", "raise")}
    | {rule.verb for rule in workflow.MOVES if rule.kinds == (kind,)}
    for kind in workflow.REQUEST_KINDS
}  # fmt: skip
ABOUT["deferral"] |= {"enter_stock"}
ABOUT["suspension"] |= {"resume"}
ABOUT["appeal"] |= {"hand_over", "pass_on", "send_check", "check", "close"}
ABOUT["levels"] = {"receive", "sub_dispatch"} | {rule.verb for rule in workflow.MOVES if rule.kinds == (workflow.SUB,)}
ABOUT["handlers"] = {"receive", "assign", "revoke", "send_back_result", "give_back", "submit_result"}
ABOUT["straight"] = {"undo_filing", "review_filing", "undo_dispatch", "review_dispatch"}
made: Counter = Counter()


# — when ————————————————————————————————————————————————————————————————————————————————————————————


def some_start(chance: Random) -> datetime:
    """Return an instant in two years; every other one lies in the days before a holiday or in it."""
    if chance.random() < 0.5:
        day = chance.choice(HOLIDAYS) - timedelta(days=chance.randint(0, 4))
        return datetime(day.year, day.month, day.day, tzinfo=BEIJING) + some_time(chance, hours=24)
    return FIRST + some_time(chance, hours=(LAST - FIRST).days * 24)


def some_time(chance: Random, *, hours: float) -> timedelta:
    return timedelta(seconds=chance.randint(0, int(hours * 3600)))


def later(case: Case, chance: Random, at: datetime, *, is_brisk: bool) -> datetime:
    """Return when the next thing happens: soon, some day, at a deadline or just beside it, or after a long while."""
    how = chance.random()
    if is_brisk and how < 0.95:
        return at + some_time(chance, hours=0.2)
    if how < 0.1 and (due := [clock.due_at for clock in running(case) if clock.due_at and clock.due_at > at]):
        return max(at, min(due) + timedelta(seconds=chance.choice([-1, 0, 1, 3600])))
    if how < 0.14:
        return at + some_time(chance, hours=24 * 40)
    return at + some_time(chance, hours=0.5 if how < 0.7 else 10 if how < 0.9 else 150)


def running(case: Case) -> list[StageClock]:
    return list(StageClock.objects.filter(case=case, state="running"))


# — who says what ———————————————————————————————————————————————————————————————————————————————————


def said(rule: Move, county: County, chance: Random, at: datetime) -> dict:
    """Return plausible words for whatever a move must or may say."""
    yes_or_no = lambda: chance.random() < 0.5  # noqa: E731
    make = {
        "reason": lambda: "理由",
        "opinion": lambda: "意见",
        "description": lambda: "路边有垃圾",
        "collector": lambda: chance.choice([county.collector, county.other_collector, county.third_collector]),
        "condition": lambda: county.condition,
        "result": lambda: chance.choice(list(rule.outcomes)),
        "department": lambda: chance.choice([county.sanitation_bureau, county.water_company]),
        "handler": lambda: county.handler,
        "department_below": lambda: chance.choice([county.squad, county.team]),
        "owner": lambda: county.water_company,
        "urgent": yes_or_no,
        "hours": lambda: Decimal(2),
        "length": lambda: Decimal(3),
        "required": yes_or_no,
        "is_optional": yes_or_no,
        "is_precedent": yes_or_no,
        "meets_at": lambda: at + timedelta(hours=2),
        "place": lambda: "现场",
        "participants": lambda: "环卫所、供水公司",
        "ground": lambda: "still_there" if rule.verb == "still_unsolved" else "other",
        "until": lambda: (at + timedelta(days=chance.randint(1, 40))).date(),
        "met": lambda: True,
        "is_duplicate": yes_or_no,
        "verdict": lambda: chance.choice(safety.VERDICTS_OF[rule.verb]),
        "files": lambda: [county.proof],
        "first": lambda: county.another,
        "inspector": lambda: county.inspector,
        "same_period": yes_or_no,
        "errors": lambda: chance.randint(0, 2),
        "level": lambda: "key",
        "demand": lambda: "今日办结",
        "needs_reply": yes_or_no,
        "reply": lambda: "正在处理",
    }
    wanted = [*rule.facts, *(fact for fact in rule.optional if fact == "files" or yes_or_no())]
    return {fact: make[fact]() for fact in wanted if fact in make}


# — a history ———————————————————————————————————————————————————————————————————————————————————————


def begin(county: County, chance: Random, at: datetime, *, about: str) -> tuple[Case, datetime]:
    """Choose the city's rules, and bring a case by the real moves to where the history begins; return it and when."""
    choose_rules(chance, at)
    how = "straight" if about == "straight" else some(chance, STARTS)
    if how == "straight":
        straight.declare_safe(by=None, at=at, minor_class=county.litter, least_sure=0.5, valid_from=LONG_AGO)
        files = list(zip(county.proofs, ("near", "far"), strict=True))
        case = county.report(at=at, files=files, accuracy_m=8)
        assert straight.go(at=at) == 1, straight.StraightDecision.objects.get(case=case).against
    elif how == "on its way":
        source = chance.choice(["collector", *PUBLIC])
        stages = {stage: weight for stage, weight in STANDS.items()
                  if source != "collector" or stage not in (Stage.ACCEPTED, Stage.VERIFYING)}  # fmt: skip
        unhurried = chance.choice([0.1, 12, 72])
        case = county.case_at(some(chance, stages), at=at, source=source,
                              pause=lambda: some_time(chance, hours=unhurried))  # fmt: skip
    elif how == "self-handled":
        case = county.report(at=at, is_self_handled=True)
    else:
        case = county.report(at=at, source=chance.choice(["collector", *PUBLIC, "leader", "sensor"]))
    county.another = county.report(at=at)
    case = Case.objects.get(pk=case.pk)
    return case, case.events.order_by("sequence").last().at


def some(chance: Random, weights: dict):
    """Return one of the keys, each as likely as its weight."""
    return chance.choices(list(weights), weights=list(weights.values()))[0]


def choose_rules(chance: Random, at: datetime) -> None:
    office_settings.begin_empty()
    terms.forget()
    rules = {
        "dispatch.levels": chance.randint(1, 3),
        "cases.rework_clock": chance.choice(["same", "new_limit"]),
        "cases.reopen_days": 30,
        "dispatch.stock_days": chance.choice([1, 60]),
        "dispatch.appeal_days": chance.choice([3, 30]),
        "dispatch.dispute_needs_meeting": chance.random() < 0.5,
        "office.merged_hall": chance.random() < 0.5,
        "dispatch.straight_least_outcomes": 1,
        "dispatch.straight_reports": 0,
        "dispatch.straight_undo_minutes": chance.choice([10, 120]),
        "dispatch.outcome_days": 3650,
        "dispatch.outcome_half_life_days": 0,
        "dispatch.straight_sample_share": chance.choice([0.0, 1.0]),
    }
    for key, value in rules.items():
        office_settings.set_value(key, value, by=None, at=at, valid_from=LONG_AGO)
    if chance.random() < 0.5:
        ApprovalRule.objects.bulk_create(
            ApprovalRule(kind=kind, chain=chain, valid_from=LONG_AGO) for kind, chain in CHAINS.items()
        )


def live(county: County, chance: Random) -> None:
    """Live one history and look at it after every step."""
    began, about, is_brisk = some_start(chance), chance.choice([*ABOUT, "", "", ""]), chance.random() < 0.5
    case, at = begin(county, chance, began, about=about)
    if chance.random() < 0.5:
        accounts.sign_on(county.jack, at=at)
    look_at(case)
    # Some buttons are hundreds of times likelier than others, in each history others.
    chosen = ABOUT.get(about, set())
    liking = {
        (subject, verb): 10 ** chance.uniform(-2, 1) * (1000 if verb in chosen else 0.02 if verb in ENDS else 1)
        for subject, verb in workflow.BY_VERB
    }
    for _ in range(chance.randint(5, LONGEST)):
        at = later(case, chance, at, is_brisk=is_brisk)
        the_system_does_its_part(at)
        before, case = case, Case.objects.get(pk=case.pk)
        if case.event_count > before.event_count:
            look_at(case)
        if not step(county, case, chance, at, liking=liking):
            break
        case = Case.objects.get(pk=case.pk)
        look_at(case)
        add_up(window_of(began, at, cutoff=at, chance=chance))
    add_up(window_of(began, at, cutoff=began + (at - began) * chance.random(), chance=chance))
    for event in CaseEvent.objects.filter(case=case):
        made[event.subject, event.verb, event.outcome] += 1


def window_of(began: datetime, ended: datetime, *, cutoff: datetime, chance: Random) -> Window:
    return Window(began - timedelta(days=1), ended + timedelta(days=1), cutoff, chance.choice(list(Basis)))


def the_system_does_its_part(at: datetime) -> None:
    """What the worker does at the beat of its clock."""
    alarms.sweep(at=at)
    commands.dispatch_what_no_seat_may(at=at)
    requests.fill_stock(at=at)


def step(county: County, case: Case, chance: Random, at: datetime, *, liking: dict[Rule, float]) -> bool:
    """Let somebody press a button he is shown, sometimes after another one tried what is not his; False: no button."""
    subjects = {"stints": list(case.stints.all()), "tasks": list(case.tasks.all()),
                "requests": list(case.requests.all()), "directives": list(case.directives.all())}  # fmt: skip
    parts = {part.pop("actor"): part for part in case.parts.values("actor", "side", "had_hand", "has_judged")}
    shown: dict[Rule, list] = {}
    for person in county.people.values():
        case.my_part = parts.get(person.pk)
        for button in permissions.open_moves(person, case, at=at, **subjects):
            shown.setdefault((button.rule.subject, button.rule.verb), []).append((person, button.subject))
    for rule in BY_THE_CITIZEN:
        if case.stage in rule.frm:
            shown.setdefault((rule.subject, rule.verb), []).append((None, case))
    if chance.random() < 0.3:
        try_what_is_not_his(county, case, [case, *chain.from_iterable(subjects.values())], shown, chance, at)
    if not shown:
        return False
    chosen = some(chance, {rule: liking[rule] for rule in shown})
    person, subject = chance.choice(shown[chosen])
    press(workflow.BY_VERB[chosen], subject, case, county, chance, at, by=person)
    liking[chosen] /= 10
    return True


def press(rule: Move, subject, case: Case, county: County, chance: Random, at: datetime, *, by) -> bool:
    """Press one button; refused, it leaves no trace."""
    facts = {"at": at, **said(rule, county, chance, at)}
    if by is not None:
        facts["by"] = by
    try:
        with transaction.atomic():
            ACTIONS[rule.subject, rule.verb](subject, **facts)
    except Refusal:
        assert Case.objects.get(pk=case.pk).last_hash == case.last_hash
        return False
    return True


def try_what_is_not_his(county: County, case: Case, subjects: list, shown: dict, chance: Random, at: datetime) -> None:
    """Whoever presses what he is not shown is refused, unless it was merely pointless."""
    subject, person = chance.choice(subjects), chance.choice(list(county.people.values()))
    kind = permissions.type_of[type(subject)]
    rule = chance.choice([rule for rule in workflow.MOVES if rule.subject is kind and rule.roles])
    if (person, subject) not in shown.get((kind, rule.verb), ()) and rule.verb not in permissions.POINTLESS:
        assert not press(rule, subject, case, county, chance, at, by=person), (person, rule.verb)


# — what must hold ——————————————————————————————————————————————————————————————————————————————————


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
    written: dict[int, list[ClockEntry]] = {}
    for entry in ClockEntry.objects.filter(clock__in=clocks).order_by("id"):
        written.setdefault(entry.clock_id, []).append(entry)
    for clock in clocks:
        entries = written[clock.pk]
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
            case "undo_filing":
                told["filed_at"] = None
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


def add_up(window: Window) -> None:
    """The identities of the counts, over the facts of what was lived, at some cut-off."""
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
    assert counts["reported"] == Case.objects.filter(reported_at__range=(window.start, window.cutoff)).count()
    assert counts["reported"] == sum(
        counts[name]
        for name in (
            "accepted", "not_accepted", "to_accept", "voided_before_accept", "merged_before_accept", "self_handled",
        )
    )  # fmt: skip
    assert counts["filed"] == counts["filed_cases"] - counts["voided_after_filing"]
    assert counts["valid_reported"] <= counts["reported"]
    # Whoever is judged, the groups together are the city.
    departments = evaluated.tally(evaluated.judged(ObjectType.DEPARTMENT, window.cutoff.date()), found).values()
    assert sum(departments, Counter()) == kinds["stint"]
    streets = evaluated.tally(evaluated.judged(ObjectType.AREA, window.cutoff.date()), found).values()
    whole = sum(streets, Counter())
    assert {name: whole[name] for name in evaluated.of_the_city(found)} == evaluated.of_the_city(found)
    # By completion, what is overdue and not handled stands in no period.
    if window.basis is not Basis.COMPLETED and not CaseEvent.objects.filter(at__gt=window.cutoff).exists():
        open_now(kinds["stint"])


def open_now(counts: Counter) -> None:
    """Seen from now: what is open with a limit is not yet due, overdue or suspended. What left late stays overdue."""
    stints = list(evaluated.HandlingStint.objects.filter(parent=None, is_undone=False, due_at__isnull=False))
    holding = [one for one in stints if one.stage in workflow.STINT_OPEN and one.stage != StintStage.HANDED_OVER]
    total = counts["to_handle_not_due"] + counts["overdue_to_handle"] + counts["suspended"]
    left = [one for one in stints if one.stage in (StintStage.RETURNED, StintStage.WITHDRAWN)]
    assert len(holding) <= total <= len(holding) + len(left)


# — the proof ———————————————————————————————————————————————————————————————————————————————————————


def live_many(county: County, *, examples: int) -> None:
    """Live so many histories, each thrown away after it; one that fails is told by its seed, and ends there."""

    @settings(
        max_examples=examples, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )  # fmt: skip
    @given(seed=st.integers(0, 2**64 - 1))
    def histories(seed):
        with transaction.atomic():
            live(county, Random(seed))
            transaction.set_rollback(True)

    made.clear()
    histories()


@pytest.fixture
def county() -> County:
    """A county with teams, holidays, and four cases of litter behind it that went to the right department at once.

    Jack sits at every desk of both halls.
    """
    county = County.build()
    county.add_teams()
    county._person(80, "jack", "jack", "万事通", Role.ACCEPTANCE_OPERATOR, "supervision")
    for role, place in ((Role.DUTY_LEADER, "supervision"), (Role.DISPATCHER, "command"), (Role.COMMANDER, "command")):
        Appointment.objects.create(
            user=county.jack, role=role, department=county.departments[place], valid_from=LONG_AGO
        )
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


def test_what_must_hold_holds_in_random_histories(county):
    live_many(county, examples=7)


@pytest.mark.prove
def test_what_must_hold_holds_in_a_thousand_random_histories_that_make_every_move(county):
    live_many(county, examples=1000)
    rows = {(rule.subject, rule.verb) for rule in workflow.MOVES}
    assert rows - {(subject, verb) for subject, verb, _outcome in made} == set()
