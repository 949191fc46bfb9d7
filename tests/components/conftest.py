"""A village to put components in, and the classes they belong to."""

from datetime import date

import pytest
from shapely import box

from accounts.roles import Role
from components.models import MinorClass
from grid import actions as grid_actions
from grid.geometry import Zone, lay_cells
from grid.models import Area
from tests.factories import person

THEN = date(2000, 1, 1)
BORDER = Zone(117).to_degrees(box(500_000, 3_486_000, 500_200, 3_486_200))


@pytest.fixture
def guan_li():
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def village() -> Area:
    """Four cells of one community."""
    facts = {"boundary": grid_actions.multipolygon(BORDER), "valid_from": THEN}
    division = Area.objects.create(code="999901", level="division", name_zh="清河县", **facts)
    street = Area.objects.create(code="999901001", level="street", name_zh="桃溪镇", parent=division, **facts)
    made = Area.objects.create(code="999901001001", level="community", name_zh="梅村", parent=street, **facts)
    grid_actions.insert_cells(lay_cells({made.code: BORDER}), communities={made.code: made}, valid_from=THEN)
    return made


def minor_class(minor_code: str, name_zh: str, **more) -> MinorClass:
    facts = {
        "scheme": "GBT47678", "kind": "component", "major_code": "01", "major_name_zh": "市政公用设施",
        "major_name_en": "Municipal utilities", "valid_from": THEN,
    }  # fmt: skip
    return MinorClass.objects.create(minor_code=minor_code, name_zh=name_zh, **facts | more)


@pytest.fixture
def lamp() -> MinorClass:
    return minor_class("037", "路灯", name_en="Street lamp", pinyin_initials="ld")


@pytest.fixture
def cover() -> MinorClass:
    return minor_class("001", "供水井盖", name_en="Manhole cover", pinyin_initials="gsjg", aliases="上水井盖")
