"""Founds the county's government, its two centres, twelve departments and six streets, and appoints everybody."""

from dataclasses import dataclass
from datetime import datetime
from random import Random

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import actions
from accounts.models import Department, User
from accounts.roles import Role
from citymgmt.demo.tables import rows
from components.models import MinorClass
from dispatch.actions import add_responsibility
from dispatch.links import keep_crew
from dispatch.models import Crew
from grid.models import DutyGrid
from patrol.actions import assign_grid

PASSWORD = "yunxi-2026-demo"
"""The same for every account of the demonstration, which is no secret: nothing in it is."""

# One account for each role, in the order of the loop; and a second collector, for who verified does not check.
FOR_TRYING = (
    "caijiyuan", "caiji02", "shouli", "zhibanzhang", "shipin", "ducha", "paiqian", "zhihui", "shizheng", "chuzhi",
    "kaohe", "lingdao", "guanli",
)  # fmt: skip

DIVISION = "999901"
CODE = "yx"


@dataclass
class Town:
    """Who is who: people by user name, departments by code, the handlers of each department."""

    people: dict[str, User]
    departments: dict[str, Department]
    handlers: dict[str, list[User]]
    operators: dict[str, User]

    @classmethod
    def found(cls, *, at: datetime) -> "Town":
        """Found it all, holding from the day of `at`."""
        departments = _departments(at)
        password = make_password(PASSWORD)
        numbers = iter(range(1, 1000))
        for row in rows("people"):
            _person(row, Role(row["role"]), departments[row["department"]], password, next(numbers), at=at)
        for row in rows("collectors"):
            _person(row, Role.COLLECTOR, departments[f"{CODE}-jd"], password, next(numbers), at=at)
        names = _names()
        for row in rows("departments"):
            if row["operator"]:
                department = departments[row["code"]]
                operator = {"username": row["operator"], **next(names)}
                _person(operator, Role.DEPARTMENT_OPERATOR, department, password, next(numbers), at=at)
                for place in range(int(row["handlers"])):
                    handler = {"username": handler_name(row["operator"], place), **next(names)}
                    _person(handler, Role.HANDLER, department, password, next(numbers), at=at)
        return cls.remember()

    @classmethod
    def remember(cls) -> "Town":
        """Return the town as it was founded."""
        departments = {one.code: one for one in Department.objects.filter(path__startswith=f"/{CODE}/")}
        staff = User.objects.filter(appointments__department__in=departments.values()).distinct()
        people = {one.username: one for one in staff}
        of = {row["code"]: row for row in rows("departments") if row["operator"]}
        return cls(
            people=people,
            departments=departments,
            operators={code: people[row["operator"]] for code, row in of.items()},
            handlers={
                code: [people[handler_name(row["operator"], place)] for place in range(int(row["handlers"]))]
                for code, row in of.items()
            },
        )


def handler_name(operator: str, place: int) -> str:
    """Return the user name of a department's handlers: chuzhi is the one to try the program with."""
    return "chuzhi" if operator == "shizheng" and place == 0 else f"{operator}{place + 1}"


def _departments(at: datetime) -> dict[str, Department]:
    made: dict[str, Department] = {}
    for place, row in enumerate(rows("departments")):
        made[row["code"]] = actions.create_department(
            by=None,
            at=at,
            code=row["code"],
            parent=made.get(row["parent"]),
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            short_name=row["short_name"],
            kind=row["kind"],
            department_type=row["department_type"],
            evaluation_group=row["evaluation_group"],
            is_evaluated=bool(row["evaluation_group"]),
            area_code=row["area_code"],
            valid_from=timezone.localdate(at),
            sort=10 * (place + 1),
        )
    return made


def _person(row, role: Role, department: Department, password: str, number: int, *, at: datetime) -> None:
    # One account after the other through the action would hash the same password ninety times.
    user = User.objects.create(
        username=row["username"],
        staff_number=f"YX{number:04d}",
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        password=password,
        must_change_password=False,
        created_at=at,
        sessions_valid_from=at,
    )
    actions.appoint(user, by=None, at=at, role=role, department=department, valid_from=timezone.localdate(at))


def _names():
    """Yield invented names, none twice."""
    surnames = [row for row in rows("names") if row["kind"] == "surname"]
    given = [row for row in rows("names") if row["kind"] == "given"]
    pairs = [(one, other) for one in surnames for other in given]
    Random("yunxi/names").shuffle(pairs)
    for one, other in pairs:
        yield {"name_zh": one["zh"] + other["zh"], "name_en": f"{one['en']} {other['en']}"}


def assign_duty_grids(town: Town, duty_grids: list[DutyGrid], *, at: datetime) -> None:
    """Give every duty grid two collectors; the two left over stand in everywhere, so they have none of their own."""
    collectors = [town.people[row["username"]] for row in rows("collectors")]
    for place, duty_grid in enumerate(duty_grids):
        for collector in collectors[2 * place : 2 * place + 2]:
            assign_grid(collector, duty_grid=duty_grid, valid_from=timezone.localdate(at), by=None, at=at)


def divide_responsibilities(town: Town, *, at: datetime) -> None:
    """Write the responsibility table: who answers for which class, on which roads."""
    classes = {one.code: one for one in MinorClass.objects.filter(scheme=MinorClass.Scheme.GBT47678)}
    for place, row in enumerate(rows("responsibilities")):
        add_responsibility(
            by=town.people["guanli"],
            at=at,
            minor_class=classes[row["class"]],
            area_code=DIVISION,
            road_class=row["road_class"],
            department=town.departments[row["department"]],
            valid_from=timezone.localdate(at),
            sort=10 * (place + 1),
        )


def hire_crews(town: Town, *, at: datetime) -> None:
    """Let the departments know the crews and contractors that work for them."""
    for row in rows("crews"):
        by = town.operators[row["department"]]
        facts = {name: row[name] for name in ("name", "contact", "phone", "note")}
        department = town.departments[row["department"]]
        keep_crew(Crew(department=department, valid_from=timezone.localdate(at), **facts), by=by, at=at)


def take_seats(town: Town, *, at: datetime) -> None:
    """Sign everybody on whose work begins with taking a seat: the desks, and the collectors of the day."""
    for row in rows("people"):
        if row["role"] in (Role.ACCEPTANCE_OPERATOR, Role.DUTY_LEADER, Role.DISPATCHER, Role.VIDEO_OPERATOR):
            actions.sign_on(town.people[row["username"]], at=at)
    for row in rows("collectors"):
        actions.sign_on(town.people[row["username"]], at=at)
