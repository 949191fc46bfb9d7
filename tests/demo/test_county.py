"""A small demonstration county, two days of it, built in the test's database by the real actions."""

import io
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import F
from PIL import Image

from accounts.models import Department, User
from accounts.roles import Role
from cases import history, workflow
from cases.models import Case, CaseEvent, CasePart, HandlingStint, Request, StageClock
from cases.workflow import Stage
from citymgmt.demo import building, people, pictures, tables
from components.models import Component
from dispatch.models import Crew
from grid.models import DutyGrid, Road, UnitGrid
from hotline.models import Call
from office.models import Message, StoredFile
from patrol.models import Camera
from tests.county import beijing

END = beijing(2026, 11, 18, 16, 30)  # a Wednesday


@pytest.fixture(scope="module")
def small_pictures():
    """Two small pictures instead of the drawn ones, which take their time."""

    def tiny(_scene, *, put_right, variant):
        data = io.BytesIO()
        Image.radial_gradient("L").resize((64, 48 + put_right)).save(data, "JPEG")
        return data.getvalue()

    patch = pytest.MonkeyPatch()
    patch.setattr(pictures, "photograph", tiny)
    yield
    patch.undo()


START, REPORTS_A_DAY = beijing(2026, 11, 16, 0), 9


def live() -> None:
    building.live(start=START, at=END, reports_a_day=REPORTS_A_DAY, say=lambda _text: None)


def as_it_went() -> list[tuple]:
    """Everything that happened, without numbers that a database gives and without the server's own times."""
    return [
        (
            str(case.public_id),
            case.stage,
            case.due_at,
            case.area_code,
            case.address,
            case.description,
            [
                (one.verb, one.outcome, one.at, one.actor and one.actor.username, one.from_stage, one.to_stage)
                for one in case.events.all()
            ],
        )
        for case in Case.objects.prefetch_related("events__actor").order_by("public_id")
    ]


@pytest.fixture(scope="module")
def county(django_db_setup, django_db_blocker, small_pictures):
    """The county, and how it went the first time: what was lived first is undone and lived once more."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_standards", stdout=io.StringIO())
        building.build_ground(start=START, at=END, share=0.05, say=lambda _text: None)
        with transaction.atomic():
            live()
            first = as_it_went()
            transaction.set_rollback(True)
        live()
        yield first
        transaction.set_rollback(True)


def test_living_it_again_is_the_same_history(county):
    assert len(county) > 45
    assert as_it_went() == county


def test_a_finished_county_is_left_alone(county):
    events = CaseEvent.objects.count()
    building.build(at=END, days=2, reports_a_day=REPORTS_A_DAY, share=0.05, say=[].append)
    assert CaseEvent.objects.count() == events
    assert building.is_finished()


def test_there_are_twelve_departments_six_streets_eighteen_collectors_and_eight_duty_grids(county):
    kinds = Counter(Department.objects.filter(evaluation_group__gt="").values_list("kind", flat=True))
    assert kinds == {"department": 9, "utility": 3, "street": 6}
    assert User.objects.holding(Role.COLLECTOR, day=END.date()).count() == 18
    assert DutyGrid.objects.count() == 8
    assert 2_400 < UnitGrid.objects.count() < 2_700
    assert Component.objects.count() > 900
    assert Road.objects.count() > 100


def test_there_are_cameras_to_look_through_and_crews_to_send(county):
    assert set(Camera.objects.values_list("state", flat=True)) == {"in_order", "no_picture", "out_of_order"}
    assert Camera.objects.count() == 6
    assert set(Crew.objects.values_list("department__code", flat=True)) == {"yx-hw", "yx-sz"}
    assert Crew.objects.count() == 3


def test_every_role_has_an_account_to_try_with_and_the_password_keeps_the_rules(county):
    from django.contrib.auth.password_validation import validate_password

    tried = User.objects.filter(username__in=people.FOR_TRYING)
    roles = set(tried.values_list("appointments__role", flat=True))
    assert roles == set(Role)
    for user in tried:
        assert user.check_password(people.PASSWORD)
        assert not user.must_change_password
        validate_password(people.PASSWORD, user)


def test_every_open_stage_has_a_case_today(county):
    rare = {workflow.Stage.DISPUTED, workflow.Stage.INSPECTING}
    assert set(Case.objects.values_list("stage", flat=True)) >= set(workflow.OPEN) - rare


def test_departments_have_asked_for_everything_they_can_ask_for(county):
    pending = set(Request.objects.pending().values_list("kind", flat=True))
    assert pending == {Request.Kind.RETURN, Request.Kind.EXTENSION, Request.Kind.SUSPENSION}


def test_the_people_to_try_with_find_work(county):
    collector, handler = (User.objects.get(username=name) for name in ("caijiyuan", "chuzhi"))
    assert set(collector.field_tasks.filter(stage="sent").values_list("kind", flat=True)) == {"verify", "check"}
    assert HandlingStint.objects.filter(handler=handler, stage="handling").exists()
    shizheng = Department.objects.get(code="yx-sz")
    assert set(shizheng.stints.values_list("stage", flat=True)) >= {"pending_handle", "handling"}


def test_nothing_happens_after_the_end_or_before_the_step_before(county):
    assert not CaseEvent.objects.filter(at__gt=END).exists()
    times: dict[int, list] = {}
    for case_id, at in CaseEvent.objects.order_by("case_id", "sequence").values_list("case_id", "at"):
        times.setdefault(case_id, []).append(at)
    assert all(sorted(mine) == mine for mine in times.values())


def test_the_events_of_every_case_are_chained(county):
    for case in Case.objects.all():
        before = history.NO_HASH
        events = list(case.events.order_by("sequence"))
        assert [one.sequence for one in events] == list(range(1, case.event_count + 1))
        for one in events:
            assert history.digest(bytes(one.payload)) == bytes(one.hash)
            assert f'"previous":"{before.hex()}"'.encode() in bytes(one.payload)
            before = bytes(one.hash)
        assert before == bytes(case.last_hash)


def test_nobody_judged_what_he_had_a_hand_in(county):
    assert CasePart.objects.filter(had_hand=True, has_judged=True).count() == 0
    for task in CaseEvent.objects.filter(verb="check").select_related("case"):
        assert task.actor_id != task.case.reported_by_id


def test_no_clock_runs_on_a_case_that_is_over(county):
    over = StageClock.objects.filter(case__stage__in=workflow.FINAL)
    assert over.exists()
    assert not over.exclude(state="stopped").exists()


def test_a_stint_is_due_when_its_clock_is(county):
    clocks = StageClock.objects.filter(name="handling")
    assert clocks.exists()
    assert not clocks.exclude(due_at=F("stint__due_at")).exists()


def test_closed_means_checked_by_a_collector(county):
    for case in Case.objects.filter(stage=Stage.CLOSED):
        assert case.tasks.filter(kind="check", result="pass").exists()


def test_citizens_are_in_the_vault_and_nowhere_else(county):
    from_citizens = Case.objects.filter(source__in=["hotline", "web"])
    assert from_citizens.exists()
    assert not from_citizens.filter(reporter_ref__isnull=True).exists()
    assert not Case.objects.filter(description__contains="1380000").exists()
    assert Call.objects.exists()


def test_evidence_is_kept_once_for_the_same_picture(county):
    assert StoredFile.objects.count() > 60
    assert StoredFile.objects.values("sha256").distinct().count() == 2


def test_the_past_rings_no_bell(county):
    assert not Message.objects.exists()


def test_it_says_on_every_page_that_it_is_invented(county):
    from office import settings

    settings.forget()
    assert settings.get("office.is_demo", on=END.date())
    assert not settings.get("office.is_demo", on=END.date() - timedelta(days=30))


def test_the_accounts_are_printed(county, capsys):
    from office import settings

    settings.forget()
    call_command("demo_accounts")
    said = capsys.readouterr().out
    assert all(name in said for name in people.FOR_TRYING)
    assert all(row["operator"] in said for row in tables.rows("departments"))
    assert people.PASSWORD in said


@pytest.mark.django_db
def test_in_the_database_of_a_real_city_nothing_is_invented():
    Department.objects.create(
        code="futian", name_zh="福田监督中心", kind="supervision_centre", path="/futian/", area_code="440304",
        valid_from=END.date(),
    )  # fmt: skip
    with pytest.raises(building.InUse):
        building.build_ground(start=START, at=END, share=0.05, say=pytest.fail)


@pytest.mark.django_db
def test_without_a_demonstration_no_password_is_printed(capsys):
    call_command("demo_accounts")
    assert people.PASSWORD not in capsys.readouterr().out
