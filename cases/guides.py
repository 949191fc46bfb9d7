"""The short guide of each role: what this desk is for, the first steps, and its keys, read from the table of moves.

Pure: no Django.
"""

from collections.abc import Collection
from dataclasses import dataclass

from accounts.roles import Role
from cases.workflow import MOVES


def _(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Guide:
    """What a newcomer reads in a minute. `steps` in the order of the work."""

    purpose: str
    steps: tuple[str, ...]


GUIDES: dict[Role, Guide] = {
    Role.COLLECTOR: Guide(
        _(
            "You see the street with your own eyes: you report what is wrong, and look whether it is true"
            " and whether it was put right."
        ),
        (
            _("Go on duty when you begin; your tasks stand on the first page, the most pressing on top."),
            _("Report: picture first, then the class (its initials are enough), the place is where you stand."),
            _(
                "A task: go there, take the picture on the spot, say what you see. You never check what you "
                "reported yourself."
            ),
        ),
    ),
    Role.ACCEPTANCE_OPERATOR: Guide(
        _("You take in what citizens and collectors report, write down the facts, and send collectors to look."),
        (
            _("N opens a new call, F2 answers the telephone. The number shows what it called about before."),
            _(
                "Class by its initials, place by road and number or crossing, Alt+1 writes the fact sheet, "
                "Ctrl+S registers and accepts it."
            ),
            _(
                "H sends a collector to verify, C one to check the result: the most suitable stands first, "
                "Enter sends him."
            ),
            _("Names, numbers and the caller's words never go into the fact sheet: departments read that."),
        ),
    ),
    Role.DUTY_LEADER: Guide(
        _(
            "You decide whether it is a case and whether it is done: filing starts the department's time,"
            " closing ends it."
        ),
        (
            _(
                "“To file”: Enter opens the most dangerous one, L files it under its condition, B refuses it"
                " with a reason."
            ),
            _("“To close”: look at before and after side by side, E closes, T sends it back for rework."),
            _(
                "D supervises, Q urges. What the system filed by itself waits under “Went straight through” "
                "for your eye."
            ),
        ),
    ),
    Role.VIDEO_OPERATOR: Guide(
        _("You watch the cameras and report what they show; whoever saw it never judges the result."),
        (
            _("Report with the picture, the class and the place; the desk takes it from there."),
            _("The queue shows what became of it; / searches all cases."),
        ),
    ),
    Role.INSPECTOR: Guide(
        _("You look with a stranger's eye: at results before they are checked, and at closed cases by sample."),
        (
            _("“My inspections” holds what was sent to you; the clock beside it is yours."),
            _("Answer with what you saw; a failed result goes back to its department."),
        ),
    ),
    Role.EVALUATOR: Guide(
        _("You read what the clocks counted: areas, departments and posts, each ranked among its like."),
        (
            _("Every number leads to its very cases: follow it before you quote it."),
            _("A result is frozen before it is published; corrections stand beside it, never in it."),
        ),
    ),
    Role.DISPATCHER: Guide(
        _("You decide who does it: every filed case goes to one lead department, with the reason beside the proposal."),
        (
            _(
                "Enter opens the most dangerous case. The proposals are numbered: the first is chosen "
                "already, 2 to 9 choose another, Enter dispatches."
            ),
            _(
                "Requests of departments come back to you: Y decides an extension, G a suspension, X "
                "refuses, always in words."
            ),
            _("A result: P passes it on to the check, X returns it to the department."),
        ),
    ),
    Role.COMMANDER: Guide(
        _("You settle what the dispatcher cannot: disputes, long deferrals, emergencies."),
        (
            _("Requests that wait for you stand under “Requests”; their chain shows who has decided so far."),
            _("A dispute is decided after a joint meeting; the decision may become a rule."),
        ),
    ),
    Role.DEPARTMENT_OPERATOR: Guide(
        _("You receive what is dispatched to your department, have it done, and hand the result over in time."),
        (
            _("A receives, Z gives it to one of your people, F hands the result over with a picture of after."),
            _(
                "Not yours? T returns it with a ground. More time? Y. Not possible now? G. Each is decided "
                "by the command centre."
            ),
            _("You read the facts, never who reported it."),
        ),
    ),
    Role.HANDLER: Guide(
        _("You put it right on the spot."),
        (
            _("Open the case: what, where, the way there."),
            _("Take the picture of after in the same place, write what was done, F submits it to your department."),
        ),
    ),
    Role.LEADER: Guide(
        _("You see how the city stands, and step in where it does not move."),
        (
            _("Numbers are links: three clicks from any number to a case."),
            _("I instructs, D supervises: both are notes with an answer owed, they change no stage."),
        ),
    ),
    Role.ADMINISTRATOR: Guide(
        _("You keep people, places, standards and settings in order; you decide no case."),
        (
            _("What changes holds from a day on; nothing is deleted, and a running promise is never altered."),
            _("First people and roles, then duty grids and responsibilities, then limits and calendar."),
        ),
    ),
}

# Keys that go about the desk, not moves.
ABOUT: tuple[tuple[str, str], ...] = (
    ("J K ↓ ↑", _("next, previous case")),
    ("Enter", _("open the case; none chosen: the most dangerous one")),
    ("Esc", _("back, to the same row")),
    ("1–9", _("choose the proposed department or collector")),
    ("M", _("to the map")),
    ("/", _("search all cases")),
    ("N", _("new call")),
    ("F2 F4", _("answer the telephone, hang up")),
    ("Ctrl+S", _("save, send the form in hand")),
    ("Alt+1–9", _("put a phrase into the text")),
    ("?", _("the keys of this page")),
)


def keys_of(roles: Collection[str]) -> list[tuple[str, str]]:
    """Return (key, label of the move) for these roles, in the order of the table; what means two things, twice."""
    return list(dict.fromkeys((move.key, move.label) for move in MOVES if move.key and set(roles) & set(move.roles)))
