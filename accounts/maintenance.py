"""The pages of maintenance 应用维护 as one table: where each stands, who is shown it, and the help on the page.

Pure: no Django. Each page asks for itself who may look and who may change. A help says what the page is for, what a
change does, and from when it holds.
"""

from dataclasses import dataclass


def _(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Page:
    """`asks` is a key of accounts.permissions.PERMISSIONS; `also` names pages below, where the help shows too."""

    address: str
    label: str
    hint: str
    asks: str
    help: str
    also: tuple[str, ...] = ()


PAGES: dict[str, tuple[Page, ...]] = {
    _("People"): (
        Page(
            "accounts:departments",
            _("Departments"),
            _("Centres, departments, streets, contractors and where they belong"),
            "see_departments",
            _(
                "The bodies of the city and which belongs to which. A new parent holds from now on; cases and rankings "
                "of the past keep the place a department had then. Nothing is deleted: a department ends on a day and "
                "names who follows it."
            ),
            ("accounts:department", "accounts:new_department"),
        ),
        Page(
            "accounts:people",
            _("People and appointments"),
            _("Accounts, roles, first passwords"),
            "see_people",
            _(
                "One account for each person, found by the staff number. What somebody may do comes from appointments "
                "alone: role, department, from which day, until which. An appointment opens its desk on its first day "
                "and closes it on its last; an account that is no longer active opens nothing at once."
            ),
            ("accounts:person", "accounts:new_person"),
        ),
        Page(
            "accounts:roster",
            _("Roster and on-call list"),
            _("Who sits at which desk, and who is called at night"),
            "keep_rosters",
            _(
                "Who sits at which desk in which shift, and who is called at night. An entry for one day takes the "
                "place of the week's. Escalation asks this list at the moment it rings: a change holds at once."
            ),
        ),
        Page(
            "accounts:contacts",
            _("Contacts of the departments"),
            _("Whom to ring, in which order, at which hours"),
            "keep_contacts",
            _(
                "Whom to ring at a department, in this order. Somebody with an account is told in his message box too. "
                "A change holds at once; who is no longer a contact stays on record."
            ),
            ("accounts:contact",),
        ),
    ),
    _("Places"): (
        Page(
            "grid:areas",
            _("Areas"),
            _("Division, streets, communities and their unit grids"),
            "see_departments",
            _(
                "The administrative division down to the unit grids. Codes never change; an area that ends stays on "
                "record, and cases keep the grid they lay in."
            ),
            ("grid:area",),
        ),
        Page(
            "grid:duty_grids",
            _("Duty grids"),
            _("Which unit grids a collector answers for"),
            "see_departments",
            _(
                "Which unit grids make up one collector's ground. A change holds from its day on, for tasks that are "
                "given out from then; tasks under way stay with whoever has them."
            ),
            ("grid:duty_grid", "grid:new_duty_grid"),
        ),
        Page(
            "patrol:grids",
            _("Who patrols where"),
            _("Which collector answers for which duty grid"),
            "see_people",
            _(
                "Which collector answers for which duty grid, from a day on. The proposals for verifying and checking "
                "follow it at once; nobody's task is taken away."
            ),
        ),
        Page(
            "patrol:cameras",
            _("Cameras"),
            _("Camera points, whose they are and whether they work"),
            "maintain_settings",
            _(
                "Camera points of the city and of others, with where a still is fetched. Each is looked at regularly; "
                "one that gives no picture is shown as such. A new one is offered from its first day on."
            ),
            ("patrol:camera_new", "patrol:camera_edit"),
        ),
        Page(
            "grid:roads",
            _("Roads"),
            _("Roads and their classes"),
            "see_departments",
            _(
                "Roads with their class. The class decides time limits and who answers: a change holds for cases filed "
                "from then on."
            ),
            ("grid:road",),
        ),
        Page(
            "grid:places",
            _("Named places"),
            _("Door plates and landmarks that the place box finds"),
            "see_departments",
            _(
                "What the place box finds beside roads: door plates, landmarks, bus stops. A new name is found at "
                "once; the address already written on a case stays."
            ),
        ),
        Page(
            "components:components",
            _("Components"),
            _("The inventory of what stands in the street"),
            "see_departments",
            _(
                "The surveyed things in the street, each with its owner and who maintains it. Both are proposed at "
                "dispatch from the moment they are saved; every state a component was in is kept."
            ),
            ("components:component", "components:new_component"),
        ),
    ),
    _("Rules"): (
        Page(
            "dispatch:rule_book",
            _("Rule book"),
            _("All rules at a glance, in one workbook: change, look what would change, take in from a day on"),
            "maintain_departments",
            _(
                "Every rule of the city in one workbook: download it, change it, send it back with the day from which "
                "it holds. First you see what would change, tried on the cases of the last month; then you take it in, "
                "all of it or nothing. A promise already given stays as it was given."
            ),
            ("dispatch:rule_preview", "dispatch:rules_coming", "dispatch:what_if", "dispatch:what_if_of"),
        ),
        Page(
            "cases:limits",
            _("Limits for some cases"),
            _("Another time limit for a class or condition in an area, on a road, at an urgency"),
            "maintain_settings",
            _(
                "Another limit than the usual one for some cases. The narrowest row that fits holds: condition, class, "
                "area, road, urgency, class of area. It is read once, at filing, from the row's first day on; what was "
                "promised then stays."
            ),
        ),
        Page(
            "components:catalogue",
            _("Catalogue"),
            _("Classes, filing and close conditions, time limits"),
            "see_departments",
            _(
                "The classes, when a problem is a case, when it is done, and how long it may take. A changed limit "
                "holds for what is filed from its day on; a promise already given stays as it was given."
            ),
            ("components:class", "components:new_class", "components:condition", "components:new_condition"),
        ),
        Page(
            "cases:calendar",
            _("Working calendar"),
            _("Holidays, make-up days, working hours, seasons"),
            "maintain_settings",
            _(
                "Days off, make-up days, hours of work, seasons. All deadlines in working time are counted by it: a "
                "change counts every open clock anew and notes the old deadline beside the new one."
            ),
        ),
        Page(
            "cases:chains",
            _("Escalation chains"),
            _("When which clock rings, for whom and by which means"),
            "maintain_settings",
            _(
                "When a running clock tells whom, and by which means. The narrowest chain that fits holds. A changed "
                "chain is asked at the next look at each clock; what was told is not told again."
            ),
            ("cases:chain", "cases:new_chain"),
        ),
        Page(
            "dispatch:responsibilities",
            _("Responsibility table"),
            _("Who answers for which class of problems at which place"),
            "maintain_departments",
            _(
                "Who answers for which class of problem at which place; the narrowest row wins. It makes the proposal "
                "of the command desk, from the row's first day on. Cases already dispatched stay where they are."
            ),
        ),
        Page(
            "dispatch:rules",
            _("Approval rules"),
            _("Who agrees to extensions, suspensions, returns; grounds and how often"),
            "maintain_departments",
            _(
                "Who must agree to a request of a department, on which grounds, how often and for how long. A request "
                "already made runs through the chain it began with."
            ),
        ),
        Page(
            "dispatch:straight",
            _("Straight through"),
            _("Which classes are filed and dispatched without a hand, and how often that was wrong"),
            "maintain_departments",
            _(
                "Classes whose reports are filed and dispatched by the rules alone. A switch holds for reports from "
                "now on; a class that goes wrong too often switches itself off and says so."
            ),
        ),
        Page(
            "evaluation:maintenance",
            _("Evaluation schemes"),
            _("What is scored with which weight, comparable groups, frozen periods"),
            "maintain_settings",
            _(
                "What is counted, with which weight, among whom. An edit is a new version from a day on; a frozen "
                "period keeps the version it was frozen with."
            ),
            ("evaluation:scheme", "evaluation:groups"),
        ),
        Page(
            "accounts:settings",
            _("Settings"),
            _("What the city decides for itself"),
            "maintain_settings",
            _(
                "What the city decides for itself: each value holds from a day on, for the whole city or for an area, "
                "within ten seconds on every desk. Earlier values stay on record with who set them."
            ),
            ("accounts:setting",),
        ),
        Page(
            "retention",
            _("Retention"),
            _("How long private data are kept, what would be erased, what is held"),
            "maintain_retention",
            _(
                "How long private data are kept. What is due is erased the following night and leaves only a note of "
                "the erasing. A hold keeps a case's data until it is lifted; what is erased cannot be brought back."
            ),
        ),
    ),
    _("Texts and lists"): (
        Page(
            "accounts:notices",
            _("Notices"),
            _("What everybody should know for a while"),
            "keep_notices",
            _(
                "What the people of some roles should know for a while. A notice shows on their desks from its hour "
                "until it ends or is taken back; it cannot be changed, because some have read it already."
            ),
        ),
        Page(
            "accounts:phrases",
            _("Phrases"),
            _("What a key puts into a text"),
            "keep_phrases",
            _(
                "What Alt and a digit put into a text: one's own, and those of a role. A change is there when a form "
                "is next opened; what was written with it stays as written."
            ),
        ),
        Page(
            "lists",
            _("Dictionaries"),
            _("Every list of words that pages choose from, and where it is kept"),
            "maintain_settings",
            _(
                "All lists of words in one place: how many entries each has and where it is kept. An entry that ends "
                "is offered no more from that day on; what was written with it stays as written."
            ),
        ),
        Page(
            "accounts:message_texts",
            _("Message texts"),
            _("What people are told"),
            "maintain_settings",
            _(
                "Every sentence people are told, in both languages. They belong to the program and are read here, so "
                "that everybody can look up what a message means; they are not changed here."
            ),
        ),
    ),
    _("State and logs"): (
        Page(
            "queues",
            _("Background work"),
            _("What waits and works by itself, whether it moves, what to do if not"),
            "see_health",
            _(
                "What waits and what works by itself. Nothing is changed here: red says what stands still, since when, "
                "and what to do. Nothing is lost while something stands still; it catches up when it runs again."
            ),
        ),
        Page(
            "changes",
            _("Changes and log-ins"),
            _("Who changed a setting, a rule, an account when; who logged in"),
            "see_changes",
            _(
                "Who changed a setting, a rule or an account, and when; beside it who logged in from where. Nothing is "
                "changed here. Log-ins are kept for half a year."
            ),
            ("log_ins",),
        ),
        Page(
            "accounts:deliveries",
            _("Messages to the outside"),
            _("Mail, text messages and chat robots: what waits, what failed"),
            "see_deliveries",
            _(
                "What leaves the house by mail, text message or chat robot. What was given up can be sent again; "
                "everybody has the same message in his box in any case."
            ),
        ),
        Page(
            "accounts:readings",
            _("Log of reading"),
            _("Who looked at private data, when and why"),
            "see_readings",
            _(
                "Who opened names, numbers, words or originals of reporters, and why. Rows are only ever added; "
                "looking here is noted as well."
            ),
        ),
        Page(
            "cases:history",
            _("Proof of the history"),
            _("Nightly checkpoints over all cases, and whether anything was rewritten"),
            "see_history",
            _(
                "The proof that no step of any case was changed afterwards. Checkpoints leave the house each night; "
                "keep what is mailed or printed, it is the other half of the proof."
            ),
        ),
    ),
}

HELP: dict[str, str] = {
    name: page.help for pages in PAGES.values() for page in pages for name in (page.address, *page.also)
}
