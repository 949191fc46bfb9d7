"""The others: who plays them, and how each of their moves is made. Every one is a real action by a real person.

`play` makes one move of a lesson's script. Places and pictures of the lessons are here too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from uuid import uuid4

from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Department, User
from cases import actions as cases
from cases.models import Case, Evidence
from cases.workflow import JUDGED, Source
from citymgmt.demo import pictures
from citymgmt.demo.people import DIVISION
from citymgmt.demo.tables import rows
from components.models import FilingCondition, MinorClass
from dispatch import actions as dispatch
from grid.locate import locate
from grid.models import SRID, Area, Place, Road
from hotline import actions as hotline
from office.actions import store_file
from office.models import StoredFile
from patrol import actions as patrol
from practice.lessons import Move, Problem

OPERATOR, LEADER, DISPATCHER = "shouli", "zhibanzhang", "paiqian"
VERIFIER, CHECKER = "caijiyuan", "caiji02"
SOURCE = "练习"


@dataclass
class Cast:
    """Who plays in one lesson, with its problem, its place and the trainee."""

    trainee: User
    problem: Problem
    minor_class: MinorClass
    point: Point
    address: str
    own_department: Department
    _people: dict[str, User] = field(default_factory=dict)

    def person(self, username: str) -> User:
        if username not in self._people:
            self._people[username] = User.objects.get(username=username)
        return self._people[username]

    def picture(self, by: User | None, at: datetime, *, put_right: bool = False, scene: str = "") -> StoredFile:
        """Hand in a picture of the place as this person finds it."""
        scene = scene or self.problem.scene
        upload = SimpleUploadedFile(f"{scene}.jpg", drawn(scene, put_right), content_type="image/jpeg")
        return store_file(upload, public_id=uuid4(), by=by, at=at, kinds={"picture"}, claimed_at=at)

    def department(self, code: str | None) -> Department:
        """The department of that code; None: whose problem it is; "": the trainee's own."""
        if code == "":
            return self.own_department
        return Department.objects.get(code=code or self.problem.department)

    def operator(self, department: Department) -> User:
        """Who works at a department when nobody learns there."""
        return self.person(next(row["operator"] for row in rows("departments") if row["code"] == department.code))


@cache
def drawn(scene: str, put_right: bool) -> bytes:
    """Return the picture of a scene, drawn once in each process."""
    return pictures.photograph(scene, put_right=put_right, variant=0)


# — how a report comes ————————————————————————————————————————————————————————————————————————————————————


def report(cast: Cast, *, source: str, words: str, at: datetime) -> Case:
    """Report the problem: by the citizens' page, or by a collector who saw it."""
    if source == Source.WEB:
        return hotline.report_as_citizen(
            at=at, minor_class=cast.minor_class, point=cast.point, words=words, name=_("Ms Zhou"), phone="13800001234",
            place=cast.address, files=[cast.picture(None, at)],
        )  # fmt: skip
    collector = cast.person(VERIFIER)
    files = [(cast.picture(collector, at), Evidence.Usage.NEAR), (cast.picture(collector, at), Evidence.Usage.FAR)]
    return patrol.report(
        by=collector, at=at, minor_class=cast.minor_class, point=cast.point, position=cast.point,
        description=_(cast.problem.words), address=cast.address, files=files,
    )  # fmt: skip


# — what each of the others does ——————————————————————————————————————————————————————————————————————————


def _stint(case: Case):
    return case.stints.select_related("department").order_by("-id").first()


def _task(case: Case, kind: str):
    return case.tasks.select_related("collector", "case").get(kind=kind, stage="sent")


def _request(case: Case, kind: str):
    return case.requests.filter(kind=kind, stage="pending").latest("id")


def _accept(case: Case, cast: Cast, at: datetime) -> None:
    cases.accept(case, by=cast.person(OPERATOR), at=at)


def _describe(case: Case, cast: Cast, at: datetime, *, words: str = "") -> None:
    description = _(words or cast.problem.words)
    cases.describe(case, by=cast.person(OPERATOR), at=at, description=description, address=cast.address)


def _send_verify(case: Case, cast: Cast, at: datetime, *, trainee: bool = False) -> None:
    collector = cast.trainee if trainee else cast.person(VERIFIER)
    cases.send_verify(case, by=cast.person(OPERATOR), at=at, collector=collector)


def _verify(case: Case, cast: Cast, at: datetime, *, result: str, scene: str = "") -> None:
    task = _task(case, "verify")
    files = [cast.picture(task.collector, at, put_right=result == "untrue", scene=scene)]
    said = _("It is so.") if result == "true" else _("Nothing of the kind was found.")
    patrol.verify(task, by=task.collector, at=at, result=result, opinion=said, files=files, position=case.point)


def _file(case: Case, cast: Cast, at: datetime) -> None:
    condition = FilingCondition.objects.filter(
        minor_class=case.minor_class_id, is_active=True, valid_to__isnull=True, limit_value__isnull=False
    ).order_by("number")[0]
    cases.file(case, by=cast.person(LEADER), at=at, condition=condition)


def _not_file(case: Case, cast: Cast, at: datetime) -> None:
    cases.not_file(case, by=cast.person(LEADER), at=at, reason=_("Nothing of the kind was found."))


def _dispatch(case: Case, cast: Cast, at: datetime, *, department: str | None = None) -> None:
    dispatch.dispatch(case, by=cast.person(DISPATCHER), at=at, department=cast.department(department))


def _receive(case: Case, cast: Cast, at: datetime) -> None:
    stint = _stint(case)
    dispatch.receive(stint, by=cast.operator(stint.department), at=at)


def _hand_over(case: Case, cast: Cast, at: datetime, *, put_right: bool = True) -> None:
    stint = _stint(case)
    operator = cast.operator(stint.department)
    files = [cast.picture(operator, at, put_right=put_right)]
    dispatch.hand_over(stint, by=operator, at=at, opinion=_(cast.problem.done), files=files)


def _ask_return(case: Case, cast: Cast, at: datetime) -> None:
    stint = _stint(case)
    reason = _("This is not ours to do.")
    dispatch.ask_return(stint, by=cast.operator(stint.department), at=at, ground="not_ours", reason=reason)


def _ask_extension(case: Case, cast: Cast, at: datetime) -> None:
    stint = _stint(case)
    reason = _("Asphalt is delivered only tomorrow morning.")
    dispatch.ask_extension(stint, by=cast.operator(stint.department), at=at, reason=reason)


def _grant_return(case: Case, cast: Cast, at: datetime) -> None:
    dispatch.grant_return(_request(case, "return"), by=cast.person(DISPATCHER), at=at)


def _refuse_return(case: Case, cast: Cast, at: datetime) -> None:
    reason = _("The table of responsibilities says that it is yours.")
    dispatch.refuse_return(_request(case, "return"), by=cast.person(DISPATCHER), at=at, reason=reason)


def _grant_extension(case: Case, cast: Cast, at: datetime) -> None:
    dispatch.grant_extension(_request(case, "extension"), by=cast.person(DISPATCHER), at=at)


def _pass_on(case: Case, cast: Cast, at: datetime) -> None:
    dispatch.pass_on(_stint(case), by=cast.person(DISPATCHER), at=at)


def _checker(case: Case, at: datetime) -> User:
    """One of the others who has had no hand in it: the trainee may have sent the usual one to verify."""
    able = cases.collectors_for(case, proof=JUDGED, day=timezone.localdate(at))
    names = [row["username"] for row in rows("collectors")]
    return min(able.filter(username__in=names), key=lambda one: (one.username != CHECKER, names.index(one.username)))


def _send_check(case: Case, cast: Cast, at: datetime, *, trainee: bool = False) -> None:
    collector = cast.trainee if trainee else _checker(case, at)
    cases.send_check(case, by=cast.person(OPERATOR), at=at, collector=collector)


def _check(case: Case, cast: Cast, at: datetime, *, result: str, put_right: bool = True) -> None:
    task = _task(case, "check")
    said = _("The place is clean.") if result == "pass" else _("It still lies there, nothing was put right.")
    files = [cast.picture(task.collector, at, put_right=put_right)]
    patrol.check(task, by=task.collector, at=at, result=result, opinion=said, files=files, position=case.point)


def _close(case: Case, cast: Cast, at: datetime) -> None:
    cases.close(case, by=cast.person(LEADER), at=at, met=True)


ACTS: dict[str, Callable[..., None]] = {
    "accept": _accept,
    "describe": _describe,
    "send_verify": _send_verify,
    "verify": _verify,
    "file": _file,
    "not_file": _not_file,
    "dispatch": _dispatch,
    "receive": _receive,
    "hand_over": _hand_over,
    "ask_return": _ask_return,
    "ask_extension": _ask_extension,
    "grant_return": _grant_return,
    "refuse_return": _refuse_return,
    "grant_extension": _grant_extension,
    "pass_on": _pass_on,
    "send_check": _send_check,
    "check": _check,
    "close": _close,
}


def play(move: Move, case: Case, cast: Cast, *, at: datetime) -> None:
    """Let one of the others make his move on the case as it stands now. Raises what the action refuses with."""
    ACTS[move.verb](Case.objects.get(pk=case.pk), cast, at, **move.said)


# — where it happens ——————————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Spot:
    """A place beside a road, and words for it that the place box finds."""

    point: Point
    address: str


AWAY_FROM_THE_BORDER_DEGREES = 0.0002
TRIES = 60


def communities() -> list[str]:
    """Return the codes of the communities in which trainees may have their cases, in a fixed order."""
    return [row["code"] for row in rows("areas") if row["level"] == "community"]


def spot(area_code: str, number: int) -> Spot:
    """Return a place in this community, another one for each number. Raises LookupError where there is no road."""
    area = Area.objects.get(code=area_code, valid_to__isnull=True)
    inside = area.boundary.buffer(-AWAY_FROM_THE_BORDER_DEGREES)
    roads = list(Road.objects.current().filter(line__intersects=inside).order_by("name_zh", "id"))
    for place in range(number, number + TRIES):
        road = roads[place % len(roads)]
        parts = road.line.intersection(inside)
        longest = max(parts if parts.geom_type == "MultiLineString" else [parts], key=lambda part: part.length)
        share = 0.1 + 0.8 * (place * 0.618034 % 1)
        point = Point(*longest.interpolate_normalized(share).coords, srid=SRID)
        found = locate(point)
        if found is not None and found.community_code == area_code:
            # A road runs through several communities: no house number stands in two of them.
            codes = communities()
            house = 2 * (place * len(codes) + codes.index(area_code)) + 1
            return _known(Spot(point, f"{road.name_zh}{house}号"))
    raise LookupError(area_code)


def _known(here: Spot) -> Spot:
    """Write the number of the house into the gazetteer, so that whoever types it finds it."""
    Place.objects.get_or_create(
        name_zh=here.address, source=SOURCE,
        defaults={
            "kind": Place.Kind.DOOR_PLATE, "geometry": here.point, "address": here.address, "area_code": DIVISION,
            "valid_from": "2000-01-01",
        },
    )  # fmt: skip
    return here
