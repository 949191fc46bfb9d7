"""The life of a case as one table, `MOVES`: which stage may follow which, who may bring it about, which clock runs.

Pure: no Django. `cases.actions.move` walks this table and nothing else changes a stage; the buttons of every console
and docs/workflow.md are drawn from it. 案卷流程; sources: the domain's stage table, state set and clock table.
"""

from collections.abc import Iterable, Sequence
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
    DIRECTIVE = "directive"


class Stage(StrEnum):
    """Stage of a case 案卷阶段."""

    REPORTED = "reported"
    ACCEPTED = "accepted"
    VERIFYING = "verifying"
    PENDING_FILING = "pending_filing"
    PENDING_DISPATCH = "pending_dispatch"
    DISPUTED = "disputed"
    PENDING_HANDLE = "pending_handle"
    HANDLING = "handling"
    SUSPENDED = "suspended"
    HANDED_OVER = "handed_over"
    PENDING_CHECK = "pending_check"
    INSPECTING = "inspecting"
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
    DELEGATED = "delegated"
    RETURNING = "returning"
    DISPUTED = "disputed"
    SUSPENDED = "suspended"
    HANDED_UP = "handed_up"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class TaskStage(StrEnum):
    """Stage of a field task: one collector sent to verify 核实 or to check 核查."""

    SENT = "sent"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class DirectiveStage(StrEnum):
    """Stage of a supervision 督办 or a leader's instruction 批示 that may ask for an answer."""

    OPEN = "open"
    REPLIED = "replied"
    SETTLED = "settled"


class RequestStage(StrEnum):
    """Stage of a department's request: return, extension, suspension, deferral, voiding, dispute, appeal."""

    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


FINAL = frozenset({
    Stage.CLOSED, Stage.NOT_ACCEPTED, Stage.NOT_FILED, Stage.VOIDED, Stage.MERGED, Stage.ANSWERED_AT_ONCE,
    Stage.SELF_HANDLED_CLOSED,
})  # fmt: skip
OPEN = tuple(stage for stage in Stage if stage not in FINAL)
# Not taken up, void, put right by whoever saw it: few beside what was closed.
ENDED_OTHERWISE = (
    Stage.NOT_ACCEPTED, Stage.NOT_FILED, Stage.VOIDED, Stage.SELF_HANDLED_CLOSED, Stage.ANSWERED_AT_ONCE,
)  # fmt: skip
# Before filing it is a report, afterwards a case: the department's and the command centre's world begins at filing.
BEFORE_FILING = (Stage.REPORTED, Stage.ACCEPTED, Stage.VERIFYING, Stage.PENDING_FILING)
WITH_DEPARTMENTS = (
    Stage.PENDING_DISPATCH, Stage.DISPUTED, Stage.PENDING_HANDLE, Stage.HANDLING, Stage.SUSPENDED, Stage.HANDED_OVER,
)  # fmt: skip
AFTER_FILING = (*WITH_DEPARTMENTS, Stage.PENDING_CHECK, Stage.INSPECTING, Stage.CHECKING, Stage.PENDING_CLOSE)

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

STINT_OPEN = (StintStage.PENDING_HANDLE, StintStage.HANDLING, StintStage.DELEGATED, StintStage.RETURNING,
              StintStage.DISPUTED, StintStage.SUSPENDED, StintStage.HANDED_UP, StintStage.HANDED_OVER)  # fmt: skip
# A stint of the first level belongs to the command centre; one below it to the department that gave the case on.
MAIN, SUB = "main", "sub"

LABELS: dict[str, str] = {
    Stage.REPORTED: _("Waiting for acceptance"),
    Stage.ACCEPTED: _("Accepted, to be verified"),
    Stage.VERIFYING: _("Being verified"),
    Stage.PENDING_FILING: _("Waiting for filing"),
    Stage.PENDING_DISPATCH: _("Waiting for dispatch"),
    Stage.DISPUTED: _("Responsibility disputed"),
    Stage.PENDING_HANDLE: _("Waiting for the department"),
    Stage.HANDLING: _("Being handled"),
    Stage.SUSPENDED: _("Suspended"),
    Stage.HANDED_OVER: _("Handed over"),
    Stage.PENDING_CHECK: _("Check to be sent"),
    Stage.INSPECTING: _("Being inspected"),
    Stage.CHECKING: _("Being checked"),
    Stage.PENDING_CLOSE: _("Waiting for closing"),
    Stage.CLOSED: _("Closed"),
    Stage.NOT_ACCEPTED: _("Not accepted"),
    Stage.NOT_FILED: _("Not filed"),
    Stage.VOIDED: _("Voided"),
    Stage.MERGED: _("Merged"),
    Stage.ANSWERED_AT_ONCE: _("Answered at once"),
    Stage.SELF_HANDLED_CLOSED: _("Closed, self-handled"),
    StintStage.DELEGATED: _("With the level below"),
    StintStage.RETURNING: _("Return being decided"),
    StintStage.HANDED_UP: _("Result with the level above"),
    StintStage.RETURNED: _("Returned"),
    StintStage.WITHDRAWN: _("Withdrawn"),
    TaskStage.SENT: _("Sent"),
    TaskStage.ANSWERED: _("Answered"),
    RequestStage.PENDING: _("Being decided"),
    RequestStage.GRANTED: _("Granted"),
    RequestStage.REFUSED: _("Refused"),
    DirectiveStage.OPEN: _("Waiting for an answer"),
    DirectiveStage.REPLIED: _("Answered, to be settled"),
    DirectiveStage.SETTLED: _("Settled"),
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
    DISPUTE = "dispute"
    HANDLING = "handling"
    PASS_ON = "pass_on"
    SEND_CHECK = "send_check"
    INSPECT = "inspect"
    CHECK = "check"
    CLOSE = "close"
    OVERALL = "overall"


CLOCK_LABELS: dict[str, str] = {
    Clock.ACCEPT: _("Acceptance"),
    Clock.SEND_VERIFY: _("Sending the verification"),
    Clock.VERIFY: _("Verification"),
    Clock.FILING: _("Filing"),
    Clock.DISPATCH: _("Dispatch"),
    Clock.DISPUTE: _("Settling a dispute"),
    Clock.HANDLING: _("Handling"),
    Clock.PASS_ON: _("Passing on the result"),
    Clock.SEND_CHECK: _("Sending the check"),
    Clock.INSPECT: _("Inspection"),
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
    (Subject.CASE, Stage.DISPUTED): Clock.DISPUTE,
    (Subject.STINT, StintStage.PENDING_HANDLE): Clock.HANDLING,
    (Subject.STINT, StintStage.HANDLING): Clock.HANDLING,
    (Subject.STINT, StintStage.DELEGATED): Clock.HANDLING,
    (Subject.STINT, StintStage.HANDED_OVER): Clock.PASS_ON,
    (Subject.CASE, Stage.PENDING_CHECK): Clock.SEND_CHECK,
    (Subject.TASK, "inspect"): Clock.INSPECT,
    (Subject.TASK, "check"): Clock.CHECK,
    (Subject.CASE, Stage.PENDING_CLOSE): Clock.CLOSE,
}
# A return or a dispute pauses only provisionally: refused, the waiting counts after all.
PAUSED: dict[tuple[Subject, str], Clock] = {
    (Subject.STINT, StintStage.RETURNING): Clock.HANDLING,
    (Subject.STINT, StintStage.DISPUTED): Clock.HANDLING,
    (Subject.STINT, StintStage.SUSPENDED): Clock.HANDLING,
}

# While departments work, the case shows the least advanced required stint: first in this list wins.
LEAST_ADVANCED: tuple[tuple[StintStage, Stage], ...] = (
    (StintStage.RETURNING, Stage.PENDING_DISPATCH),
    (StintStage.DISPUTED, Stage.DISPUTED),
    (StintStage.PENDING_HANDLE, Stage.PENDING_HANDLE),
    (StintStage.HANDLING, Stage.HANDLING),
    (StintStage.DELEGATED, Stage.HANDLING),
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


# Orders that the centre which checks first may give in the place of the centre that filed.
OF_THE_CHECKING_CENTRE = frozenset({"send_inspection", "withdraw_inspection", "send_check", "withdraw_check"})


@dataclass(frozen=True, kw_only=True)
class Also:
    """A consequence on the case's other subjects: those that stand in `frm` (and are of a kind) go to `to`."""

    subject: Subject
    frm: tuple[str, ...]
    to: str
    kinds: tuple[str, ...] = ()
    own: bool = False  # only the stint that a request or another stint move belongs to
    above: bool = False  # only the stint on the level above that one
    below: bool = False  # only the stints on the levels below that one


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
    """One button. `facts` must be given, `optional` may be; `proof` is what it makes of the person: hand or judge.

    `step` is the place of a decision in a request's chain of approval: BETWEEN its steps, LAST, or "" when the chain
    does not matter. `above` makes it a button of the department that gave the case on to the subject's.
    """

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
    is_rare: bool = False  # the button stands under "more"
    step: str = ""
    above: bool = False

    def outcome(self, name: str) -> Outcome:
        """Return the outcome of that name; KeyError when the move knows no such outcome."""
        return self.outcomes[name]


SUPERVISION, COMMAND, DEPARTMENT, CITIZEN, SYSTEM = "supervision", "command", "department", "citizen", "system"
NO_SIDE = "none"  # urging, supervising, instructing: it changes no stage and binds nobody to a side
BINDING = (SUPERVISION, COMMAND, DEPARTMENT)
DESK = ("acceptance_operator", "duty_leader")
HAND, JUDGED = "hand", "judged"
BETWEEN, LAST = "between", "last"


def roles_on(move: Move, chain: Sequence[str], passed: int) -> tuple[str, ...]:
    """Return the roles that may make a move on a request whose chain has got so far: the one whose turn it is."""
    if not move.step:
        return move.roles
    chain = chain or ("dispatcher",)
    is_last = passed >= len(chain) - 1
    if is_last != (move.step == LAST):
        return ()
    return (chain[min(passed, len(chain) - 1)],) if chain[min(passed, len(chain) - 1)] in move.roles else ()


_end_all = (
    Also(subject=Subject.STINT, frm=STINT_OPEN, to=StintStage.WITHDRAWN),
    Also(subject=Subject.TASK, frm=(TaskStage.SENT,), to=TaskStage.WITHDRAWN),
    Also(subject=Subject.REQUEST, frm=(RequestStage.PENDING,), to=RequestStage.WITHDRAWN),
)
# Whoever was to look at a closed case need not, once it is open again: it will be checked anew.
_end_spot_checks = Also(subject=Subject.TASK, frm=(TaskStage.SENT,), to=TaskStage.WITHDRAWN)
_rework = Also(subject=Subject.STINT, frm=(StintStage.ACCEPTED,), to=StintStage.HANDLING, kinds=(MAIN,))
_drop_requests = Also(subject=Subject.REQUEST, frm=(RequestStage.PENDING,), to=RequestStage.WITHDRAWN, own=True)
_drop_others = Also(subject=Subject.REQUEST, frm=(RequestStage.PENDING,), to=RequestStage.WITHDRAWN, own=True,
                    kinds=("return", "extension", "suspension", "deferral", "voiding"))  # fmt: skip
_drop_levels_below = Also(subject=Subject.STINT, frm=STINT_OPEN, to=StintStage.WITHDRAWN, below=True)
_back_above = Also(subject=Subject.STINT, frm=(StintStage.DELEGATED,), to=StintStage.HANDLING, above=True)
_WORKING = (StintStage.PENDING_HANDLE, StintStage.HANDLING)
_IN_HAND = (*_WORKING, StintStage.DELEGATED)
_DECIDERS = ("dispatcher", "commander")
# What a department may ask, in the order of the forms.
REQUEST_KINDS = ("return", "extension", "suspension", "deferral", "voiding", "dispute", "appeal")


def _own(frm: StintStage, to: StintStage) -> tuple[Also, ...]:
    return (Also(subject=Subject.STINT, frm=(frm,), to=to, own=True),)


def _ended(stage: RequestStage) -> dict[str, Outcome]:
    """A request ends without a grant: what had been paused for it runs on, and the waiting counts."""
    back = {"return": StintStage.RETURNING, "dispute": StintStage.DISPUTED}
    return {"": Outcome(to=stage, stays=True)} | {
        kind: Outcome(to=stage, waiting_counts=True, also=_own(frm, StintStage.HANDLING)) for kind, frm in back.items()
    }


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
    Move(subject=Subject.CASE, verb="describe", label=_("Correct the facts"), key="X", tone="quiet", is_rare=True,
         frm=BEFORE_FILING, side=SUPERVISION, roles=DESK, facts=("description",),
         optional=("minor_class", "address"), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.CASE, verb="close_self_handled", label=_("Close as self-handled"), key="E", tone="main",
         frm=(Stage.REPORTED, Stage.ACCEPTED, Stage.PENDING_FILING), side=SUPERVISION, roles=DESK,
         optional=("opinion",), proof=JUDGED, outcomes=_case(Stage.SELF_HANDLED_CLOSED)),
    Move(subject=Subject.CASE, verb="withdraw_report", label=_("Withdrawn by the citizen"), frm=BEFORE_FILING,
         side=CITIZEN, roles=(), door="hotline",
         outcomes={"": Outcome(to=Stage.VOIDED, case=Stage.VOIDED, also=_end_all)}),
    Move(subject=Subject.CASE, verb="note_withdrawal", label=_("The citizen no longer needs it"), frm=OPEN,
         side=CITIZEN, roles=(), door="hotline", outcomes={"": Outcome(stays=True)}),
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
    Move(subject=Subject.CASE, verb="undo_filing", label=_("Undo the automatic filing"), key="Z", door="dispatch",
         frm=(Stage.PENDING_HANDLE, Stage.HANDLING), side=SUPERVISION, roles=DESK, facts=("verdict",),
         optional=("opinion",), outcomes=_case(Stage.PENDING_FILING, *_end_all)),
    Move(subject=Subject.CASE, verb="review_filing", label=_("Judge the automatic filing"), key="V", door="dispatch",
         frm=(*AFTER_FILING, Stage.CLOSED), side=SUPERVISION, roles=("duty_leader",), facts=("verdict",),
         optional=("opinion",), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.CASE, verb="void", label=_("Void"), tone="danger", is_rare=True,
         frm=(Stage.ACCEPTED, Stage.VERIFYING, Stage.PENDING_FILING, *AFTER_FILING), side=SUPERVISION,
         roles=("duty_leader",), facts=("reason",), outcomes=_case(Stage.VOIDED, *_end_all)),
    # — supervision: the same problem was reported before
    Move(subject=Subject.CASE, verb="attach", label=_("Attach to another case"), key="O",
         frm=BEFORE_FILING, side=SUPERVISION, roles=DESK, facts=("first",), optional=("opinion",),
         outcomes=_case(Stage.MERGED, *_end_all)),
    Move(subject=Subject.CASE, verb="attach_filed", label=_("Attach to another case"), key="O", is_rare=True,
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
         roles=("dispatcher",), optional=("verdict", "opinion"), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.STINT, verb="undo_dispatch", label=_("Undo the automatic dispatch"), key="Z",
         door="dispatch", kinds=(MAIN,), frm=_IN_HAND, case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         facts=("verdict",), optional=("opinion",),
         outcomes={"": Outcome(to=StintStage.WITHDRAWN, also=(_drop_requests, _drop_levels_below))}),
    Move(subject=Subject.STINT, verb="withdraw_dispatch", label=_("Take back from the department"), tone="quiet",
         is_rare=True, door="dispatch", kinds=(MAIN,), frm=_IN_HAND, case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=("dispatcher",), facts=("reason",),
         outcomes={"": Outcome(to=StintStage.WITHDRAWN, also=(_drop_requests, _drop_levels_below))}),
    Move(subject=Subject.CASE, verb="add_assisting", label=_("Add an assisting department"), door="dispatch",
         is_rare=True, frm=(Stage.DISPUTED, Stage.PENDING_HANDLE, Stage.HANDLING, Stage.SUSPENDED, Stage.HANDED_OVER),
         side=COMMAND, roles=("dispatcher",), facts=("department",), optional=("is_optional", "opinion"), proof=HAND,
         outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="make_lead", label=_("Make it the lead department"), door="dispatch",
         is_rare=True, kinds=(MAIN,), frm=STINT_OPEN, case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         facts=("reason",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="set_required", label=_("Required or optional"), door="dispatch", is_rare=True,
         kinds=(MAIN,), frm=STINT_OPEN, case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         facts=("required", "reason"), outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="set_proxy", label=_("Proxy handling"), door="dispatch", is_rare=True,
         kinds=(MAIN,), frm=STINT_OPEN, case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         facts=("owner", "reason"), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.CASE, verb="mark_ownerless", label=_("Register as ownerless"), door="dispatch", is_rare=True,
         frm=(Stage.PENDING_DISPATCH,), side=COMMAND, roles=("dispatcher",), facts=("reason",),
         outcomes={"": Outcome(stays=True)}),
    # — departments: do it
    Move(subject=Subject.STINT, verb="receive", label=_("Receive"), key="A", tone="main", door="dispatch",
         frm=(StintStage.PENDING_HANDLE,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         optional=("handler", "opinion"), proof=HAND, outcomes={"": Outcome(to=StintStage.HANDLING)}),
    Move(subject=Subject.STINT, verb="assign", label=_("Assign"), key="Z", door="dispatch",
         frm=(StintStage.HANDLING,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("handler",), optional=("opinion",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="revoke", label=_("Revoke the assignment"), door="dispatch", is_rare=True,
         frm=(StintStage.HANDLING,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("reason",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="send_back_result", label=_("Send the handler's result back"), door="dispatch",
         tone="danger", frm=(StintStage.HANDLING,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT,
         roles=("department_operator",), facts=("reason",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="give_back", label=_("Give back to my department"), key="T", door="dispatch",
         frm=(StintStage.HANDLING,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("handler",), facts=("reason",),
         proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="submit_result", label=_("Submit the result"), key="F", tone="main",
         door="dispatch", frm=(StintStage.HANDLING,), case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("handler",),
         facts=("opinion",), optional=("files",), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="record_result", label=_("Record a crew's result"), door="dispatch", is_rare=True,
         frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",), facts=("opinion",),
         optional=("files",), proof=HAND, outcomes={"": Outcome(to=StintStage.HANDLING)}),
    Move(subject=Subject.STINT, verb="hand_over", label=_("Hand over"), key="F", tone="main", door="dispatch",
         kinds=(MAIN,), frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("opinion",), optional=("files",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.HANDED_OVER, also=(_drop_requests,))}),
    Move(subject=Subject.STINT, verb="ask_return", label=_("Return"), key="T", door="dispatch",
         kinds=(MAIN,), frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("ground", "reason"), optional=("files",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.RETURNING)}),
    Move(subject=Subject.STINT, verb="ask_extension", label=_("Ask for extension"), key="Y", door="dispatch",
         kinds=(MAIN,), frm=_IN_HAND, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("reason",), optional=("ground", "length", "files"), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="ask_suspension", label=_("Ask for suspension"), key="G", door="dispatch",
         kinds=(MAIN,), frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("until", "reason"), optional=("ground", "files"), proof=HAND,
         outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="ask_voiding", label=_("Ask for voiding"), door="dispatch", is_rare=True,
         kinds=(MAIN,), frm=_IN_HAND, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("reason",), optional=("ground", "files"), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="ask_deferral", label=_("Ask for deferral"), door="dispatch", is_rare=True,
         kinds=(MAIN,), frm=_IN_HAND, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("reason",), optional=("ground", "files"), proof=HAND, outcomes={"": Outcome()}),
    Move(subject=Subject.STINT, verb="open_dispute", label=_("Dispute the responsibility"), door="dispatch",
         is_rare=True, kinds=(MAIN,), frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT,
         roles=("department_operator",), facts=("reason",), optional=("ground", "files"), proof=HAND,
         outcomes={"": Outcome(to=StintStage.DISPUTED, also=(_drop_others,))}),
    Move(subject=Subject.STINT, verb="ask_appeal", label=_("Appeal against the overrun"), door="dispatch",
         kinds=(MAIN,), frm=(StintStage.ACCEPTED,), case_in=(Stage.CLOSED,), side=DEPARTMENT,
         roles=("department_operator",), facts=("reason",), optional=("ground", "files"), proof=HAND,
         outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.REQUEST, verb="withdraw_request", label=_("Withdraw the request"), door="dispatch",
         tone="quiet", kinds=REQUEST_KINDS, frm=(RequestStage.PENDING,), case_in=(*AFTER_FILING, Stage.CLOSED),
         side=DEPARTMENT, roles=("department_operator",), facts=("reason",), outcomes=_ended(RequestStage.WITHDRAWN)),
    # — departments: the level below (city → district → team)
    Move(subject=Subject.STINT, verb="sub_dispatch", label=_("Give to a department below"), key="P", door="dispatch",
         frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("department_below",), optional=("hours", "opinion"), proof=HAND,
         outcomes={"": Outcome(to=StintStage.DELEGATED)}),
    Move(subject=Subject.STINT, verb="hand_up", label=_("Hand the result up"), key="F", tone="main", door="dispatch",
         kinds=(SUB,), frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("opinion",), optional=("files",), proof=HAND, outcomes={"": Outcome(to=StintStage.HANDED_UP)}),
    Move(subject=Subject.STINT, verb="return_up", label=_("Return to the level above"), key="T", door="dispatch",
         kinds=(SUB,), frm=_WORKING, case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",),
         facts=("ground", "reason"), proof=HAND, outcomes={"": Outcome(to=StintStage.RETURNING)}),
    Move(subject=Subject.STINT, verb="accept_up", label=_("Accept the result from below"), key="G", tone="main",
         door="dispatch", kinds=(SUB,), above=True, frm=(StintStage.HANDED_UP,), case_in=WITH_DEPARTMENTS,
         side=DEPARTMENT, roles=("department_operator",), optional=("opinion",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.ACCEPTED, also=(_back_above,))}),
    Move(subject=Subject.STINT, verb="refuse_up", label=_("Refuse the result from below"), key="X", tone="danger",
         door="dispatch", kinds=(SUB,), above=True, frm=(StintStage.HANDED_UP,), case_in=WITH_DEPARTMENTS,
         side=DEPARTMENT, roles=("department_operator",), facts=("reason",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.HANDLING)}),
    Move(subject=Subject.STINT, verb="accept_return_up", label=_("Accept the return from below"), key="G",
         door="dispatch", kinds=(SUB,), above=True, frm=(StintStage.RETURNING,), case_in=WITH_DEPARTMENTS,
         side=DEPARTMENT, roles=("department_operator",), optional=("opinion",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.RETURNED, also=(_back_above,))}),
    Move(subject=Subject.STINT, verb="refuse_return_up", label=_("Refuse the return from below"), key="X",
         tone="danger", door="dispatch", kinds=(SUB,), above=True, frm=(StintStage.RETURNING,),
         case_in=WITH_DEPARTMENTS, side=DEPARTMENT, roles=("department_operator",), facts=("reason",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.HANDLING, waiting_counts=True)}),
    Move(subject=Subject.STINT, verb="recall", label=_("Take back from the level below"), tone="quiet",
         door="dispatch", kinds=(SUB,), above=True, frm=(*_IN_HAND, StintStage.HANDED_UP), case_in=WITH_DEPARTMENTS,
         side=DEPARTMENT, roles=("department_operator",), facts=("reason",), proof=HAND,
         outcomes={"": Outcome(to=StintStage.WITHDRAWN, also=(_drop_levels_below, _back_above))}),
    # — along the chain of approval: every step but the last
    Move(subject=Subject.REQUEST, verb="approve", label=_("Approve and pass on"), key="G", door="dispatch",
         kinds=REQUEST_KINDS, frm=(RequestStage.PENDING,), case_in=(*AFTER_FILING, Stage.CLOSED), side=COMMAND,
         roles=_DECIDERS, step=BETWEEN, optional=("opinion",), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.REQUEST, verb="reject", label=_("Refuse the request"), key="X", door="dispatch",
         tone="danger", kinds=REQUEST_KINDS, frm=(RequestStage.PENDING,), case_in=(*AFTER_FILING, Stage.CLOSED),
         side=COMMAND, roles=_DECIDERS, step=BETWEEN, facts=("reason",), outcomes=_ended(RequestStage.REFUSED)),
    Move(subject=Subject.REQUEST, verb="consent", label=_("Consent and pass on"), key="G", door="dispatch",
         kinds=REQUEST_KINDS, frm=(RequestStage.PENDING,), case_in=(*AFTER_FILING, Stage.CLOSED), side=SUPERVISION,
         roles=DESK, step=BETWEEN, optional=("opinion",), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.REQUEST, verb="decline", label=_("Decline the request"), key="X", door="dispatch",
         tone="danger", kinds=REQUEST_KINDS, frm=(RequestStage.PENDING,), case_in=(*AFTER_FILING, Stage.CLOSED),
         side=SUPERVISION, roles=DESK, step=BETWEEN, facts=("reason",), outcomes=_ended(RequestStage.REFUSED)),
    # — command: decide what departments ask
    Move(subject=Subject.REQUEST, verb="grant_return", label=_("Accept the return"), key="G", door="dispatch",
         kinds=("return",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=_DECIDERS,
         step=LAST, optional=("opinion",),
         outcomes={"": Outcome(to=RequestStage.GRANTED,
                               also=(Also(subject=Subject.STINT, frm=(StintStage.RETURNING,), to=StintStage.RETURNED,
                                          own=True),))}),
    Move(subject=Subject.REQUEST, verb="refuse_return", label=_("Refuse the return"), key="X", door="dispatch",
         tone="danger", kinds=("return",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, step=LAST, facts=("reason",),
         outcomes={"": Outcome(to=RequestStage.REFUSED, waiting_counts=True,
                               also=(Also(subject=Subject.STINT, frm=(StintStage.RETURNING,), to=StintStage.HANDLING,
                                          own=True),))}),
    Move(subject=Subject.REQUEST, verb="grant_extension", label=_("Grant the extension"), key="Y", door="dispatch",
         kinds=("extension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, step=LAST, optional=("opinion",), outcomes={"": Outcome(to=RequestStage.GRANTED)}),
    Move(subject=Subject.REQUEST, verb="refuse_extension", label=_("Refuse the extension"), key="X", door="dispatch",
         tone="danger", kinds=("extension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, step=LAST, facts=("reason",), outcomes={"": Outcome(to=RequestStage.REFUSED)}),
    Move(subject=Subject.REQUEST, verb="grant_suspension", label=_("Grant the suspension"), key="G", door="dispatch",
         kinds=("suspension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, step=LAST, optional=("opinion",),
         outcomes={"": Outcome(to=RequestStage.GRANTED,
                               also=(Also(subject=Subject.STINT, frm=_WORKING, to=StintStage.SUSPENDED, own=True),))}),
    Move(subject=Subject.REQUEST, verb="refuse_suspension", label=_("Refuse the suspension"), key="X", door="dispatch",
         tone="danger", kinds=("suspension",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, step=LAST, facts=("reason",), outcomes={"": Outcome(to=RequestStage.REFUSED)}),
    Move(subject=Subject.REQUEST, verb="grant_deferral", label=_("Grant the deferral"), key="G", door="dispatch",
         kinds=("deferral",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=_DECIDERS,
         step=LAST, optional=("opinion",), outcomes={"": Outcome(to=RequestStage.GRANTED)}),
    Move(subject=Subject.REQUEST, verb="refuse_deferral", label=_("Refuse the deferral"), key="X", door="dispatch",
         tone="danger", kinds=("deferral",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, step=LAST, facts=("reason",), outcomes={"": Outcome(to=RequestStage.REFUSED)}),
    Move(subject=Subject.STINT, verb="enter_stock", label=_("Enter in the stock list"), door="dispatch", is_rare=True,
         kinds=(MAIN,), frm=STINT_OPEN, case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("commander",),
         optional=("opinion",), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.STINT, verb="raise_dispute", label=_("Put up for a joint decision"), door="dispatch",
         is_rare=True, kinds=(MAIN,), frm=(*_WORKING, StintStage.RETURNING), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, facts=("reason",), optional=("ground", "files"),
         outcomes={"": Outcome(to=StintStage.DISPUTED, also=(_drop_others,))}),
    Move(subject=Subject.REQUEST, verb="call_meeting", label=_("Call a joint meeting"), key="H", door="dispatch",
         kinds=("dispute",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=_DECIDERS,
         step=LAST, facts=("meets_at", "place", "participants"), optional=("opinion",),
         outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.REQUEST, verb="decide_dispute", label=_("Record the joint decision"), key="G", tone="main",
         door="dispatch", kinds=("dispute",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=COMMAND,
         roles=_DECIDERS, step=LAST, facts=("department", "reason"), optional=("is_precedent", "files"), proof=HAND,
         outcomes={"theirs": Outcome(to=RequestStage.GRANTED, also=_own(StintStage.DISPUTED, StintStage.RETURNED)),
                   "own": Outcome(to=RequestStage.REFUSED, waiting_counts=True,
                                  also=_own(StintStage.DISPUTED, StintStage.HANDLING))}),
    Move(subject=Subject.STINT, verb="resume", label=_("Resume"), key="U", door="dispatch",
         kinds=(MAIN,), frm=(StintStage.SUSPENDED,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         optional=("opinion",), outcomes={"": Outcome(to=StintStage.HANDLING)}),
    # — command: the result comes back
    Move(subject=Subject.STINT, verb="pass_on", label=_("Pass on for the check"), key="P", tone="main",
         door="dispatch", frm=(StintStage.HANDED_OVER,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         optional=("opinion",), outcomes={"": Outcome(to=StintStage.ACCEPTED)}),
    Move(subject=Subject.STINT, verb="refuse_hand_over", label=_("Refuse the result"), key="X", tone="danger",
         door="dispatch", frm=(StintStage.HANDED_OVER,), case_in=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher",),
         facts=("reason",), outcomes={"": Outcome(to=StintStage.HANDLING)}),
    # — supervision: was it dispatched to the right department, is it a case at all, was it late?
    Move(subject=Subject.STINT, verb="confirm_dispatch", label=_("Dispatch was accurate"), door="dispatch",
         is_rare=True, kinds=(MAIN,), frm=(StintStage.RETURNED, StintStage.WITHDRAWN),
         case_in=(*AFTER_FILING, Stage.CLOSED), side=SUPERVISION, roles=("duty_leader",), optional=("opinion",),
         outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.STINT, verb="wrong_dispatch", label=_("Dispatch was wrong"), door="dispatch", is_rare=True,
         kinds=(MAIN,), frm=(StintStage.RETURNED, StintStage.WITHDRAWN),
         case_in=(*AFTER_FILING, Stage.CLOSED), side=SUPERVISION, roles=("duty_leader",), facts=("reason",),
         outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.STINT, verb="recall_wrong_dispatch", label=_("Wrong dispatch: dispatch anew"),
         door="dispatch", tone="danger", is_rare=True, kinds=(MAIN,), frm=(*_IN_HAND, StintStage.RETURNING),
         case_in=WITH_DEPARTMENTS, side=SUPERVISION, roles=("duty_leader",), facts=("reason",),
         outcomes={"": Outcome(to=StintStage.WITHDRAWN, also=(_drop_requests, _drop_levels_below))}),
    Move(subject=Subject.REQUEST, verb="grant_voiding", label=_("Void as asked"), key="G", door="dispatch",
         tone="danger", kinds=("voiding",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=SUPERVISION,
         roles=("duty_leader",), step=LAST, facts=("reason",),
         outcomes={"": Outcome(to=RequestStage.GRANTED, case=Stage.VOIDED, also=_end_all)}),
    Move(subject=Subject.REQUEST, verb="refuse_voiding", label=_("Refuse the voiding"), key="X", door="dispatch",
         kinds=("voiding",), frm=(RequestStage.PENDING,), case_in=WITH_DEPARTMENTS, side=SUPERVISION,
         roles=("duty_leader",), step=LAST, facts=("reason",), outcomes={"": Outcome(to=RequestStage.REFUSED)}),
    Move(subject=Subject.REQUEST, verb="grant_appeal", label=_("Uphold the appeal"), key="G", door="dispatch",
         kinds=("appeal",), frm=(RequestStage.PENDING,), case_in=(Stage.CLOSED,), side=SUPERVISION, roles=DESK,
         step=LAST, facts=("reason",), outcomes={"": Outcome(to=RequestStage.GRANTED, stays=True)}),
    Move(subject=Subject.REQUEST, verb="refuse_appeal", label=_("Reject the appeal"), key="X", door="dispatch",
         kinds=("appeal",), frm=(RequestStage.PENDING,), case_in=(Stage.CLOSED,), side=SUPERVISION, roles=DESK,
         step=LAST, facts=("reason",), outcomes={"": Outcome(to=RequestStage.REFUSED, stays=True)}),
    # — supervision: is it done?
    Move(subject=Subject.CASE, verb="send_inspection", label=_("Send inspection"), key="U", is_rare=True,
         frm=(Stage.PENDING_CHECK,), side=SUPERVISION, roles=DESK, facts=("inspector",), optional=("opinion",),
         outcomes=_case(Stage.INSPECTING)),
    Move(subject=Subject.TASK, verb="inspect", label=_("Answer the inspection"), tone="main", kinds=("inspect",),
         frm=(TaskStage.SENT,), case_in=(Stage.INSPECTING,), side=SUPERVISION, roles=("inspector",),
         facts=("result",), optional=("opinion", "files"), proof=JUDGED,
         outcomes={"pass": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_CHECK),
                   "fail": Outcome(to=TaskStage.ANSWERED, also=(_rework,), rework=True)}),
    Move(subject=Subject.TASK, verb="withdraw_inspection", label=_("Withdraw the inspection"), tone="quiet",
         kinds=("inspect",), frm=(TaskStage.SENT,), case_in=(Stage.INSPECTING,), side=SUPERVISION, roles=DESK,
         facts=("reason",), outcomes={"": Outcome(to=TaskStage.WITHDRAWN, case=Stage.PENDING_CHECK)}),
    Move(subject=Subject.CASE, verb="send_check", label=_("Send check"), key="C", tone="main",
         frm=(Stage.PENDING_CHECK,), side=SUPERVISION, roles=DESK, facts=("collector",),
         optional=("same_period", "opinion"), outcomes=_case(Stage.CHECKING)),
    Move(subject=Subject.TASK, verb="check", label=_("Answer the check"), tone="main", door="patrol",
         kinds=("check",), frm=(TaskStage.SENT,), case_in=(Stage.CHECKING,), side=SUPERVISION, roles=("collector",),
         facts=("result",), optional=("opinion", "files", "point"), proof=JUDGED,
         outcomes={"pass": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_CLOSE),
                   "pass_up": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_CHECK),
                   "fail": Outcome(to=TaskStage.ANSWERED, also=(_rework,), rework=True),
                   "cannot": Outcome(to=TaskStage.ANSWERED, case=Stage.PENDING_CHECK)}),
    Move(subject=Subject.TASK, verb="withdraw_check", label=_("Withdraw the check"), tone="quiet",
         kinds=("check",), frm=(TaskStage.SENT,), case_in=(Stage.CHECKING,), side=SUPERVISION, roles=DESK,
         facts=("reason",), outcomes={"": Outcome(to=TaskStage.WITHDRAWN, case=Stage.PENDING_CHECK)}),
    Move(subject=Subject.CASE, verb="close", label=_("Close"), key="E", tone="main",
         frm=(Stage.PENDING_CLOSE,), side=SUPERVISION, roles=("duty_leader",), facts=("met", "is_duplicate"),
         optional=("errors", "opinion"), proof=JUDGED, outcomes=_case(Stage.CLOSED, *_end_all)),
    Move(subject=Subject.CASE, verb="force_close", label=_("Close by force"), tone="danger", is_rare=True,
         frm=AFTER_FILING, side=SUPERVISION, roles=("duty_leader",), facts=("reason",), proof=JUDGED,
         outcomes=_case(Stage.CLOSED, *_end_all)),
    Move(subject=Subject.CASE, verb="reopen", label=_("Reopen: not solved"), key="O", frm=(Stage.CLOSED,),
         case_in=(Stage.CLOSED,), side=SUPERVISION, roles=DESK, facts=("reason",),
         outcomes=_case(Stage.PENDING_CHECK, _end_spot_checks)),
    Move(subject=Subject.CASE, verb="still_unsolved", label=_("The citizen says it is not solved"),
         frm=(Stage.CLOSED,), case_in=(Stage.CLOSED,), side=CITIZEN, roles=(), door="hotline", facts=("ground",),
         outcomes=_case(Stage.PENDING_CHECK, _end_spot_checks)),
    Move(subject=Subject.CASE, verb="send_spot_check", label=_("Order a spot check"), frm=(Stage.CLOSED,), is_rare=True,
         case_in=(Stage.CLOSED,), side=SUPERVISION, roles=("duty_leader", "inspector"), facts=("inspector",),
         optional=("opinion",), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.TASK, verb="spot_check", label=_("Answer the spot check"), tone="main", kinds=("spot",),
         frm=(TaskStage.SENT,), case_in=(Stage.CLOSED,), side=SUPERVISION, roles=("inspector",), facts=("result",),
         optional=("opinion", "files"), proof=JUDGED,
         outcomes={"pass": Outcome(to=TaskStage.ANSWERED, stays=True),
                   "fail": Outcome(to=TaskStage.ANSWERED, stays=True)}),
    Move(subject=Subject.CASE, verb="check_again", label=_("Have it checked again"), key="C",
         frm=(Stage.PENDING_CLOSE,), side=SUPERVISION, roles=("duty_leader",), facts=("reason",),
         outcomes=_case(Stage.PENDING_CHECK)),
    Move(subject=Subject.CASE, verb="rework", label=_("Send back for rework"), key="T", tone="danger",
         frm=(Stage.PENDING_CLOSE,), side=SUPERVISION, roles=("duty_leader",), facts=("reason",), proof=JUDGED,
         outcomes={"": Outcome(also=(_rework,), rework=True)}),
    # — command: what is more than a case
    Move(subject=Subject.CASE, verb="transfer_to_emergency", label=_("Transfer to emergency"), tone="danger",
         is_rare=True, door="dispatch", frm=WITH_DEPARTMENTS, side=COMMAND, roles=("dispatcher", "commander"),
         facts=("reason",),
         outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.CASE, verb="cancel_emergency", label=_("Take back from emergency"), tone="quiet", is_rare=True,
         door="dispatch", frm=AFTER_FILING, side=COMMAND, roles=("dispatcher", "commander"), facts=("reason",),
         outcomes={"": Outcome(stays=True)}),
    # — whoever pushes: no stage changes, nobody is bound to a side
    Move(subject=Subject.CASE, verb="urge", label=_("Urge"), key="Q", tone="quiet", frm=OPEN, side=NO_SIDE,
         is_rare=True, roles=("acceptance_operator", "duty_leader", "dispatcher", "commander", "inspector", "leader"),
         optional=("opinion",), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.CASE, verb="supervise", label=_("Supervise"), key="D", tone="quiet", frm=AFTER_FILING,
         is_rare=True, side=NO_SIDE, roles=("duty_leader", "dispatcher", "commander", "inspector", "leader"),
         facts=("level", "demand"), optional=("needs_reply", "reply_by"), outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.CASE, verb="instruct", label=_("Instruct"), key="I", tone="quiet", frm=OPEN,
         side=NO_SIDE, roles=("leader",), facts=("demand",), optional=("needs_reply", "reply_by"),
         outcomes={"": Outcome(stays=True)}),
    Move(subject=Subject.DIRECTIVE, verb="reply", label=_("Answer the supervision"), tone="main",
         frm=(DirectiveStage.OPEN,), case_in=tuple(Stage), side=NO_SIDE,
         roles=("department_operator", "dispatcher", "duty_leader"), facts=("reply",),
         outcomes={"": Outcome(to=DirectiveStage.REPLIED, stays=True)}),
    Move(subject=Subject.DIRECTIVE, verb="settle", label=_("Settle the supervision"), tone="quiet",
         frm=(DirectiveStage.OPEN, DirectiveStage.REPLIED), case_in=tuple(Stage), side=NO_SIDE,
         roles=("duty_leader", "dispatcher", "commander", "inspector", "leader"), optional=("opinion",),
         outcomes={"": Outcome(to=DirectiveStage.SETTLED, stays=True)}),
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
