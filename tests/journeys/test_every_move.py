"""Every button that anybody is shown is pressed once, through its own door: it works, with few questions asked.

Which buttons there are, who has them and what their forms ask for is read from the pages' own code, so a move added to
the table is pressed here too.
"""

from collections import Counter
from datetime import timedelta

import pytest
from django import forms
from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import vault
from cases import actions as cases
from cases import clocks, workflow
from cases.models import Case
from cases.permissions import open_moves, type_of
from cases.views import DOORS as DESK_DOORS
from cases.workflow import Stage
from components.models import FilingCondition
from dispatch import actions as dispatch
from dispatch import experience, requests, straight, teams
from dispatch.views import DOORS as DISPATCH_DOORS
from office import settings as office_settings
from office.forms import FilesField
from tests.county import LONG_AGO, SIDE, STAGES_OF_THE_TRIP, County, picture

MOST_QUERIES = 12
# With papers, one department's part ends and another's begins: two more.
MOST_OF = {"decide_dispute": 14}
pytestmark = pytest.mark.django_db

DOORS = {"cases": DESK_DOORS, "dispatch": DISPATCH_DOORS}


def filled(form: forms.Form) -> dict:
    """Return what somebody in a hurry would answer: the first of what is offered, a word where words are needed."""
    return {name: _answer(field) for name, field in form.fields.items() if field.required or _is_cheap(field)}


def _is_cheap(field) -> bool:
    return isinstance(field, FilesField) or type(field) is forms.CharField


def _answer(field):
    if isinstance(field, FilesField):
        return [picture(1), picture(2)]
    if isinstance(field, forms.ModelChoiceField):
        return field.prepare_value(field.queryset[0])
    if isinstance(field, forms.ChoiceField):
        return next(str(value) for value, _label in field.choices if value)
    if isinstance(field, forms.BooleanField):
        return "on"
    if isinstance(field, forms.DateTimeField):
        return f"{timezone.localtime() + timedelta(hours=2):%Y-%m-%dT%H:%M}"
    if isinstance(field, forms.DateField):
        return str(timezone.localdate() + timedelta(days=7))
    return "现场已看过，情况属实"


def situations(county: County):
    """Yield cases in every state in which somebody is shown a button."""
    now = timezone.now() - timedelta(minutes=30)
    for stage in STAGES_OF_THE_TRIP:
        source = "web" if stage in (Stage.ACCEPTED, Stage.VERIFYING) else "collector"
        yield county.case_at(stage, at=now, source=source)
    yield from at_the_handlers(county, now)
    yield from at_the_levels_below(county, now)
    yield from with_something_asked(county, now)
    yield from with_something_disputed(county, now)
    yield from closed_late(county)
    yield from looked_at_again(county, now)
    yield from pushed_or_marked(county, now)
    yield from gone_straight_through(county, now)


def at_the_handlers(county: County, now):
    """Assigned; the handler's result waits for his department."""
    stint = county.case_at(Stage.HANDLING, at=now).stints.get()
    yield dispatch.assign(stint, by=county.sanitation, at=timezone.now(), handler=county.handler)
    stint.refresh_from_db()
    yield dispatch.submit_result(stint, by=county.handler, at=timezone.now(), opinion="已清运")


def at_the_levels_below(county: County, now):
    """With the squad, its team below it; the result or a return waits for the level above."""

    def given_on():
        case = county.case_at(Stage.HANDLING, at=now)
        teams.sub_dispatch(case.stints.get(), by=county.sanitation, at=timezone.now(), department_below=county.squad)
        return case.stints.get(department=county.squad)

    stint = given_on()
    yield fresh(stint)
    teams.sub_dispatch(stint, by=county.squad_operator, at=timezone.now(), department_below=county.team)
    yield fresh(stint)
    stint = given_on()
    yield teams.hand_up(stint, by=county.squad_operator, at=timezone.now(), opinion="已清运")
    stint = given_on()
    yield teams.return_up(stint, by=county.squad_operator, at=timezone.now(), ground=county.ground, reason="不在本路段")


def with_something_asked(county: County, now):
    """Every kind of request that waits for an answer, at each step of its chain of approval."""
    for kind, chain in (("return", ["duty_leader", "dispatcher"]), ("extension", ["dispatcher", "commander"])):
        dispatch.add_approval_rule(by=county.administrator, at=now, kind=kind, chain=chain, valid_from=LONG_AGO)
    for ask, facts, agree in (
        (dispatch.ask_return, {"ground": county.ground}, (requests.consent, county.duty_leader)),
        (dispatch.ask_extension, {}, (requests.approve, county.dispatcher)),
        (dispatch.ask_suspension, {"until": timezone.localdate() + timedelta(days=9)}, None),
        (requests.ask_voiding, {}, None),
        (requests.ask_deferral, {}, None),
    ):
        stint = county.case_at(Stage.HANDLING, at=now).stints.get()
        yield ask(stint, by=county.sanitation, at=timezone.now(), reason="需要吊车", **facts)
        if agree is not None:
            act, who = agree
            yield act(stint.requests.get(), by=who, at=timezone.now())
    # Granted: suspended; returned, and how the dispatch was is to be judged; deferred so long ago that it is stock.
    stint = county.case_at(Stage.HANDLING, at=now).stints.get()
    until = timezone.localdate() + timedelta(days=9)
    dispatch.ask_suspension(stint, by=county.sanitation, at=timezone.now(), until=until, reason="等待雨停")
    yield dispatch.grant_suspension(stint.requests.get(), by=county.dispatcher, at=timezone.now())
    stint = county.case_at(Stage.HANDLING, at=now).stints.get()
    yield dispatch.withdraw_dispatch(stint, by=county.dispatcher, at=timezone.now(), reason="派错了")
    long_ago = now - timedelta(days=100)
    stint = county.case_at(Stage.HANDLING, at=long_ago).stints.get()
    requests.ask_deferral(stint, by=county.sanitation, at=long_ago + timedelta(days=1), reason="等待改造")
    request = stint.requests.get()
    yield requests.grant_deferral(request, by=getattr(county, request.chain[-1]), at=long_ago + timedelta(days=2))


def with_something_disputed(county: County, now):
    """Disputed, and the joint meeting was called: before that nothing is decided."""
    stint = county.case_at(Stage.HANDLING, at=now).stints.get()
    requests.open_dispute(stint, by=county.sanitation, at=timezone.now(), reason="不是本所的路段")
    request = stint.requests.get()
    yield requests.call_meeting(
        request, by=getattr(county, request.chain[-1]), at=timezone.now(), place="现场", participants="环卫所、街道办",
        meets_at=timezone.now() + timedelta(hours=2),
    )  # fmt: skip


def closed_late(county: County):
    """Closed after its deadline: the department may appeal, and has appealed."""
    pause = timedelta(days=4)
    case = county.case_at(Stage.CLOSED, at=timezone.now() - 9 * pause - timedelta(hours=1), pause=lambda: pause)
    yield case
    yield requests.ask_appeal(case.stints.get(), by=county.sanitation, at=timezone.now(), reason="连日暴雨")
    yield requests.approve(case.requests.get(), by=county.dispatcher, at=timezone.now())


def looked_at_again(county: County, now):
    """Being inspected; a closed case being checked on the spot; attached to another one."""
    case = county.case_at(Stage.PENDING_CHECK, at=now)
    yield cases.send_inspection(case, by=county.operator, at=timezone.now(), inspector=county.inspector)
    case = county.case_at(Stage.CLOSED, at=now)
    yield cases.send_spot_check(case, by=county.duty_leader, at=timezone.now(), inspector=county.inspector)
    case = county.report(at=now)
    yield cases.attach(case, by=county.operator, at=timezone.now(), first=county.report(at=now))
    yield county.report(at=now, is_self_handled=True)


def pushed_or_marked(county: County, now):
    """Supervised, with a reply required; an emergency; with a department that assists."""
    case = county.case_at(Stage.HANDLING, at=now)
    yield cases.supervise(
        case, by=county.leader, at=timezone.now(), level="key", demand="今日办结", needs_reply=True
    )  # fmt: skip
    case = county.case_at(Stage.HANDLING, at=now)
    yield dispatch.transfer_to_emergency(case, by=county.commander, at=timezone.now(), reason="伤人")
    case = county.case_at(Stage.HANDLING, at=now)
    yield dispatch.add_assisting(case, by=county.dispatcher, at=timezone.now(), department=county.water_company)


def gone_straight_through(county: County, now):
    """Filed and dispatched by the system, and drawn to be judged."""
    for key, value in {
        "dispatch.straight_least_outcomes": 1, "dispatch.straight_reports": 0, "dispatch.straight_sample_share": 1.0,
        "dispatch.outcome_half_life_days": 0,
    }.items():  # fmt: skip
        office_settings.set_value(key, value, by=None, at=now, valid_from=LONG_AGO)
    litter = {"minor_class": county.litter, "valid_from": LONG_AGO}
    dispatch.add_responsibility(by=county.administrator, at=now, department=county.sanitation_bureau, **litter)
    for number in range(4):
        county.case_at(Stage.CLOSED, at=now - timedelta(days=2, hours=number))
    experience.learn(at=now)
    straight.declare_safe(by=None, at=now, least_sure=0.5, **litter)
    files = list(zip(county.pictures(2), ("near", "far"), strict=True))
    FilingCondition.objects.exclude(pk=county.condition.pk).filter(minor_class=county.litter).delete()
    point = Point(county.point.x + 1.2 * SIDE, county.point.y + 1.2 * SIDE, srid=county.point.srid)
    case = county.report(at=timezone.now(), files=files, accuracy_m=8, point=point)
    straight.go(at=timezone.now())
    case.refresh_from_db()
    assert case.stage == Stage.PENDING_HANDLE, straight.StraightDecision.objects.get(case=case).against
    yield case


def fresh(stint) -> Case:
    return Case.objects.get(pk=stint.case_id)


def rows_of(case):
    return {
        "stints": list(case.stints.select_related("department")), "tasks": list(case.tasks.all()),
        "requests": list(case.requests.all()), "directives": list(case.directives.all()),
    }  # fmt: skip


def test_every_button_works_and_asks_few_questions(seat):
    county = County.build()
    county.add_teams()
    for number in range(2, 5):  # a choice of conditions, as the catalogue has it
        FilingCondition.objects.create(
            minor_class=county.litter, number=number, condition_zh=f"暴露垃圾 {number}", close_condition_zh="清除",
            limit_value=4, limit_unit="working_hour", valid_from=county.condition.valid_from,
        )  # fmt: skip
    first = county.report(at=timezone.now())  # to which others may be attached
    browsers = {who: seat(user) for who, user in county.people.items()}
    pressed, troubles = Counter(), []
    for case in situations(county):
        for who, user in county.people.items():
            for button in open_moves(user, case, at=timezone.now(), **rows_of(case)):
                key = (button.rule.subject, button.rule.verb)
                if button.rule.door not in DOORS or pressed[key]:
                    continue
                pressed[key] += 1
                with transaction.atomic():
                    troubles += press(browsers[who], case, button, number=first.number)
                    transaction.set_rollback(True)
    asked = {(move.subject, move.verb) for move in workflow.MOVES if move.door in DOORS}
    assert troubles == []
    assert asked - set(pressed) == set()


def press(browser, case, button, *, number: str) -> list[str]:
    """Fill the form of a button and send it; return what was wrong. `number`: of a case, where a form asks for one."""
    rule, subject = button.rule, button.subject
    address = reverse(button.url_name, args=[case.public_id, str(type_of[type(subject)]), subject.public_id, rule.verb])
    page = browser.get(address)
    if page.status_code != 200:
        return [f"{rule.verb}: {page.status_code} before anything was sent"]
    said = filled(page.context["form"])
    if "number" in said:
        said["number"] = number
    with CaptureQueriesContext(connection) as asked:
        answer = browser.post(address, said)
    if answer.status_code != 302:
        return [f"{rule.verb}: {answer.status_code} {answer.context['form'].errors}"]
    number = queries(asked)
    return [f"{rule.verb}: {number} queries"] if number > MOST_OF.get(rule.verb, MOST_QUERIES) else []


def queries(asked) -> int:
    """Return how many statements these are in service, where a transaction of its own needs no savepoint.

    The test itself stands in a transaction, so here it does; a savepoint inside another one counts.
    """
    number = depth = 0
    for statement in (query["sql"] for query in asked.captured_queries):
        opens, ends = statement.startswith("SAVEPOINT"), statement.startswith(("RELEASE SAVEPOINT", "ROLLBACK TO"))
        depth -= ends
        number += not ((opens or ends) and depth == 0)
        depth += opens
    return number


def test_a_report_with_pictures_asks_few_questions_whoever_sends_it(seat, client):
    county = County.build()
    where = {"lon": str(county.point.x), "lat": str(county.point.y), "minor_class": str(county.litter.public_id)}
    pictures = {"near": picture(1), "far": picture(2), "more": [picture(3), picture(4)]}
    doors = [
        (seat(county.collector), "/field/report/", {"description": "路边有一堆垃圾", **pictures}),
        (seat(county.operator), "/hotline/call/new/", {"kind": "complaint", "urgency": "0", "description": "垃圾成堆",
         "name": "周女士", "phone": "13800000000", "words": "门口的垃圾", "result": "registered"}),
        (client, "/citizen/report/",
         {"words": "门口有垃圾", "phone": "13800000000", "files": [picture(5), picture(6)]}),
    ]  # fmt: skip
    troubles = []
    for browser, address, said in doors:
        form = browser.get(address).context["form"]
        hidden = {name: str(form[name].value() or "") for name in form.fields if form[name].is_hidden}
        clocks.calendar()
        office_settings.get("office.centre_name", on=timezone.localdate())
        vault.require_right_key(at=timezone.now())
        with CaptureQueriesContext(connection) as asked:
            answer = browser.post(address, {**hidden, **where, **said, "near_seen": "1"})
        troubles += [f"{answer.status_code} {address}"] if answer.status_code != 302 else []
        troubles += [f"{queries(asked)} queries {address}"] if queries(asked) > MOST_QUERIES else []
    assert troubles == []
