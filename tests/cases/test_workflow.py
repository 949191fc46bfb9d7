"""The table of moves holds together: read it as a whole, without a database."""

import pytest

from accounts.roles import POWERS, ROLES, Role
from cases import workflow
from cases.workflow import MOVES, Stage, StintStage, Subject


def test_every_open_stage_of_a_case_can_be_left():
    left = {stage for move in MOVES if move.subject is Subject.CASE for stage in move.frm if stage != ""}
    by_others = {
        Stage.VERIFYING,
        Stage.CHECKING,
        Stage.DISPUTED,
        Stage.PENDING_HANDLE,
        Stage.HANDLING,
        Stage.SUSPENDED,
        Stage.HANDED_OVER,
    }
    assert set(workflow.OPEN) <= left | by_others


def test_every_stage_but_the_first_is_reached():
    reached = {outcome.case for move in MOVES for outcome in move.outcomes.values()}
    reached |= {case for _stint, case in workflow.LEAST_ADVANCED}
    assert reached | {Stage.REPORTED} >= set(Stage)


def test_what_has_ended_goes_on_only_where_somebody_says_so():
    verbs = {move.verb for move in MOVES if move.subject is Subject.CASE and set(move.frm) & workflow.FINAL}
    assert verbs >= {"review_dispatch", "review_filing", "detach", "reopen", "still_unsolved", "send_spot_check"}
    back = {
        move.verb
        for move in MOVES
        if move.subject is Subject.CASE and set(move.frm) & workflow.FINAL
        if not all(outcome.stays for outcome in move.outcomes.values())
    }
    assert back == {"detach", "reopen", "still_unsolved"}


@pytest.mark.parametrize("move", MOVES, ids=lambda move: f"{move.subject}-{move.verb}")
def test_a_moves_roles_belong_to_its_side(move):
    if move.side == workflow.CITIZEN:
        assert move.roles == ()
    elif move.side == workflow.NO_SIDE:
        # Whoever pushes is bound to nothing, so such a move changes no stage of the case.
        assert all(outcome.stays for outcome in move.outcomes.values())
        assert move.proof == ""
    else:
        assert move.side in POWERS
        assert {ROLES[Role(role)].side for role in move.roles} == {move.side}


def test_a_verb_is_one_button_of_one_subject():
    keys = [(move.subject, move.verb) for move in MOVES]
    assert len(keys) == len(set(keys))


def test_no_two_buttons_of_one_role_share_a_key_in_one_stage():
    for stage in Stage:
        for role in Role:
            moves = [move for move in MOVES if move.subject is Subject.CASE and move.key]
            keys = [move.key for move in moves if stage in move.frm and role in move.roles]
            assert len(keys) == len(set(keys)), (stage, role, keys)


def test_no_move_takes_a_key_by_which_one_goes_about():
    """Next and previous row, a new call, the map: on every page these are not a button's."""
    assert not {move.key for move in MOVES} & set("JKNM/?0123456789")


AS_THE_OPERATORS_KNOW_THEM = {
    "file": "L", "not_file": "B", "dispatch": "P", "back_to_acceptance": "T", "ask_return": "T", "send_verify": "H",
    "send_check": "C", "close": "E", "supervise": "D", "grant_extension": "Y", "ask_extension": "Y",
    "grant_suspension": "G", "ask_suspension": "G",
}  # fmt: skip


def test_the_keys_are_those_of_the_key_card():
    assert {move.verb: move.key for move in MOVES if move.verb in AS_THE_OPERATORS_KNOW_THEM} == (
        AS_THE_OPERATORS_KNOW_THEM
    )


def test_a_stage_never_runs_and_pauses_a_clock_at_once():
    assert not set(workflow.RUNNING) & set(workflow.PAUSED)


@pytest.mark.parametrize(
    ("stints", "shown"),
    [
        ([(StintStage.HANDED_OVER, True), (StintStage.HANDLING, True)], Stage.HANDLING),
        ([(StintStage.ACCEPTED, True), (StintStage.HANDED_OVER, True)], Stage.HANDED_OVER),
        ([(StintStage.ACCEPTED, True), (StintStage.PENDING_HANDLE, False)], Stage.PENDING_CHECK),
        ([(StintStage.RETURNED, True)], Stage.PENDING_DISPATCH),
        ([(StintStage.RETURNED, True), (StintStage.ACCEPTED, True)], Stage.PENDING_CHECK),
        ([(StintStage.RETURNING, True), (StintStage.HANDED_OVER, True)], Stage.PENDING_DISPATCH),
        ([], Stage.PENDING_DISPATCH),
    ],
)
def test_a_case_shows_its_least_advanced_required_stint(stints, shown):
    assert workflow.case_stage_of(stints) is shown


def test_whoever_sees_dispatches_or_handles_has_a_hand_in_it_and_whoever_checks_or_closes_judges():
    proof = {move.verb: move.proof for move in MOVES}
    assert {verb for verb, kind in proof.items() if kind == workflow.JUDGED} == {
        "check", "close", "rework", "close_self_handled", "force_close", "inspect", "spot_check",
    }  # fmt: skip
    assert proof["verify"] == proof["dispatch"] == proof["hand_over"] == workflow.HAND
