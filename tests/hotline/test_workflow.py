"""A citizen is told every stage, in words that promise nothing that did not happen."""

import re

from cases.workflow import FINAL, MOVES, Stage
from hotline.workflow import MILESTONES, PLAIN, REASONS, STEPS, reached


def test_every_stage_of_a_case_has_its_plain_words():
    assert set(PLAIN) == set(Stage)


def test_a_matter_is_over_exactly_when_its_stage_is_final():
    assert {stage for stage, plain in PLAIN.items() if plain.is_over} == FINAL


def test_solved_is_said_only_of_what_was_closed_or_put_right_on_the_spot():
    assert {stage for stage, plain in PLAIN.items() if plain.is_solved} == {Stage.CLOSED, Stage.SELF_HANDLED_CLOSED}


def test_a_sentence_with_a_time_says_too_what_holds_without_one():
    for plain in PLAIN.values():
        if "%(due)s" in plain.sentence:
            assert plain.undated
            assert "%(due)s" in plain.late
        assert set(re.findall(r"%\((\w+)\)s", plain.sentence)) <= {"due", "until"}


def test_every_milestone_and_reason_is_a_verb_of_the_table():
    verbs = {(move.verb, outcome) for move in MOVES for outcome in move.outcomes}
    assert set(MILESTONES) - {("report", "")} <= verbs
    assert set(REASONS) <= {verb for verb, _outcome in verbs}


def steps_of(stage: Stage, *verbs: str) -> list[str]:
    return [
        label for label, is_reached in zip(STEPS, reached(PLAIN[stage], {"report", *verbs}), strict=True) if is_reached
    ]


def test_a_report_that_was_not_taken_up_never_was_with_a_department():
    assert steps_of(Stage.NOT_FILED, "accept", "verify", "not_file") == ["Received", "Being looked at", "Ended"]
    assert steps_of(Stage.NOT_ACCEPTED, "refuse") == ["Received", "Ended"]


def test_a_solved_one_went_all_the_way():
    assert steps_of(Stage.CLOSED, "accept", "file", "dispatch", "hand_over", "check", "close") == list(STEPS)


def test_rework_brings_it_back_to_the_department():
    assert steps_of(Stage.HANDLING, "accept", "dispatch", "hand_over", "check")[-1] == "With a department"
