"""Views of a desk that somebody keeps under a name."""

import pytest

from office import actions
from office.models import SavedView
from tests.county import County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db) -> County:
    return County.build()


def keep(county, name="晚高峰", query="tab=check&sort=new"):
    return actions.keep_view(by=county.operator, desk="supervision", name=name, query=query)


def test_the_list_as_it_stands_is_kept_without_its_page_and_the_open_case(county, seat):
    said = {"name": "晚高峰", "query": "sort=new&tab=check&page=3&open=abc"}
    answer = seat(county.operator).post("/views/supervision/", said)
    view = SavedView.objects.get()
    assert (view.person, view.desk, view.name, view.query) == (
        county.operator, "supervision", "晚高峰", "sort=new&tab=check")  # fmt: skip
    assert answer["Location"] == "/desk/?sort=new&tab=check"


def test_the_same_name_is_kept_over(county):
    keep(county)
    keep(county, query="tab=close")
    assert SavedView.objects.get().query == "tab=close"


def test_a_view_without_a_name_is_not_kept(county, seat):
    assert seat(county.operator).post("/views/supervision/", {"name": " ", "query": ""}).status_code == 200
    assert not SavedView.objects.exists()


def test_one_view_is_opened_first_and_only_one(county, seat):
    first, second = keep(county), keep(county, name="督办件", query="tab=supervised")
    browser = seat(county.operator)
    for view in (first, second):
        said = {"name": view.name, "number": view.number, "is_default": "on"}
        browser.post(f"/views/supervision/{view.public_id}/", said)
    assert list(SavedView.objects.filter(is_default=True)) == [second]
    assert browser.get("/desk/")["Location"] == "/desk/?tab=supervised"
    assert browser.get("/desk/?tab=accept").status_code == 200


def test_two_views_do_not_get_one_name(county, seat):
    keep(county)
    other = keep(county, name="督办件")
    seat(county.operator).post(f"/views/supervision/{other.public_id}/", {"name": "晚高峰", "number": 2})
    other.refresh_from_db()
    assert other.name == "督办件"


def test_nobody_touches_the_views_of_another(county, seat):
    view = keep(county)
    said = {"forget": "yes"}
    assert seat(county.duty_leader).post(f"/views/supervision/{view.public_id}/", said).status_code == 404
    assert seat(county.operator).post(f"/views/supervision/{view.public_id}/", said).status_code == 302
    assert not SavedView.objects.exists()


def test_as_many_as_a_list_can_show(county):
    for number in range(actions.MOST_VIEWS):
        keep(county, name=f"视图{number}")
    with pytest.raises(actions.TooManyViews):
        keep(county, name="再一个")
