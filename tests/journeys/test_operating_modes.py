"""The operating modes 运行模式 of the field, each by nothing but settings: a case walks through every one of them.

"City" is the county of the tests with both its centres; "district" is the one street in it, with centres of its own
where the mode has them. At every step the same desk of the other level looks too, and has no such button.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from accounts import actions as accounts
from accounts.models import Appointment, Department, User
from accounts.roles import Role
from cases import actions as cases
from cases.actions import OtherSide
from cases.models import Case
from cases.permissions import open_moves
from cases.workflow import Stage, StintStage
from dispatch import actions as dispatch
from dispatch import experience, facts, straight, teams
from grid.models import Area
from office import settings
from tests.county import DIVISION, LONG_AGO, MONDAY, County

pytestmark = pytest.mark.django_db

DISTRICT = DIVISION + "001"
CENTRES = {"supervision": Department.Kind.SUPERVISION_CENTRE, "command": Department.Kind.COMMAND_CENTRE}
DESKS = {
    "supervision": {"desk": Role.ACCEPTANCE_OPERATOR, "leader": Role.DUTY_LEADER},
    "command": {"dispatcher": Role.DISPATCHER},
}


@dataclass
class Seats:
    """Who sits where at one level."""

    desk: User | None = None
    leader: User | None = None
    dispatcher: User | None = None


@dataclass
class City:
    """The county, the seats of both levels, and the hour."""

    county: County
    upper: Seats
    lower: Seats = field(default_factory=Seats)
    minutes: int = 0

    def give_the_district(self, *kinds: str) -> None:
        """Give the district centres of its own, each with its people."""
        for kind in kinds:
            centre = self.county._department(
                f"district_{kind}", f"桃溪{kind}", CENTRES[kind], "city", area_code=DISTRICT, is_evaluated=False
            )
            for number, (seat, role) in enumerate(DESKS[kind].items(), 80 + 5 * len(centre.code)):
                self.county._person(number, f"district_{seat}", f"district_{seat}", seat, role, centre.code)
                setattr(self.lower, seat, getattr(self.county, f"district_{seat}"))

    @property
    def now(self):
        self.minutes += 1
        return MONDAY + timedelta(minutes=self.minutes)

    def press(self, who: str, subject, verb: str, *, level: Seats, act=None, **said) -> Case:
        """Let a seat of a level press a button that the same seat of the other level does not have."""
        case = Case.objects.get(pk=subject.pk if isinstance(subject, Case) else subject.case_id)
        other = self.lower if level is self.upper else self.upper
        assert verb in self.buttons(getattr(level, who), case)
        assert verb not in self.buttons(getattr(other, who), case)
        return (act or getattr(cases, verb))(subject, by=getattr(level, who), at=self.now, **said)

    def buttons(self, user: User | None, case: Case) -> set[str]:
        if user is None:
            return set()
        rows = {"stints": case.stints.all(), "tasks": case.tasks.all(), "requests": case.requests.all()}
        return {button.rule.verb for button in open_moves(user, case, at=MONDAY, **rows)}

    def filed(self, *, level: Seats) -> Case:
        """Report, accept, file."""
        case = self.county.report(at=self.now)
        self.press("desk", case, "accept", level=level)
        return self.press("leader", case, "file", level=level, condition=self.county.condition)

    def dispatched(self, case: Case, department: Department, *, level: Seats) -> Case:
        return self.press("dispatcher", case, "dispatch", level=level, act=dispatch.dispatch, department=department)

    def handled(self, case: Case, by: User, *, level: Seats) -> Case:
        """Receive, hand over, pass on."""
        stint = case.stints.get(parent=None)
        if stint.stage == StintStage.PENDING_HANDLE:
            dispatch.receive(stint, by=by, at=self.now)
        dispatch.hand_over(stint, by=by, at=self.now, opinion="已清运", files=self.county.pictures())
        return self.press("dispatcher", case.stints.get(parent=None), "pass_on", level=level, act=dispatch.pass_on)

    def given_down(self, case: Case, *, above: User, to: Department, below: User) -> None:
        """Let a department give the case to the level below it and take the result from there."""
        stint = case.stints.get(parent=None)
        teams.sub_dispatch(stint, by=above, at=self.now, department_below=to)
        sub = case.stints.get(department=to)
        assert sub.due_at is not None
        dispatch.receive(sub, by=below, at=self.now)
        teams.hand_up(sub, by=below, at=self.now, opinion="已清运", files=self.county.pictures())
        teams.accept_up(sub, by=above, at=self.now)

    def checked(self, case: Case, collector: User, *, level: Seats) -> Case:
        self.press("desk", case, "send_check", level=level, collector=collector)
        task = case.tasks.get(kind="check", stage="sent")
        return cases.check(task, by=collector, at=self.now, result="pass")

    def closed(self, case: Case, *, level: Seats) -> None:
        case = self.press("leader", case, "close", level=level, met=True)
        assert case.stage == Stage.CLOSED
        assert not case.clocks.exclude(state="stopped").exists()


def mode(**values) -> None:
    """Set the mode: `cases__command_level="nearest"` and so on."""
    for key, value in values.items():
        settings.set_value(key.replace("__", "."), value, by=None, at=MONDAY, valid_from=LONG_AGO)


@pytest.fixture
def city() -> City:
    county = County.build()
    return City(county, Seats(county.operator, county.duty_leader, county.dispatcher))


def outside_the_district() -> tuple[str, str]:
    """Return who looks after a street that has no centres of its own."""
    Area.objects.create(
        code=DIVISION + "002", level="street", name_zh="柳岸街道", valid_from=LONG_AGO,
        parent=Area.objects.get(code=DIVISION), boundary=Area.objects.get(code=DISTRICT).boundary,
    )  # fmt: skip
    supervision, command = cases.centres_of(DIVISION + "002001", MONDAY)
    return supervision.code, command.code


def test_one_supervision_one_command(city):
    case = city.filed(level=city.upper)
    case = city.dispatched(case, city.county.sanitation_bureau, level=city.upper)
    case = city.handled(case, city.county.sanitation, level=city.upper)
    case = city.checked(case, city.county.other_collector, level=city.upper)
    city.closed(case, level=city.upper)


def test_one_supervision_layered_command(city):
    city.county.add_teams(levels=2)
    mode(cases__supervision_level="highest", cases__command_level="highest")
    city.give_the_district("command")
    case = city.filed(level=city.upper)
    case = city.dispatched(case, city.county.sanitation_bureau, level=city.upper)
    city.given_down(
        case, above=city.county.sanitation, to=city.county.squad, below=city.county.squad_operator
    )  # fmt: skip
    case = city.handled(case, city.county.sanitation, level=city.upper)
    case = city.checked(case, city.county.other_collector, level=city.upper)
    city.closed(case, level=city.upper)


def test_with_two_levels_of_dispatch_there_is_no_third(city):
    city.county.add_teams(levels=2)
    case = city.county.case_at(Stage.HANDLING)
    teams.sub_dispatch(case.stints.get(), by=city.county.sanitation, at=city.now, department_below=city.county.squad)
    sub = case.stints.get(department=city.county.squad)
    with pytest.raises(teams.NoMoreLevels):
        teams.sub_dispatch(sub, by=city.county.squad_operator, at=city.now, department_below=city.county.team)


def test_one_supervision_own_command_the_city_backs_up(city):
    city.give_the_district("command")
    mode(cases__supervision_level="highest", cases__command_level="nearest")
    case = city.filed(level=city.upper)
    # The district commands itself, a department of the city helps where its own are not enough.
    case = city.dispatched(case, city.county.street_office, level=city.lower)
    case = city.press("dispatcher", case, "add_assisting", level=city.lower, act=dispatch.add_assisting,
                      department=city.county.sanitation_bureau)  # fmt: skip
    for department, by in ((city.county.street_office, city.county.street),
                           (city.county.sanitation_bureau, city.county.sanitation)):  # fmt: skip
        stint = case.stints.get(department=department)
        dispatch.receive(stint, by=by, at=city.now)
        dispatch.hand_over(stint, by=by, at=city.now, opinion="已办", files=city.county.pictures())
        case = city.press("dispatcher", case.stints.get(department=department), "pass_on", level=city.lower,
                          act=dispatch.pass_on)  # fmt: skip
    case = city.checked(case, city.county.other_collector, level=city.upper)
    city.closed(case, level=city.upper)
    # And a street without a command centre is commanded by the city.
    assert outside_the_district() == ("supervision", "command")


def test_two_supervisions_one_command(city):
    city.give_the_district("supervision")
    mode(cases__supervision_level="nearest", cases__command_level="highest")
    case = city.filed(level=city.lower)
    case = city.dispatched(case, city.county.street_office, level=city.upper)
    case = city.handled(case, city.county.street, level=city.upper)
    case = city.checked(case, city.county.other_collector, level=city.lower)
    city.closed(case, level=city.lower)
    assert outside_the_district() == ("supervision", "command")


def test_two_supervisions_two_commands(city):
    city.give_the_district("supervision", "command")
    mode(cases__supervision_level="nearest", cases__command_level="nearest")
    case = city.filed(level=city.lower)
    case = city.dispatched(case, city.county.street_office, level=city.lower)
    case = city.handled(case, city.county.street, level=city.lower)
    case = city.checked(case, city.county.other_collector, level=city.lower)
    city.closed(case, level=city.lower)
    assert outside_the_district() == ("supervision", "command")


def test_the_city_files_and_dispatches_the_district_gives_on_and_checks_first_the_city_checks_and_closes(city):
    """Wuhu."""
    city.county.add_teams(levels=2)
    city.give_the_district("supervision")
    mode(cases__supervision_level="highest", cases__command_level="highest", cases__check_levels=2)
    case = city.filed(level=city.upper)
    case = city.dispatched(case, city.county.sanitation_bureau, level=city.upper)
    city.given_down(
        case, above=city.county.sanitation, to=city.county.squad, below=city.county.squad_operator
    )  # fmt: skip
    case = city.handled(case, city.county.sanitation, level=city.upper)
    case = city.checked(case, city.county.other_collector, level=city.lower)
    assert case.stage == Stage.PENDING_CHECK
    case = city.checked(case, city.county.third_collector, level=city.upper)
    city.closed(case, level=city.upper)


def test_the_towns_own_station_supervises_one_centre_commands_and_the_town_handles_by_responsibility(city):
    """The town mode: two supervisions, one command, the town first, and its own teams below it."""
    city.give_the_district("supervision")
    city.county._department("town_team", "镇环卫队", Department.Kind.CONTRACTOR, "street", area_code=DISTRICT)
    city.county._person(98, "town_team_operator", "town_team", "镇环卫队", Role.DEPARTMENT_OPERATOR, "town_team")
    mode(
        cases__supervision_level="nearest", cases__command_level="highest", dispatch__levels=2,
        dispatch__order_event=["street", "owner", "maintainer", "catalogue"],
    )  # fmt: skip
    case = city.filed(level=city.lower)
    proposed = facts.suggestions(case, at=city.now)[0]
    assert (proposed.department, proposed.proposal.rule) == (city.county.street_office, "street")
    case = city.dispatched(case, proposed.department, level=city.upper)
    city.given_down(case, above=city.county.street, to=city.county.departments["town_team"],
                    below=city.county.town_team_operator)  # fmt: skip
    case = city.handled(case, city.county.street, level=city.upper)
    case = city.checked(case, city.county.other_collector, level=city.lower)
    city.closed(case, level=city.lower)


def test_automatic_allocation_whoever_is_responsible_gets_it_at_once(city):
    """Flat command: the one responsible by the table, a shop or a site, is sent the case by the system."""
    county = city.county
    dispatch.add_responsibility(
        by=county.administrator, at=MONDAY, minor_class=county.litter, department=county.water_company,
        valid_from=LONG_AGO,
    )  # fmt: skip
    mode(dispatch__straight_least_outcomes=1, dispatch__straight_reports=0)
    for _ in range(5):
        case = city.filed(level=city.upper)
        case = city.dispatched(case, county.water_company, level=city.upper)
        case = city.handled(case, county.water, level=city.upper)
        case = city.checked(case, county.other_collector, level=city.upper)
        city.closed(case, level=city.upper)
    experience.learn(at=city.now)
    straight.declare_safe(by=county.administrator, at=MONDAY, minor_class=county.litter)
    files = list(zip(county.pictures(2), ("near", "far"), strict=True))
    case = county.report(at=city.now, files=files, accuracy_m=8)
    assert straight.go(at=city.now) == 1
    case.refresh_from_db()
    assert (case.stage, case.stints.get().department) == (Stage.PENDING_HANDLE, county.water_company)
    assert set(case.events.exclude(verb="report").values_list("actor", "side")) == {(None, "system")}
    case = city.handled(case, county.water, level=city.upper)
    case = city.checked(case, county.other_collector, level=city.upper)
    city.closed(case, level=city.upper)


def test_a_merged_hall_one_seat_holds_both_sides_but_never_on_one_case(city):
    county = city.county
    dispatcher = {"role": Role.DISPATCHER, "department": county.departments["command"], "valid_from": LONG_AGO}
    for who in (county.operator, county.duty_leader):
        with pytest.raises(accounts.TwoSides):
            accounts.appoint(who, by=county.administrator, at=MONDAY, **dispatcher)
    mode(office__merged_hall=True)
    for who in (county.operator, county.duty_leader):
        accounts.appoint(who, by=county.administrator, at=MONDAY, **dispatcher)
    Appointment.objects.create(user=county.dispatcher, role=Role.DUTY_LEADER, valid_from=LONG_AGO,
                               department=county.departments["supervision"])  # fmt: skip
    county.people = {key: User.objects.get(pk=user.pk) for key, user in county.people.items()}
    # One case: Sun Li accepts, Wang Wei files, Chen Jing, who had nothing to do with it, dispatches.
    case = county.report(at=city.now)
    cases.accept(case, by=county.operator, at=city.now)
    case = cases.file(case, by=county.dispatcher, at=city.now, condition=county.condition)
    for who in (county.operator, county.dispatcher):
        assert "dispatch" not in city.buttons(who, case)
        with pytest.raises(OtherSide):
            dispatch.dispatch(case, by=who, at=city.now, department=county.street_office)
    case = dispatch.dispatch(case, by=county.duty_leader, at=city.now, department=county.street_office)
    stint = case.stints.get()
    dispatch.hand_over(stint, by=county.street, at=city.now, opinion="已清运")
    case = dispatch.pass_on(stint, by=county.duty_leader, at=city.now)
    cases.send_check(case, by=county.operator, at=city.now, collector=county.other_collector)
    case = cases.check(case.tasks.get(), by=county.other_collector, at=city.now, result="pass")
    with pytest.raises(OtherSide):
        cases.close(case, by=county.duty_leader, at=city.now, met=True)
    assert cases.close(case, by=county.dispatcher, at=city.now, met=True).stage == Stage.CLOSED
    # The next case the other way round.
    case = county.report(at=city.now)
    cases.accept(case, by=county.operator, at=city.now)
    case = cases.file(case, by=county.duty_leader, at=city.now, condition=county.condition)
    assert dispatch.dispatch(case, by=county.dispatcher, at=city.now, department=county.street_office)
