"""Lessons walked through at the desk: done well, done badly; and nothing of it leaves its own database."""

import io
from datetime import timedelta
from itertools import count

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from django.utils import translation

from accounts.models import User
from accounts.roles import Role
from cases import actions as cases
from cases.models import Case
from cases.workflow import Stage
from citymgmt.demo import pictures
from components.models import FilingCondition, MinorClass
from dispatch import actions as dispatch
from hotline import actions as hotline
from patrol import actions as patrol
from practice import actions, cast, lessons, tickets
from practice.lessons import LESSONS, Deed, Story
from practice.models import Run, Seat
from tests.county import beijing, picture

AT = beijing(2026, 11, 18, 9, 30)  # a Wednesday
THERE = {"PRACTICE_OF": "https://city.example.org"}
_numbers = count(1)


@pytest.fixture(scope="module")
def ground(django_db_setup, django_db_blocker):
    """The practice area's own county, built once."""

    def tiny(_scene, *, put_right, variant):
        return picture(10 + put_right).read()

    patch = pytest.MonkeyPatch()
    patch.setattr(pictures, "photograph", tiny)
    cast.drawn.cache_clear()
    with django_db_blocker.unblock(), transaction.atomic(), override_settings(**THERE):
        call_command("load_standards", stdout=io.StringIO())
        actions.build(at=AT - timedelta(hours=1), say=lambda _text: None)
        yield
        transaction.set_rollback(True)
    cast.drawn.cache_clear()
    patch.undo()


@pytest.fixture(autouse=True)
def undone(ground):
    """Each lesson in a transaction of its own, in the practice area, in English."""
    with transaction.atomic(), override_settings(**THERE), translation.override("en"):
        yield
        transaction.set_rollback(True)


def trainee(role: str, *, number: str = "") -> User:
    """Somebody who came in to practise this role."""
    ticket = tickets.Ticket(
        number or f"S{next(_numbers):03d}", "林晓", "Lin Xiao", "en", str(role), f"n{next(_numbers)}"
    )
    return actions.come_in(ticket, at=AT)


def begun(key: str, *, number: str = "") -> Run:
    lesson = lessons.BY_KEY[key]
    return actions.begin(lesson, by=trainee(lesson.role, number=number), at=AT)


def after(run: Run, minutes: int = 1) -> Run:
    """The lesson once the others have answered."""
    return actions.follow(Run.objects.select_related("user").get(pk=run.pk), at=AT + timedelta(minutes=minutes))


# — how a good operator does it, lesson by lesson, by the very actions behind the buttons ————————————————————


def take_call(run: Run, *, class_code: str = "06-010", urgency: int = 0) -> Case:
    major, minor = class_code.split("-")
    minor_class = MinorClass.objects.get(scheme="GBT47678", major_code=major, minor_code=minor, valid_to=None)
    point = cast.Point(*run.point, srid=cast.SRID)
    call = hotline.register_call(
        by=run.user, at=AT, kind="report", minor_class=minor_class, point=point, description="Bags of rubbish.",
        name="Ms Zhou", phone="13800001234", words="It smells", place=run.address, urgency=urgency,
    )  # fmt: skip
    return cases.accept(call.case, by=run.user, at=AT)


def collector_for(case: Case) -> User:
    return cases.collectors_for(case, proof="hand", day=AT.date()).order_by("username").first()


def send_verify(case: Case, run: Run) -> None:
    cases.send_verify(case, by=run.user, at=AT, collector=collector_for(case))


def phone(run):
    send_verify(take_call(run), run)


def duplicate(run):
    cases.attach(run.case, by=run.user, at=AT, first=run.first)


def verify_first(run):
    cases.accept(run.case, by=run.user, at=AT)
    cases.describe(run.case, by=run.user, at=AT, description="Rubbish, not seen yet.")
    send_verify(run.case, run)


def question(run):
    cases.answer_at_once(run.case, by=run.user, at=AT, opinion="Every Wednesday from seven.")


def not_ours(run):
    cases.refuse(run.case, by=run.user, at=AT, reason="Private: ask the mediation committee.")


def danger(run):
    send_verify(take_call(run, class_code="01-003", urgency=1), run)


def file(run):
    condition = FilingCondition.objects.filter(minor_class=run.case.minor_class, limit_value__isnull=False).first()
    cases.file(run.case, by=run.user, at=AT, condition=condition)


def send_back(run):
    cases.back_to_acceptance(run.case, by=run.user, at=AT, reason="The class is wrong.")


def not_file(run):
    cases.not_file(run.case, by=run.user, at=AT, reason="Nothing there.")


def rework(run):
    cases.rework(run.case, by=run.user, at=AT, reason="The bags still lie there.")


def send_to(run, code):
    dispatch.dispatch(run.case, by=run.user, at=AT, department=cast.Department.objects.get(code=code))


def clear(run):
    send_to(run, "yx-hw")


def wrong_return(run):
    dispatch.grant_return(run.case.requests.get(), by=run.user, at=AT)
    send_to(run, "yx-yl")


def shirked(run):
    dispatch.refuse_return(run.case.requests.get(), by=run.user, at=AT, reason="It is yours.")


def extension(run):
    dispatch.grant_extension(run.case.requests.get(), by=run.user, at=AT)


def answer(run, act, result, put_right):
    task = run.case.tasks.get(stage="sent")
    files = [actions.cast_of(run).picture(run.user, AT, put_right=put_right)]
    act(task, by=run.user, at=AT, result=result, files=files, opinion="As in the picture.", position=run.case.point)


def is_it_so(run):
    answer(run, patrol.verify, "true", False)


def check_passed(run):
    answer(run, patrol.check, "pass", True)


def check_failed(run):
    answer(run, patrol.check, "fail", False)


def stint_of(run):
    return run.case.stints.select_related("department").latest("id")


def handle(run):
    dispatch.receive(stint_of(run), by=run.user, at=AT)
    again(run)


def again(run):
    files = [actions.cast_of(run).picture(run.user, AT, put_right=True)]
    dispatch.hand_over(stint_of(run), by=run.user, at=AT, opinion="Done.", files=files)


def more_time(run):
    dispatch.receive(stint_of(run), by=run.user, at=AT)
    dispatch.ask_extension(stint_of(run), by=run.user, at=AT, reason="Material comes tomorrow.")
    after(run)
    again(run)


def not_your_case(run):
    dispatch.ask_return(stint_of(run), by=run.user, at=AT, ground="not_ours", reason="It is the Drainage Office's.")


WELL = {
    do.__name__: do
    for do in (
        phone, duplicate, verify_first, question, not_ours, danger, file, send_back, not_file, rework, clear,
        wrong_return, shirked, extension, is_it_so, check_passed, check_failed, handle, more_time, not_your_case, again,
    )
}  # fmt: skip
# Where the case stands once the others have done their part too.
ENDS = dict.fromkeys(WELL, Stage.CLOSED) | {
    "duplicate": Stage.MERGED, "verify_first": Stage.NOT_FILED, "question": Stage.ANSWERED_AT_ONCE,
    "not_ours": Stage.NOT_ACCEPTED, "send_back": Stage.VOIDED, "not_file": Stage.NOT_FILED,
}  # fmt: skip


@pytest.mark.parametrize("key", [lesson.key for lesson in LESSONS])
def test_a_lesson_done_well_is_judged_so_and_the_others_bring_it_to_its_end(key):
    run = begun(key)
    WELL[key](run)
    run = after(run)
    assert run.ended_at, "with the last step the lesson ends by itself"
    assert (run.marks, run.is_good) == ([True] * len(run.script.wanted), True)
    assert Case.objects.get(pk=run.case_id).stage == ENDS[key]


# — and badly ————————————————————————————————————————————————————————————————————————————————————————————


def judged(run: Run) -> dict[str, bool]:
    return {one.words: mark for one, mark in zip(run.script.wanted, run.marks, strict=True)}


def test_a_second_case_of_the_same_problem_is_not_well_done():
    run = begun("duplicate")
    cases.accept(run.case, by=run.user, at=AT)
    send_verify(run.case, run)
    run = after(run)
    assert run.ended_at
    assert not run.is_good
    assert judged(run) == {
        "The report was attached to the case that is open there already.": False,
        "Nobody was sent out a second time.": False,
        "It was not turned away: this citizen hears the result too.": True,
    }


def test_the_wrong_department_is_seen_and_does_the_work_all_the_same():
    run = begun("clear")
    send_to(run, "yx-yl")
    run = after(run)
    assert run.marks == [True, False]
    assert Case.objects.get(pk=run.case_id).stage == Stage.CLOSED


def test_a_call_under_the_wrong_class_is_seen():
    run = begun("phone")
    send_verify(take_call(run, class_code="06-017"), run)
    assert after(run).marks == [True, False, True, True]


def test_a_call_put_into_somebody_elses_community_ends_the_lesson_and_is_seen():
    run = begun("phone")
    elsewhere = cast.spot(next(code for code in cast.communities() if code != seat_of(run).area_code), 3)
    run.point = list(elsewhere.point.coords)  # where the trainee puts it; the lesson in the database knows better
    with pytest.raises(cases.NotYours):
        take_call(run)
    run = after(run)
    assert run.ended_at
    assert judged(run)["The place is where the caller said."] is False


def seat_of(run: Run) -> Seat:
    return Seat.objects.get(user=run.user)


def test_danger_that_is_not_called_urgent_is_seen():
    run = begun("danger")
    send_verify(take_call(run, class_code="01-003"), run)
    assert judged(after(run))["It is marked as urgent."] is False


def test_closing_what_was_not_done_is_seen():
    run = begun("rework")
    cases.close(run.case, by=run.user, at=AT, met=True)
    run = after(run)
    assert run.ended_at
    assert not any(run.marks)


def test_a_call_that_is_only_answered_ends_the_lesson():
    run = begun("phone")
    hotline.answer_call(by=run.user, at=AT, kind="report", answer="Call again tomorrow.")
    run = after(run)
    assert run.ended_at
    assert run.marks == [False] * 4


def test_a_lesson_ended_early_is_judged_as_it_stands_and_leaves_nothing_open():
    run = begun("file")
    run = actions.end(run, at=AT + timedelta(minutes=1))
    assert run.marks == [False, True]
    assert not Case.objects.open().filter(pk=run.case_id).exists()


# — by the pages ————————————————————————————————————————————————————————————————————————————————————————


@pytest.fixture
def page(seat):
    """A browser at which somebody practises a role: `page("clear")` has begun that lesson."""

    def take(key: str):
        run = begun(key)
        return seat(run.user), run

    return take


def test_what_is_pressed_at_the_desk_is_answered_at_once_and_what_is_refused_is_noted(page):
    desk, run = page("clear")
    address = _door("dispatch", run)
    assert desk.post(address, {}).status_code == 422
    department = cast.Department.objects.get(code="yx-hw")
    assert desk.post(address, {"department": department.public_id}).status_code == 302
    run.refresh_from_db()
    assert run.is_good
    assert run.refusals == ["Dispatch"]
    assert Case.objects.get(pk=run.case_id).stage == Stage.CLOSED
    result = desk.get(f"/practice/run/{run.public_id}/").content.decode()
    assert "Well done" in result
    assert result.count('data-met="yes"') == 2


def _door(verb: str, run: Run) -> str:
    from django.urls import reverse

    return reverse("dispatch:move", args=[run.case.public_id, "case", run.case.public_id, verb])


@pytest.mark.parametrize("key", ["phone", "file", "clear", "check_passed", "handle"])
def test_every_page_of_a_lesson_in_both_languages_within_twelve_queries(page, key, django_assert_max_num_queries):
    browser, run = page(key)
    own = ["/practice/", f"/practice/run/{run.public_id}/", "/practice/line/"]
    for language, word in (("en", "Practice — nothing here counts"), ("zh-hans", "练习 — 不计入任何统计")):
        User.objects.filter(pk=run.user_id).update(language=language)
        for address in own:
            with django_assert_max_num_queries(12):
                answer = browser.get(address)
            assert answer.status_code == 200
            assert word in answer.content.decode() or address == "/practice/line/"
    assert browser.get("/guide/").content.decode().count("practice-mark") == 1
    actions.end(run, at=AT)
    for address in own:
        with django_assert_max_num_queries(12):
            assert browser.get(address).status_code == 200


def test_everybody_sees_his_own_cases_only(page):
    desk, run = page("file")
    other_desk, other = page("file")
    assert desk.get(f"/case/{run.case.public_id}/").status_code == 200
    assert desk.get(f"/case/{other.case.public_id}/").status_code == 404
    assert desk.get(f"/practice/run/{other.public_id}/").status_code == 404
    assert other_desk.get(f"/case/{other.case.public_id}/").status_code == 200


def test_an_address_is_one_place_whoever_practises_there():
    places = [cast.spot(code, number) for code in cast.communities()[:9] for number in range(2)]
    assert len({one.address for one in places}) == len({one.point.coords for one in places}) == len(places)
    for code, one in zip([code for code in cast.communities()[:9] for _ in range(2)], places, strict=True):
        assert cast.locate(one.point).community_code == code


def test_whoever_comes_in_again_finds_his_seat_and_what_he_did():
    first = begun("file", number="S-7")
    actions.end(first, at=AT)
    again = trainee(Role.DUTY_LEADER, number="S-7")
    assert again == first.user
    assert Run.objects.filter(user=again).count() == 1
    assert [one.role for one in again.appointments.all()] == ["duty_leader"]


def test_another_role_ends_the_one_before():
    """One person never sits on two sides, here neither."""
    who = trainee(Role.DUTY_LEADER, number="S-8")
    assert trainee(Role.DISPATCHER, number="S-8") == who
    assert [one.role for one in who.appointments.all()] == ["dispatcher"]


def test_a_ticket_lets_in_once():
    ticket = tickets.Ticket("S-9", "林晓", "", "en", "dispatcher", "once")
    actions.come_in(ticket, at=AT)
    with pytest.raises(actions.TicketUsed):
        actions.come_in(ticket, at=AT)


def test_by_the_door_straight_to_the_lessons(client):
    ticket = tickets.make_ticket(User(staff_number="S-10", name_zh="林晓"), role="dispatcher", language="zh-hans")
    answer = client.get("/practice/door/", {"ticket": ticket}, follow=True)
    assert answer.redirect_chain == [("/practice/", 302)]
    assert "责任明确的派遣" in answer.content.decode()
    assert client.get("/practice/door/", {"ticket": ticket}).status_code == 403


def test_the_picture_that_is_taken_there_can_be_saved(page):
    browser, run = page("check_failed")
    briefing = browser.get(f"/practice/run/{run.public_id}/").content.decode()
    address = f"/practice/run/{run.public_id}/picture.jpg"
    assert f'href="{address}?after=0" download' in briefing
    answer = browser.get(address, {"after": "0"})
    assert (answer["Content-Type"], answer.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert page("check_failed")[0].get(address).status_code == 404, "only to whoever takes the lesson"


def test_on_every_page_stands_what_is_to_be_done_and_afterwards_the_way_to_the_result(page):
    browser, run = page("extension")
    assert "asphalt is delivered only tomorrow" in browser.get("/practice/line/").content.decode()
    browser.post(f"/practice/run/{run.public_id}/end/")
    assert f'href="/practice/run/{run.public_id}/"' in browser.get("/practice/line/").content.decode()
    result = browser.get(f"/practice/run/{run.public_id}/").content.decode()
    assert result.count('data-met="no"') == 1


def test_lessons_of_another_role_are_not_begun(page):
    desk, _run = page("clear")
    assert desk.post("/practice/lesson/phone/").status_code == 403


def test_beginning_anew_forgets_what_was_done(page):
    desk, run = page("file")
    assert desk.post("/practice/anew/").status_code == 302
    assert not Run.objects.filter(user=run.user).exists()
    assert not Case.objects.open().filter(pk=run.case_id).exists()


def test_nobody_who_plays_can_log_in():
    assert User.objects.exists()
    assert not [one for one in User.objects.all() if one.has_usable_password()]


# — the table —————————————————————————————————————————————————————————————————————————————————————————————


def test_every_lesson_reads_in_both_languages():
    untranslated = []
    with translation.override("zh-hans"):
        for one in LESSONS:
            texts = [one.title, one.briefing, one.why, *(wanted.words for wanted in one.wanted)]
            texts += [one.words] if one.words else []
            problems = [one.problem] if one.problem else lessons.AT_DEPARTMENT.values()
            texts += [text for problem in problems for text in (problem.words, problem.done)]
            untranslated += [text for text in texts if translation.gettext(text) == text]
    assert not untranslated


def test_every_move_of_a_script_is_one_that_somebody_can_play():
    moves = {move.verb for one in LESSONS for part in (one.before, one.prepare, *one.then.values()) for move in part}
    assert moves <= set(cast.ACTS)


def test_whoever_does_nothing_has_done_no_lesson_well():
    for one in LESSONS:
        assert not all(lessons.judge(one, Story())), one.key


def test_what_counts_is_the_trainees_own_step():
    attached = Story(deeds=(Deed("attach", facts={"first": "A"}),), first="A")
    elsewhere = Story(deeds=(Deed("attach", facts={"first": "B"}),), first="A")
    assert lessons.joined_the_first(attached)
    assert not lessons.joined_the_first(elsewhere)


# — the real site —————————————————————————————————————————————————————————————————————————————————————————


def test_on_the_real_site_no_lesson_begins():
    who = trainee(Role.DISPATCHER)
    before = _all_rows()
    with override_settings(PRACTICE_OF=""):
        for act in (
            lambda: actions.begin(lessons.BY_KEY["clear"], by=who, at=AT),
            lambda: actions.forget_mine(who, at=AT),
            lambda: actions.build(at=AT, say=print),
        ):
            with pytest.raises(actions.NotThePracticeArea):
                act()
    assert _all_rows() == before


def _all_rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in tables))
        return dict(cursor.fetchall())
