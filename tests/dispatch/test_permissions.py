"""Who has which button: drawn and refused by the same table."""

import pytest

from cases.permissions import open_moves
from cases.workflow import MOVES, Stage
from dispatch import actions, permissions
from dispatch.views import DOORS
from tests.county import MONDAY, County, beijing

pytestmark = pytest.mark.django_db

NOON = beijing(2026, 3, 2, 12)
EVERYBODY = (
    "operator", "duty_leader", "dispatcher", "commander", "collector", "other_collector", "sanitation", "handler",
    "water", "street", "evaluator", "leader", "administrator",
)  # fmt: skip

WORKING = {
    "assign", "hand_over", "ask_return", "ask_extension", "ask_suspension", "ask_deferral", "ask_voiding",
    "open_dispute", "record_result",
}  # fmt: skip
IN_HAND = {
    "dispatcher": {"withdraw_dispatch", "add_assisting", "set_proxy", "raise_dispute", "transfer_to_emergency"},
    "commander": {"raise_dispute", "transfer_to_emergency"},
    "duty_leader": {"recall_wrong_dispatch"},
}  # fmt: skip
BUTTONS: dict[str, dict[str, set[str]]] = {
    Stage.PENDING_FILING: {},
    Stage.PENDING_DISPATCH: {"dispatcher": {"dispatch", "back_to_filing", "mark_ownerless", "transfer_to_emergency"},
                             "commander": {"transfer_to_emergency"}},
    Stage.PENDING_HANDLE: {**IN_HAND, "sanitation": (WORKING - {"assign"}) | {"receive"}},
    Stage.HANDLING: {**IN_HAND, "sanitation": WORKING},
    Stage.HANDED_OVER: {
        "dispatcher": {"pass_on", "refuse_hand_over", "add_assisting", "set_proxy", "transfer_to_emergency"},
        "commander": {"transfer_to_emergency"},
    },
    Stage.PENDING_CHECK: {},
    Stage.CLOSED: {},
}  # fmt: skip


@pytest.fixture
def county() -> County:
    return County.build()


def buttons(county, case) -> dict[str, set[str]]:
    """Return the buttons of this room that each person has on the case; who has none is left out."""
    found = {}
    for name in EVERYBODY:
        drawn = open_moves(getattr(county, name), case, at=NOON, stints=case.stints.all(), requests=case.requests.all())
        mine = {button.rule.verb for button in drawn if button.rule.door == "dispatch"}
        if mine:
            found[name] = mine
    return found


@pytest.mark.parametrize("stage", BUTTONS)
def test_everybody_has_the_buttons_of_his_role_and_nobody_else(county, stage):
    assert buttons(county, county.case_at(stage)) == BUTTONS[stage]


def test_an_assigned_handler_may_submit_or_give_back_and_nothing_else(county):
    case = county.case_at(Stage.HANDLING)
    actions.assign(case.stints.get(), by=county.sanitation, at=NOON, handler=county.handler)
    assert buttons(county, case)["handler"] == {"submit_result", "give_back"}


@pytest.mark.parametrize("kind", ["return", "extension", "suspension"])
def test_what_a_department_asks_only_the_dispatcher_decides(county, kind):
    case = county.case_at(Stage.HANDLING)
    stint = case.stints.get()
    facts = {"return": {"ground": "not_ours"}, "suspension": {"until": beijing(2026, 4, 1).date()}}.get(kind, {})
    case = getattr(actions, f"ask_{kind}")(stint, by=county.sanitation, at=NOON, reason="说明", **facts)
    found = buttons(county, case)
    deciders = {name for name, verbs in found.items() if verbs & {f"grant_{kind}", f"refuse_{kind}"}}
    assert deciders == {"dispatcher"}


def test_an_automatic_dispatch_is_confirmed_by_a_dispatcher_and_no_other_case_is(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    actions.system_dispatch(case, at=NOON)
    case.refresh_from_db()
    assert "review_dispatch" in buttons(county, case)["dispatcher"]
    assert "review_dispatch" not in buttons(county, county.case_at(Stage.PENDING_HANDLE))["dispatcher"]


def test_every_move_of_this_room_has_its_door_and_its_action():
    assert {move.verb for move in MOVES if move.door == "dispatch"} == set(DOORS)


def test_a_dispatcher_for_another_area_has_no_button(county):
    case = county.case_at(Stage.PENDING_DISPATCH)
    county.dispatcher.appointments.update(scope_area_code="999902009")
    county.dispatcher.__dict__.pop("_all_appointments", None)
    assert "dispatcher" not in buttons(county, case)


def test_a_case_is_dispatched_to_departments_streets_utilities_and_contractors_only(county):
    may = {code for code, one in county.departments.items() if permissions.may_be_dispatched_to(one, at=MONDAY)}
    assert may == {"city", "sanitation", "water", "street"}
    assert {one.code for one in permissions.departments_to_dispatch_to(MONDAY)} == may
