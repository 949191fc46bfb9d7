"""Things to test with. Everybody and everything here is invented."""

from datetime import date

import factory

from accounts.models import Appointment, Department, User
from accounts.roles import Role

LONG_AGO = date(2000, 1, 1)
PASSWORD = "wu-yue-er-shi"

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN_NAMES = ("晓岚", "志远", "雨桐", "建华", "思齐", "文博", "海燕", "明哲", "若溪", "国梁", "秋实")


class DepartmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Department

    code = factory.Sequence(lambda n: f"d{n}")
    name_zh = factory.Sequence(lambda n: f"第{n}环卫所")
    name_en = factory.Sequence(lambda n: f"Sanitation station {n}")
    kind = Department.Kind.DEPARTMENT
    parent = None
    path = factory.LazyAttribute(lambda made: f"{made.parent.path if made.parent else '/'}{made.code}/")
    valid_from = LONG_AGO


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    staff_number = factory.Sequence(lambda n: f"S{n:05}")
    name_zh = factory.Sequence(lambda n: SURNAMES[n % len(SURNAMES)] + GIVEN_NAMES[n % len(GIVEN_NAMES)])
    must_change_password = False
    password = factory.django.Password(PASSWORD)


class AppointmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Appointment

    user = factory.SubFactory(UserFactory)
    role = Role.DEPARTMENT_OPERATOR
    department = factory.SubFactory(DepartmentFactory)
    valid_from = LONG_AGO


def supervision_centre(**facts) -> Department:
    return DepartmentFactory(name_zh="监督中心", kind=Department.Kind.SUPERVISION_CENTRE, **facts)


def command_centre(**facts) -> Department:
    return DepartmentFactory(name_zh="指挥中心", kind=Department.Kind.COMMAND_CENTRE, **facts)


def person(role: Role | None = None, *, department: Department | None = None, **facts) -> User:
    """Somebody who holds this role in this department, or in one made for him; nothing at all without a role."""
    user = UserFactory(**facts)
    if role is not None:
        AppointmentFactory(user=user, role=role, department=department or DepartmentFactory())
    return user
