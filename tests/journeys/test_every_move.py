"""Every button that anybody is shown is pressed once, through its own door: it works, with few questions asked.

Which buttons there are, who has them and what their forms ask for is read from the pages' own code, so a move added to
the table is pressed here too.
"""

from collections import Counter
from datetime import timedelta

import pytest
from django import forms
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import vault
from cases import clocks, workflow
from cases.permissions import open_moves, type_of
from cases.views import DOORS as DESK_DOORS
from cases.workflow import Stage
from components.models import FilingCondition
from dispatch import actions as dispatch
from dispatch.views import DOORS as DISPATCH_DOORS
from office import settings as office_settings
from office.forms import FilesField
from tests.county import PEOPLE, STAGES_OF_THE_TRIP, County, picture

MOST_QUERIES = 12
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
    if isinstance(field, forms.DateField):
        return str(timezone.localdate() + timedelta(days=7))
    return "现场已看过，情况属实"


def situations(county: County):
    """Yield cases in every stage of the trip, and with something asked for."""
    now = timezone.now() - timedelta(minutes=30)
    for stage in STAGES_OF_THE_TRIP:
        source = "web" if stage in (Stage.ACCEPTED, Stage.VERIFYING) else "collector"
        yield county.case_at(stage, at=now, source=source)
    for ask, facts in (
        (dispatch.ask_return, {"ground": county.ground}),
        (dispatch.ask_extension, {}),
        (dispatch.ask_suspension, {"until": timezone.localdate() + timedelta(days=9)}),
    ):
        stint = county.case_at(Stage.HANDLING, at=now).stints.get()
        yield ask(stint, by=county.sanitation, at=timezone.now(), reason="需要吊车", **facts)


def rows_of(case):
    return {
        "stints": list(case.stints.select_related("department")), "tasks": list(case.tasks.all()),
        "requests": list(case.requests.all()),
    }  # fmt: skip


def test_every_button_works_and_asks_few_questions(seat):
    county = County.build()
    for number in range(2, 5):  # a choice of conditions, as the catalogue has it
        FilingCondition.objects.create(
            minor_class=county.litter, number=number, condition_zh=f"暴露垃圾 {number}", close_condition_zh="清除",
            limit_value=4, limit_unit="working_hour", valid_from=county.condition.valid_from,
        )  # fmt: skip
    first = county.report(at=timezone.now())  # to which others may be attached
    browsers = {who: seat(getattr(county, who)) for who in PEOPLE}
    pressed, troubles = Counter(), []
    for case in situations(county):
        for who in PEOPLE:
            user = getattr(county, who)
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
    assert len(pressed) > 25, sorted(asked - set(pressed))


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
    return [f"{rule.verb}: {number} queries"] if number > MOST_QUERIES else []


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
