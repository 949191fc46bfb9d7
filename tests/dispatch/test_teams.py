"""Inside a department: handlers, and the squads and teams below it, each with a clock of its own."""

from decimal import Decimal

import pytest

from cases.actions import FactMissing, MoveNotAllowed, NotYours
from cases.models import HandlingStint, StageClock
from cases.permissions import open_moves
from cases.workflow import Stage, StintStage
from dispatch import actions, teams
from tests.county import County, beijing

pytestmark = pytest.mark.django_db

TEN = beijing(2026, 3, 2, 10)
ELEVEN = beijing(2026, 3, 2, 11)
TWO = beijing(2026, 3, 2, 14)


@pytest.fixture
def county() -> County:
    return County.build()


@pytest.fixture
def levels(county) -> County:
    county.add_teams()
    return county


def handling(county) -> HandlingStint:
    return county.case_at(Stage.HANDLING).stints.get()


def again(stint: HandlingStint) -> HandlingStint:
    stint.refresh_from_db()
    return stint


def given_down(county) -> tuple[HandlingStint, HandlingStint]:
    """The bureau's stint, and its squad's, both open since ten o'clock."""
    stint = handling(county)
    teams.sub_dispatch(stint, by=county.sanitation, at=TEN, department_below=county.squad)
    return again(stint), stint.below.get()


# — handlers —


def test_an_assignment_is_revoked(county):
    stint = handling(county)
    with pytest.raises(teams.NotAssigned):
        teams.revoke(stint, by=county.sanitation, at=TEN, reason="人手调整")
    actions.assign(stint, by=county.sanitation, at=TEN, handler=county.handler)
    teams.revoke(stint, by=county.sanitation, at=TEN, reason="人手调整")
    assert again(stint).handler is None


def test_a_result_is_sent_back_to_the_handler(county):
    stint = handling(county)
    actions.assign(stint, by=county.sanitation, at=TEN, handler=county.handler)
    with pytest.raises(teams.NothingSubmitted):
        teams.send_back_result(stint, by=county.sanitation, at=TEN, reason="照片不清")
    actions.submit_result(stint, by=county.handler, at=TEN, opinion="已清运")
    with pytest.raises(FactMissing):
        teams.send_back_result(stint, by=county.sanitation, at=TEN, reason=" ")
    teams.send_back_result(stint, by=county.sanitation, at=TEN, reason="照片不清")
    assert (again(stint).submitted_at, stint.handler) == (None, county.handler)


def test_a_handler_gives_back_before_he_has_submitted_only(county):
    stint = handling(county)
    actions.assign(stint, by=county.sanitation, at=TEN, handler=county.handler)
    actions.submit_result(stint, by=county.handler, at=TEN, opinion="已清运")
    with pytest.raises(teams.SubmittedAlready):
        teams.give_back(stint, by=county.handler, at=TEN, reason="缺少工具")
    teams.send_back_result(stint, by=county.sanitation, at=TEN, reason="照片不清")
    teams.give_back(stint, by=county.handler, at=TEN, reason="缺少工具")
    assert again(stint).handler is None


# — the level below —


def test_where_cases_go_to_departments_only_nothing_goes_further_down(county):
    county.add_teams(levels=1)
    stint = handling(county)
    with pytest.raises(teams.NoMoreLevels):
        teams.sub_dispatch(stint, by=county.sanitation, at=TEN, department_below=county.squad)
    drawn = open_moves(county.sanitation, stint.case, at=TEN, stints=[stint])
    assert "sub_dispatch" not in {button.rule.verb for button in drawn}


def test_each_level_has_its_own_clock_and_the_case_waits_for_the_first(levels):
    stint, below = given_down(levels)
    assert (stint.stage, below.stage, below.is_required) == (StintStage.DELEGATED, StintStage.PENDING_HANDLE, False)
    assert below.due_at == beijing(2026, 3, 2, 15, 12)  # four fifths of four hours
    assert stint.case.clocks.filter(name="handling", state="running").count() == 2
    stint.case.refresh_from_db()
    assert stint.case.stage == Stage.HANDLING


def test_the_level_above_may_set_the_limit(levels):
    stint = handling(levels)
    teams.sub_dispatch(stint, by=levels.sanitation, at=TEN, department_below=levels.squad, hours=Decimal(1))
    assert stint.below.get().due_at == ELEVEN


def test_a_case_goes_down_only_to_what_belongs_to_the_department(levels):
    stint = handling(levels)
    for department in (levels.street_office, levels.sanitation_bureau):
        with pytest.raises(teams.NotBelow):
            teams.sub_dispatch(stint, by=levels.sanitation, at=TEN, department_below=department)


def test_the_result_comes_up_and_each_level_is_judged_by_its_own_hand_over(levels):
    stint, below = given_down(levels)
    with pytest.raises(MoveNotAllowed):
        actions.hand_over(below, by=levels.squad_operator, at=ELEVEN, opinion="已清运")
    teams.hand_up(below, by=levels.squad_operator, at=ELEVEN, opinion="已清运", files=levels.pictures())
    with pytest.raises(NotYours):
        teams.accept_up(below, by=levels.squad_operator, at=TWO)
    teams.accept_up(below, by=levels.sanitation, at=TWO)
    assert (again(below).stage, below.handed_over_at) == (StintStage.ACCEPTED, ELEVEN)
    case = actions.hand_over(again(stint), by=levels.sanitation, at=TWO, opinion="已清运")
    assert case.stage == Stage.HANDED_OVER
    clocks = dict(StageClock.objects.filter(case=case, name="handling").values_list("stint", "stopped_at"))
    assert clocks == {below.pk: ELEVEN, stint.pk: TWO}


def test_a_refused_result_goes_on_as_if_it_had_never_been_handed_up(levels):
    _stint, below = given_down(levels)
    due = below.due_at
    teams.hand_up(below, by=levels.squad_operator, at=ELEVEN, opinion="已清运")
    teams.refuse_up(below, by=levels.sanitation, at=TWO, reason="未清净")
    assert (again(below).stage, below.due_at) == (StintStage.HANDLING, due)


def test_a_return_goes_one_level_up(levels):
    stint, below = given_down(levels)
    teams.sub_dispatch(below, by=levels.squad_operator, at=TEN, department_below=levels.team)
    team = below.below.get()
    teams.return_up(team, by=levels.team_operator, at=ELEVEN, ground="not_ours", reason="不在作业区")
    teams.accept_return_up(team, by=levels.squad_operator, at=ELEVEN)
    assert (again(team).stage, team.dispatch_verdict) == (StintStage.RETURNED, "wrong")
    assert (again(below).stage, again(stint).stage) == (StintStage.HANDLING, StintStage.DELEGATED)


def test_a_refused_return_from_below_buys_no_time(levels):
    _stint, below = given_down(levels)
    due = below.due_at
    teams.return_up(below, by=levels.squad_operator, at=TEN, ground="not_ours", reason="不在作业区")
    teams.refuse_return_up(below, by=levels.sanitation, at=ELEVEN, reason="在作业区内")
    assert (again(below).due_at, below.is_shirked) == (due, True)


def test_what_is_taken_back_ends_on_every_level_below(levels):
    stint, below = given_down(levels)
    teams.sub_dispatch(below, by=levels.squad_operator, at=TEN, department_below=levels.team)
    teams.recall(again(below), by=levels.sanitation, at=ELEVEN, reason="自行处置")
    stages = dict(stint.case.stints.values_list("department__code", "stage"))
    assert stages == {"sanitation": "handling", "squad": "withdrawn", "team": "withdrawn"}
    teams.sub_dispatch(again(stint), by=levels.sanitation, at=ELEVEN, department_below=levels.squad)
    case = actions.withdraw_dispatch(again(stint), by=levels.dispatcher, at=TWO, reason="改派")
    assert case.stage == Stage.PENDING_DISPATCH
    assert not case.stints.open().exists()


def test_rework_comes_back_to_the_department_which_gives_it_down_again_on_the_same_clock(levels):
    from cases import actions as cases

    stint, below = given_down(levels)
    due = below.due_at
    teams.hand_up(below, by=levels.squad_operator, at=ELEVEN, opinion="已清运")
    teams.accept_up(below, by=levels.sanitation, at=ELEVEN)
    actions.hand_over(again(stint), by=levels.sanitation, at=ELEVEN, opinion="已清运")
    case = actions.pass_on(stint, by=levels.dispatcher, at=ELEVEN)
    cases.send_check(case, by=levels.operator, at=ELEVEN, collector=levels.other_collector)
    cases.check(case.tasks.get(), by=levels.other_collector, at=ELEVEN, result="fail")
    assert (again(stint).stage, again(below).stage) == (StintStage.HANDLING, StintStage.ACCEPTED)
    teams.sub_dispatch(stint, by=levels.sanitation, at=TWO, department_below=levels.squad)
    assert (again(below).stage, below.rework_count, below.due_at) == (StintStage.HANDLING, 1, due)


def test_people_of_a_level_act_for_it_and_below_and_nobody_for_the_level_above(levels):
    stint, below = given_down(levels)
    drawn = {name: {b.rule.verb for b in open_moves(getattr(levels, name), stint.case, at=TEN, stints=[stint, below])}
             for name in ("sanitation", "squad_operator", "team_operator")}  # fmt: skip
    assert "recall" in drawn["sanitation"]
    assert {"receive", "hand_up", "return_up"} <= drawn["squad_operator"]
    assert not drawn["squad_operator"] & {"recall", "hand_over", "ask_extension"}
    assert drawn["team_operator"] == set()
