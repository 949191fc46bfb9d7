"""The life of a case as one table, `MOVES`: which stage may follow which, who may bring it about, which clock runs.

Pure: no Django. `cases.actions.move` walks this table and nothing else changes a stage; the buttons of every console
and docs/workflow.md are drawn from it. 案卷流程; sources: the domain's stage table, state set and clock table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


def _(text: str) -> str:
    """Mark a label for translation; it is translated where it is shown."""
    return text


class Subject(StrEnum):
    """What a move is made on."""

    CASE = "case"
    STINT = "stint"
    TASK = "task"
    REQUEST = "request"


class Stage(StrEnum):
    """Stage of a case 案卷阶段."""

    REPORTED = "reported"
    ACCEPTED = "accepted"
    VERIFYING = "verifying"
    PENDING_FILING = "pending_filing"
    PENDING_DISPATCH = "pending_dispatch"
    PENDING_HANDLE = "pending_handle"
    HANDLING = "handling"
    SUSPENDED = "suspended"
    HANDED_OVER = "handed_over"
    PENDING_CHECK = "pending_check"
    CHECKING = "checking"
    PENDING_CLOSE = "pending_close"
    CLOSED = "closed"
    NOT_ACCEPTED = "not_accepted"
    NOT_FILED = "not_filed"
    VOIDED = "voided"
    MERGED = "merged"
    ANSWERED_AT_ONCE = "answered_at_once"
    SELF_HANDLED_CLOSED = "self_handled_closed"


class StintStage(StrEnum):
    """Stage of a handling stint 处置段: one case at one department."""

    PENDING_HANDLE = "pending_handle"
    HANDLING = "handling"
    RETURNING = "returning"
    SUSPENDED = "suspended"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class TaskStage(StrEnum):
    """Stage of a field task: one collector sent to verify 核实 or to check 核查."""

    SENT = "sent"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class RequestStage(StrEnum):
    """Stage of a department's request: return, extension, suspension, voiding."""

    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


FINAL = frozenset({
    Stage.CLOSED, Stage.NOT_ACCEPTED, Stage.NOT_FILED, Stage.VOIDED, Stage.MERGED, Stage.ANSWERED_AT_ONCE,
    Stage.SELF_HANDLED_CLOSED,
})  # fmt: skip
OPEN = tuple(stage for stage in Stage if stage not in FINAL)
# Before filing it is a report, afterwards a case: the department's and the command centre's world begins at filing.
BEFORE_FILING = (Stage.REPORTED, Stage.ACCEPTED, Stage.VERIFYING, Stage.PENDING_FILING)
WITH_DEPARTMENTS = (Stage.PENDING_DISPATCH, Stage.PENDING_HANDLE, Stage.HANDLING, Stage.SUSPENDED, Stage.HANDED_OVER)
AFTER_FILING = (*WITH_DEPARTMENTS, Stage.PENDING_CHECK, Stage.CHECKING, Stage.PENDING_CLOSE)

# Filed, and nobody has begun: it may still be attached to another case.
NOT_YET_HANDLED = (Stage.PENDING_DISPATCH, Stage.PENDING_HANDLE)
# Where an attached case stands again when the attaching is undone, and what that outcome is called.
BACK_TO = {
    Stage.REPORTED: Stage.REPORTED,
    Stage.ACCEPTED: Stage.ACCEPTED,
    Stage.VERIFYING: Stage.ACCEPTED,
    Stage.PENDING_FILING: Stage.PENDING_FILING,
    Stage.PENDING_DISPATCH: Stage.PENDING_DISPATCH,
    Stage.PENDING_HANDLE: Stage.PENDING_DISPATCH,
}
BACK_AS = {
    Stage.REPORTED: "reported",
    Stage.ACCEPTED: "accepted",
    Stage.PENDING_FILING: "to_file",
    Stage.PENDING_DISPATCH: "to_dispatch",
}

STINT_OPEN = (StintStage.PENDING_HANDLE, StintStage.HANDLING, StintStage.RETURNING, StintStage.SUSPENDED,
              StintStage.HANDED_OVER)  # fmt: skip

LABELS: dict[str, str] = {
    Stage.REPORTED: _("Waiting for acceptance"),
    Stage.ACCEPTED: _("Accepted, to be verified"),
    Stage.VERIFYING: _("Being verified"),
    Stage.PENDING_FILING: _("Waiting for filing"),
    Stage.PENDING_DISPATCH: _("Waiting for dispatch"),
    Stage.PENDING_HANDLE: _("Waiting for the department"),
    Stage.HANDLING: _("Being handled"),
    Stage.SUSPENDED: _("Suspended"),
    Stage.HANDED_OVER: _("Handed over"),
    Stage.PENDING_CHECK: _("Check to be sent"),
    Stage.CHECKING: _("Being checked"),
    Stage.PENDING_CLOSE: _("Waiting for closing"),
    Stage.CLOSED: _("Closed"),
    Stage.NOT_ACCEPTED: _("Not accepted"),
    Stage.NOT_FILED: _("Not filed"),
    Stage.VOIDED: _("Voided"),
    Stage.MERGED: _("Merged"),
    Stage.ANSWERED_AT_ONCE: _("Answered at once"),
    Stage.SELF_HANDLED_CLOSED: _("Closed, self-handled"),
    StintStage.RETURNING: _("Return being decided"),
    StintStage.RETURNED: _("Returned"),
    StintStage.WITHDRAWN: _("Withdrawn"),
    TaskStage.SENT: _("Sent"),
    TaskStage.ANSWERED: _("Answered"),
    RequestStage.PENDING: _("Being decided"),
    RequestStage.GRANTED: _("Granted"),
    RequestStage.REFUSED: _("Refused"),
}
# An accepted hand-over shares its name with an accepted report, but not its meaning.
STINT_LABELS: dict[str, str] = {**LABELS, StintStage.ACCEPTED: _("Result accepted")}


class Clock(StrEnum):
    """A clock 计时: a desk's stage clock, a department's handling clock, or the whole case's."""

    ACCEPT = "accept"
    SEND_VERIFY = "send_verify"
    VERIFY = "verify"
    FILING = "filing"
    DISPATCH = "dispatch"
    HANDLING = "handling"
    PASS_ON = "pass_on"
    SEND_CHECK = "send_check"
    CHECK = "check"
    CLOSE = "close"
    OVERALL = "overall"


CLOCK_LABELS: dict[str, str] = {
    Clock.ACCEPT: _("Acceptance"),
    Clock.SEND_VERIFY: _("Sending the verification"),
    Clock.VERIFY: _("Verification"),
    Clock.FILING: _("Filing"),
    Clock.DISPATCH: _("Dispatch"),
    Clock.HANDLING: _("Handling"),
    Clock.PASS_ON: _("Passing on the result"),
    Clock.SEND_CHECK: _("Sending the check"),
    Clock.CHECK: _("Check"),
    Clock.CLOSE: _("Closing"),
    Clock.OVERALL: _("Whole case"),
}

# Which clock runs while a subject stands in a stage. Any other clock of that subject is stopped on entering the stage.
RUNNING: dict[tuple[Subject, str], Clock] = {
    (Subject.CASE, Stage.REPORTED): Clock.ACCEPT,
    (Subject.CASE, Stage.ACCEPTED): Clock.SEND_VERIFY,
    (Subject.TASK, "verify"): Clock.VERIFY,
    (Subject.CASE, Stage.PENDING_FILING): Clock.FILING,
    (Subject.CASE, Stage.PENDING_DISPATCH): Clock.DISPATCH,
    (Subject.STINT, StintStage.PENDING_HANDLE): Clock.HANDLING,
    (Subject.STINT, StintStage.HANDLING): Clock.HANDLING,
    (Subject.STINT, StintStage.HANDED_OVER): Clock.PASS_ON,
    (Subject.CASE, Stage.PENDING_CHECK): Clock.SEND_CHECK,
    (Subject.TASK, "check"): Clock.CHECK,
    (Subject.CASE, Stage.PENDING_CLOSE): Clock.CLOSE,
}
# A return pauses only provisionally: refused, the waiting counts after all.
PAUSED: dict[tuple[Subject, str], Clock] = {
    (Subject.STINT, StintStage.RETURNING): Clock.HANDLING,
    (Subject.STINT, StintStage.SUSPENDED): Clock.HANDLING,
}

# While departments work, the case shows the least advanced required stint: first in this list wins.
LEAST_ADVANCED: tuple[tuple[StintStage, Stage], ...] = (
    (StintStage.RETURNING, Stage.PENDING_DISPATCH),
    (StintStage.PENDING_HANDLE, Stage.PENDING_HANDLE),
    (StintStage.HANDLING, Stage.HANDLING),
    (StintStage.SUSPENDED, Stage.SUSPENDED),
    (StintStage.HANDED_OVER, Stage.HANDED_OVER),
    (StintStage.ACCEPTED, Stage.PENDING_CHECK),
)


def case_stage_of(stints: Iterable[tuple[str, bool]]) -> Stage:
    """Return the stage that a case with these stints (stage, required) shows; none left: to be dispatched."""
    standing = {stage for stage, required in stints if required}
    for stint_stage, case_stage in LEAST_ADVANCED:
        if stint_stage in standing:
            return case_stage
    return Stage.PENDING_DISPATCH


class Source(StrEnum):
    """Where a report came from 问题来源."""

    COLLECTOR = "collector"
    HOTLINE = "hotline"
    WEB = "web"
    VIDEO = "video"
    SENSOR = "sensor"
    MEDIA = "media"
    PETITION = "petition"
    LEADER = "leader"
    HIGHER = "higher"
    INSPECTION = "inspection"
    EVALUATION = "evaluation"
    OTHER = "other"


SOURCE_LABELS: dict[str, str] = {
    Source.COLLECTOR: _("Collector"),
    Source.HOTLINE: _("12319 hotline"),
    Source.WEB: _("Citizen's web form"),
    Source.VIDEO: _("Camera"),
    Source.SENSOR: _("Sensor"),
    Source.MEDIA: _("Media"),
    Source.PETITION: _("Petition"),
    Source.LEADER: _("Leader"),
    Source.HIGHER: _("Higher platform"),
    Source.INSPECTION: _("Inspection"),
    Source.EVALUATION: _("Evaluation"),
    Source.OTHER: _("Other"),
}
# Sources that a citizen stands behind: they are owed an answer, and a collector verifies first.
PUBLIC_SOURCES = frozenset({Source.HOTLINE, Source.WEB, Source.MEDIA, Source.PETITION})


@dataclass(frozen=True, kw_only=True)
class Also:
    """A consequence on the case's other subjects: those that stand in `frm` (and are of a kind) go to `to`."""

    subject: Subject
    frm: tuple[str, ...]
    to: str
    kinds: tuple[str, ...] = ()
    own: bool = False  # only the stint that a request or another stint move belongs to


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Where a move leads: the subject's next stage ("" = unchanged), the case's (None = derived from its stints).

    `stays`: the case's stage is not touched at all, not even derived anew.
    """

    to: str = ""
    case: Stage | None = None
    stays: bool = False
    also: tuple[Also, ...] = ()
    waiting_counts: bool = False  # the pause is taken back: a refused return buys no time
    rework: bool = False  # counts as a round of rework 返工 for the stints it sends back


@dataclass(frozen=True, kw_only=True)
class Move:
    """One button. `facts` must be given, `optional` may be; `proof` is what it makes of the person: hand or judge."""

    subject: Subject
    verb: str
    label: str
    frm: tuple[str, ...]
    side: str
    roles: tuple[str, ...]
    outcomes: dict[str, Outcome]
    case_in: tuple[Stage, ...] = OPEN
    kinds: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    proof: str = ""
    door: str = "cases"
    key: str = ""
    tone: str = ""  # main | danger | quiet: how the button is drawn

    def outcome(self, name: str) -> Outcome:
        """Return the outcome of that name; KeyError when the move knows no such outcome."""
        return self.outcomes[name]


SUPERVISION, COMMAND, DEPARTMENT, CITIZEN, SYSTEM = "supervision", "command", "department", "citizen", "system"
DESK = ("acceptance_operator", "duty_leader")
HAND, JUDGED = "hand", "judged"

_end_all = (
    Also(subject=Subject.STINT, frm=STINT_OPEN, to=StintStage.WITHDRAWN),
    Also(subject=Subject.TASK, frm=(TaskStage.SENT,), to=TaskStage.WITHDRAWN),
    Also(subject=Subject.REQUEST, frm=(RequestStage.PENDING,), to=RequestStage.WITHDRAWN),
)
_rework = Also(subject=Subject.STINT, frm=(StintStage.ACCEPTED,), to=StintStage.HANDLING)
_drop_requests = Also(subject=Subject.REQUEST, frm=(RequestStage.PENDING,), to=RequestStage.WITHDRAWN, own=True)
_WORKING = (StintStage.PENDING_HANDLE, StintStage.HANDLING)


def _case(to: Stage, *also: Also) -> dict[str, Outcome]:
    return {"": Outcome(to=to, case=to, also=also)}


# The table. Read it from top to bottom: it is the trip of a report.
MOVES: tuple[Move, ...] = (
    # — supervision: is it a case?
    Move(subject=Subject.CASE, verb="accept", label=_("Accept"), key="A", tone="main",
         frm=(Stage.REPORTED,), side=SUPERVISION, roles=DESK, optional=("opinion",),
         outcomes={"to_verify": Outcome(to=Stage.ACCEPTED, case=Stage.ACCEPTED),
                   "": Outcome(to=Stage.PENDING_FILING, case=Stage.PENDING_FILING)}),
    Move(subject=Subject.CASE, verb="refuse", label=_("Do not accept"), key="R", tone="danger",
         frm=(Stage.REPORTED, Stage.ACCEPTED), side=SUPERVISION, roles=DESK, facts=("reason",),
         outcomes=_case(Stage.NOT_ACCEPTED, *_end_all)),
    Move(subject=Subject.CASE, verb="answer_at_once", label=_("Answer at once"), key="W",
         frm=(Stage.REPORTED,), side=SUPERVISION, roles=DESK, facts=("opinion",),
         outcomes=_case(Stage.ANSWERED_AT_ONCE)),
    Move(subject=Subject.CASE, verb="describe", label=_("Correct the facts"), key="M", tone="quiet",
         frm=BEFORE_FILING, side=SUPERVISION, roles=DESK, facts=("description",),
         optional=("minor_class", "address"), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.CASE, verb="send_verify", label=_("Send verification"), key="H", tone="main",
         frm=(Stage.ACCEPTED,), side=SUPERVISION, roles=DESK, facts=("collector",), optional=("opinion",),
         outcomes=_case(Stage.VERIFYING)),
    Move(subject=Subject.CASE, verb="skip_verify", label=_("Submit for filing"), key="S",
         frm=(Stage.ACCEPTED,), side=SUPERVISION, roles=DESK, facts=("reason",),
         outcomes=_case(Stage.PENDING_FILING)),
    Move(subject=Subject.TASK, verb="verify", label=_("Answer the verification"), tone="main", door="patrol",
         kinds=("verify",), frm=(TaskStage.SENT,), case_in=(Stage.VERIFYING,), side=SUPERVISION, roles=("collector",),
         facts=("result",), optional=("opinion", "files", "point"), proof=HAND,
         outcomes={"true": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_FILING),
                   "untrue": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_FILING),
                   "cannot": Outcome(to=TaskStage.ANSWERED, case=Stage.ACCEPTED)}),
    Move(subject=Subject.TASK, verb="withdraw_verify", label=_("Withdraw the verification"), tone="quiet",
         kinds=("verify",), frm=(TaskStage.SENT,), case_in=(Stage.VERIFYING,), side=SUPERVISION, roles=DESK,
         facts=("reason",), outcomes={"": Outcome(to=TaskStage.WITHDRAWN, case=Stage.ACCEPTED)}),
    Move(subject=Subject.CASE, verb="file", label=_("File"), key="L", tone="main",
         frm=(Stage.PENDING_FILING,), side=SUPERVISION, roles=("duty_leader",), facts=("condition",),
         optional=("opinion", "urgent"), outcomes=_case(Stage.PENDING_DISPATCH)),
    Move(subject=Subject.CASE, verb="not_file", label=_("Do not file"), key="B", tone="danger",
         frm=(Stage.PENDING_FILING,), side=SUPERVISION, roles=("duty_leader",), facts=("reason",),
         outcomes=_case(Stage.NOT_FILED)),
    Move(subject=Subject.CASE, verb="back_to_acceptance", label=_("Send back to acceptance"), key="T",
         frm=(Stage.PENDING_FILING,), side=SUPERVISION, roles=("duty_leader",), facts=("reason",),
         outcomes=_case(Stage.ACCEPTED)),
    Move(subject=Subject.CASE, verb="void", label=_("Void"), tone="danger",
         frm=(Stage.ACCEPTED, Stage.VERIFYING, Stage.PENDING_FILING, *AFTER_FILING), side=SUPERVISION,
         roles=("duty_leader",), facts=("reason",), outcomes=_case(Stage.VOIDED, *_end_all)),
    # — supervision: the same problem was reported before
    Move(subject=Subject.CASE, verb="attach", label=_("Attach to another case"), key="J",
         frm=BEFORE_FILING, side=SUPERVISION, roles=DESK, facts=("first",), optional=("opinion",),
         outcomes=_case(Stage.MERGED, *_end_all)),
    Move(subject=Subject.CASE, verb="attach_filed", label=_("Attach to another case"), key="J",
         frm=NOT_YET_HANDLED, side=SUPERVISION, roles=("duty_leader",), facts=("first",), optional=("opinion",),
         outcomes=_case(Stage.MERGED, *_end_all)),
    Move(subject=Subject.CASE, verb="detach", label=_("Undo the attaching"), tone="quiet",
         frm=(Stage.MERGED,), side=SUPERVISION, roles=DESK, facts=("reason",),
         outcomes={name: Outcome(to=stage, case=stage) for stage, name in BACK_AS.items()}),
    # — command: who does it?
    Move(subject=Subject.CASE, verb="dispatch", label=_("Dispatch"), key="P", tone="main", door="dispatch",
         frm=(Stage.PENDING_DISPATCH,), side=COMMAND, roles=("dispatcher",), facts=("department",),
         optional=("assisting", "opinion"), proof=HAND,
         outcomes={"": Outcome()}),
    Move(subject=Subject.CASE, verb="back_to_filing", label=_("Send back to filing"), key="T", door="dispatch",
         frm=(Stage.PENDING_DISPATCH,), side=COMMAND, roles=("dispatcher",), facts=("reason",),
         outcomes=_case(Stage.PENDING_FILING)),
    Move(subject=Subject.CASE, verb="review_dispatch", label=_("Confirm the automatic dispatch"), key="V",
         door="dispatch", frm=(*AFTER_FILING, Stage.CLOSED), case_in=(*AFTER_FILING, Stage.CLOSED), side=COMMAND,
         roles=("dispatcher",), optional=("opinion",), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.STINT, verb="withdraw_dispatch", label=_("Take back from the department"), tone="quiet",
         door="dispatch", frm=_WORKING, case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         facts=("reason",), outcomes={"": Outcome(to=StintStage.WITHDRAWN, also=(_drop_requests,))}),
    # — departments: do it
    Move(subject=Subject.STINT, verb="receive", label=_("Receive"), key="A", tone="main", door="dispatch",
         frm=(StintStage.PENDING_HANDLE,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         optional=("handler", "opinion"), proof=HAND, outcomes={"": Outcome(to=StintStage.HANDLING)}),
    Move(subject=Subject.STINT, verb="assign", label=_("Assign"), key="G", door="dispatch",
         frm=(StintStage.HANDLING,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("handler",), optional=("opinion",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="submit_result", label=_("Submit the result"), key="F", tone="main",
         door="dispatch", frm=(StintStage.HANDLING,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("handler",),
         facts=("opinion",), optional=("files",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="hand_over", label=_("Hand over"), key="F", tone="main", door="dispatch",
         frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",), facts=("opinion",),
         optional=("files",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.HANDED_OVER, also=(_drop_requests,))}),
    Move(subject=Subject.STINT, verb="ask_return", label=_("Return"), key="T", door="dispatch",
         frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("ground", "reason"), optional=("files",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.RETURNING)}),
    Move(subject=Subject.STINT, verb="ask_extension", label=_("Ask for extension"), key="Y", door="dispatch",
         frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",), facts=("reason",),
         optional=("files",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="ask_suspension", label=_("Ask for suspension"), key="D", door="dispatch",
         frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("until", "reason"), optional=("files",), proof=HAND,
         outcomes={"": Outcome()}),
    # — command: decide what departments ask
    Move(subject=Subject.REQUEST, verb="grant_return", label=_("Accept the return"), key="G", door="dispatch",
         kinds=("return",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         optional=("opinion",),
         outcomes={"": Outcome(to=RequestStage.GRANTED,
                               also=(Also(subject=Subject.STINT, frm=(StintStage.RETURNING,), to=StintStage.RETURNED,
                                          own=True),))}),
    Move(subject=Subject.REQUEST, verb="refuse_return", label=_("Refuse the return"), key="X", door="dispatch",
         tone="danger", kinds=("return",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=("dispatcher",), facts=("reason",),
         outcomes={"": Outcome(to=RequestStage.REFUSED, waiting_counts=True,
                               also=(Also(subject=Subject.STINT, frm=(StintStage.RETURNING,), to=StintStage.HANDLING,
                                          own=True),))}),
    Move(subject=Subject.REQUEST, verb="grant_extension", label=_("Grant the extension"), key="G", door="dispatch",
         kinds=("extension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=("dispatcher",), optional=("opinion",), outcomes={"": Outcome(to=RequestStage.GRANTED)}),
    Move(subject=Subject.REQUEST, verb="refuse_extension", label=_("Refuse the extension"), key="X", door="dispatch",
         tone="danger", kinds=("extension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=("dispatcher",), facts=("reason",), outcomes={"": Outcome(to=RequestStage.REFUSED)}),
    Move(subject=Subject.REQUEST, verb="grant_suspension", label=_("Grant the suspension"), key="G", door="dispatch",
         kinds=("suspension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=("dispatcher",), optional=("opinion",),
         outcomes={"": Outcome(to=RequestStage.GRANTED,
                               also=(Also(subject=Subject.STINT, frm=_WORKING, to=StintStage.SUSPENDED, own=True),))}),
    Move(subject=Subject.REQUEST, verb="refuse_suspension", label=_("Refuse the suspension"), key="X", door="dispatch",
         tone="danger", kinds=("suspension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=("dispatcher",), facts=("reason",), outcomes={"": Outcome(to=RequestStage.REFUSED)}),
    Move(subject=Subject.STINT, verb="resume", label=_("Resume"), key="U", door="dispatch",
         frm=(StintStage.SUSPENDED,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         optional=("opinion",), outcomes={"": Outcome(to=StintStage.HANDLING)}),
    # — command: the result comes back
    Move(subject=Subject.STINT, verb="pass_on", label=_("Pass on for the check"), key="P", tone="main",
         door="dispatch", frm=(StintStage.HANDED_OVER,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         optional=("opinion",), outcomes={"": Outcome(to=StintStage.ACCEPTED)}),
    Move(subject=Subject.STINT, verb="refuse_hand_over", label=_("Refuse the result"), key="X", tone="danger",
         door="dispatch", frm=(StintStage.HANDED_OVER,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         facts=("reason",), outcomes={"": Outcome(to=StintStage.HANDLING)}),
    # — supervision: is it done?
    Move(subject=Subject.CASE, verb="send_check", label=_("Send check"), key="C", tone="main",
         frm=(Stage.PENDING_CHECK,), side=SUPERVISION, roles=DESK, facts=("collector",), optional=("opinion",),
         outcomes=_case(Stage.CHECKING)),
    Move(subject=Subject.TASK, verb="check", label=_("Answer the check"), tone="main", door="patrol",
         kinds=("check",), frm=(TaskStage.SENT,), case_in=(Stage.CHECKING,), side=SUPERVISION, roles=("collector",),
         facts=("result",), optional=("opinion", "files", "point"), proof=JUDGED,
         outcomes={"pass": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_CLOSE),
                   "fail": Outcome(to=TaskStage.ANSWERED, also=(_rework,), rework=True),
                   "cannot": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_CHECK)}),
    Move(subject=Subject.TASK, verb="withdraw_check", label=_("Withdraw the check"), tone="quiet",
         kinds=("check",), frm=(TaskStage.SENT,), case_in=(Stage.CHECKING,), side=SUPERVISION, roles=DESK,
         facts=("reason",), outcomes={"": Outcome(to=TaskStage.WITHDRAWN, case=Stage.PENDING_CHECK)}),
    Move(subject=Subject.CASE, verb="close", label=_("Close"), key="E", tone="main",
         frm=(Stage.PENDING_CLOSE,), side=SUPERVISION, roles=("duty_leader",), facts=("met", "is_duplicate"),
         optional=("opinion",), proof=JUDGED, outcomes=_case(Stage.CLOSED)),
    Move(subject=Subject.CASE, verb="check_again", label=_("Have it checked again"), key="C",
         frm=(Stage.PENDING_CLOSE,), side=SUPERVISION, roles=("duty_leader",), facts=("reason",),
         outcomes=_case(Stage.PENDING_CHECK)),
    Move(subject=Subject.CASE, verb="rework", label=_("Send back for rework"), key="T", tone="danger",
         frm=(Stage.PENDING_CLOSE,), side=SUPERVISION, roles=("duty_leader",), facts=("reason",), proof=JUDGED,
         outcomes={"": Outcome(also=(_rework,), rework=True)}),
)  # fmt: skip


# Events that are no move: something happened beside the case, and its stage stays.
NOTES: dict[str, str] = {
    "report": _("Report"),
    "attached": _("Another report was attached"),
    "detached": _("An attached report was taken off again"),
}

BY_VERB: dict[tuple[Subject, str], Move] = {(move.subject, move.verb): move for move in MOVES}


def label_of(subject: Subject, verb: str) -> str:
    """Return what an event is called: its move's label, or that of a note."""
    rule = BY_VERB.get((subject, verb))
    return rule.label if rule else NOTES.get(verb, verb)


def find(subject: Subject, verb: str, *, stage: str, case_stage: str, kind: str = "") -> Move | None:
    """Return the move of that verb if the table allows it from this stage (and kind), else None."""
    move = BY_VERB.get((subject, verb))
    if move is None or stage not in move.frm or (move.kinds and kind not in move.kinds):
        return None
    if subject is not Subject.CASE and case_stage not in move.case_in:
        return None
    return move


def possible(subject: Subject, *, stage: str, case_stage: str, kind: str = "") -> list[Move]:
    """Return every move that the table allows on a subject in this stage, in the table's order."""
    return [move for move in MOVES if move.subject is subject
            and find(subject, move.verb, stage=stage, case_stage=case_stage, kind=kind)]  # fmt: skip
