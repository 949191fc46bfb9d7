"""A small county to test in: a community, four cells, both centres, two bureaux, a street, a person for each role.

`County.build()` makes it; `county.case_at(stage)` walks the real moves. All names are invented.
"""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import Appointment, Department, User
from accounts.roles import Role
from cases import actions, clocks
from cases.models import Case, WorkScheduleSpan
from cases.workflow import Source, Stage
from components.models import FilingCondition, MinorClass
from dispatch import actions as dispatch
from grid.models import Area, DutyGrid, DutyGridCell, UnitGrid
from office import settings
from office.actions import store_file
from office.models import StoredFile

LONG_AGO = date(2000, 1, 1)
BEIJING = ZoneInfo("Asia/Shanghai")
PASSWORD = "correct-horse-7"
DIVISION = "999902"
WEST, SOUTH, SIDE = 117.0, 31.0, 0.001


def beijing(year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    """Return an instant in Chinese time."""
    return datetime(year, month, day, hour, minute, tzinfo=BEIJING)


MONDAY = beijing(2026, 3, 2)  # an ordinary Monday, 09:00

PEOPLE = {
    "operator": ("sun_li", "孙丽", Role.ACCEPTANCE_OPERATOR, "supervision"),
    "duty_leader": ("chen_jing", "陈静", Role.DUTY_LEADER, "supervision"),
    "dispatcher": ("wang_wei", "王伟", Role.DISPATCHER, "command"),
    "commander": ("he_gang", "何刚", Role.COMMANDER, "command"),
    "collector": ("zhao_min", "赵敏", Role.COLLECTOR, "supervision"),
    "other_collector": ("qian_ye", "钱野", Role.COLLECTOR, "supervision"),
    "third_collector": ("li_shan", "李杉", Role.COLLECTOR, "supervision"),
    "sanitation": ("zhou_tao", "周涛", Role.DEPARTMENT_OPERATOR, "sanitation"),
    "handler": ("wu_lei", "吴磊", Role.HANDLER, "sanitation"),
    "water": ("zheng_yu", "郑宇", Role.DEPARTMENT_OPERATOR, "water"),
    "street": ("feng_xue", "冯雪", Role.DEPARTMENT_OPERATOR, "street"),
    "inspector": ("dong_cha", "董察", Role.INSPECTOR, "supervision"),
    "evaluator": ("jiang_nan", "江楠", Role.EVALUATOR, "supervision"),
    "leader": ("shen_hai", "沈海", Role.LEADER, "city"),
    "administrator": ("guan_li", "管力", Role.ADMINISTRATOR, "city"),
}


def picture(seed: int = 1) -> SimpleUploadedFile:
    """Return an upload that really is a JPEG; another one for each seed."""
    noise = random.Random(seed).randbytes(64 * 48 * 3)
    data = io.BytesIO()
    Image.frombytes("RGB", (64, 48), noise).save(data, "JPEG")
    return SimpleUploadedFile(f"{seed}.jpg", data.getvalue(), "image/jpeg")


_hashed = cache(make_password)  # the same for everybody, made once


def _square(west: float, south: float) -> Polygon:
    square = Polygon.from_bbox((west, south, west + SIDE, south + SIDE))
    square.srid = 4490
    return square


@dataclass
class County:
    """Everything a test needs, by name: `county.dispatcher`, `county.sanitation_bureau`, `county.litter` …"""

    departments: dict[str, Department] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    ground = "not_ours"

    @classmethod
    def build(cls) -> "County":
        county = cls()
        county._build_departments()
        county._build_people()
        county._build_places()
        county._build_standards()
        return county

    @classmethod
    def remember(cls) -> "County":
        """Return the county that another process built in this database."""
        county = cls()
        county.departments = {one.code: one for one in Department.objects.all()}
        county.sanitation_bureau = county.departments["sanitation"]
        county.water_company, county.street_office = county.departments["water"], county.departments["street"]
        by_name = {user.username: user for user in User.objects.all()}
        county.people = {key: by_name[username] for key, (username, *_) in PEOPLE.items()}
        county.litter = MinorClass.objects.get(minor_code="003")
        county.condition = county.litter.conditions.get()
        county.point = Point(WEST + SIDE / 3, SOUTH + SIDE / 3, srid=4490)
        return county

    def __getattr__(self, name: str):
        people = self.__dict__.get("people", {})
        if name in people:
            return people[name]
        raise AttributeError(name)

    def _department(self, key: str, name: str, kind: str, parent: str = "", **extra) -> Department:
        above = self.departments.get(parent)
        made = Department.objects.create(
            code=key, name_zh=name, name_en=key.title(), kind=kind, parent=above, valid_from=LONG_AGO,
            path=f"{above.path if above else '/'}{key}/", area_code=extra.pop("area_code", DIVISION), **extra,
        )  # fmt: skip
        self.departments[key] = made
        return made

    def _build_departments(self) -> None:
        kind = Department.Kind
        self._department("city", "清河县", kind.DEPARTMENT, is_evaluated=False)
        self._department("supervision", "监督中心", kind.SUPERVISION_CENTRE, "city", is_evaluated=False)
        self._department("command", "指挥中心", kind.COMMAND_CENTRE, "city", is_evaluated=False)
        bureaux = {"evaluation_group": "bureaux"}
        self.sanitation_bureau = self._department(
            "sanitation", "环卫所", kind.DEPARTMENT, "city", department_type="环卫部门", **bureaux
        )
        self.water_company = self._department(
            "water", "供水公司", kind.UTILITY, "city", department_type="供水企业", **bureaux
        )
        self.street_office = self._department(
            "street", "桃溪街道办", kind.STREET, "city", area_code=DIVISION + "001", evaluation_group="streets"
        )

    def add_teams(self, *, levels: int = 3) -> None:
        """Put a squad below the sanitation bureau and a team below the squad, with an operator each, and let cases go
        down so many levels.
        """
        kind = Department.Kind
        self.squad = self._department("squad", "城东中队", kind.DEPARTMENT, "sanitation", is_evaluated=False)
        self.team = self._department("team", "保洁一班", kind.CONTRACTOR, "squad", is_evaluated=False)
        for number, place in enumerate(("squad", "team"), 90):
            self._person(number, f"{place}_operator", f"{place}_operator", place, Role.DEPARTMENT_OPERATOR, place)
        settings.set_value("dispatch.levels", levels, by=None, at=MONDAY, valid_from=LONG_AGO)

    def _person(self, number: int, key: str, username: str, name: str, role: str, place: str) -> None:
        self._people([(number, key, username, name, role, place)])

    def _people(self, people: list[tuple[int, str, str, str, str, str]]) -> None:
        users, appointments = [], []
        for number, key, username, name, role, place in people:
            user = User(username=username, staff_number=f"T{number:03d}", name_zh=name, name_en=username.title())
            user.password, user.must_change_password = _hashed(PASSWORD), False
            user.guides_seen = [str(one) for one in Role]  # nobody here is at his desk for the first time
            users.append(user)
            appointments.append(
                Appointment(user=user, role=role, department=self.departments[place], valid_from=LONG_AGO)
            )
            self.people[key] = user
        User.objects.bulk_create(users)
        Appointment.objects.bulk_create(appointments)

    def _build_people(self) -> None:
        self._people([(number, key, *facts) for number, (key, facts) in enumerate(PEOPLE.items(), 1)])

    def _build_places(self) -> None:
        box = Polygon.from_bbox((WEST, SOUTH, WEST + 2 * SIDE, SOUTH + 2 * SIDE))
        box.srid = 4490
        whole = MultiPolygon(box, srid=4490)
        make = Area.objects.create
        division = make(code=DIVISION, level="division", name_zh="清河县", boundary=whole, valid_from=LONG_AGO)
        street = make(
            code=DIVISION + "001", level="street", name_zh="桃溪街道", parent=division, boundary=whole,
            valid_from=LONG_AGO,
        )  # fmt: skip
        self.community = make(
            code=DIVISION + "001001", level="community", name_zh="花城社区", parent=street, boundary=whole,
            valid_from=LONG_AGO,
        )  # fmt: skip
        self.duty_grid = DutyGrid.objects.create(code="D1", name_zh="城关一网格", valid_from=LONG_AGO)
        corners = [(WEST + column * SIDE, SOUTH + row * SIDE) for row in range(2) for column in range(2)]
        self.cells = UnitGrid.objects.bulk_create(
            UnitGrid(
                code=f"{DIVISION}001001{number:03d}", community=self.community, boundary=_square(west, south),
                centre=Point(west + SIDE / 2, south + SIDE / 2, srid=4490), area_m2=Decimal(10_000),
                valid_from=LONG_AGO,
            )
            for number, (west, south) in enumerate(corners, 1)
        )  # fmt: skip
        DutyGridCell.objects.bulk_create(
            DutyGridCell(duty_grid=self.duty_grid, unit_grid=cell, valid_from=LONG_AGO) for cell in self.cells
        )
        self.point = Point(WEST + SIDE / 3, SOUTH + SIDE / 3, srid=4490)

    def _build_standards(self) -> None:
        self.litter = MinorClass.objects.create(
            scheme="GBT47678", kind="event", major_code="06", major_name_zh="市容环境类", minor_code="003",
            name_zh="暴露垃圾", name_en="Exposed rubbish", department_type="环卫部门", pinyin_initials="bllj",
            valid_from=LONG_AGO,
        )  # fmt: skip
        self.cover = MinorClass.objects.create(
            scheme="GBT47678", kind="component", major_code="01", major_name_zh="市政公用设施", minor_code="001",
            name_zh="供水井盖", name_en="Water-supply manhole cover", department_type="供水企业",
            pinyin_initials="gsjg", valid_from=LONG_AGO,
        )  # fmt: skip
        condition = FilingCondition.objects.create
        self.condition = condition(
            minor_class=self.litter, number=1, condition_zh="暴露垃圾", close_condition_zh="清除", limit_value=4,
            limit_unit="working_hour", valid_from=LONG_AGO,
        )  # fmt: skip
        self.urgent_condition = condition(
            minor_class=self.cover, number=1, condition_zh="缺失、移位", close_condition_zh="恢复（先围护）",
            limit_value=2, limit_unit="continuous_hour", valid_from=LONG_AGO,
        )  # fmt: skip
        WorkScheduleSpan.objects.bulk_create(
            WorkScheduleSpan(valid_from=LONG_AGO, opens_at=opens, closes_at=closes)
            for opens, closes in (("08:00", "12:00"), ("14:00", "18:00"))
        )
        actions.load_calendar(days=[], spans=[], official_until=date(2026, 12, 31))
        clocks.forget_calendar()

    def pictures(self, number: int = 1, *, by: User | None = None, at: datetime = MONDAY) -> list[StoredFile]:
        """Hand in so many small pictures, each another one."""
        made = []
        for _ in range(number):
            self._drawn = getattr(self, "_drawn", 0) + 1
            made.append(store_file(picture(self._drawn), public_id=uuid4(), by=by, at=at, kinds=["picture"]))
        return made

    # — walking the real moves ——————————————————————————————————————————————

    def report(self, *, at: datetime = MONDAY, source: str = Source.COLLECTOR, by: User | None = None, **facts) -> Case:
        """Report litter at the usual place; by the collector unless told otherwise."""
        if source == Source.COLLECTOR and by is None:
            by = self.collector
        facts = {"minor_class": self.litter, "point": self.point, "description": "路边有一堆垃圾", **facts}
        return actions.report(by=by, at=at, source=source, **facts)

    def case_at(
        self,
        stage: str,
        *,
        at: datetime = MONDAY,
        source: str = Source.COLLECTOR,
        pause: Callable[[], timedelta] = lambda: timedelta(minutes=1),
        **facts,
    ) -> Case:
        """Return a case that was brought to this stage by the real moves, one minute apart, beginning at `at`."""
        case = self.report(at=at, source=source, **facts)
        clock = SimpleNamespace(at=at)

        def later() -> datetime:
            clock.at += pause()
            return clock.at

        for step in self._trip(source):
            if case.stage == stage:
                return case
            case = step(case, later())
        if case.stage != stage:
            raise AssertionError(f"the trip ends at {case.stage}, not at {stage}")
        return case

    def _trip(self, source: str):
        yield lambda case, at: actions.accept(case, by=self.operator, at=at)
        if source in ("hotline", "web", "media", "petition"):
            yield lambda case, at: actions.send_verify(case, by=self.operator, at=at, collector=self.collector)
            yield lambda case, at: actions.verify(case.tasks.get(), by=self.collector, at=at, result="true")
        yield lambda case, at: actions.file(
            case, by=self.duty_leader, at=at,
            condition=self.condition if case.minor_class_id == self.litter.pk else self.urgent_condition,
        )  # fmt: skip
        yield lambda case, at: dispatch.dispatch(case, by=self.dispatcher, at=at, department=self.sanitation_bureau)
        yield lambda case, at: dispatch.receive(case.stints.get(), by=self.sanitation, at=at)
        yield lambda case, at: dispatch.hand_over(
            case.stints.get(), by=self.sanitation, at=at, opinion="已清运", files=self.pictures()
        )
        yield lambda case, at: dispatch.pass_on(case.stints.get(), by=self.dispatcher, at=at)
        yield lambda case, at: actions.send_check(case, by=self.operator, at=at, collector=self.other_collector)
        yield lambda case, at: actions.check(
            case.tasks.get(kind="check"), by=self.other_collector, at=at, result="pass"
        )
        yield lambda case, at: actions.close(case, by=self.duty_leader, at=at, met=True)


STAGES_OF_THE_TRIP = (
    Stage.REPORTED, Stage.ACCEPTED, Stage.VERIFYING, Stage.PENDING_FILING, Stage.PENDING_DISPATCH, Stage.PENDING_HANDLE,
    Stage.HANDLING, Stage.HANDED_OVER, Stage.PENDING_CHECK, Stage.CHECKING, Stage.PENDING_CLOSE, Stage.CLOSED,
)  # fmt: skip
