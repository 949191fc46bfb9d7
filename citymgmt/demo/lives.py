"""The life of one problem, told as people live it: who does what next, and when. Every step is a real action.

A life is a generator: it yields the instant of its next step and is sent that instant when it has come (see history).
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from django.contrib.gis.geos import Point
from django.utils import timezone

from accounts.models import User
from cases import actions as cases
from cases import clocks, time_limits, workflow
from cases.models import Case, Directive, Evidence, FieldTask, HandlingStint, Request
from cases.time_limits import Limit, Unit
from cases.workflow import Source, Stage, StintStage
from citymgmt.demo import chances
from citymgmt.demo.chances import about
from citymgmt.demo.ground import known_id
from citymgmt.demo.tables import rows, texts
from citymgmt.demo.timeline import Rest, Story
from citymgmt.demo.world import Spot, World
from dispatch import actions as dispatch
from dispatch.facts import suggestions
from hotline import actions as hotline
from hotline.models import Call, CallBack
from patrol import actions as patrol

DESK_MINUTES = 3.5
ON_THE_WAY_MINUTES = 15
AT_DEPARTMENTS_MINUTES = 14
DAY = timedelta(days=1)
# What the desk refuses, does not file, sends back or voids is for the most part what can be seen in the report: no
# picture of the surroundings, a bad position, an open case of the same kind beside it.
SOLID, DOUBTFUL = 0.005, 0.15
SUPERVISED, SUPERVISED_OF_OPEN = 0.012, 0.2


@dataclass(kw_only=True)
class Life:
    """One problem.

    `rests_at` is the stage (or "return", "extension", "suspension": the request) at which it is left; `collector` and
    `handler` are the user names of those who are sent, where they are not left to chance.
    """

    world: World
    number: int
    at: datetime
    what: dict
    source: str
    spot: Spot
    rests_at: str = ""
    collector: str = ""
    handler: str = ""
    same_as: "Life | None" = None  # the same problem, reported before
    case: Case = field(init=False)
    collectors_who_saw: set[int] = field(default_factory=set)
    doubt: float = 0.03  # how likely the report turns out to be no case

    def __post_init__(self) -> None:
        self.chance = Random(f"yunxi/life/{self.number}")
        self.rarity = Random(f"yunxi/rare/{self.number}")  # of its own: what is rare shifts nothing else
        self.minor_class = self.world.classes[self.what["class"]]

    # — whose turn it is, and when

    @property
    def is_brisk(self) -> bool:
        """The cases that lie open today came in just now: everybody acted at once, whatever the hour."""
        return bool(self.rests_at)

    def desk(self, at: datetime, minutes: float = DESK_MINUTES) -> datetime:
        """When a desk gets to it."""
        if self.is_brisk:
            return at + timedelta(seconds=self.chance.randint(30, 100))
        return chances.opening(at, chances.DESKS_FROM, chances.DESKS_TO) + about(self.chance, minutes)

    def on_the_spot(self, at: datetime) -> datetime:
        """When a collector has been there."""
        if self.is_brisk:
            return at + timedelta(minutes=self.chance.randint(4, 8))
        return chances.opening(at, chances.COLLECTORS_FROM, chances.COLLECTORS_TO) + about(
            self.chance, ON_THE_WAY_MINUTES
        )

    def at_department(self, at: datetime, minutes: float = AT_DEPARTMENTS_MINUTES) -> datetime:
        """When a department gets to it: in working hours, or at once where the limit runs day and night."""
        if self.is_brisk:
            return at + timedelta(seconds=self.chance.randint(40, 150))
        later = about(self.chance, minutes)
        if Unit(self.case.limit_unit) not in time_limits.WORKING:
            return at + later
        return timezone.localtime(
            time_limits.add(at, int(later.total_seconds()), Unit.WORKING_HOUR, clocks.calendar()).at
        )

    def say(self, occasion: str) -> str:
        """What people write on such an occasion."""
        return self.chance.choice(texts(occasion))

    def happens(self, share: float) -> bool:
        """Whether something rare happens now; never on the straight way to where the life is to rest."""
        return not self.is_brisk and self.chance.random() < share

    def is_rare(self, share: float) -> bool:
        """Whether a side branch is taken now; never on the straight way to where the life is to rest."""
        return not self.is_brisk and self.rarity.random() < share

    def done(self, case: Case, *, asked: str = "") -> Case:
        """Take note of a step. Raises Rest where the life is to be left."""
        self.case = case
        if self.rests_at and self.rests_at in (case.stage, asked):
            raise Rest
        return case

    def picture(self, by: User | None, at: datetime, *, put_right: bool = False):
        """A picture of the place as this person finds it."""
        return self.world.album.picture(self.what["scene"], put_right=put_right, by=by, at=at, chance=self.chance)

    def position(self) -> Point:
        """Where the phone is: some metres beside the thing."""
        x, y = self.chance.gauss(0, 6e-5), self.chance.gauss(0, 6e-5)
        return Point(self.spot.point.x + x, self.spot.point.y + y, srid=self.spot.point.srid)

    # — reporting

    def story(self) -> Story:
        """From the report to its end."""
        at = yield self.at
        if self.source == Source.HOTLINE and self.happens(0.25):
            self._answer_on_the_phone(at)
            return
        self.done(self._report(at))
        at = yield self.desk(at)
        if self.case.is_self_handled:
            self.done(cases.close_self_handled(
                self.case, by=self.world.desk(at), at=at, opinion=self.say("self_handled")
            ))  # fmt: skip
            return
        if first := self._first():
            self.done(cases.attach(self.case, by=self.world.desk(at), at=at, first=first))
            return
        if self.source == Source.WEB and self.happens(0.06):
            self.done(cases.answer_at_once(self.case, by=self.world.desk(at), at=at, opinion=self._answer()["answer"]))
            return
        if self.happens({Source.WEB: 0.09, Source.HOTLINE: 0.05}.get(self.source, self.doubt * 0.24)):
            self.done(cases.refuse(self.case, by=self.world.desk(at), at=at, reason=self.say("refuse")))
            yield from self._call_back(at)
            return
        self.done(cases.accept(self.case, by=self.world.desk(at), at=at, opinion=self.say("accept")))
        yield from self._before_filing(at)

    def _first(self) -> Case | None:
        """The case of the same problem, if it is open still."""
        known = getattr(self.same_as, "case", None)
        first = Case.objects.get(pk=known.pk) if known is not None else None
        return first.leading_case if first is not None and first.leading_case.is_open else None

    def _report(self, at: datetime) -> Case:
        facts = {
            "at": at,
            "minor_class": self.minor_class,
            "point": self.spot.point,
            "public_id": known_id(f"case {self.number}"),
        }
        described = {"description": self._description(), "component": self.spot.component}
        if self.source == Source.COLLECTOR:
            collector = self.world.collector_of(self.spot.duty_grid, self.number)
            self.collectors_who_saw.add(collector.pk)
            files = [(self.picture(collector, at), Evidence.Usage.NEAR)]
            has_far = self.chance.random() < 0.9
            if has_far:
                files.append((self.picture(collector, at), Evidence.Usage.FAR))
            # Between high houses a phone does not know well where it is.
            is_exact = self.chance.random() < 0.95
            self.doubt = SOLID if has_far and is_exact and not self._looks_known(at) else DOUBTFUL
            is_small = not self.spot.component and not self.same_as and self.is_rare(0.02)
            if is_small:
                files.append((self.picture(collector, at, put_right=True), Evidence.Usage.AFTER))
            return patrol.report(
                by=collector, position=self.position(), is_self_handled=is_small,
                accuracy_m=round(self.chance.uniform(3, 18) if is_exact else self.chance.uniform(35, 90), 1),
                address=self.spot.address, files=files, **facts, **described,
            )  # fmt: skip
        if self.source == Source.HOTLINE:
            call = hotline.register_call(
                by=self.world.desk(at), kind=self.chance.choice([Call.Kind.REPORT, Call.Kind.COMPLAINT]),
                place=self.spot.address, received_at=at - about(self.chance, 2.5),
                **self._caller(), **facts, **described,
            )  # fmt: skip
            return call.case
        if self.source == Source.WEB:
            files = [self.picture(None, at)] if self.chance.random() < 0.75 else []
            return hotline.report_as_citizen(
                place=self.spot.address, files=files, token=f"{known_id(f'link {self.number}').hex[:22]}",
                **self._caller(), **facts,
            )  # fmt: skip
        by = self.world.people["shipin"] if self.source == Source.VIDEO else self.world.desk(at)
        return cases.report(
            by=by, source=self.source, address=self.spot.address,
            files=[(self.picture(by, at), Evidence.Usage.BEFORE)] if self.source == Source.VIDEO else [],
            **facts, **described,
        )  # fmt: skip

    def _looks_known(self, at: datetime) -> bool:
        """Whether the same kind of problem lies open a few steps away."""
        return Case.objects.open_near(
            self.spot.point, minor_class=self.minor_class, at=at, component=self.spot.component
        ).exists()

    def _description(self) -> str:
        if self.spot.component is not None:
            return f"{self.spot.address}，{self.minor_class.name_zh}{self.world.condition_of(self).condition_zh}。"
        return f"{self.spot.address}，{self.chance.choice(self.what['descriptions'].split('|'))}"

    def _caller(self) -> dict:
        surname = self.chance.choice([row["zh"] for row in rows("names") if row["kind"] == "surname"])
        return {
            "name": surname + self.chance.choice(["先生", "女士"]),
            "phone": f"1380000{self.chance.randint(1000, 9999)}",
            "words": self.say("citizen"),
        }

    def _answer(self) -> dict:
        return self.chance.choice(rows("consultations"))

    def _answer_on_the_phone(self, at: datetime) -> None:
        question = self._answer()
        hotline.answer_call(
            by=self.world.desk(at), at=at, kind=Call.Kind.CONSULTATION, result=Call.Result.ANSWERED,
            summary=question["question"], answer=question["answer"], **self._caller(),
        )  # fmt: skip

    # — is it a case?

    def _before_filing(self, at: datetime) -> Story:
        while self.case.stage != Stage.PENDING_FILING:
            if not self.case.description:
                at = yield self.desk(at, 2)
                self.done(cases.describe(
                    self.case, by=self.world.desk(at), at=at, description=self._description(), address=self.spot.address
                ))  # fmt: skip
            at = yield self.desk(at)
            if self.happens(0.03):
                self.done(cases.skip_verify(self.case, by=self.world.desk(at), at=at, reason=self.say("skip_verify")))
            else:
                at = yield from self._verify(at)
        at = yield self.desk(at)
        untrue = any(task.result == "untrue" for task in self.case.tasks.all())
        if untrue or self.happens(0.4 * self.doubt if self.source == Source.COLLECTOR else 0.012):
            self.done(cases.not_file(self.case, by=self.world.leader(at), at=at, reason=self.say("not_file")))
            yield from self._call_back(at)
            return
        if self.source not in workflow.PUBLIC_SOURCES and self.happens(0.27 * self.doubt):
            reason = self.say("back_to_acceptance")
            self.done(cases.back_to_acceptance(self.case, by=self.world.leader(at), at=at, reason=reason))
            yield from self._before_filing(at)
            return
        self._file(at)
        if self.happens(0.24 * self.doubt if self.source == Source.COLLECTOR else 0.008):
            at = yield self.desk(at, 25)
            self.done(cases.void(self.case, by=self.world.leader(at), at=at, reason=self.say("void")))
            yield from self._call_back(at)
            return
        yield from self._dispatch(at)

    def _sent(self) -> User | None:
        return self.world.people.get(self.collector)

    def _verify(self, at: datetime) -> Generator[datetime, datetime, datetime]:
        at = chances.opening(at, chances.COLLECTORS_FROM, chances.COLLECTORS_TO) if not self.is_brisk else at
        at = yield at
        collector = self._sent() or self.world.collector_of(
            self.spot.duty_grid, self.number + len(self.collectors_who_saw)
        )
        self.done(cases.send_verify(self.case, by=self.world.desk(at), at=at, collector=collector))
        self.collectors_who_saw.add(collector.pk)
        at = yield self.on_the_spot(at)
        task = self.case.tasks.get(kind=FieldTask.Kind.VERIFY, stage="sent")
        if self.happens(0.03):
            reason = self.say("withdraw_task")
            self.done(cases.withdraw_verify(task, by=self.world.desk(at), at=at, reason=reason))
            return at
        result = (
            chances.weighted(self.chance, ("true", "untrue", "cannot"), (85, 11, 4)) if not self.is_brisk else "true"
        )
        files = [] if result == "cannot" else [self.picture(collector, at, put_right=result == "untrue")]
        self.done(patrol.verify(
            task, by=collector, at=at, result=result, opinion=self.say(f"verify_{result}"), files=files,
            position=self.position(),
        ))  # fmt: skip
        return at

    def _file(self, at: datetime) -> None:
        condition = self.world.condition_of(self)
        self.done(cases.file(
            self.case, by=self.world.leader(at), at=at, condition=condition, opinion=self.say("file"),
            urgent=condition.limit_unit == Unit.CONTINUOUS_HOUR and self.spot.component is not None,
        ))  # fmt: skip

    # — who does it?

    def _dispatch(self, at: datetime, tried: frozenset[int] = frozenset()) -> Story:
        at = yield self.desk(at)
        if not tried and self.happens(0.006):
            self.done(dispatch.back_to_filing(
                self.case, by=self.world.dispatcher(at), at=at, reason=self.say("back_to_filing")
            ))  # fmt: skip
            at = yield self.desk(at)
            self._file(at)
            at = yield self.desk(at)
        proposed = suggestions(self.case, at=at)
        # Everybody who was proposed gave it back: the first one gets it again, with corrected facts.
        found = [one for one in proposed if one.department.pk not in tried] or proposed
        is_wrong = len(found) > 1 and not tried and self.happens(0.04)
        chosen = found[1] if is_wrong else found[0]
        # Where the table does not say so, some departments' duty is by custom another's: they give it back.
        theirs = self.world.by_custom(self.case)
        if theirs in [one.department.code for one in found] and not self.is_brisk:
            is_wrong = chosen.department.code != theirs
        others = [found[1].department] if len(found) > 1 and not tried and not is_wrong and self.happens(0.03) else []
        self.done(dispatch.dispatch(
            self.case, by=self.world.dispatcher(at), at=at, department=chosen.department, assisting=others,
            opinion=self.say("dispatch"), rule=chosen.proposal.rule,
        ))  # fmt: skip
        if is_wrong and self.happens(0.15):
            at = yield self.desk(at, 8)
            stint = self._open_stints()[0]
            self.done(dispatch.withdraw_dispatch(
                stint, by=self.world.dispatcher(at), at=at, reason=self.say("withdraw_dispatch")
            ))  # fmt: skip
            yield from self._dispatch(at, tried | {chosen.department.pk})
            return
        if self.rarity.random() < (SUPERVISED_OF_OPEN if self.is_brisk else SUPERVISED):
            self.world.spawn(self._supervised(self.case, at))
        for stint in self._open_stints():
            self.world.spawn(self._at_department(stint, at, is_wrong=is_wrong and stint.is_lead, tried=tried))

    def _open_stints(self) -> list[HandlingStint]:
        return list(self.case.stints.filter(stage__in=workflow.STINT_OPEN).select_related("department"))

    def _supervised(self, case: Case, at: datetime) -> Story:
        """A leader writes an instruction on it, or the command centre supervises it; the department answers."""
        at = yield at + timedelta(minutes=4) if self.is_brisk else self.at_department(at, 90)
        case = Case.objects.get(pk=case.pk)
        if case.stage not in workflow.WITH_DEPARTMENTS or case.holder_department is None:
            return
        asked = {"at": at, "needs_reply": True, "reply_by": timezone.localdate(at) + DAY * 3}
        if self.rarity.random() < 0.3:
            demand = self.rarity.choice(texts("instruct"))
            cases.instruct(case, by=self.world.people["lingdao"], demand=demand, **asked)
        else:
            demand = self.rarity.choice(texts("supervise"))
            cases.supervise(
                case, by=self.world.people["zhihui"], level=Directive.Level.KEY, demand=demand, **asked
            )  # fmt: skip
        operator = self.world.operators.get(case.holder_department.code)
        if self.is_brisk or operator is None:
            return
        at = yield self.at_department(at, 200)
        given = case.directives.latest("id")
        cases.reply(given, by=operator, at=at, reply=self.rarity.choice(texts("reply")))
        at = yield self.desk(at, 60)
        given.refresh_from_db()
        cases.settle(given, by=given.given_by, at=at)

    # — do it

    def _at_department(self, stint: HandlingStint, at: datetime, *, is_wrong: bool, tried: frozenset[int]) -> Story:
        department = stint.department
        operator, habits = self.world.operators[department.code], self.world.habits[department.code]
        limit = self._limit_seconds()
        begins = at
        at = yield self.at_department(at)
        if is_wrong or (not tried and self.happens(habits.return_rate)) or self.rests_at == "return":
            at, came_back = yield from self._return(stint, at, is_wrong=is_wrong)
            if came_back:
                yield from self._dispatch(at, tried | {department.pk})
                return
        handler = self.world.people.get(self.handler) or self.world.handler_of(department, self.number)
        if self._again(stint).stage == StintStage.PENDING_HANDLE:
            self.done(dispatch.receive(stint, by=operator, at=at, handler=handler))
        else:
            self.done(dispatch.assign(stint, by=operator, at=at, handler=handler))
        share = chances.share_of_limit(self.chance, habits.late_rate)
        is_long = limit >= 8 * 3600
        if is_long and (self.happens(0.06) or self.rests_at == "extension") and self._is_before_due(stint, at):
            at, is_granted = yield from self._extend(stint, at)
            share += 0.9 if is_granted else 0
        elif is_long and (self.happens(0.025) or self.rests_at in ("suspension", Stage.SUSPENDED)):
            suspended_at = at
            at = yield from self._suspend(stint, at)
            begins += at - suspended_at
        finish = self._instant(begins, limit * share)
        if self.is_brisk:
            finish = at + timedelta(minutes=self.chance.randint(8, 16))
        yield from self._hand_over(stint, max(at + timedelta(minutes=6), finish), operator, handler)

    def _limit_seconds(self) -> int:
        limit = Limit(self.case.limit_value, Unit(self.case.limit_unit))
        return time_limits.limit_seconds(limit, clocks.calendar(), on=self.case.filed_at)

    def _instant(self, begins: datetime, seconds: float) -> datetime:
        unit = Unit(self.case.limit_unit)
        return timezone.localtime(time_limits.add(begins, int(seconds), unit, clocks.calendar()).at)

    def _again(self, stint: HandlingStint) -> HandlingStint:
        """Read the stint as it is now."""
        stint.refresh_from_db()
        return stint

    def _is_before_due(self, stint: HandlingStint, at: datetime) -> bool:
        due_at = self._again(stint).due_at
        return due_at is not None and at + timedelta(minutes=30) < due_at

    def _return(
        self, stint: HandlingStint, at: datetime, *, is_wrong: bool
    ) -> Generator[datetime, datetime, tuple[datetime, bool]]:
        """The department gives the case back; return whether the command centre agrees."""
        self.done(dispatch.ask_return(
            stint, by=self.world.operators[stint.department.code], at=at,
            ground=self.chance.choice(["not_ours", "other_owner", "other_place"]), reason=self.say("return_reason"),
        ), asked="return")  # fmt: skip
        request = stint.requests.get(kind=Request.Kind.RETURN, stage="pending")
        at = yield self.desk(at, 9)
        if is_wrong or self.chance.random() < 0.08:
            self.done(dispatch.grant_return(request, by=self.world.dispatcher(at), at=at))
            return at, True
        reason = self.say("return_refused")
        self.done(dispatch.refuse_return(request, by=self.world.dispatcher(at), at=at, reason=reason))
        return at, False

    def _extend(self, stint: HandlingStint, at: datetime) -> Generator[datetime, datetime, tuple[datetime, bool]]:
        """The department asks for more time, after a part of it has gone."""
        at = yield (at + (stint.due_at - at) * self.chance.uniform(0.2, 0.7) if not self.is_brisk else self.desk(at))
        self.done(dispatch.ask_extension(
            stint, by=self.world.operators[stint.department.code], at=at, reason=self.say("extension_reason")
        ), asked="extension")  # fmt: skip
        request = stint.requests.get(kind=Request.Kind.EXTENSION, stage="pending")
        at = yield self.desk(at, 35)
        if self.chance.random() < 0.75:
            self.done(dispatch.grant_extension(request, by=self.world.dispatcher(at), at=at))
            return at, True
        reason = self.say("extension_refused")
        self.done(dispatch.refuse_extension(request, by=self.world.dispatcher(at), at=at, reason=reason))
        return at, False

    def _suspend(self, stint: HandlingStint, at: datetime) -> Generator[datetime, datetime, datetime]:
        """The department asks to wait until a day; the clock stands still and goes on by itself."""
        at = yield self.at_department(at, 40)
        until = timezone.localdate(at) + DAY * self.chance.choice([3, 5, 7, 10, 15, 25, 40])
        self.done(dispatch.ask_suspension(
            stint, by=self.world.operators[stint.department.code], at=at, until=until,
            reason=self.say("suspension_reason"),
        ), asked="suspension")  # fmt: skip
        request = stint.requests.get(kind=Request.Kind.SUSPENSION, stage="pending")
        at = yield self.desk(at, 35)
        if self.happens(0.25):
            reason = self.say("suspension_refused")
            self.done(dispatch.refuse_suspension(request, by=self.world.dispatcher(at), at=at, reason=reason))
            return at
        self.done(dispatch.grant_suspension(request, by=self.world.dispatcher(at), at=at))
        at = yield timezone.localtime(request.until)
        self.done(cases.move(stint, "resume", by=None, at=at))
        return at

    def _hand_over(self, stint: HandlingStint, finish: datetime, operator: User, handler: User) -> Story:
        """The handler reports it done, the department hands over, the command centre passes on."""
        at = yield finish - timedelta(minutes=self.chance.randint(2, 5))
        self.done(dispatch.submit_result(
            stint, by=handler, at=at, opinion=self.what["done"], files=[self.picture(handler, at, put_right=True)]
        ))  # fmt: skip
        at = yield finish
        self.done(dispatch.hand_over(stint, by=operator, at=at, opinion=self.what["done"]))
        at = yield self.desk(at)
        if self.happens(0.02):
            reason = self.say("refuse_hand_over")
            self.done(dispatch.refuse_hand_over(stint, by=self.world.dispatcher(at), at=at, reason=reason))
            yield from self._hand_over(stint, self.at_department(at, 70) + timedelta(minutes=10), operator, handler)
            return
        self.done(dispatch.pass_on(stint, by=self.world.dispatcher(at), at=at))
        if self.case.stage == Stage.PENDING_CHECK:
            yield from self._after_handling(at)

    # — is it done?

    def _after_handling(self, at: datetime) -> Story:
        if self.is_rare(0.004):
            at = yield self.desk(at)
            reason = self.say("force_close")
            self.done(cases.force_close(self.case, by=self.world.leader(at), at=at, reason=reason))
            yield from self._call_back(at)
            return
        if self.rests_at == Stage.INSPECTING or self.is_rare(0.02):
            at = yield from self._inspect(at)
        while self.case.stage == Stage.PENDING_CHECK:
            at = yield from self._check(at)
        if self.case.stage != Stage.PENDING_CLOSE:
            self._rework(at)
            return
        at = yield self.desk(at)
        leader = self.world.leader(at)
        if self.happens(0.006):
            self.done(cases.check_again(self.case, by=leader, at=at, reason=self.say("check_again")))
            yield from self._after_handling(at)
            return
        if self.happens(0.006):
            self.done(cases.rework(self.case, by=leader, at=at, reason=self.say("rework")))
            self._rework(at)
            return
        is_duplicate = self.happens(0.015)
        self.done(cases.close(
            self.case, by=leader, at=at, met=True, is_duplicate=is_duplicate, opinion=self.say("close")
        ))  # fmt: skip
        yield from self._call_back(at)

    def _inspect(self, at: datetime) -> Generator[datetime, datetime, datetime]:
        """An inspector looks at the result before a collector is sent."""
        inspector = self.world.people["ducha"]
        at = yield self.desk(at)
        self.done(cases.send_inspection(
            self.case, by=self.world.desk(at), at=at, inspector=inspector, opinion=self.say("send_inspection")
        ))  # fmt: skip
        at = yield self.on_the_spot(at)
        task = self.case.tasks.get(kind=FieldTask.Kind.INSPECT, stage="sent")
        result = "pass" if self.rarity.random() < 0.9 else "fail"
        files = [self.picture(inspector, at, put_right=result == "pass")]
        self.done(
            cases.inspect(task, by=inspector, at=at, result=result, opinion=self.say(f"check_{result}"), files=files)
        )
        return at

    def _check(self, at: datetime) -> Generator[datetime, datetime, datetime]:
        at = yield self.desk(at)
        if not self.is_brisk:
            at = yield chances.opening(at, chances.COLLECTORS_FROM, chances.COLLECTORS_TO)
        able = cases.collectors_for(self.case, proof=workflow.JUDGED, day=timezone.localdate(at))
        barred = self.world.collectors - set(able.values_list("pk", flat=True))
        collector = self._sent() or self.world.another_collector(
            self.spot.duty_grid, self.collectors_who_saw | barred, self.number
        )
        self.done(cases.send_check(self.case, by=self.world.desk(at), at=at, collector=collector))
        at = yield self.on_the_spot(at)
        task = self.case.tasks.get(kind=FieldTask.Kind.CHECK, stage="sent")
        if self.happens(0.01):
            reason = self.say("withdraw_task")
            self.done(cases.withdraw_check(task, by=self.world.desk(at), at=at, reason=reason))
            return at
        weights = (92, 6, 2) if not self.is_brisk else (1, 0, 0)
        result = chances.weighted(self.chance, ("pass", "fail", "cannot"), weights)
        files = [] if result == "cannot" else [self.picture(collector, at, put_right=result == "pass")]
        self.done(patrol.check(
            task, by=collector, at=at, result=result, opinion=self.say(f"check_{result}"), files=files,
            position=self.position(),
        ))  # fmt: skip
        return at

    def _rework(self, at: datetime) -> None:
        """Back to the same departments, all of them; each does it again."""
        for stint in self._open_stints():
            operator = self.world.operators[stint.department.code]
            finish = self.at_department(at, 90) + timedelta(minutes=10)
            handler = stint.handler or self.world.handler_of(stint.department, self.number)
            self.world.spawn(self._hand_over(stint, finish, operator, handler))

    def _call_back(self, at: datetime) -> Story:
        """The desk calls the citizen who reported it."""
        if self.case.reporter_ref is None or not self.happens(0.8):
            return
        at = yield self.desk(at, 120)
        if self.case.stage == Stage.CLOSED and not self.case.reopened_count and self.is_rare(0.08):
            hotline.tell_result(self.case, by=self.world.desk(at), at=at, outcome=CallBack.Outcome.UNSOLVED)
            self.case.refresh_from_db()
            yield from self._after_handling(at)
            return
        hotline.tell_result(self.case, by=self.world.desk(at), at=at)
