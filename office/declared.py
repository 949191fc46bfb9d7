"""Every setting of every room, declared once: its type, its value where nobody changed it, what it means.

Pure: no Django. Dated rows override a value for the city or for an area (office/settings.py); the administrator edits
them on the settings page. What must be known before the database answers is in citymgmt/settings.py instead.
"""

import re
from dataclasses import dataclass
from typing import Any


def gettext_noop(text: str) -> str:
    """Mark a text for translation; it is translated where it is shown."""
    return text


HOURS = r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"


@dataclass(frozen=True)
class Declared:
    """`lowest` and `highest` bound numbers, both allowed; `choices` are the only words allowed, in a list too."""

    type: type
    default: Any
    help: str
    lowest: float | None = None
    highest: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""  # what a text must look like, unless it is empty
    item: str = ""  # what each text of a list must look like

    def accepts(self, value: Any) -> bool:
        """Whether the value may be kept: of the declared type (True is not a number) and within the bounds."""
        if isinstance(value, bool) != (self.type is bool) or not isinstance(value, self.kinds):
            return False
        if self.choices and not set(value if isinstance(value, list) else [value]) <= set(self.choices):
            return False
        if self.pattern and value and not re.fullmatch(self.pattern, value):
            return False
        if self.item and not all(isinstance(one, str) and re.fullmatch(self.item, one) for one in value):
            return False
        return (self.lowest is None or value >= self.lowest) and (self.highest is None or value <= self.highest)

    @property
    def kinds(self) -> tuple[Any, ...]:
        return (int, float) if self.type is float else (self.type,)


SETTINGS: dict[str, Declared] = {
    # office
    "office.centre_name": Declared(
        str, "城市管理监督指挥中心", gettext_noop("Name of the centre at the top of every page.")
    ),
    "office.merged_hall": Declared(
        bool,
        False,
        gettext_noop(
            "The seats of both centres share one hall: an account may hold roles of both sides, never on one case."
        ),
    ),
    "office.is_demo": Declared(
        bool, False, gettext_noop("The data are invented for a demonstration: every page says so.")
    ),
    "office.files_at_once": Declared(int, 9, gettext_noop("Files that may be handed in at once."), 1, 20),
    "office.picture_mb": Declared(int, 20, gettext_noop("Largest picture, in megabytes."), 1, 60),
    "office.picture_megapixels": Declared(int, 60, gettext_noop("Largest picture, in million pixels."), 1, 200),
    "office.sound_mb": Declared(int, 20, gettext_noop("Largest sound recording, in megabytes."), 1, 60),
    "office.video_mb": Declared(int, 50, gettext_noop("Largest video, in megabytes."), 1, 60),
    "office.document_mb": Declared(int, 20, gettext_noop("Largest document, in megabytes."), 1, 60),
    "office.mail_per_minute": Declared(int, 60, gettext_noop("Mails that may leave the house in a minute."), 1, 6000),
    "office.sms_per_minute": Declared(
        int, 30, gettext_noop("Text messages that may leave the house in a minute."), 1, 6000
    ),
    "office.chat_per_minute": Declared(
        int, 20, gettext_noop("Messages of chat robots that may leave the house in a minute."), 1, 6000
    ),
    "office.mail_quiet_hours": Declared(
        str, "", gettext_noop("Hours in which no mail goes out, 22:00-07:00; empty: none."), pattern=HOURS
    ),
    "office.sms_quiet_hours": Declared(
        str, "", gettext_noop("Hours in which no text message goes out, 22:00-07:00; empty: none."), pattern=HOURS
    ),
    "office.chat_quiet_hours": Declared(
        str, "", gettext_noop("Hours in which no chat robot speaks, 22:00-07:00; empty: none."), pattern=HOURS
    ),
    "office.api_requests_a_minute": Declared(
        int, 600, gettext_noop("Requests that one person's programs may send in a minute."), 10, 100000
    ),
    "office.api_answers_kept_days": Declared(
        int, 7, gettext_noop("Days for which a write sent again with the same key gets the same answer."), 1, 90
    ),
    "office.keep_readings_days": Declared(
        int, 1095, gettext_noop("Days for which it is kept who looked at private data."), 183, 36500
    ),
    # accounts
    "accounts.token_days": Declared(int, 365, gettext_noop("Days for which a token is valid at most."), 1, 1830),
    "accounts.idle_minutes": Declared(
        int, 30, gettext_noop("Minutes without use after which a desk asks for the password again."), 1, 720
    ),
    "accounts.idle_minutes_field": Declared(
        int, 720, gettext_noop("The same for collectors and handlers, who work on a phone in the street."), 1, 1440
    ),
    "accounts.longest_shift_hours": Declared(
        int, 14, gettext_noop("A seat that nobody signed off is empty after so many hours."), 1, 48
    ),
    # cases: what each desk may take, in minutes on a continuous clock
    "cases.limit.accept_minutes": Declared(int, 15, gettext_noop("Minutes to accept a report."), 1, 10080),
    "cases.limit.send_verify_minutes": Declared(int, 15, gettext_noop("Minutes to send a verification."), 1, 10080),
    "cases.limit.verify_minutes": Declared(int, 30, gettext_noop("Minutes to verify on the spot."), 1, 10080),
    "cases.limit.filing_minutes": Declared(
        int, 15, gettext_noop("Minutes to file a report or to refuse it."), 1, 10080
    ),
    "cases.limit.dispatch_minutes": Declared(int, 15, gettext_noop("Minutes to dispatch a case."), 1, 10080),
    "cases.limit.dispute_minutes": Declared(
        int, 1440, gettext_noop("Minutes to settle a dispute of responsibility."), 1, 43200
    ),
    "cases.limit.pass_on_minutes": Declared(
        int, 15, gettext_noop("Minutes to pass on a department's result."), 1, 10080
    ),
    "cases.limit.send_check_minutes": Declared(int, 15, gettext_noop("Minutes to send a check."), 1, 10080),
    "cases.limit.inspect_minutes": Declared(int, 120, gettext_noop("Minutes to inspect a claimed result."), 1, 10080),
    "cases.limit.check_minutes": Declared(int, 30, gettext_noop("Minutes to check on the spot."), 1, 10080),
    "cases.limit.close_minutes": Declared(int, 15, gettext_noop("Minutes to close a case."), 1, 10080),
    "cases.limit.default_working_hours": Declared(
        int,
        4,
        gettext_noop("Working hours to handle a case whose filing condition has no limit; 0: no limit."),
        0,
        1000,
    ),
    "cases.lamp.yellow_share": Declared(
        float, 0.8, gettext_noop("Share of the work time after which a running clock shows yellow."), 0.1, 0.99
    ),
    "cases.lamp.yellow_shares": Declared(
        list,
        [],
        gettext_noop(
            "Other shares for a stage or a class, the first that fits: handling=0.7, check=0.5, 03-006=0.9 (a class)."
        ),
        item=r"[a-z_]{4,12}=0\.[1-9][0-9]?|[0-9]{2}-[0-9]{2,3}=0\.[1-9][0-9]?",
    ),
    "cases.rework_clock": Declared(
        str,
        "same",
        gettext_noop("What a department gets that must do it again: same (the old deadline stands) or new_limit."),
        choices=("same", "new_limit"),
    ),
    "cases.timing": Declared(
        str,
        "bundled",
        gettext_noop("Which time is set against the limit: bundled (all rounds together) or single (the last one)."),
        choices=("bundled", "single"),
    ),
    "cases.number_pattern": Declared(
        str, "{division}-{date}-{serial:05d}", gettext_noop("Pattern of a case number: {division}, {date}, {serial}.")
    ),
    "cases.verify_sources": Declared(
        list, ["hotline", "web", "media", "petition"], gettext_noop("Sources whose reports a collector verifies first.")
    ),
    "cases.near_metres": Declared(
        int, 50, gettext_noop("Metres within which an open case may be the same one."), 1, 2000
    ),
    "cases.around_metres": Declared(
        int, 150, gettext_noop("Metres around a case within which other open cases are shown beside it."), 1, 2000
    ),
    "cases.near_hours": Declared(
        int, 24, gettext_noop("Hours within which an open case may be the same one."), 1, 8760
    ),
    "cases.keep_reporter_days": Declared(
        int,
        1095,
        gettext_noop(
            "Days after the end of a case for which name, number and words of its reporter are kept; 0: for good."
        ),
        0,
        36500,
    ),
    "cases.keep_words_days": Declared(
        int,
        0,
        gettext_noop("Days after the end of a case for which the words of its steps are kept; 0: for good."),
        0,
        36500,
    ),
    "cases.keep_pictures_days": Declared(
        int,
        0,
        gettext_noop("Days after the end of a case for which its pictures and videos are kept; 0: for good."),
        0,
        36500,
    ),
    "cases.keep_sounds_days": Declared(
        int,
        730,
        gettext_noop("Days after the end of a case for which its sound recordings are kept; 0: for good."),
        0,
        36500,
    ),
    "cases.checkpoint_mail": Declared(
        list, [], gettext_noop("Mail addresses outside the house that get the nightly checkpoint of the history.")
    ),
    "cases.detach_days": Declared(
        int, 7, gettext_noop("Days after the first case has ended in which an attaching may still be undone."), 0, 365
    ),
    "cases.recurrence_days": Declared(
        int, 30, gettext_noop("Days after closing within which the same problem there counts as come back."), 0, 3650
    ),
    "cases.recurrence_metres": Declared(
        int, 20, gettext_noop("Metres within which a problem of the same class counts as at the same place."), 1, 500
    ),
    "cases.supervision_level": Declared(
        str,
        "nearest",
        gettext_noop("Which supervision centre takes a case where several levels have one: nearest or highest."),
        choices=("nearest", "highest"),
    ),
    "cases.command_level": Declared(
        str,
        "nearest",
        gettext_noop("Which command centre dispatches a case where several levels have one: nearest or highest."),
        choices=("nearest", "highest"),
    ),
    "cases.check_levels": Declared(
        int,
        1,
        gettext_noop("Levels of checks; with 2 the nearest supervision centre checks before the filing one."),
        1,
        2,
    ),
    "cases.reopen_days": Declared(
        int, 7, gettext_noop("Days within which a citizen may say that a closed case is not solved."), 0, 365
    ),
    "cases.reopen_times": Declared(int, 2, gettext_noop("How often one case may be reopened."), 0, 10),
    "cases.same_period_classes": Declared(
        list, [], gettext_noop("Codes of classes bound to an hour of the day, which are checked in the same hour.")
    ),
    "cases.spot_check_hours": Declared(int, 24, gettext_noop("Hours to answer a spot check of a closed case."), 1, 720),
    # components
    "components.schemes": Declared(
        list, ["GBT47678", "LOCAL"], gettext_noop("Code schemes whose classes new reports are given.")
    ),
    # hotline
    "hotline.citizen_pictures": Declared(int, 5, gettext_noop("Pictures that a citizen may add to one report."), 1, 9),
    "hotline.follow_days": Declared(
        int, 180, gettext_noop("Days for which a citizen's link still works after the matter has ended."), 7, 3650
    ),
    "hotline.show_similar": Declared(
        bool,
        True,
        gettext_noop(
            "Citizens are shown similar open reports close by: class, distance, since when and how far it is."
        ),
    ),
    "hotline.reports_per_hour": Declared(
        int, 30, gettext_noop("Reports that may come from one internet address in an hour."), 1, 10000
    ),
    "hotline.keep_caller_days": Declared(
        int,
        1095,
        gettext_noop(
            "Days for which name, number and words of a caller are kept, after the call or after its case has ended;"
            " 0: for good."
        ),
        0,
        36500,
    ),
    "hotline.looks_per_hour": Declared(
        int, 600, gettext_noop("Looks for similar reports that one internet address may take in an hour."), 10, 99999
    ),
    "hotline.wrong_links_per_hour": Declared(
        int, 60, gettext_noop("Wrong links that one internet address may try in an hour."), 5, 9999
    ),
    # patrol
    "patrol.claimed_minutes": Declared(
        int, 30, gettext_noop("Minutes by which a phone's time may lie before the server's and still count."), 0, 1440
    ),
    "patrol.report_needs_picture": Declared(
        bool, True, gettext_noop("A collector's report needs a picture from near.")
    ),
    "patrol.verify_needs_picture": Declared(
        bool, True, gettext_noop("A verification needs a picture unless it could not be done.")
    ),
    "patrol.check_needs_picture": Declared(
        bool, True, gettext_noop("A check needs a picture unless it could not be done.")
    ),
    "patrol.camera_networks": Declared(
        list,
        [],
        gettext_noop(
            "Private networks in which stills of cameras may be fetched (10.20.0.0/16); empty: public addresses only."
        ),
        item=r"[0-9a-fA-F.:]{2,39}/[0-9]{1,3}",
    ),
    "patrol.camera_check_minutes": Declared(
        int, 60, gettext_noop("Minutes between two looks at whether a camera gives a picture."), 5, 1440
    ),
    # dispatch
    "dispatch.appeal_days": Declared(
        int,
        3,
        gettext_noop("Working days after closing within which a department may appeal against an overrun."),
        1,
        60,
    ),
    "dispatch.dispute_needs_meeting": Declared(
        bool, True, gettext_noop("A dispute of responsibility is decided only after a joint meeting was called.")
    ),
    "dispatch.level_share": Declared(
        float, 0.8, gettext_noop("Share of its own limit that a department gives to the level below."), 0.1, 1
    ),
    "dispatch.levels": Declared(
        int, 1, gettext_noop("Levels of dispatch: 1 to departments only, 2 or 3 on to those below them."), 1, 3
    ),
    "dispatch.keep_link_days": Declared(
        int,
        1095,
        gettext_noop(
            "Days for which it is kept for whom a one-case link was made, and whom to ring of a crew that has left; "
            "0: for good."
        ),
        0,
        36500,
    ),
    "dispatch.link_confirm": Declared(
        bool,
        False,
        gettext_noop(
            "A result that a crew sends by link waits until its department confirms it; a department may say otherwise "
            "on its page of crews."
        ),
    ),
    "dispatch.link_hours": Declared(int, 72, gettext_noop("Hours for which a one-case link is good."), 1, 720),
    "dispatch.link_map_address": Declared(
        str,
        "geo:{lat},{lon}?q={lat},{lon}",
        gettext_noop(
            "Where “The way there” of a one-case link leads: {lat} and {lon} are filled in. geo: opens the phone’s own "
            "map."
        ),
        pattern=r"(geo:|https://)\S+",
    ),
    "dispatch.link_steps_per_hour": Declared(
        int, 200, gettext_noop("Openings and pictures of one link in an hour."), 10, 10000
    ),
    "dispatch.link_wrong_per_hour": Declared(
        int,
        30,
        gettext_noop("Wrong addresses of one-case links that one internet address may try in an hour."),
        3,
        1000,
    ),
    "dispatch.return_deadline": Declared(
        bool,
        True,
        gettext_noop(
            "A case is given back only for a while: over one working day of limit, until an hour of the next working "
            "day; otherwise within the handling limit."
        ),
    ),
    "dispatch.return_hour": Declared(
        int, 9, gettext_noop("Hour of the next working day until which a case with a long limit is given back."), 0, 23
    ),
    "dispatch.stock_days": Declared(
        int, 60, gettext_noop("Natural days after which a deferred case enters the stock list."), 1, 3650
    ),
    "dispatch.extensions": Declared(int, 2, gettext_noop("Extensions that one department may get for a case."), 0, 10),
    "dispatch.outcome_days": Declared(
        int, 180, gettext_noop("Days back to which earlier dispatches tell how sure a proposal is."), 1, 3650
    ),
    "dispatch.order_component": Declared(
        list,
        ["owner", "maintainer", "catalogue", "street"],
        gettext_noop("Whom a component is sent to where no row of the responsibility table fits, in this order."),
        choices=("owner", "maintainer", "catalogue", "street"),
    ),
    "dispatch.order_event": Declared(
        list,
        ["street", "owner", "maintainer", "catalogue"],
        gettext_noop("Whom an event is sent to where no row of the responsibility table fits, in this order."),
        choices=("owner", "maintainer", "catalogue", "street"),
    ),
    "dispatch.outcome_half_life_days": Declared(
        int, 90, gettext_noop("Days after which an earlier dispatch counts half; 0: all count alike."), 0, 3650
    ),
    "dispatch.result_needs_picture": Declared(
        bool, False, gettext_noop("A department hands over its result with at least one picture.")
    ),
    "dispatch.suspension_days": Declared(int, 365, gettext_noop("Days for which a case may be suspended."), 1, 3650),
    "dispatch.suspensions": Declared(
        int, 1, gettext_noop("Suspensions that one department may get for a case."), 0, 10
    ),
    "dispatch.straight_least_outcomes": Declared(
        int, 10, gettext_noop("Earlier dispatches that a straight-through decision must rest on."), 1, 1000
    ),
    "dispatch.straight_reports": Declared(
        int,
        15,
        gettext_noop("Filed reports after which a collector is no newcomer and his reports may go straight through."),
        0,
        1000,
    ),
    "dispatch.straight_sample_share": Declared(
        float, 0.05, gettext_noop("Share of what went straight through that people look at afterwards."), 0, 1
    ),
    "dispatch.straight_undo_minutes": Declared(
        int, 10, gettext_noop("Minutes for which what went straight through may be undone."), 1, 120
    ),
    "dispatch.straight_wrong_least": Declared(
        int, 3, gettext_noop("Wrong ones before a class may be switched off by itself."), 1, 1000
    ),
    "dispatch.straight_wrong_share": Declared(
        float, 0.05, gettext_noop("Share of wrong ones above which a class no longer goes straight through."), 0, 1
    ),
    # evaluation
    "evaluation.basis": Declared(
        str,
        "obligation",
        gettext_noop("Which instant places a case in a period: obligation, created, filed, due or completed."),
        choices=("obligation", "created", "filed", "due", "completed"),
    ),
    "evaluation.month_starts_on": Declared(
        int, 1, gettext_noop("Day of the month on which an evaluation month begins."), 1, 28
    ),
    "evaluation.wall_fresh_seconds": Declared(
        int, 20, gettext_noop("Seconds for which all wall screens show the same count of a scene."), 5, 600
    ),
    "evaluation.wall_seconds": Declared(
        int, 20, gettext_noop("Seconds after which the wall changes its scene."), 5, 600
    ),
}
