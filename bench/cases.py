"""The desks with a large city behind them: queues, the case page, reports and moves.

Queries and processor time are counted inside the process, middleware included; the rest over HTTP from a gunicorn as
`./run` starts it. The last line is one JSON object.
"""

import argparse
import itertools
import json
import random
from collections.abc import Iterator
from uuid import UUID

from bench import city
from bench.browser import Call, Inside, Seat, Server, drive, percentile, send

CLIENTS = 8
PAGES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--closed", type=int, default=1_000_000)
    parser.add_argument("--lean", action="store_true", help="closed cases without stints and clocks")
    parser.add_argument("--database", default=city.DATABASE)
    parser.add_argument("--seconds", type=int, default=15, help="how long reports and moves are driven")
    parser.add_argument("--only", default="", help="queue, detail, report or move")
    parser.add_argument("--statements", action="store_true", help="print the statements of one request of each kind")
    said = parser.parse_args()
    city.use(open=said.open, closed=said.closed, lean=said.lean, database=said.database)

    house = House()
    inside = Inside()
    figures: dict[str, float] = {}
    parts = {"queue": queue, "detail": detail, "report": report, "move": move}
    with Server() as server:
        for name, part in parts.items():
            if said.only in ("", name):
                figures |= part(house, inside, server, said)
    print(json.dumps(figures))


class House:
    """Who sits where, and what there is to work on."""

    def __init__(self) -> None:
        from django.utils import timezone

        from accounts.models import User
        from cases.models import Case
        from office import settings

        at = timezone.now()
        settings.set_value("patrol.report_needs_picture", False, by=None, at=at, valid_from=timezone.localdate(at))
        self.seats = {user.username: Seat(user) for user in User.objects.all()}
        self.operator, self.leader = self.seats["shouli"], self.seats["zhibanzhang"]
        self.dispatcher, self.department = self.seats["paiqian"], self.seats["huanwei"]
        self.collectors = [seat for name, seat in self.seats.items() if name.startswith("caiji")]
        self.spots = list(Case.objects.order_by("-id")[:2000].values_list("point", "minor_class__public_id"))
        self.dice = random.Random(7)

    def page(self, number: int) -> Call:
        """One of the pages that desks look at all day, with and without filters."""
        asked = QUEUES[number % len(QUEUES)]
        return getattr(self, asked[0]).get(asked[1])

    def cases(self, **wanted) -> list[UUID]:
        """Return open cases in an order of chance."""
        from cases.models import Case

        found = list(Case.objects.filter(**wanted).order_by("-id")[:20_000].values_list("public_id", flat=True))
        self.dice.shuffle(found)
        return found


STREET = "999901001"
QUEUES = (
    ("operator", "/desk/"),
    ("operator", "/desk/?tab=departments"),
    ("operator", "/desk/?tab=departments&page=3"),
    ("operator", f"/desk/?tab=departments&street={STREET}&kind=event"),
    ("operator", "/desk/?tab=departments&lamp=red&source=hotline"),
    ("operator", f"/desk/?tab=departments&street={STREET}&lamp=yellow&source=web&kind=component"),
    ("operator", "/desk/?tab=departments&q=%E5%9E%83%E5%9C%BE"),
    ("operator", "/desk/?tab=done"),
    ("operator", f"/desk/?tab=done&street={STREET}&source=hotline"),
    ("leader", "/desk/?tab=file&lamp=red"),
    ("leader", "/desk/?tab=close"),
    ("dispatcher", "/dispatch/"),
    ("dispatcher", "/dispatch/?tab=working"),
    ("dispatcher", f"/dispatch/?tab=overdue&street={STREET}"),
    ("department", "/department/"),
    ("department", "/department/?tab=in_hand"),
    ("department", "/department/?tab=overdue"),
)


def queue(house: House, inside: Inside, server: Server, said) -> dict:
    """A page of 50 rows with filters and visibility."""
    worst: dict[str, tuple] = {}
    costs = []
    for number in range(len(QUEUES)):
        inside.measure([house.page(number)] * 2)
        found = inside.measure([house.page(number)] * 7)
        costs += found.costs
        worst[QUEUES[number][1]] = (found.queries, found.cpu_ms, found.ms)
    for path, (queries, cpu_ms, ms) in worst.items():
        print(f"  {path:75} {queries:3} queries {cpu_ms:6.1f} ms processor {ms:6.1f} ms")
    if said.statements:
        statements: list[str] = []
        inside.call(house.page(3), statements=statements)
        print(*statements, sep="\n")
    send(server, [house.page(number) for number in range(4 * len(QUEUES))])
    took = send(server, [house.page(number) for number in range(PAGES + 4)])
    return {
        "queue_queries": max(queries for queries, _cpu, _ms in worst.values()),
        "queue_cpu_ms": max(cpu_ms for _queries, cpu_ms, _ms in worst.values()),
        "queue_p95_ms": percentile(took, 0.95),
        "queue_p50_ms": percentile(took, 0.5),
    }


def detail(house: House, inside: Inside, server: Server, said) -> dict:
    """The page of one case, open and closed, for desks and departments."""
    looked = [
        *(house.operator.get(f"/case/{one}/") for one in house.cases(stage="handling")[:80]),
        *(house.leader.get(f"/case/{one}/") for one in house.cases(stage="closed")[:80]),
        *(house.dispatcher.get(f"/case/{one}/") for one in house.cases(stage="suspended")[:80]),
    ]
    house.dice.shuffle(looked)
    inside.measure(looked[:4])
    found = inside.measure(looked[:40])
    send(server, looked[:20])
    took = send(server, looked)
    return {
        "detail_queries": found.queries, "detail_cpu_ms": found.cpu_ms, "detail_p95_ms": percentile(took, 0.95)
    }  # fmt: skip


def reports(house: House, seat: Seat) -> Iterator[Call]:
    """One collector's reports without end: a place, a class, words."""
    while True:
        point, minor_class = house.dice.choice(house.spots)
        yield seat.post(
            "/field/report/", public_id=UUID(int=house.dice.getrandbits(128), version=4), lon=f"{point.x:.7f}",
            lat=f"{point.y:.7f}", minor_class=minor_class, description="路边散落多袋生活垃圾，有异味。", address="",
            pos_lon=f"{point.x:.7f}", pos_lat=f"{point.y:.7f}", pos_accuracy_m="8", claimed="", near_seen="1",
        )  # fmt: skip


def report(house: House, inside: Inside, server: Server, said) -> dict:
    """A new report with point and text."""
    house.dice = random.Random()
    mine = reports(house, house.collectors[0])
    inside.measure(itertools.islice(mine, 5), expect=302)
    found = inside.measure(itertools.islice(mine, 60), expect=302)
    if said.statements:
        statements: list[str] = []
        inside.call(next(mine), statements=statements)
        print(*statements, sep="\n")
    clients = [reports(house, house.collectors[place % len(house.collectors)]) for place in range(CLIENTS)]
    drive(server, [itertools.islice(client, 10) for client in clients])
    a_second, took = drive(server, [itertools.islice(client, 12 * said.seconds) for client in clients])
    print(f"  reports: median {percentile(took, 0.5)} ms, 95 % below {percentile(took, 0.95)} ms")
    return {"report_queries": found.queries, "report_cpu_ms": found.cpu_ms, "reports_per_s": round(a_second, 1)}


TRIP = ("accept", "file", "dispatch", "receive", "hand_over")


class Trips:
    """Cases led from acceptance to the result by the real buttons."""

    def __init__(self, house: House) -> None:
        from accounts.models import Appointment, Department
        from accounts.roles import Role
        from components.models import FilingCondition

        self.house = house
        self.waiting = iter(house.cases(stage="reported", source="collector"))
        department = Department.objects.get(code="yx-hw")
        self.department = department.public_id
        at_desk = Appointment.objects.filter(role=Role.DEPARTMENT_OPERATOR, department=department).first()
        self.at_desk = house.seats[at_desk.user.username]
        self.conditions: dict[int, UUID] = {}
        for one in FilingCondition.objects.filter(is_active=True).current().order_by("-number"):
            self.conditions[one.minor_class_id] = one.public_id

    def walk(self) -> Iterator[tuple[str, Call]]:
        """Yield the moves of case after case; each must have been made before the next is asked for."""
        from cases.models import Case

        house = self.house
        for public_id in self.waiting:
            case = Case.objects.only("minor_class").get(public_id=public_id)
            if case.minor_class_id not in self.conditions:
                continue
            at_case = f"/case/{public_id}/case/{public_id}"
            yield "accept", house.operator.post(f"{at_case}/accept/", opinion="")
            yield "file", house.leader.post(f"{at_case}/file/", condition=self.conditions[case.minor_class_id])
            yield (
                "dispatch",
                house.dispatcher.post(
                    f"/dispatch/{public_id}/case/{public_id}/dispatch/",
                    department=self.department,
                    opinion="请尽快处理",
                ),
            )
            stint = case.stints.values_list("public_id", flat=True).get()
            at_stint = f"/dispatch/{public_id}/stint/{stint}"
            yield "receive", self.at_desk.post(f"{at_stint}/receive/")
            yield "hand_over", self.at_desk.post(f"{at_stint}/hand_over/", opinion="已清运，地面已冲洗。")


def move(house: House, inside: Inside, server: Server, said) -> dict:
    """One move, of five kinds."""
    trips = Trips(house)
    by_verb: dict[str, list] = {verb: [] for verb in TRIP}
    for number, (verb, call) in enumerate(itertools.islice(trips.walk(), 5 * 25)):
        statements: list[str] | None = [] if said.statements and number == 20 else None
        cost = inside.call(call, statements=statements)
        if cost.status != 302:
            raise SystemExit(f"{verb}: {cost.status}\n{cost.body.decode()[:6000]}")
        if statements:
            print(*statements, sep="\n")
        if number >= 25:
            by_verb[verb].append(cost)
    worst_queries, worst_cpu = 0, 0.0
    for verb, costs in by_verb.items():
        queries = max(cost.queries for cost in costs)
        cpu_ms = sorted(cost.cpu_ms for cost in costs)[len(costs) // 2]
        print(f"  {verb:10} {queries:3} queries {cpu_ms:5.1f} ms processor")
        worst_queries, worst_cpu = max(worst_queries, queries), max(worst_cpu, cpu_ms)
    clients = [(call for _verb, call in trips.walk()) for _ in range(CLIENTS)]
    drive(server, [itertools.islice(client, 10) for client in clients])
    clients = [(call for _verb, call in trips.walk()) for _ in range(CLIENTS)]
    a_second, took = drive(server, [itertools.islice(client, 10 * said.seconds) for client in clients])
    print(f"  moves: median {percentile(took, 0.5)} ms, 95 % below {percentile(took, 0.95)} ms")
    return {
        "move_queries": worst_queries, "move_cpu_ms": round(worst_cpu, 1), "moves_per_s": round(a_second, 1)
    }  # fmt: skip


if __name__ == "__main__":
    main()
