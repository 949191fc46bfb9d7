"""A reporter is found out by nobody but the desk: every address of the house is tried by people who must not know."""

from uuid import uuid4

import pytest
import time_machine
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from cases import actions as case_actions
from cases.models import Case
from dispatch import actions as dispatch
from hotline import actions
from tests.county import MONDAY, PEOPLE, County

pytestmark = pytest.mark.django_db
SECRETS = ("张桂兰", "13800138000", "138 0013 8000", "天天臭", "幸福里3栋")
CURIOUS = ("sanitation", "other_collector", "leader")
EVERYBODY_ELSE = sorted(set(PEOPLE) - {"operator", "duty_leader"} - set(CURIOUS))


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def county() -> County:
    return County.build()


def lived(county: County) -> list[Case]:
    """A call and a citizen's report, both with a department, a verification and a check behind or before them."""
    called = actions.register_call(
        by=county.operator, at=MONDAY, kind="complaint", minor_class=county.litter, point=county.point,
        description="桥头堆放生活垃圾约两方", name="张桂兰", phone="138 0013 8000", words="天天臭", place="桃溪路桥头",
    ).case  # fmt: skip
    written = actions.report_as_citizen(
        at=MONDAY, minor_class=county.litter, point=county.point, name="张桂兰", phone="13800138000", words="天天臭",
        place="幸福里3栋门口",
    )  # fmt: skip
    return [_with_a_department(county, case) for case in (called, written)]


def _with_a_department(county: County, case: Case) -> Case:
    case_actions.accept(case, by=county.operator, at=MONDAY)
    case_actions.send_verify(case, by=county.operator, at=MONDAY, collector=county.other_collector)
    case_actions.verify(case.tasks.get(), by=county.other_collector, at=MONDAY, result="true")
    case_actions.file(case, by=county.duty_leader, at=MONDAY, condition=county.condition)
    dispatch.dispatch(case, by=county.dispatcher, at=MONDAY, department=county.sanitation_bureau)
    dispatch.receive(case.stints.get(), by=county.sanitation, at=MONDAY, handler=county.handler)
    case.refresh_from_db()
    return case


def patterns(resolver: URLResolver, space: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            found += patterns(one, f"{space}{one.namespace}:" if one.namespace else space)
        elif one.name:
            found.append((f"{space}{one.name}", one))
    return found


def addresses(cases: list[Case]) -> set[str]:
    """Every address of the house, those with numbers in them filled with the numbers of these cases."""
    found = set()
    for name, pattern in patterns(get_resolver()):
        if name.startswith(("admin:", "citizen:")) or "logout" in name:
            continue
        for case in cases:
            known = _numbers(case)
            try:
                wanted = pattern.pattern.converters
                found.add(reverse(name, kwargs={key: known.get(key, known["public_id"]) for key in wanted}))
            except NoReverseMatch:
                continue
    return found


def _numbers(case: Case) -> dict:
    task, stint = case.tasks.first(), case.stints.first()
    return {
        "case_id": case.public_id, "public_id": case.public_id, "task_id": task.public_id, "subject": "stint",
        "subject_id": stint.public_id, "stint_id": stint.public_id, "verb": "hand_over", "kind": "check",
        "variant": "view", "evidence_id": uuid4(), "token": "a" * 22, "mark": "x", "name": "areas",
        "key": "office.centre_name", "pk": 1,
    }  # fmt: skip


def snoop(county: County, seat, people: tuple[str, ...] | list[str]) -> None:
    cases = lived(county)
    wanted = sorted(addresses(cases))
    assert any(f"/case/{cases[0].public_id}/" in address for address in wanted)
    for person in people:
        page = seat(getattr(county, person))
        for address in wanted:
            words = page.get(address).getvalue().decode(errors="replace")
            for secret in SECRETS:
                assert secret not in words, f"{person} reads {secret} at {address}"


def test_a_department_a_collector_and_a_leader_find_a_reporter_on_no_page(county, seat):
    snoop(county, seat, CURIOUS)


@pytest.mark.prove
def test_nobody_but_the_desk_finds_a_reporter_on_any_page(county, seat):
    snoop(county, seat, EVERYBODY_ELSE)


def test_the_desk_itself_reads_nothing_of_him_without_a_click(county, seat):
    snoop(county, seat, ("operator",))


def test_searching_for_a_number_or_a_word_of_his_finds_nothing(county, seat):
    lived(county)
    page = seat(county.operator)
    for words in ("13800138000", "张桂兰", "天天臭", "幸福里"):
        assert not list(page.get("/desk/", {"q": words, "tab": "departments"}).context["page"])


def test_opening_his_data_by_hand_is_refused_to_everybody_else(county, seat):
    case = lived(county)[0]
    for person in (*CURIOUS, "dispatcher", "handler", "evaluator", "administrator", "commander"):
        answer = seat(getattr(county, person)).post(
            reverse("hotline:reporter", args=[case.public_id]), {"why": "handling"}
        )
        assert answer.status_code in (403, 404)
        assert "13800138000" not in answer.content.decode()
