"""What happens in the practice area: coming in, beginning a lesson, the answer of the others, the end, beginning anew.

Nothing here runs on the real site: each function that writes asks for it first.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings as installation
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import actions as accounts
from accounts.models import Appointment, Department, Duty, User
from accounts.roles import ROLES, Role, Side
from cases import actions as cases
from cases import workflow
from cases.models import Case, CaseEvent
from cases.workflow import Stage
from citymgmt.demo import building, people
from citymgmt.demo.people import CODE
from citymgmt.errors import Refusal
from components.models import MinorClass
from grid.locate import metres_from
from hotline.models import Call
from office import settings
from practice import cast as scene
from practice import lessons
from practice.cast import Cast
from practice.lessons import Deed, Lesson, Story
from practice.models import Entry, Run, Seat
from practice.tickets import Ticket

MINUTES_BETWEEN_MOVES = 2
SHARE_OF_COMPONENTS = 0.05
IDLE_MINUTES = 720  # the session's own length: a desk without passwords cannot ask for one
CENTRE_OF = {Side.SUPERVISION: f"{CODE}-jd", Side.COMMAND: f"{CODE}-zh"}


class NotThePracticeArea(Refusal):
    """This is the real site: nothing is practised here."""

    code = "practice_elsewhere"


class TicketUsed(Refusal):
    """The ticket has let somebody in already."""

    code = "practice_ticket_used"


class NoLessons(Refusal):
    """There are no lessons for this role; facts: role."""

    code = "practice_no_lessons"


class NotBuilt(Refusal):
    """The practice area has no ground yet."""

    code = "practice_not_built"


def _only_there() -> None:
    if not installation.PRACTICE_OF:
        raise NotThePracticeArea()


# — the ground ————————————————————————————————————————————————————————————————————————————————————————————


def build(*, at: datetime, say: building.Say) -> bool:
    """Build the invented county in which lessons take place; False where it stands already. Raises building.InUse.

    Nobody can log in there: those who play the others have no passwords, and leave their staff numbers to trainees.
    """
    _only_there()
    if Department.objects.filter(code=CODE).exists():
        return False
    start = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with transaction.atomic():
        building.build_ground(start=start, at=at, share=SHARE_OF_COMPONENTS, say=say)
        User.objects.update(password=make_password(None), staff_number=Concat(Value("*"), "staff_number"))
        for key in ("accounts.idle_minutes", "accounts.idle_minutes_field"):
            settings.set_value(key, IDLE_MINUTES, by=None, at=at, valid_from=start.date())
    return True


# — coming in —————————————————————————————————————————————————————————————————————————————————————————————


def come_in(ticket: Ticket, *, at: datetime) -> User:
    """Seat whoever brings this ticket, in the role it names, and return him. Once for each ticket.

    He keeps his seat between visits; another role ends the one he practised before. Raises TicketUsed, NoLessons,
    NotBuilt.
    """
    _only_there()
    if ticket.role not in lessons.ROLES_WITH_LESSONS:
        raise NoLessons(role=_(ROLES[Role(ticket.role)].label) if ticket.role in set(Role) else ticket.role)
    with transaction.atomic():
        _take_turn()
        if not Department.objects.filter(code=CODE).exists():
            raise NotBuilt()
        user = _account(ticket, at=at)
        try:
            with transaction.atomic():
                Entry.objects.create(nonce=ticket.nonce, user=user, at=at)
        except IntegrityError as error:
            raise TicketUsed() from error
        _appoint(user, Role(ticket.role), _seat(user), at=at)
    accounts.sign_on(user, at=at)
    return user


def _take_turn() -> None:
    """Two who come at the same moment get two seats."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('practice_seat', 0))")


def _account(ticket: Ticket, *, at: datetime) -> User:
    known = {
        "guides_seen": [str(role) for role in Role],
        "name_zh": ticket.name_zh,
        "name_en": ticket.name_en,
        "language": ticket.language,
    }
    user = User.objects.filter(staff_number=ticket.staff_number).first()
    if user is None:
        user = User(username=f"t-{uuid4().hex}", staff_number=ticket.staff_number, must_change_password=False,
                    created_at=at, sessions_valid_from=at, **known)  # fmt: skip
        user.set_unusable_password()
        user.save()
    User.objects.filter(pk=user.pk).update(**known)
    return User.objects.get(pk=user.pk)


def _seat(user: User) -> Seat:
    seat = Seat.objects.select_related("department").filter(user=user).first()
    if seat is not None:
        return seat
    taken = set(Seat.objects.values_list("number", flat=True))
    number = next(number for number in range(len(taken) + 1) if number not in taken)
    places, departments = scene.communities(), list(lessons.AT_DEPARTMENT)
    department = Department.objects.get(code=departments[number % len(departments)])
    return Seat.objects.create(user=user, number=number, area_code=places[number % len(places)], department=department)


def _appoint(user: User, role: Role, seat: Seat, *, at: datetime) -> None:
    """Give him this one role: at a desk of the centres for his own community, so that nobody else's cases lie there."""
    side, day = ROLES[role].side, timezone.localdate(at)
    department = Department.objects.get(code=CENTRE_OF[side]) if side in CENTRE_OF else seat.department
    is_desk = side in CENTRE_OF and role != Role.COLLECTOR
    wanted = {"role": role, "department": department, "scope_area_code": seat.area_code if is_desk else ""}
    mine = Appointment.objects.filter(user=user)
    if mine.count() == 1 and mine.filter(valid_from__lte=day, valid_to=None, **wanted).exists():
        return
    mine.delete()
    accounts.appoint(user, by=None, at=at, valid_from=day, **wanted)


# — a lesson ——————————————————————————————————————————————————————————————————————————————————————————————


def begin(lesson: Lesson, *, by: User, at: datetime) -> Run:
    """Bring the case of this lesson to the trainee's desk; what he had in hand before ends where it is."""
    _only_there()
    at = at.replace(microsecond=0)
    seat = Seat.objects.select_related("department").get(user=by)
    for running in Run.objects.in_hand(by):
        end(running, at=at)
    people_on_duty(at=at)
    number = Run.objects.filter(user=by).count()
    here = scene.spot(seat.area_code, number)
    with transaction.atomic():
        run = Run.objects.create(
            user=by, lesson=lesson.key, number=number, begun_at=at, address=here.address, point=list(here.point.coords)
        )
        acting = cast_of(run, seat)
        earlier = at - timedelta(minutes=MINUTES_BETWEEN_MOVES * (len(lesson.before) + len(lesson.prepare) + 2))
        if lesson.before:
            run.first, earlier = _play(lesson.before, acting, at=earlier, source="collector", words="")
        if lesson.source:
            run.case, earlier = _play(
                lesson.prepare, acting, at=earlier, source=lesson.source, words=_(lesson.words or acting.problem.words)
            )
        run.seen_event = _last_event()
        run.save(update_fields=["case", "first", "seen_event"])
    return run


def _play(moves, acting: Cast, *, at: datetime, source: str, words: str) -> tuple[Case, datetime]:
    case = scene.report(acting, source=source, words=words, at=at)
    for move in moves:
        at += timedelta(minutes=MINUTES_BETWEEN_MOVES)
        scene.play(move, case, acting, at=at)
    return Case.objects.get(pk=case.pk), at + timedelta(minutes=MINUTES_BETWEEN_MOVES)


def cast_of(run: Run, seat: Seat | None = None) -> Cast:
    """Return who plays in a lesson, and where."""
    seat = seat or Seat.objects.select_related("department").get(user=run.user_id)
    problem = run.script.problem or lessons.AT_DEPARTMENT[seat.department.code]
    major, minor = problem.class_code.split("-")
    minor_class = MinorClass.objects.get(
        scheme=MinorClass.Scheme.GBT47678, major_code=major, minor_code=minor, valid_to__isnull=True
    )
    point = scene.Point(*run.point, srid=scene.SRID)
    return Cast(run.user, problem, minor_class, point, run.address, seat.department)


def people_on_duty(*, at: datetime) -> None:
    """Put the others at work, so that there is somebody to send; they stay for a shift."""
    on_duty = Duty.objects.on_duty(at, longest=accounts.longest_shift(at))
    if not on_duty.filter(user__username=scene.OPERATOR).exists():
        people.take_seats(people.Town.remember(), at=at)


def _last_event() -> int:
    return CaseEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0


def follow(run: Run, *, at: datetime) -> Run:
    """Let the others answer what the trainee did since the last time; with his last step the lesson ends."""
    _only_there()
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",), no_key=True).select_related("user").get(pk=run.pk)
        if run.ended_at is not None:
            return run
        if run.case_id is None:
            run.case = _registered(run)
        deeds = list(_deeds_of(run).filter(id__gt=run.seen_event)) if run.case_id else []
        acting = cast_of(run) if any(deed.verb in run.script.then for deed in deeds) else None
        for deed in deeds:
            for move in run.script.then.get(deed.verb, ()):
                try:
                    with transaction.atomic():
                        scene.play(move, run.case, acting, at=at)
                except Refusal:
                    break  # he went a way of his own: the others have nothing to answer there
        if deeds or run.case_id:
            run.seen_event = max([run.seen_event, *(deed.id for deed in deeds)])
            run.save(update_fields=["case", "seen_event"])
        if _is_over(run, {deed.verb for deed in deeds}):
            return end(run, at=at)
    return run


def _is_over(run: Run, verbs: set[str]) -> bool:
    if run.case_id is None:
        return _answered(run)
    # A call that was put into somebody else's community is gone from this desk.
    is_lost = run.case.area_code != Seat.objects.get(user=run.user_id).area_code
    return is_lost or bool(verbs & run.script.over)


def _registered(run: Run) -> Case | None:
    """The first case that the trainee registered in this lesson."""
    mine = CaseEvent.objects.filter(actor=run.user_id, verb="report", at__gte=run.begun_at)
    event = mine.select_related("case").order_by("id").first()
    return event.case if event else None


def _deeds_of(run: Run):
    mine = CaseEvent.objects.filter(case=run.case_id, actor=run.user_id, at__gte=run.begun_at)
    return mine.defer("payload").order_by("id")


def _answered(run: Run) -> bool:
    """Whether the trainee ended the call without a case."""
    return Call.objects.filter(seat=run.user_id, received_at__gte=run.begun_at, case=None).exists()


def note_refusal(run: Run, label: str) -> None:
    """Keep what the program refused on the way."""
    run.refusals = [*run.refusals, label]
    run.save(update_fields=["refusals"])


def end(run: Run, *, at: datetime) -> Run:
    """End the lesson and judge it as it stands."""
    _only_there()
    run.ended_at = max(at, run.begun_at)
    run.marks = lessons.judge(run.script, story_of(run))
    run.is_good = all(run.marks)
    run.save(update_fields=["ended_at", "marks", "is_good"])
    _clear_away(run, at=at)
    return run


def story_of(run: Run) -> Story:
    """Return what the trainee did in this lesson."""
    case = run.case
    if case is None:
        answered = (Deed("answer_call"),) if _answered(run) else ()
        return Story(deeds=answered)
    deeds = tuple(Deed(one.verb, one.outcome, one.facts) for one in _deeds_of(run))
    told = metres_from("point", scene.Point(*run.point, srid=scene.SRID))
    case = Case.objects.select_related("minor_class").annotate(metres=told).get(pk=case.pk)
    return Story(
        deeds=deeds, class_code=case.minor_class.code, urgency=case.urgency, metres=case.metres,
        first=run.first.number if run.first else "",
    )  # fmt: skip


CLEARED_BY = ("refuse", "void")


def _clear_away(run: Run, *, at: datetime) -> None:
    """What is still open of a lesson that is over would lie on the desk for good: the duty leader ends it."""
    leader = User.objects.get(username=scene.LEADER)
    operator = User.objects.get(username=scene.OPERATOR)
    for case in Case.objects.filter(Q(pk=run.case_id) | Q(pk=run.first_id), stage__in=workflow.OPEN):
        reason = _("The lesson is over.")
        if case.stage == Stage.REPORTED:
            cases.refuse(case, by=operator, at=at, reason=reason)
        else:
            cases.void(case, by=leader, at=at, reason=reason)


def forget_mine(user: User, *, at: datetime) -> None:
    """Begin all lessons anew: what this person did is no longer shown; open cases end."""
    _only_there()
    with transaction.atomic():
        for run in Run.objects.in_hand(user).select_related("user"):
            end(run, at=at)
        Run.objects.filter(user=user).delete()
