"""Papers: what each role may print of a case, what stands on it, and that nothing is fetched from outside."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import vault
from cases import actions, map_clip
from cases.papers import BY_NAME, PAPERS, context_of, offered, parts_of, see
from cases.workflow import Stage
from dispatch import actions as dispatch
from office import pdf
from office.models import ReadLog
from tests.county import County

pytestmark = pytest.mark.django_db


@pytest.fixture
def county(db) -> County:
    return County.build()


@pytest.fixture
def closed(county):
    """A citizen's case that went the whole way, with a supervision, an extension and a suspension asked for."""
    now = timezone.now() - timedelta(hours=2)
    ref = vault.seal(kind="reporter", name="林晓", phone="13900001234", words="家门口堆了垃圾", at=now)
    case = county.case_at(
        Stage.HANDLING, source="web", at=now, reporter_ref=ref,
        files=[(file, "before") for file in county.pictures(2, at=now)],
    )  # fmt: skip
    later = now + timedelta(minutes=20)
    actions.supervise(case, by=county.commander, at=later, level="key", demand="请于今日内办结", needs_reply=True)
    dispatch.ask_extension(case.stints.get(), by=county.sanitation, at=later, reason="需要吊车")
    dispatch.grant_extension(case.requests.get(), by=county.dispatcher, at=later, opinion="同意延期")
    stint = case.stints.get()
    dispatch.hand_over(stint, by=county.sanitation, at=later, opinion="已清运干净", files=county.pictures(2, at=later))
    dispatch.pass_on(case.stints.get(), by=county.dispatcher, at=later)
    actions.send_check(case, by=county.operator, at=later, collector=county.other_collector)
    actions.check(case.tasks.get(kind="check"), by=county.other_collector, at=later, result="pass")
    return actions.close(case, by=county.duty_leader, at=later, met=True)


def names(user, case) -> set[str]:
    return {paper.name for paper in offered(see(user, case.public_id, at=timezone.now()))}


def page(browser, case, name: str, kind: str = "html", **more):
    return browser.get(reverse("cases:paper", args=[case.public_id, name, kind]), more)


ALL = {paper.name for paper in PAPERS}
OF_THIS_CASE = ALL - {"suspension", "application"}
DEPARTMENTS = {"dispatch", "result", "outcome", "supervision", "extension", "file"}
MAY_PRINT = {
    "operator": OF_THIS_CASE, "duty_leader": OF_THIS_CASE, "dispatcher": OF_THIS_CASE, "commander": OF_THIS_CASE,
    "inspector": OF_THIS_CASE, "evaluator": OF_THIS_CASE, "leader": OF_THIS_CASE, "sanitation": DEPARTMENTS,
    "collector": {"verify", "verified", "file"}, "other_collector": {"check", "file"},
}  # fmt: skip
SEE_NOTHING = ("handler", "water", "street", "third_collector", "administrator")


@pytest.mark.parametrize("who", MAY_PRINT)
def test_each_role_prints_what_it_sees_and_nothing_else(county, seat, closed, who):
    user = getattr(county, who)
    assert names(user, closed) == MAY_PRINT[who]
    browser = seat(user)
    for name in ALL:
        answer = page(browser, closed, name)
        assert answer.status_code == (200 if name in MAY_PRINT[who] else 404), name


@pytest.mark.parametrize("who", SEE_NOTHING)
def test_who_does_not_see_the_case_prints_nothing_of_it(county, seat, closed, who):
    browser = seat(getattr(county, who))
    assert {page(browser, closed, name).status_code for name in ALL} == {404}
    assert browser.get(reverse("cases:map_clip", args=[closed.public_id])).status_code == 404


def test_every_paper_bears_its_name_the_number_a_code_and_who_printed_it(county, seat, closed):
    browser = seat(county.duty_leader)
    for paper in PAPERS:
        if paper.name in OF_THIS_CASE:
            text = page(browser, closed, paper.name).content.decode()
            assert str(paper.label) in text
            assert closed.number in text
            assert 'class="qr"' in text
            assert text.count(f"陈静 {county.duty_leader.staff_number}") > 20


def test_a_departments_papers_show_neither_reporter_nor_source_nor_the_desks_words(county, seat, closed):
    browser = seat(county.sanitation)
    for name in DEPARTMENTS:
        text = page(browser, closed, name).content.decode()
        assert not re.search("林晓|13900001234|家门口|网上|孙丽|赵敏|钱野", text), name


def test_the_reporter_is_printed_only_when_asked_for_by_his_desk_and_the_look_is_noted(county, seat, closed):
    desk = seat(county.operator)
    address = reverse("cases:paper", args=[closed.public_id, "register", "html"])
    assert "13900001234" not in desk.get(address).content.decode()
    assert not ReadLog.objects.exists()
    text = desk.post(address).content.decode()
    assert "13900001234" in text
    assert "家门口堆了垃圾" in text
    noted = ReadLog.objects.get()
    assert (noted.reader, noted.number) == (county.operator, closed.number)
    for who in ("dispatcher", "leader", "inspector"):
        assert seat(getattr(county, who)).post(address).status_code == 403
    assert ReadLog.objects.count() == 1


def test_the_words_of_an_extension_and_its_decision_stand_on_its_form(county, seat, closed):
    text = page(seat(county.dispatcher), closed, "extension").content.decode()
    assert "需要吊车" in text
    assert "同意延期" in text


def test_papers_take_few_questions(county, seat, closed):
    for who in ("duty_leader", "sanitation"):
        browser = seat(getattr(county, who))
        page(browser, closed, "file")
        for name in MAY_PRINT[who]:
            with CaptureQueriesContext(connection) as asked:
                page(browser, closed, name)
            assert len(asked) <= 12, (name, [one["sql"][:200] for one in asked])


def test_a_dispatch_sheet_is_one_page_and_the_case_file_several(county, seat, closed):
    browser = seat(county.dispatcher)
    answer = page(browser, closed, "dispatch", "pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert closed.number in answer["Content-Disposition"]
    for name, pages in (("dispatch", {1}), ("file", {2, 3, 4})):
        context = context_of(see(county.dispatcher, closed.public_id, at=timezone.now()), BY_NAME[name])
        context["is_pdf"] = True
        made = pdf.document_of(render_to_string(BY_NAME[name].template, context), parts=parts_of(context))
        assert len(made.pages) in pages


def test_nothing_is_fetched_from_outside(monkeypatch):
    import socket

    monkeypatch.setattr(socket, "create_connection", lambda *_args, **_more: pytest.fail("went outside"))
    page = (
        '<link rel="stylesheet" href="https://example.org/a.css"><img src="file:///etc/passwd">'
        '<img src="/static/../../etc/passwd"><img src="http://127.0.0.1/x.png">文字'
    )
    assert len(pdf.document_of(page).pages) == 1
    for address in ("https://example.org/a.css", "file:///etc/passwd", f"{pdf.ORIGIN}/evidence/1/",
                    f"{pdf.ORIGIN}/static/../settings.py"):  # fmt: skip
        with pytest.raises(pdf.NotOurs):
            pdf._found(address, {})


def test_the_map_shows_the_cell_of_the_case_and_the_point_in_the_middle(county):
    drawing = map_clip.clip(county.point, cell_code=county.cells[0].code).decode()
    assert drawing.startswith("<svg")
    assert map_clip.CELL in drawing
    assert f'cx="{map_clip.WIDTH / 2}" cy="{map_clip.HEIGHT / 2}"' in drawing
    assert "style=" not in drawing
