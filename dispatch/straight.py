"""What goes straight through 直通: declared by a city, decided and done by the system, undone and judged by people.

The worker looks at each fresh report of a safe class once (`go`): it accepts, files and dispatches it in one
transaction, or notes what speaks against it. The system is on no side of a case: supervision may undo the filing,
command the dispatch, each for some minutes, and both judge the sample.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings as site
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from cases import actions as cases
from cases import workflow
from cases.actions import FactMissing, MoveNotAllowed, Step, move
from cases.models import Case, HandlingStint
from cases.workflow import Source, Stage
from citymgmt.errors import Refusal
from components.models import FilingCondition
from dispatch import actions, facts, safety
from dispatch.models import SafeClass, StraightDecision
from dispatch.permissions import may_declare_safe
from office import settings
from office.actions import tell

log = logging.getLogger(__name__)

# An older report is a person's already.
FRESH = timedelta(minutes=30)
# So long back wrong ones are counted against a class.
JUDGED_DAYS = 90


class TooLateToUndo(Refusal):
    """What went straight through is undone within minutes, or not at all; facts: number."""

    code = "too_late_to_undo"


class NothingToJudge(Refusal):
    """The case is not in the sample, or somebody judged it already; facts: number."""

    code = "nothing_to_judge"


class DeclaredAlready(Refusal):
    """The class goes straight through there already; facts: what."""

    code = "declared_already"


# — the system decides ——————————————————————————————————————————————————————————————————————————————


@dataclass
class Look:
    """One report looked at: what speaks against it, and who would get it under which condition."""

    against: list[str] = field(default_factory=list)
    suggestion: facts.Suggestion | None = None
    condition_id: int | None = None

    @property
    def outcomes(self) -> int:
        """How many outcomes of the class the figure rests on."""
        return self.suggestion.proposal.experience.rests_on if self.suggestion else 0


def go(*, at: datetime, at_most: int = 50) -> int:
    """Decide about fresh reports of safe classes; return how many went straight through. One query when there is none.

    May be killed at any point and run twice at once: a report is decided about once, whole or not at all.
    """
    in_force = list(SafeClass.objects.in_force(timezone.localdate(at)).order_by("id"))
    if not in_force:
        return 0
    decided = StraightDecision.objects.filter(case=OuterRef("pk"))
    waiting = Case.objects.filter(
        ~Exists(decided), stage=Stage.REPORTED, source=Source.COLLECTOR, is_practice=False,
        minor_class__in={one.minor_class_id for one in in_force}, reported_at__gt=at - FRESH,
    )  # fmt: skip
    went = 0
    for case in waiting.select_related("minor_class", "component__owner", "component__maintainer").order_by("id")[
        :at_most
    ]:
        safe = narrowest(in_force, case)
        if safe is not None:
            went += decide(case, safe, at=at)
    return went


def narrowest(in_force: list[SafeClass], case: Case) -> SafeClass | None:
    """Return the declaration that holds for a case: of its class, for the smallest area around it."""
    fitting = [
        one
        for one in in_force
        if one.minor_class_id == case.minor_class_id and case.area_code.startswith(one.area_code)
    ]
    return max(fitting, key=lambda one: len(one.area_code), default=None)


def decide(case: Case, safe: SafeClass, *, at: datetime) -> bool:
    """Look at one report and let it through, or note why not; True when it went."""
    try:
        with transaction.atomic():
            found = look(case, safe, at=at)
            decision = _decision(case, safe, found, at=at)
            if decision.went:
                try:
                    with transaction.atomic():
                        decision.stint = _let_through(case, safe, found, decision, at=at)
                except MoveNotAllowed:  # a person took it in this very moment
                    decision.went, decision.against = False, ["taken"]
                except _ToVerify:
                    decision.went, decision.against = False, ["to_verify"]
            decision.save(force_insert=True)
            return decision.went
    except IntegrityError:  # another worker decided in this very moment
        return False
    except Exception:  # one broken case keeps no other waiting, and is a person's
        log.exception("case %s could not go straight through", case.number)
        StraightDecision.objects.get_or_create(
            case=case, defaults={"safe_class": safe, "decided_at": at, "went": False, "against": ["failed"]}
        )
        return False


class _ToVerify(Exception):
    """The city wants collectors' reports verified first."""


def look(case: Case, safe: SafeClass, *, at: datetime) -> Look:
    """Return what speaks against letting a report through, and who would get it; seven queries."""
    suggestion = next(iter(facts.suggestions(case, at=at)), None)
    known = [
        safety.Condition(id=one.pk, words=one.condition_zh, is_danger=is_danger(one, case.minor_class.kind))
        for one in FilingCondition.objects.filter(minor_class=case.minor_class_id).in_use(timezone.localdate(at))
    ]
    condition = safety.condition_of(known, case.description)
    demands = demands_of(safe, case, at=at)
    found = Look(suggestion=suggestion, condition_id=condition.id if condition else None)
    seen = safety.Seen(
        is_urgent=case.urgency > Case.Urgency.NORMAL,
        usages=frozenset(case.evidence.values_list("usage", flat=True)),
        accuracy_m=float(case.accuracy_m) if case.accuracy_m is not None else None,
        has_near=_near(case, at=at).exists(),
        reports_filed=reports_filed(case, at_most=demands.least_reports),
        condition=condition,
        sure=suggestion.proposal.confidence if suggestion else None,
        outcomes=found.outcomes,
    )
    found.against = safety.against(seen, demands)
    return found


def demands_of(safe: SafeClass, case: Case, *, at: datetime) -> safety.Demands:
    """Return what a report of a safe class must show there and then."""
    day = timezone.localdate(at)
    return safety.Demands(
        needs_far_picture=safe.needs_far_picture,
        accuracy_m=safe.accuracy_m,
        least_sure=safe.least_sure,
        least_outcomes=settings.get("dispatch.straight_least_outcomes", on=day, area_code=case.area_code),
        least_reports=settings.get("dispatch.straight_reports", on=day, area_code=case.area_code),
    )


def is_danger(condition: FilingCondition, kind: str) -> bool:
    """True for a component whose limit runs day and night in hours: it is secured at once (先围护)."""
    return kind == "component" and condition.limit_unit == FilingCondition.LimitUnit.CONTINUOUS_HOUR


def _near(case: Case, *, at: datetime):
    """Return the open cases that may be the same problem."""
    return Case.objects.exclude(pk=case.pk).open_near(
        case.point, minor_class=case.minor_class, at=at, area_code=case.area_code, component=case.component_id,
        road=case.road_id, named=case.suggested_first_id,
    )  # fmt: skip


def reports_filed(case: Case, *, at_most: int) -> int:
    """Return how many reports of the case's collector were filed so far; it does not count on beyond `at_most`."""
    filed = Case.objects.filter(reported_by=case.reported_by_id, filed_at__isnull=False).order_by()
    return len(filed.exclude(pk=case.pk).values_list("pk")[:at_most])


def _decision(case: Case, safe: SafeClass, found: Look, *, at: datetime) -> StraightDecision:
    share = settings.get("dispatch.straight_sample_share", on=timezone.localdate(at), area_code=case.area_code)
    went = not found.against
    drawn = went and safety.is_sample(str(case.public_id), share=share, key=site.SECRET_KEY.encode())
    return StraightDecision(
        case=case, safe_class=safe, decided_at=at, went=went, against=found.against, rests_on=found.outcomes,
        sure=found.suggestion.proposal.confidence if found.suggestion else None, is_sample=drawn,
    )  # fmt: skip


def _let_through(
    case: Case, safe: SafeClass, found: Look, decision: StraightDecision, *, at: datetime
) -> HandlingStint:
    """Accept, file and dispatch as the system, with the reasons in each event; return the stint."""
    because = {"straight": _reasons(safe, found)}
    case = cases.accept(case, by=None, at=at, facts=because)
    if case.stage != Stage.PENDING_FILING:
        raise _ToVerify
    condition = FilingCondition.objects.get(pk=found.condition_id)
    case = cases.file(case, by=None, at=at, condition=condition, facts=because)
    minutes = settings.get("dispatch.straight_undo_minutes", on=timezone.localdate(at), area_code=case.area_code)

    def mark(step: Step) -> None:
        step.facts.update(because)
        step.case.undo_until = step.at + timedelta(minutes=minutes)
        # What goes straight through is not confirmed one by one: the sample is judged.
        step.case.needs_dispatch_review = step.case.needs_filing_review = decision.is_sample

    assert found.suggestion is not None
    rule = found.suggestion.proposal.rule
    actions.dispatch(case, by=None, at=at, department=found.suggestion.department, rule=rule, also=mark)
    return HandlingStint.objects.get(case=case, is_lead=True, parent=None, stage=workflow.StintStage.PENDING_HANDLE)


def _reasons(safe: SafeClass, found: Look) -> dict[str, Any]:
    """Return why it was let through, as kept with the events: nothing personal, no free text."""
    assert found.suggestion is not None
    proposal = found.suggestion.proposal
    level, outcome = proposal.experience.narrowest()
    return {
        "safe_class": str(safe.public_id),
        "rule": str(proposal.rule),
        "sure_permille": round(proposal.confidence * 1000),
        "level": level,
        "right": outcome.right,
        "total": outcome.total,
    }


# — people undo and judge ———————————————————————————————————————————————————————————————————————————


def undo_filing(case: Case, *, by: User, at: datetime, verdict: str, opinion: str = "") -> Case:
    """Take a filing that nobody made back to the filing desk: it was never filed, no department ever had it.

    Raises TooLateToUndo, FactMissing.
    """
    _refuse_verdict("undo_filing", verdict)

    def undo(step: Step) -> None:
        _in_time(step)
        for stint in step.stints:
            stint.is_undone = True
        filed = step.case
        filed.filed_at = filed.filing_condition = filed.limit_value = None
        filed.limit_unit = filed.close_condition = ""
        _forget(filed)
        step.facts.update(verdict=verdict)

    return _judged(case, "undo_filing", by=by, at=at, opinion=opinion, effect=undo, is_undo=True, filing=verdict)


def undo_dispatch(
    stint: HandlingStint, *, by: User, at: datetime, verdict: str = "wrong_department", opinion: str = ""
) -> Case:
    """Take a dispatch that nobody made back to the dispatch desk: the department never had it.

    Raises TooLateToUndo, FactMissing.
    """
    _refuse_verdict("undo_dispatch", verdict)

    def undo(step: Step) -> None:
        _in_time(step)
        step.subject.is_undone = True
        _forget(step.case)
        step.facts.update(verdict=verdict)

    return _judged(stint, "undo_dispatch", by=by, at=at, opinion=opinion, effect=undo, is_undo=True, dispatch=verdict)


def review_filing(case: Case, *, by: User, at: datetime, verdict: str, opinion: str = "") -> Case:
    """Judge whether one of the sample was rightly filed, and rightly so. Raises NothingToJudge, FactMissing."""
    _refuse_verdict("review_filing", verdict)

    def judge(step: Step) -> None:
        if not step.case.needs_filing_review:
            raise NothingToJudge(number=step.case.number)
        step.case.needs_filing_review = False
        step.facts.update(verdict=verdict)

    return _judged(case, "review_filing", by=by, at=at, opinion=opinion, effect=judge, filing=verdict)


def review_dispatch(case: Case, *, by: User, at: datetime, verdict: str = safety.RIGHT, opinion: str = "") -> Case:
    """Judge whether what the system dispatched went to the right department. Raises NothingToConfirm, FactMissing."""
    _refuse_verdict("review_dispatch", verdict)
    with transaction.atomic():
        moved = actions.review_dispatch(case, by=by, at=at, verdict=verdict, opinion=opinion, savepoint=False)
        _note(moved, at=at, dispatch=verdict)
    return moved


def _refuse_verdict(verb: str, verdict: str) -> None:
    if verdict not in safety.VERDICTS_OF[verb]:
        raise FactMissing(verb=verb, fact="verdict")


def _in_time(step: Step) -> None:
    until = step.case.undo_until
    if until is None or step.at > until:
        raise TooLateToUndo(number=step.case.number)


def _forget(case: Case) -> None:
    """Nothing of the system's hand is left on the row; the events keep it."""
    case.undo_until = None
    case.is_system_dispatched = case.needs_dispatch_review = case.needs_filing_review = False


def _judged(
    subject, verb: str, *, by: User, at: datetime, opinion: str, effect: Callable[[Step], None], is_undo: bool = False,
    filing: str = "", dispatch: str = "",
) -> Case:  # fmt: skip
    with transaction.atomic():
        case = move(subject, verb, by=by, at=at, text=opinion, effect=effect, savepoint=False)
        _note(case, at=at, is_undo=is_undo, filing=filing, dispatch=dispatch)
    return case


def _note(case: Case, *, at: datetime, is_undo: bool = False, filing: str = "", dispatch: str = "") -> None:
    """Write a verdict to the decision it is about, and look whether its class is still safe."""
    decision = StraightDecision.objects.filter(case=case).select_related("safe_class").first()
    if decision is None or not decision.went:
        return
    decision.undone_at = at if is_undo else decision.undone_at
    decision.filing_verdict = filing or decision.filing_verdict
    decision.dispatch_verdict = dispatch or decision.dispatch_verdict
    decision.save(update_fields=["undone_at", "filing_verdict", "dispatch_verdict"])
    switch_off_unsafe([decision.safe_class], at=at)


# — which classes are safe ——————————————————————————————————————————————————————————————————————————


def declare_safe(*, by: User | None, at: datetime, minor_class, area_code: str = "", **demands) -> SafeClass:
    """Let reports of a class go straight through from a day on; `by` is None for what is delivered. Raises
    DeclaredAlready.
    """
    _keeper(by, at)
    try:
        with transaction.atomic():
            return SafeClass.objects.create(
                minor_class=minor_class, area_code=area_code, declared_by=by, declared_at=at,
                **{"valid_from": timezone.localdate(at), **demands},
            )  # fmt: skip
    except IntegrityError as error:
        raise DeclaredAlready(what=minor_class.name) from error


def end_safe(safe: SafeClass, *, by: User, at: datetime, on: date) -> None:
    """Let a class no longer go straight through, from a day on; what went before stands."""
    _keeper(by, at)
    safe.valid_to = max(on, safe.valid_from + timedelta(days=1))
    if on <= timezone.localdate(at):
        safe.switched_off_at = safe.switched_off_at or at
    safe.save(update_fields=["valid_to", "switched_off_at"])


def _keeper(by: User | None, at: datetime) -> None:
    if by is not None and not may_declare_safe(by, at=at):
        raise PermissionDenied


def wrong_and_settled(safe: SafeClass, *, at: datetime) -> tuple[int, int]:
    """Return how many that went straight through turned out wrong, and of how many that is known."""
    went = StraightDecision.objects.went().filter(
        safe_class=safe, decided_at__gt=at - timedelta(days=JUDGED_DAYS), decided_at__lte=at
    )
    wrong = set(went.wrong().values_list("pk", flat=True))
    settled = set(went.filter(case__stage__in=workflow.FINAL).values_list("pk", flat=True))
    return len(wrong), len(wrong | settled)


def switch_off_unsafe(rows: list[SafeClass] | None = None, *, at: datetime) -> int:
    """End the classes of which too many were wrong, and tell the administrators; return how many ended."""
    day = timezone.localdate(at)
    ended = 0
    for safe in rows if rows is not None else SafeClass.objects.in_force(day).select_related("minor_class"):
        wrong, settled = wrong_and_settled(safe, at=at)
        if not safety.is_unsafe(
            wrong=wrong,
            total=settled,
            share=settings.get("dispatch.straight_wrong_share", on=day, area_code=safe.area_code),
            least=settings.get("dispatch.straight_wrong_least", on=day, area_code=safe.area_code),
        ):
            continue
        # Once, whoever comes first.
        if SafeClass.objects.filter(pk=safe.pk, switched_off_at__isnull=True).update(switched_off_at=at):
            ended += 1
            tell(
                User.objects.holding(Role.ADMINISTRATOR, day=day), code="straight_switched_off",
                facts={"what": safe.minor_class.name_zh, "wrong": wrong, "total": settled}, about=str(safe.public_id),
                url=reverse("dispatch:straight"), dedupe=f"straight-off:{safe.public_id}", at=at,
            )  # fmt: skip
    return ended
