"""The closed loop by hand: a citizen's and a collector's report through every stage, another person for each role.

Its twin tries the same steps as the wrong person and is refused in words.
"""

import threading

import pytest

from cases.models import Case
from cases.tasks import sweep_alarms
from cases.workflow import Stage
from office.models import Message
from tests.county import SIDE, SOUTH, WEST, beijing
from tests.journeys.conftest import at

pytestmark = pytest.mark.journey

MORNING, AFTERNOON, NEXT_DAY = beijing(2026, 3, 2, 9), beijing(2026, 3, 2, 15, 30), beijing(2026, 3, 3, 9)
NAME, PHONE_NUMBER, WORDS = "林小满", "13800001234", "我家楼下的垃圾三天没人收了"
HERE = (f"{WEST + SIDE / 3:.6f}", f"{SOUTH + SIDE / 3:.6f}")


def wait_until(condition, *, seconds: float = 15) -> None:
    """Wait for what a worker does; fail when it is not done in time."""
    ticks = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if condition():
            return
        ticks.wait(0.1)
    raise AssertionError("the worker did not do it in time")


def the_case(**facts) -> Case:
    return Case.objects.get(**facts)


def pick_place(page) -> None:
    """Give the place by its coordinates, as somebody does who cannot use the map."""
    page.locator("details:has(#id_lon) summary").click()
    page.fill("#id_lon", HERE[0])
    page.fill("#id_lat", HERE[1])


def pick_class(page, letters: str) -> None:
    """Type the initials of the class and tap the first that is found."""
    page.fill("#id_minor_class_box", letters)
    page.locator("[role=option]").first.click()


def report_as_citizen(people, photograph, county) -> str:
    """Report litter without an account; return the secret link."""
    citizen = people(phone=True)
    page = citizen.open("/citizen/report/")
    page.set_input_files("input[name=files]", [photograph(), photograph()])
    pick_class(page, "bllj")
    pick_place(page)
    page.fill("[name=words]", WORDS)
    page.fill("[name=name]", NAME)
    page.fill("[name=phone]", PHONE_NUMBER)
    with page.expect_navigation():
        page.click("main form[data-draft=citizen] button[type=submit]")
    assert the_case(source="web").number in citizen.text()
    return page.url.split("?")[0]


def report_as_collector(people, photograph, county) -> None:
    collector = people(county.collector, phone=True)
    page = collector.open("/field/report/")
    page.set_input_files("input[name=near]", photograph())
    pick_class(page, "bllj")
    pick_place(page)
    page.fill("[name=description]", "路口堆着三袋建筑垃圾")
    for _ in range(2):  # the citizen's open case near by is shown first; then it is another one
        with page.expect_navigation():
            page.click("main form[data-draft=field-report] button[type=submit]")
        if Case.objects.filter(source="collector").exists():
            break


def open_case(person, case: Case) -> None:
    person.open(f"/case/{case.public_id}/")


def answer_task(people, collector, photograph, *, kind: str, case: Case, result: str) -> None:
    """Open the waiting task on the phone and answer it with a picture."""
    phone = people(collector, phone=True)
    phone.open("/")
    task = case.tasks.get(kind=kind, stage="sent")
    phone.page.click(f"a[href*='{task.public_id}']")
    phone.page.wait_for_load_state()
    form = phone.page.locator("form[data-phone]")
    form.locator(f"[name=result][value={result}]").check()
    form.locator("input[type=file][name=files]").set_input_files(photograph())
    with phone.page.expect_navigation():
        form.locator("button[type=submit]").click()


def test_a_citizens_and_a_collectors_report_go_through_every_stage(people, county, photograph, worker):
    with at(MORNING):
        link = report_as_citizen(people, photograph, county)
        report_as_collector(people, photograph, county)
        citizens, collectors = the_case(source="web"), the_case(source="collector")

        operator = people().log_in_by_the_page(county.operator)
        for case in (citizens, collectors):
            assert operator.page.locator(f"tr[data-case='{case.public_id}']").is_visible()
        open_case(operator, citizens)
        operator.press("accept")
        operator.press("describe", description="花城社区路边堆放生活垃圾")
        operator.press("send_verify", collector=county.other_collector.public_id, opinion="请看垃圾是否仍在")
        open_case(operator, collectors)
        operator.press("accept")
        assert the_case(pk=collectors.pk).stage == Stage.PENDING_FILING

        answer_task(people, county.other_collector, photograph, kind="verify", case=citizens, result="true")

        leader = people(county.duty_leader)
        for case in (citizens, collectors):
            open_case(leader, case)
            leader.press("file", condition=county.condition.public_id)

        dispatcher = people(county.dispatcher)
        for case in (citizens, collectors):
            open_case(dispatcher, case)
            form = dispatcher.page.locator("#pane form[data-move=dispatch]")
            form.wait_for()
            form.locator("label", has_text="环卫所").locator("input[type=radio]").check()
            with dispatcher.page.expect_navigation():
                form.locator("button[type=submit]").click()
            assert case.stints.get().department == county.sanitation_bureau

        bureau = people(county.sanitation)
        open_case(bureau, citizens)
        assert "花城社区路边堆放生活垃圾" in bureau.text()
        for secret in (NAME, PHONE_NUMBER, WORDS):
            assert secret not in bureau.page.content()
        bureau.press("receive")
        bureau.press("hand_over", opinion="已清运并清扫", files=photograph())

        # The citizen looks in between: an honest state, in plain words, and nobody's name.
        citizen = people(phone=True)
        citizen.page.goto(link)
        assert citizens.number in citizen.text()
        assert "周涛" not in citizen.page.content()

        open_case(dispatcher, citizens)
        dispatcher.press("pass_on")
        open_case(operator, citizens)
        operator.press("send_check", collector=county.third_collector.public_id)
        answer_task(people, county.third_collector, photograph, kind="check", case=citizens, result="pass")
        open_case(leader, citizens)
        leader.press("close", met=True, is_duplicate="no")
        assert the_case(pk=citizens.pk).stage == Stage.CLOSED

    with at(AFTERNOON):  # four working hours from nine o'clock ended at three
        sweep_alarms.delay()
        wait_until(
            lambda: Message.objects.filter(recipient=county.sanitation, about=str(collectors.public_id)).exists()
        )
        bureau = people(county.sanitation)
        bureau.open("/messages/")
        assert collectors.number in bureau.text()
        open_case(bureau, collectors)
        assert "▲" in bureau.text()
        bureau.press("receive")
        bureau.press("hand_over", opinion="已清运", files=photograph())
        dispatcher = people(county.dispatcher)
        open_case(dispatcher, collectors)
        dispatcher.press("pass_on")
        operator = people(county.operator)
        open_case(operator, collectors)
        operator.press("send_check", collector=county.third_collector.public_id)
        answer_task(people, county.third_collector, photograph, kind="check", case=collectors, result="pass")
        leader = people(county.duty_leader)
        open_case(leader, collectors)
        leader.press("close", met=True, is_duplicate="no")

    with at(NEXT_DAY):
        evaluator = people(county.evaluator)
        evaluator.open("/evaluation/ranking/?period=month")
        row = evaluator.page.locator("tr", has_text="环卫所").first.inner_text()
        assert "50.00" in row  # two handled, one of them on time
        citizen = people(phone=True)
        citizen.page.goto(link)
        assert "已" in citizen.text()


WRONG = (
    # who tries, which case stage, what he tries
    ("collector", Stage.REPORTED, "accept"),
    ("dispatcher", Stage.PENDING_FILING, "file"),
    ("operator", Stage.PENDING_FILING, "file"),
    ("duty_leader", Stage.PENDING_DISPATCH, "dispatch"),
    ("water", Stage.HANDLING, "hand_over"),
    ("operator", Stage.HANDED_OVER, "pass_on"),
    ("sanitation", Stage.PENDING_CHECK, "send_check"),
    ("collector", Stage.CHECKING, "check"),
    ("dispatcher", Stage.PENDING_CLOSE, "close"),
    ("leader", Stage.PENDING_CLOSE, "close"),
)


def test_each_step_by_the_wrong_person_is_refused_in_words(people, county):
    with at(MORNING):
        for who, stage, verb in WRONG:
            case = county.case_at(stage, at=MORNING)
            person = people(getattr(county, who))
            answer = person.page.goto(f"{person.address}/case/{case.public_id}/")
            if answer.status == 200:
                assert person.page.locator(f"[data-verb={verb}], form[data-move={verb}]").count() == 0, (who, verb)
            else:
                assert answer.status == 404
            said = _push_through(person, case, verb)
            assert said["status"] in (403, 404, 405, 422), (who, verb, said)
            assert the_case(pk=case.pk).stage == stage


def _push_through(person, case: Case, verb: str) -> dict:
    """Send the move's form although no button offered it."""
    from cases import workflow
    from cases.workflow import Subject

    rule = next(move for move in workflow.MOVES if move.verb == verb)
    subject = {
        Subject.CASE: lambda: case,
        Subject.STINT: lambda: case.stints.get(),
        Subject.TASK: lambda: case.tasks.get(stage="sent"),
    }[rule.subject]()
    room = {"dispatch": "/dispatch", "patrol": "/field/move"}.get(rule.door, "/case")
    address = f"{person.address}{room}/{case.public_id}/{rule.subject}/{subject.public_id}/{verb}/"
    cookies = {one["name"]: one["value"] for one in person.context.cookies()}
    answer = person.context.request.post(
        address,
        form={"opinion": "试试", "reason": "试试", "met": "on", "is_duplicate": "no", "result": "pass"},
        headers={"X-CSRFToken": cookies.get("csrftoken", ""), "Referer": person.address},
    )
    return {"status": answer.status, "text": answer.text()[:300]}
