"""The lessons of the practice area 练习 as one table: what lies on the desk, what the others do, what is done well.

Pure: no Django. The case is brought to the trainee's desk by real moves (`prepare`), the others answer each of his
moves by real moves (`then`), and `judge` compares what he did with what a good operator does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.roles import Role


def _(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text


# — what a trainee did, and what was wanted ——————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Deed:
    """One step that the trainee made himself."""

    verb: str
    outcome: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Story:
    """How a lesson went. `metres`: how far from the place that was told the case was put; None: there is no case."""

    deeds: tuple[Deed, ...] = ()
    class_code: str = ""
    urgency: int = 0
    metres: float | None = None
    first: str = ""  # the number of the case that lay there before


Met = Callable[[Story], bool]


@dataclass(frozen=True)
class Wanted:
    """What a good operator does, in words, and whether a story shows it."""

    words: str
    met: Met


def did(verb: str, outcome: str = "", **facts: Any) -> Met:
    """A step of this kind was made, with this outcome and these facts where they are named."""

    def met(story: Story) -> bool:
        return any(
            deed.verb == verb
            and outcome in ("", deed.outcome)
            and all(deed.facts.get(name) == value for name, value in facts.items())
            for deed in story.deeds
        )

    return met


def never(*verbs: str) -> Met:
    """None of these steps was made."""
    return lambda story: not any(deed.verb in verbs for deed in story.deeds)


def any_of(*ways: Met) -> Met:
    """One of several ways was taken."""
    return lambda story: any(way(story) for way in ways)


def is_of(*codes: str) -> Met:
    """The case is of one of these classes."""
    return lambda story: story.class_code in codes


def is_there(within_metres: float = 150) -> Met:
    """The case lies where the caller said."""
    return lambda story: story.metres is not None and story.metres <= within_metres


def is_urgent(story: Story) -> bool:
    """The case is marked as urgent."""
    return story.urgency > 0


def joined_the_first(story: Story) -> bool:
    """The second report was attached to the case that lay there before."""
    return bool(story.first) and did("attach", first=story.first)(story)


# — what the others do ———————————————————————————————————————————————————————————————————————————————————


@dataclass(frozen=True)
class Move:
    """A move of one of the others (practice/cast.py knows who makes it and how)."""

    verb: str
    said: Mapping[str, Any] = field(default_factory=dict)


def m(verb: str, **said: Any) -> Move:
    return Move(verb, said)


FILED = (m("accept"), m("file"))  # what a collector reported
VERIFIED = (m("accept"), m("describe"), m("send_verify"), m("verify", result="true"))  # what a citizen reported
TO_CLOSE = (m("pass_on"), m("send_check"), m("check", result="pass"), m("close"))
HANDED_OVER = (m("hand_over"), *TO_CLOSE)
DONE_BY_DEPARTMENT = (m("receive"), *HANDED_OVER)
TO_THE_END = (m("dispatch"), *DONE_BY_DEPARTMENT)


@dataclass(frozen=True)
class Problem:
    """What is wrong in the street: class, drawing, the words of whoever reports it, what the department answers."""

    class_code: str
    scene: str
    words: str
    done: str
    department: str  # whose it is


RUBBISH = Problem(
    "06-010", "rubbish", _("Several bags of household rubbish beside the road, with a smell."),
    _("Rubbish removed, ground rinsed."), "yx-hw",
)  # fmt: skip
GREEN = Problem(
    "06-017", "green", _("Plastic bags and bottles lie in the green strip."), _("Green strip cleared."), "yx-yl"
)
ROAD = Problem(
    "06-013", "road", _("A hole in the carriageway, about sixty centimetres long."), _("Hole milled and filled."),
    "yx-sz",
)  # fmt: skip
COVER = Problem(
    "01-003", "cover", _("The cover of a manhole is missing in the middle of the pavement."), _("Cover replaced."),
    "yx-ps",
)  # fmt: skip
SHOP = Problem(
    "09-005", "shop", _("A shop has put its goods on the pavement."), _("Goods taken back into the shop."), "yx-s1"
)
WATER = Problem("06-025", "water", _("Bottles and weeds float on the canal."), _("Floating waste fished out."), "yx-sw")
KERB = Problem("06-050", "kerb", _("Two kerb stones are broken."), _("Kerb stones replaced."), "yx-sz")
BUILDING = Problem("06-001", "building", _("A canopy is being built without a permit."), _("Work stopped."), "yx-zf")
WORKS = Problem("08-004", "works", _("Earth works without spraying; much dust."), _("Bare earth covered."), "yx-zj")
WIRES = Problem("10-002", "wires", _("A cable hangs low over the pavement."), _("Cable fixed again."), "yx-tx")
BIKES = Problem("09-010", "bikes", _("Bicycles stand on the guiding strip."), _("Bicycles put in order."), "yx-jj")
# At a department everybody practises with what comes there every day.
AT_DEPARTMENT = {one.department: one for one in (RUBBISH, GREEN, KERB, WATER, BUILDING, WORKS, WIRES, BIKES)}


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One scripted case.

    `problem` None: what is usual at the trainee's department. `source` "" : nothing lies on the desk, somebody calls.
    `before`: how far an earlier report of the same problem has come already. `over`: the steps with which the trainee's
    part ends. `shows`: pictures that he would take himself, put right or not.
    """

    key: str
    role: Role
    title: str
    briefing: str
    why: str
    problem: Problem | None = RUBBISH
    source: str = "web"
    words: str = ""
    before: tuple[Move, ...] = ()
    prepare: tuple[Move, ...] = ()
    then: Mapping[str, tuple[Move, ...]] = field(default_factory=dict)
    over: frozenset[str]
    wanted: tuple[Wanted, ...]
    shows: tuple[bool, ...] = ()
    minutes: int = 2

    @property
    def is_call(self) -> bool:
        return not self.source


LESSONS: tuple[Lesson, ...] = (
    # — acceptance
    Lesson(
        key="phone", role=Role.ACCEPTANCE_OPERATOR, source="", minutes=3,
        title=_("A routine report by telephone"),
        briefing=_(
            "Ms Zhou calls from 13800001234: “At %(place)s there are bags of rubbish beside the road, it smells.”"
            " Take the call: class, place, the facts in your own words. Register and accept it, then send a"
            " collector to verify."
        ),
        why=_("What a citizen reports is looked at on the spot before it becomes a case: nobody files hearsay."),
        then={"send_verify": (m("verify", result="true"), m("file"), *TO_THE_END)},
        over=frozenset({"send_verify", "skip_verify", "refuse", "answer_at_once", "answer_call"}),
        wanted=(
            Wanted(_("The call was registered as a case."), did("report")),
            Wanted(_("The class is “exposed rubbish”."), is_of("06-010")),
            Wanted(_("The place is where the caller said."), is_there()),
            Wanted(_("It was accepted, and a collector was sent to verify."), did("send_verify")),
        ),
    ),
    Lesson(
        key="duplicate", role=Role.ACCEPTANCE_OPERATOR,
        title=_("The same problem reported twice"),
        briefing=_(
            "A citizen reports rubbish at %(place)s by the web form. Look at what is open near by before you do"
            " anything else."
        ),
        why=_("One problem is one case: a second one would send a second crew, and be counted twice."),
        words=_("Again rubbish bags here! When will they be fetched?"),
        before=(*FILED, m("dispatch"), m("receive")),
        over=frozenset({"attach", "send_verify", "skip_verify", "refuse", "answer_at_once"}),
        wanted=(
            Wanted(_("The report was attached to the case that is open there already."), joined_the_first),
            Wanted(_("Nobody was sent out a second time."), never("send_verify", "skip_verify")),
            Wanted(_("It was not turned away: this citizen hears the result too."), never("refuse")),
        ),
    ),
    Lesson(
        key="verify_first", role=Role.ACCEPTANCE_OPERATOR,
        title=_("A report to be verified first"),
        briefing=_(
            "A citizen writes about %(place)s by the web form. It may be true or not. Accept it, put the facts into"
            " your own words (“Correct the facts”), and have a collector look."
        ),
        why=_("Departments read the fact sheet, never the citizen's words; and what nobody saw is not filed."),
        words=_("Somebody throws rubbish here every evening, my neighbour from the second floor I think."),
        then={"send_verify": (m("verify", result="untrue"), m("not_file"))},
        over=frozenset({"send_verify", "skip_verify", "refuse", "answer_at_once"}),
        wanted=(
            Wanted(_("The report was accepted."), did("accept")),
            Wanted(_("The facts were written down in the desk's own words."), did("describe")),
            Wanted(_("A collector was sent to verify."), did("send_verify")),
            Wanted(_("It was not submitted for filing unseen."), never("skip_verify")),
        ),
    ),
    Lesson(
        key="question", role=Role.ACCEPTANCE_OPERATOR,
        title=_("A question, answered at once"),
        briefing=_(
            "Somebody asks by the web form when bulky waste is fetched. It is every Wednesday from seven o'clock, at"
            " the gate of the compound. This is no case."
        ),
        why=_("A question that is answered at once is counted apart and occupies nobody else."),
        words=_("On which day is bulky waste fetched, and where do I put my old wardrobe?"),
        over=frozenset({"answer_at_once", "refuse", "send_verify", "skip_verify", "attach"}),
        wanted=(
            Wanted(_("The question was answered at once."), did("answer_at_once")),
            Wanted(_("No case was made of it."), never("accept", "send_verify")),
        ),
    ),
    Lesson(
        key="not_ours", role=Role.ACCEPTANCE_OPERATOR,
        title=_("Not a matter of the city"),
        briefing=_(
            "Two neighbours quarrel about a hedge on private ground and ask the city to decide. Do not accept it, and"
            " say in the reason where they can turn: the mediation committee of their community."
        ),
        why=_("A refusal is an answer: whoever reads it must know why, and where to go."),
        words=_("My neighbour's hedge grows over my fence. The city must cut it!"),
        over=frozenset({"refuse", "answer_at_once", "send_verify", "skip_verify", "attach"}),
        wanted=(
            Wanted(_("The report was not accepted, with a reason."), did("refuse")),
            Wanted(_("Nobody was sent out for it."), never("send_verify")),
        ),
    ),
    Lesson(
        key="danger", role=Role.ACCEPTANCE_OPERATOR, source="", problem=COVER, minutes=2,
        title=_("Danger: a missing manhole cover"),
        briefing=_(
            "Mr Zhao calls from 13800005678: “At %(place)s a manhole on the pavement stands open, a child nearly fell"
            " in!” It is a rainwater manhole. Take the call as urgent."
        ),
        why=_("What endangers people is urgent from the first second: its limit runs day and night."),
        then={"send_verify": (m("verify", result="true"), m("file"), *TO_THE_END)},
        over=frozenset({"send_verify", "skip_verify", "refuse", "answer_at_once", "answer_call"}),
        wanted=(
            Wanted(_("The call was registered as a case."), did("report")),
            Wanted(_("It is marked as urgent."), is_urgent),
            Wanted(_("The class is a manhole cover."), is_of("01-001", "01-002", "01-003", "01-004", "01-006")),
            Wanted(_("The place is where the caller said."), is_there()),
            Wanted(
                _("It went on at once: to a collector, or straight to filing."),
                any_of(did("send_verify"), did("skip_verify")),
            ),
        ),
    ),
    # — filing and closing
    Lesson(
        key="file", role=Role.DUTY_LEADER, problem=ROAD,
        title=_("A case to be filed"),
        briefing=_(
            "A citizen reported a hole at %(place)s; the collector has seen it. Look at his picture and file the case"
            " under the condition that fits."
        ),
        why=_("The condition carries the limit: with filing, the city promises a time."),
        prepare=VERIFIED,
        then={"file": TO_THE_END},
        over=frozenset({"file", "not_file", "back_to_acceptance", "void", "attach"}),
        wanted=(
            Wanted(_("The case was filed under a condition."), did("file")),
            Wanted(_("It was neither refused nor sent back."), never("not_file", "back_to_acceptance", "void")),
        ),
    ),
    Lesson(
        key="send_back", role=Role.DUTY_LEADER, problem=ROAD,
        title=_("A report that is not ready"),
        briefing=_(
            "A report from %(place)s waits for filing. Its class says “damaged road”, its words say rubbish. Nobody"
            " can file that: send it back to acceptance and say what is missing."
        ),
        why=_("A wrong class sends the wrong department; who filed it answers for that."),
        prepare=(
            m("accept"), m("describe", words=RUBBISH.words), m("send_verify"),
            m("verify", result="true", scene=RUBBISH.scene),
        ),
        over=frozenset({"file", "not_file", "back_to_acceptance", "void", "attach"}),
        wanted=(
            Wanted(_("It went back to acceptance, with a reason."), did("back_to_acceptance")),
            Wanted(_("It was not filed as it stood."), never("file")),
            Wanted(_("It was not refused: there is a problem, only its facts are wrong."), never("not_file", "void")),
        ),
    ),
    Lesson(
        key="not_file", role=Role.DUTY_LEADER,
        title=_("Nothing there: not filed"),
        briefing=_(
            "A citizen reported rubbish at %(place)s. The collector went and found nothing: his answer is “not true”,"
            " with a picture. Decide."
        ),
        why=_("A case that is none costs a department a trip and you a voiding."),
        prepare=(*VERIFIED[:3], m("verify", result="untrue")),
        over=frozenset({"file", "not_file", "back_to_acceptance", "void", "attach"}),
        wanted=(
            Wanted(_("It was not filed, with a reason."), did("not_file")),
            Wanted(_("No limit was promised for it."), never("file")),
        ),
    ),
    Lesson(
        key="rework", role=Role.DUTY_LEADER,
        title=_("Passed, but not done"),
        briefing=_(
            "The rubbish at %(place)s is said to be gone, and the check says “passed”. Compare before and after before"
            " you close."
        ),
        why=_("Closing is your signature: look at both pictures side by side, each time."),
        prepare=(
            *VERIFIED, m("file"), m("dispatch"), m("receive"), m("hand_over", put_right=False), m("pass_on"),
            m("send_check"), m("check", result="pass", put_right=False),
        ),
        then={"rework": HANDED_OVER},
        over=frozenset({"rework", "close", "force_close", "check_again", "void"}),
        wanted=(
            Wanted(_("It was not closed: the bags still lie there."), never("close", "force_close")),
            Wanted(_("It went back to the department for rework."), did("rework")),
        ),
    ),
    # — dispatch
    Lesson(
        key="clear", role=Role.DISPATCHER,
        title=_("A clear department"),
        briefing=_("Rubbish at %(place)s, filed just now. Dispatch it to the department that answers for it."),
        why=_("The proposal says which rule it follows: component to its owner first, event to whoever answers."),
        prepare=(*VERIFIED, m("file")),
        then={"dispatch": DONE_BY_DEPARTMENT},
        over=frozenset({"dispatch", "back_to_filing", "mark_ownerless"}),
        wanted=(
            Wanted(_("It was dispatched."), did("dispatch")),
            Wanted(_("It went to the Sanitation Office."), did("dispatch", department="yx-hw")),
        ),
    ),
    Lesson(
        key="wrong_return", role=Role.DISPATCHER, problem=GREEN, minutes=3,
        title=_("Sent to the wrong department"),
        briefing=_(
            "Rubbish in a green strip at %(place)s went to the Sanitation Office, which returns it: green strips belong"
            " to the Parks and Trees Office. They are right. Accept the return, and dispatch it anew."
        ),
        why=_("A justified return is accepted at once: the new department's time begins only with the new dispatch."),
        prepare=(*VERIFIED, m("file"), m("dispatch", department="yx-hw"), m("ask_return")),
        then={"dispatch": DONE_BY_DEPARTMENT, "refuse_return": HANDED_OVER},
        over=frozenset({"dispatch", "refuse_return", "back_to_filing"}),
        wanted=(
            Wanted(_("The return was accepted."), did("grant_return")),
            Wanted(_("It went to the Parks and Trees Office."), did("dispatch", department="yx-yl")),
        ),
    ),
    Lesson(
        key="shirked", role=Role.DISPATCHER,
        title=_("A department that will not have it"),
        briefing=_(
            "Rubbish at %(place)s lies with the Sanitation Office, which returns it as “not ours”. The table of"
            " responsibilities says otherwise. Decide, and say why."
        ),
        why=_("A refused return buys no time: the waiting counts after all. The reason is read by the department."),
        prepare=(*VERIFIED, m("file"), m("dispatch"), m("ask_return")),
        then={"refuse_return": HANDED_OVER, "dispatch": DONE_BY_DEPARTMENT},
        over=frozenset({"refuse_return", "dispatch", "raise_dispute"}),
        wanted=(
            Wanted(_("The return was refused, with a reason."), did("refuse_return")),
            Wanted(_("The case stayed where it belongs."), never("grant_return", "dispatch")),
        ),
    ),
    Lesson(
        key="extension", role=Role.DISPATCHER, problem=ROAD,
        title=_("A department asks for more time"),
        briefing=_(
            "The Municipal Works Office asks for an extension for the hole at %(place)s: asphalt is delivered only"
            " tomorrow. It asks in time, for the first time, with a sound reason."
        ),
        why=_("An extension asked in time for a sound reason keeps the promise honest; asked late it heals nothing."),
        prepare=(*VERIFIED, m("file"), m("dispatch"), m("receive"), m("ask_extension")),
        then={"grant_extension": HANDED_OVER, "refuse_extension": HANDED_OVER},
        over=frozenset({"grant_extension", "refuse_extension"}),
        wanted=(
            Wanted(_("The extension was granted."), did("grant_extension")),
            Wanted(_("The case was left with its department."), never("withdraw_dispatch", "dispatch")),
        ),
    ),
    # — in the street
    Lesson(
        key="is_it_so", role=Role.COLLECTOR,
        title=_("Verify: is it really so?"),
        briefing=_(
            "A citizen reported rubbish at %(place)s. You stand there now: it is true. Take the picture below, say what"
            " you see."
        ),
        why=_("Your picture is what the duty leader files by, and what the department sees first."),
        prepare=(*VERIFIED[:2], m("send_verify", trainee=True)),
        then={"verify": (m("file"), *TO_THE_END)},
        shows=(False,),
        over=frozenset({"verify"}),
        wanted=(
            Wanted(_("The answer is “true”."), did("verify", "true")),
            Wanted(_("It comes with a picture."), lambda story: bool(_files(story, "verify"))),
        ),
    ),
    Lesson(
        key="check_passed", role=Role.COLLECTOR,
        title=_("Check: it was put right"),
        briefing=_(
            "The rubbish at %(place)s is said to be gone. You stand there now: the place is clean. Take the picture"
            " below and answer."
        ),
        why=_("You check what others did and never what you reported yourself."),
        prepare=(
            *VERIFIED, m("file"), m("dispatch"), m("receive"), m("hand_over"), m("pass_on"),
            m("send_check", trainee=True),
        ),
        then={"check": (m("close"),)},
        shows=(True,),
        over=frozenset({"check"}),
        wanted=(
            Wanted(_("The answer is “passed”."), did("check", "pass")),
            Wanted(_("It comes with a picture."), lambda story: bool(_files(story, "check"))),
        ),
    ),
    Lesson(
        key="check_failed", role=Role.COLLECTOR,
        title=_("Check: it was not put right"),
        briefing=_(
            "The rubbish at %(place)s is said to be gone. You stand there now: two bags still lie there. Take the"
            " picture below, answer, and say what is missing. The same department gets it back."
        ),
        why=_("A failed check goes back to the same department with everything known; its clock runs on."),
        prepare=(
            *VERIFIED, m("file"), m("dispatch"), m("receive"), m("hand_over", put_right=False), m("pass_on"),
            m("send_check", trainee=True),
        ),
        then={"check": HANDED_OVER},
        shows=(False,),
        over=frozenset({"check"}),
        wanted=(
            Wanted(_("The answer is “failed”."), did("check", "fail")),
            Wanted(_("It comes with a picture."), lambda story: bool(_files(story, "check"))),
        ),
    ),
    # — at the department
    Lesson(
        key="handle", role=Role.DEPARTMENT_OPERATOR, problem=None,
        title=_("Receive, have it done, hand over"),
        briefing=_(
            "A case at %(place)s was dispatched to your department. Receive it. Your people have been there: hand the"
            " result over with the picture below."
        ),
        why=_("Your time ends with the handing over, and a result without a picture of after is none."),
        prepare=(*VERIFIED, m("file"), m("dispatch")),
        then={"hand_over": TO_CLOSE, "ask_return": (m("refuse_return"),)},
        shows=(True,),
        over=frozenset({"hand_over", "ask_return"}),
        wanted=(
            Wanted(_("The case was received."), did("receive")),
            Wanted(_("The result was handed over."), did("hand_over")),
            Wanted(_("It was not returned."), never("ask_return")),
        ),
    ),
    Lesson(
        key="more_time", role=Role.DEPARTMENT_OPERATOR, problem=None,
        title=_("Ask for an extension, then do it"),
        briefing=_(
            "A case at %(place)s lies with your department, and what is needed comes only tomorrow. Receive it and ask"
            " for an extension with that reason; once it is granted, hand over the result with the picture below."
        ),
        why=_("Ask before the deadline: after it, nothing is granted. While it is being decided, the clock runs on."),
        prepare=(*VERIFIED, m("file"), m("dispatch")),
        then={"ask_extension": (m("grant_extension"),), "hand_over": TO_CLOSE, "ask_return": (m("refuse_return"),)},
        shows=(True,),
        over=frozenset({"hand_over", "ask_return"}),
        wanted=(
            Wanted(_("An extension was asked for, with a reason."), did("ask_extension")),
            Wanted(_("The result was handed over."), did("hand_over")),
            Wanted(_("It was neither returned nor suspended."), never("ask_return", "ask_suspension")),
        ),
    ),
    Lesson(
        key="not_your_case", role=Role.DEPARTMENT_OPERATOR, problem=COVER,
        title=_("Not your department's case"),
        briefing=_(
            "A missing rainwater cover at %(place)s was dispatched to your department by mistake: it belongs to the"
            " Drainage Office. Return it with ground and reason."
        ),
        why=_("Return at once and say whose it is: the clock only pauses, and a refused return counts after all."),
        prepare=(*VERIFIED, m("file"), m("dispatch", department="")),
        then={"ask_return": (m("grant_return"), *TO_THE_END), "hand_over": TO_CLOSE},
        over=frozenset({"ask_return", "hand_over"}),
        wanted=(
            Wanted(_("It was returned with a ground and a reason."), did("ask_return")),
            Wanted(_("Nobody handed over a result that he did not bring about."), never("hand_over")),
        ),
    ),
    Lesson(
        key="again", role=Role.DEPARTMENT_OPERATOR, problem=None,
        title=_("The check failed: rework"),
        briefing=_(
            "What your department handed over at %(place)s did not pass the check: it is back with you. Read what is"
            " missing. It has been done properly now: hand over again with the picture below."
        ),
        why=_("Rework is counted, and the same clock runs on: read the checker's words before you send anybody."),
        prepare=(
            *VERIFIED, m("file"), m("dispatch"), m("receive"), m("hand_over", put_right=False), m("pass_on"),
            m("send_check"), m("check", result="fail", put_right=False),
        ),
        then={"hand_over": TO_CLOSE, "ask_return": (m("refuse_return"),)},
        shows=(True,),
        over=frozenset({"hand_over", "ask_return"}),
        wanted=(
            Wanted(_("The result was handed over again."), did("hand_over")),
            Wanted(_("It was not returned."), never("ask_return")),
        ),
    ),
)  # fmt: skip


def _files(story: Story, verb: str) -> list[Any]:
    return [file for deed in story.deeds if deed.verb == verb for file in deed.facts.get("files", ())]


BY_KEY: dict[str, Lesson] = {lesson.key: lesson for lesson in LESSONS}
ROLES_WITH_LESSONS: tuple[Role, ...] = tuple(dict.fromkeys(lesson.role for lesson in LESSONS))


def lessons_of(role: str) -> list[Lesson]:
    """Return the lessons of a role in the order in which they are learnt; [] where there are none."""
    return [lesson for lesson in LESSONS if lesson.role == role]


def next_after(lesson: Lesson) -> Lesson | None:
    """Return the lesson that follows, None after the last one of the role."""
    mine = lessons_of(lesson.role)
    place = mine.index(lesson) + 1
    return mine[place] if place < len(mine) else None


def judge(lesson: Lesson, story: Story) -> list[bool]:
    """Return for each thing that was wanted, in the order of the lesson, whether the story shows it."""
    return [one.met(story) for one in lesson.wanted]
