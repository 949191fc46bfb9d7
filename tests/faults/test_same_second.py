"""Two people press a button of one case in the same second, each at his own browser, on a real database.

One succeeds. The other is told who did what and when, and what he had typed is still in his form.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from cases.models import Case, CaseEvent
from cases.workflow import Stage, Subject
from dispatch import actions as dispatch
from dispatch.views import DOORS as OF_DISPATCH
from tests.county import County, picture

pytestmark = pytest.mark.django_db(transaction=True)

TYPED = "我写了很长的一段话，不能丢"


WITH_A_REASON = {"refuse", "not_file", "back_to_filing", "withdraw_dispatch", "refuse_hand_over", "refuse_extension",
                 "rework", "check_again"}  # fmt: skip


@dataclass
class Press:
    """One button: whose, on which row of the case, and what is typed besides."""

    who: str
    verb: str
    subject: Subject = Subject.CASE
    said: Callable[[County], dict] = lambda county: {}

    def row(self, case: Case):
        rows = {Subject.CASE: lambda: case, Subject.STINT: case.stints.get, Subject.TASK: case.tasks.get,
                Subject.REQUEST: case.requests.get}  # fmt: skip
        return rows[self.subject]()

    @property
    def text(self) -> str:
        return "reason" if self.verb in WITH_A_REASON else "opinion"


def condition(county: County) -> dict:
    return {"condition": str(county.condition.public_id)}


def bureau(county: County) -> dict:
    return {"department": str(county.sanitation_bureau.public_id)}


RACES = {
    "a report is accepted and refused": (Stage.REPORTED, Press("operator", "accept"), Press("duty_leader", "refuse")),
    "a report is refused twice": (Stage.REPORTED, Press("operator", "refuse"), Press("second_operator", "refuse")),
    "a case is filed and not filed": (
        Stage.PENDING_FILING, Press("duty_leader", "file", said=condition), Press("second_leader", "not_file"),
    ),
    "a case is dispatched and sent back": (
        Stage.PENDING_DISPATCH, Press("dispatcher", "dispatch", said=bureau),
        Press("second_dispatcher", "back_to_filing"),
    ),
    "a result is handed over while the case is taken back": (
        Stage.HANDLING, Press("sanitation", "hand_over", Subject.STINT),
        Press("dispatcher", "withdraw_dispatch", Subject.STINT),
    ),
    "a result is passed on and refused": (
        Stage.HANDED_OVER, Press("dispatcher", "pass_on", Subject.STINT),
        Press("second_dispatcher", "refuse_hand_over", Subject.STINT),
    ),
    "an extension is granted and refused": (
        "asked", Press("dispatcher", "grant_extension", Subject.REQUEST),
        Press("second_dispatcher", "refuse_extension", Subject.REQUEST),
    ),
    "a case is sent back for rework and to another check": (
        Stage.PENDING_CLOSE, Press("duty_leader", "rework"), Press("second_leader", "check_again"),
    ),
}  # fmt: skip


SECOND = (
    ("second_operator", Role.ACCEPTANCE_OPERATOR, "supervision"),
    ("second_leader", Role.DUTY_LEADER, "supervision"),
    ("second_dispatcher", Role.DISPATCHER, "command"),
)


@pytest.fixture
def county() -> County:
    """The county, with a second person at each of the three desks."""
    county = County.build()
    for number, (name, role, place) in enumerate(SECOND, 70):
        county._person(number, name, name, f"乙{number}", role, place)
    return county


def standing_at(county: County, stage: str) -> Case:
    now = timezone.now() - timedelta(minutes=20)
    if stage != "asked":
        return county.case_at(stage, at=now)
    case = county.case_at(Stage.HANDLING, at=now)
    dispatch.ask_extension(case.stints.get(), by=county.sanitation, at=timezone.now(), reason="需要吊车")
    return case


@pytest.mark.parametrize("race", RACES)
def test_one_succeeds_and_the_other_is_told_and_loses_no_text(race, county, seat):
    stage, *presses = RACES[race]
    case = standing_at(county, stage)
    before = case.events.count()
    browsers = {press.who: seat(getattr(county, press.who)) for press in presses}
    ready, answers = threading.Barrier(2), {}

    def send(press: Press, address: str, said: dict) -> None:
        ready.wait(timeout=30)
        try:
            answers[press.who] = browsers[press.who].post(address, said)
        finally:
            connection.close()

    threads = []
    for press in presses:
        address = reverse(
            f"{'dispatch' if press.verb in OF_DISPATCH else 'cases'}:move",
            args=[case.public_id, str(press.subject), press.row(case).public_id, press.verb],
        )
        said = {press.text: TYPED, **press.said(county)}
        if press.verb == "hand_over":
            said["files"] = [picture(7)]
        threads.append(threading.Thread(target=send, args=(press, address, said)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers.values()) == [302, 422]
    [winner] = [who for who, answer in answers.items() if answer.status_code == 302]
    [loser] = [who for who, answer in answers.items() if answer.status_code == 422]
    page = unescape(answers[loser].content.decode())
    assert TYPED in page
    last = CaseEvent.objects.filter(case=case).order_by("sequence").last()
    assert last.actor == getattr(county, winner)
    refusal = " ".join(answers[loser].context["form"].non_field_errors())
    assert str(last.actor) in refusal
    assert f"{timezone.localtime(last.at):%H:%M}" in refusal
    assert CaseEvent.objects.filter(case=case).count() == before + 1
