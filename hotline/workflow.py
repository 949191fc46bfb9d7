"""The life of a case in the words of a citizen: what each stage says, which steps are worth telling. Pure: no Django.

Honest and plain: "solved" only after a second look on the spot, and never the name of anybody who worked on it.
"""

from dataclasses import dataclass

from cases.workflow import Stage


def _(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Plain:
    """`step` of STEPS is reached; `sentence` may hold %(due)s or %(until)s; `gives_reason`: the desk's words follow."""

    step: int
    heading: str
    sentence: str
    undated: str = ""  # instead of the sentence when no time was promised
    late: str = ""  # and when the time has passed
    is_over: bool = False
    is_solved: bool = False
    gives_reason: bool = False


STEPS: tuple[str, ...] = (_("Received"), _("Being looked at"), _("With a department"), _("Looked at again"), _("Ended"))
# What must have happened for a step to have been reached; the step a case stands on is reached in any case.
REACHED_BY: tuple[str, ...] = ("report", "accept", "dispatch", "hand_over", "")


def reached(plain: "Plain", verbs: set[str]) -> list[bool]:
    """Return for each of STEPS whether it was reached: a report that was not taken up never was with a department."""
    return [place == plain.step or (place < plain.step and REACHED_BY[place] in verbs) for place in range(len(STEPS))]


_LOOKED_AT = _("Being looked at")
_DEPARTMENT = _("With a department")
_AGAIN = _("Looked at again")
_LATE = _("A department was to have dealt with it by %(due)s. That time has passed; it has been reminded.")

PLAIN: dict[str, Plain] = {
    Stage.REPORTED: Plain(0, _("Received"), _("Your report has arrived. The desk will look at it next.")),
    Stage.ACCEPTED: Plain(1, _LOOKED_AT, _("The desk has taken your report in. A collector will be sent to see it.")),
    Stage.VERIFYING: Plain(1, _LOOKED_AT, _("A collector is on the way to see it on the spot.")),
    Stage.PENDING_FILING: Plain(1, _LOOKED_AT, _("The desk is deciding whether it becomes a case.")),
    Stage.PENDING_DISPATCH: Plain(2, _("Taken up"), _("It is a case now. The department in charge is being chosen.")),
    Stage.DISPUTED: Plain(2, _("Taken up"), _("It is being settled which department is in charge.")),
    Stage.PENDING_HANDLE: Plain(
        2,
        _DEPARTMENT,
        _("A department has been told to deal with it by %(due)s."),
        undated=_("A department has been told to deal with it."),
        late=_LATE,
    ),
    Stage.HANDLING: Plain(
        2,
        _DEPARTMENT,
        _("A department is dealing with it and has until %(due)s."),
        undated=_("A department is dealing with it."),
        late=_LATE,
    ),
    Stage.SUSPENDED: Plain(
        2, _("Put off"), _("The work cannot be done at present. It is put off until %(until)s and goes on then.")
    ),
    Stage.HANDED_OVER: Plain(3, _AGAIN, _("The department says that it is done. A second look follows.")),
    Stage.PENDING_CHECK: Plain(3, _AGAIN, _("The department says that it is done. A collector will be sent to look.")),
    Stage.INSPECTING: Plain(3, _AGAIN, _("The department says that it is done. An inspector looks at it.")),
    Stage.CHECKING: Plain(3, _AGAIN, _("A collector is on the way to see whether it is done.")),
    Stage.PENDING_CLOSE: Plain(3, _AGAIN, _("A collector has looked at it. The desk decides whether it is done.")),
    Stage.CLOSED: Plain(
        4, _("Solved"), _("A collector has seen on the spot that it is done."), is_over=True, is_solved=True
    ),
    Stage.SELF_HANDLED_CLOSED: Plain(4, _("Solved"), _("It was put right on the spot."), is_over=True, is_solved=True),
    Stage.ANSWERED_AT_ONCE: Plain(4, _("Answered"), _("Your question was answered:"), is_over=True, gives_reason=True),
    Stage.NOT_ACCEPTED: Plain(
        4, _("Not taken up"), _("The desk could not take it up, because:"), is_over=True, gives_reason=True
    ),
    Stage.NOT_FILED: Plain(
        4, _("Not taken up"), _("It was looked at and did not become a case, because:"), is_over=True, gives_reason=True
    ),
    Stage.VOIDED: Plain(4, _("Not taken up"), _("The case was ended, because:"), is_over=True, gives_reason=True),
    Stage.MERGED: Plain(4, _("Joined"), _("The same problem was reported before. It is followed there."), is_over=True),
}

# In which way a citizen finds a closed case not solved.
UNSOLVED: dict[str, str] = {
    "still_there": _("It is still there"),
    "came_back": _("It came back at once"),
    "badly_done": _("It was done badly or only in part"),
}

# Steps worth telling, by verb and outcome; all others stay inside the house.
MILESTONES: dict[tuple[str, str], str] = {
    ("report", ""): _("Your report arrived"),
    ("accept", "to_verify"): _("Taken in by the desk"),
    ("accept", ""): _("Taken in by the desk"),
    ("verify", "true"): _("Seen on the spot: it is so"),
    ("verify", "untrue"): _("Looked at on the spot: not found so"),
    ("verify", "cannot"): _("Looked for on the spot: it could not be seen"),
    ("file", ""): _("Taken up as a case"),
    ("dispatch", ""): _("Given to a department"),
    ("grant_suspension", ""): _("Put off"),
    ("resume", ""): _("Work goes on"),
    ("hand_over", ""): _("The department says that it is done"),
    ("check", "pass"): _("Seen on the spot: it is done"),
    ("check", "fail"): _("Seen on the spot: not done yet, back to the department"),
    ("rework", ""): _("Not good enough, back to the department"),
    ("close", ""): _("Solved"),
    ("close_self_handled", ""): _("Put right on the spot"),
    ("force_close", ""): _("Ended"),
    ("reopen", ""): _("Opened again: not solved"),
    ("still_unsolved", ""): _("You said that it is not solved: somebody else will look at it"),
    ("withdraw_report", ""): _("You took it back"),
    ("note_withdrawal", ""): _("You no longer need it; the city goes on with it"),
    ("answer_at_once", ""): _("Answered"),
    ("refuse", ""): _("Not taken up"),
    ("not_file", ""): _("Not taken up"),
    ("void", ""): _("Ended"),
    ("attach", ""): _("The same as what was reported before"),
    ("attach_filed", ""): _("The same as what was reported before"),
    ("detach", "reported"): _("Looked at by itself again"),
    ("detach", "accepted"): _("Looked at by itself again"),
    ("detach", "to_file"): _("Looked at by itself again"),
    ("detach", "to_dispatch"): _("Looked at by itself again"),
}
# The verbs whose words a citizen is owed.
REASONS: tuple[str, ...] = ("answer_at_once", "refuse", "not_file", "void")

# Why the desk opens what a citizen said of himself.
WHY: dict[str, str] = {
    "handling": _("handling the case"),
    "question": _("asking back"),
    "telling": _("telling the result"),
}
