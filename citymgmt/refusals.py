"""What the clerk reads when something is refused: one sentence for each code. Imports no app.

Say what happened and what to do next. A new code is one line here, in alphabetical order.
"""

from django.utils.translation import gettext_lazy as _

from citymgmt.errors import Refusal
from citymgmt.wording import worded

SENTENCES = {
    "already_received": _("This report has arrived already. Open the address that was shown then."),
    "already_retired": _(
        "%(identifier)s was taken out of the inventory on %(valid_to)s. Its card can no longer be changed."
    ),
    "answer_missing": _("Write what the caller was told. A call that becomes no case ends with an answer."),
    "appeal_too_late": _("The time for an appeal ended at %(until)s."),
    "appointment_overlaps": _("%(person)s already holds this role in %(department)s at that time."),
    "approved_already": _(
        "You have agreed to this request already. The next step belongs to somebody else: nobody agrees twice."
    ),
    "asked_already": _(
        "The department’s request “%(request)s” is still being decided. Wait for the decision before asking again."
    ),
    "asked_often": _("“%(request)s” is possible %(limit)s time(s) for a case, and that is used up."),
    "assignment_first": _("%(handler)s still has the case. Revoke the assignment first, then give the case back."),
    "attached_for_good": _(
        "Case %(number)s stays attached: %(first)s, the first one, ended more than %(days)s days ago."
    ),
    "before_it_began": _("This cannot hold before %(valid_from)s, when it began. Choose that day or a later one."),
    "book_not_readable": _(
        "%(name)s cannot be read as a rule book. Save it as .xlsx, smaller than 3 MB, made from the template, and send "
        "it again."
    ),
    "bulk_not_ready": _("This was begun or dropped already, or is still being looked at. Load the page again."),
    "calendar_moved": _("Somebody changed the calendar meanwhile. Send the spreadsheet again and look at it anew."),
    "caller_named": _(
        "The fact sheet holds the caller’s name or number. Departments read it: take them out; they are kept "
        "sealed apart."
    ),
    "case_elsewhere": _(
        "This case is no longer with %(department)s as it was when the link was made. There is nothing more to do "
        "here; if in doubt, ask your department: %(phone)s."
    ),
    "case_rests": _(
        "Nothing is to be done on this case just now: it is suspended, or being decided. Try again later, or ask "
        "%(department)s: %(phone)s."
    ),
    "cells_taken": _(
        "The unit grid %(codes)s belongs to %(duty_grid)s. Take it out there first, or leave it out here."
    ),
    "chain_not_sound": _("The chain cannot be kept: %(faults)s"),
    "close_condition_not_met": _(
        "The close condition is “%(condition)s”. Confirm that it is met, or send the case back."
    ),
    "component_outside_the_grid": _(
        "There is no unit grid at this place, so nothing can be registered there. Move the point into the area."
    ),
    "crew_named_already": _(
        "The department has a crew called %(name)s already. Change that one, or choose another name."
    ),
    "crew_not_ours": _("%(name)s does not work for this department on this day. Choose another crew."),
    "declared_already": _("“%(what)s” goes straight through there already. End that row first."),
    "department_code_taken": _("The code %(department_code)s belongs to another department. Choose another one."),
    "department_in_use": _(
        "%(department)s still has %(people)s appointed people or departments below it. Move them first, then end it."
    ),
    "department_under_itself": _("%(department)s cannot belong to itself or to a department below it."),
    "disk_full": _(
        "The server has no room left for files. Nothing was lost: keep this page open, tell the administrator, then "
        "send again."
    ),
    "duty_grid_code_taken": _("The code %(duty_grid)s belongs to another duty grid. Choose another one."),
    "extended_often": _("The case was extended %(limit)s times already; more is not allowed."),
    "fact_missing": _("Something is missing for this step: %(fact)s. Fill it in and send again."),
    "file_not_what_it_says": _(
        "%(name)s cannot be read as a %(expected)s. Pictures: JPEG, PNG, WebP; sound: MP3, M4A, WAV, AMR, OGG; "
        "video: MP4, MOV, WebM; documents: PDF, Word, Excel."
    ),
    "file_number_taken": _("Another file was already sent under this number. Choose the file again."),
    "file_too_large": _("%(name)s is too large: %(size)s, at most %(limit)s is allowed. Choose a smaller file."),
    "first_has_ended": _(
        "Case %(number)s has ended meanwhile, or was itself attached to another one. Choose an open case."
    ),
    "first_is_itself": _("Case %(number)s cannot be attached to itself. Choose the other case."),
    "first_of_others": _(
        "%(others)s other report(s) are attached to case %(number)s, so it stays the first. Attach the other case to "
        "this one, or undo those first."
    ),
    "grid_taken": _("%(person)s patrols %(duty_grid)s at that time already."),
    "hand_and_judge": _(
        "You saw, dispatched or handled case %(number)s yourself, so somebody else must check or close it."
    ),
    "hand_over_waiting": _("What %(person)s handed over waits to be taken over. Take it over first."),
    "handled_already": _(
        "A department has begun with case %(number)s, so it can no longer be attached to another one."
    ),
    "has_it_already": _("%(department)s already has case %(number)s. Choose another department."),
    "held_already": _("Case %(number)s is held already."),
    "hold_reason_missing": _("Say why the case is held; the reason is kept."),
    "is_the_lead": _("%(department)s leads this case, and the case waits for it. Choose another lead first."),
    "joined_case_over": _("Case %(number)s has ended meanwhile. Register the call as a new case."),
    "key_in_use": _("The same request is just being worked on. Send it again in a moment."),
    "key_used_otherwise": _("This key came before with another request. Send a new key with a new request."),
    "length_too_long": _("At most %(days)s days may be asked for."),
    "limit_began": _("This limit cannot be changed or ended before %(on)s. Choose that day or a later one."),
    "link_expired": _("This address has expired: it works for %(days)s days after a matter has ended."),
    "link_ran_out": _("This link is too old. Ask %(department)s for a new one: %(phone)s."),
    "link_taken_back": _("%(department)s took this link back. If you should still go, ask there: %(phone)s."),
    "link_unknown": _("There is nothing at this address. Check that it was copied completely."),
    "link_used": _("The result was sent by this link already, on %(when)s. Thank you, there is nothing more to do."),
    "may_not_register": _("Reports are written down by the supervision desk: your appointment does not allow it."),
    "meeting_first": _("Call the joint meeting about case %(number)s first, then record its decision."),
    "move_not_allowed": _(
        "“%(verb)s” is not possible: case %(number)s is now at “%(stage)s”. Last step: %(what)s, %(who)s, %(when)s."
    ),
    "no_centre": _("No supervision or command centre looks after the area %(area_code)s. Tell the administrator."),
    "no_deadline": _("Case %(number)s has no time limit, so there is nothing to extend."),
    "no_department": _("Choose the department that is to handle case %(number)s."),
    "no_more_levels": _("Cases are dispatched on %(levels)s level(s) here, and this is the last."),
    "no_numbers_left": _("All numbers of %(what)s have been given away. Tell the administrator."),
    "no_still": _("The camera gave no picture. Choose a file saved elsewhere, or mark it as out of order."),
    "no_such_case": _("There is no case %(number)s. Check the number."),
    "no_such_cells": _("There is no unit grid with the code %(codes)s now. Check the codes, one a line."),
    "no_such_link": _("There is no task at this address. Check that the whole address was copied."),
    "no_way_to_send": _(
        "It cannot be sent that way: a phone number is missing, or no gateway is set up. Copy the address."
    ),
    "not_a_collector": _(
        "%(name)s cannot be sent: no collector, or already had a part in this case. Choose somebody else."
    ),
    "not_a_department": _(
        "Cases cannot be dispatched to %(department)s: it is a centre, or it no longer exists. Choose another one."
    ),
    "not_a_handler": _("%(name)s does not handle for %(department)s. Choose somebody else."),
    "not_a_seat": _("Calls are taken and returned by the acceptance desk of the supervision centre only."),
    "not_assigned": _("Nobody was assigned to case %(number)s, so there is nothing to revoke."),
    "not_below": _("%(department)s does not belong to %(own)s. Choose a department below it."),
    "not_in_this_turn": _("%(person)s does not have this turn on %(on)s. Look at the roster again."),
    "not_over_yet": _("Case %(number)s has not ended yet, so there is no result to tell."),
    "not_overdue": _("Case %(number)s was handed over in time; there is no overrun to appeal against."),
    "not_that_condition": _(
        "The filing condition “%(condition)s” is not one of this class now in force. Choose another one."
    ),
    "not_that_date": _("Choose a day from %(first)s to %(last)s."),
    "not_that_ground": _("The ground “%(ground)s” is not allowed here now. Choose another one."),
    "not_yet_stock": _("Case %(number)s enters the stock list %(days)s days after its deferral, once."),
    "not_your_department": _("The contacts of %(department)s are kept by that department or by the centre."),
    "not_your_report": _("Report %(number)s was sent by somebody else; only its sender may take it back."),
    "not_yours": _("Your appointment does not allow “%(verb)s” on case %(number)s."),
    "nothing_chosen": _("No case was chosen that you see. Choose some in the queue, then try again."),
    "nothing_submitted": _("No result was submitted for case %(number)s, so there is nothing to send back."),
    "nothing_to_confirm": _("The dispatch of case %(number)s needs no confirmation, or somebody confirmed it already."),
    "nothing_to_judge": _("Case %(number)s is not in the sample, or somebody judged it already."),
    "nothing_to_send_again": _("Only a message that was given up, or perhaps sent, can be sent again."),
    "other_side": _(
        "You have already acted for another side on case %(number)s: nobody acts on two sides of one case."
    ),
    "outline_is_empty": _(
        "The outline encloses nothing, so no unit grid can be laid over it. Check the file or the drawing."
    ),
    "outline_too_small": _(
        "The outline holds %(squares)s squares, too few for %(communities)s communities. Use fewer communities."
    ),
    "outside_the_grid": _("This place lies in no unit grid of the city. Move the point to where the problem is."),
    "overdue_already": _("The deadline passed at %(due_at)s: an overdue case is neither extended nor suspended."),
    "own_hand_over": _("Nobody takes over from himself. A colleague of the same desk takes it over."),
    "own_work": _("%(department)s has the case itself. Choose the owner for whom it does the work."),
    "paper_needed": _("“%(request)s” needs a paper here. Add the signed form as a picture or a file."),
    "password_closed": _("Log in by single sign-on here; the password is kept for administrators, should that fail."),
    "period_not_over": _("This period ends on %(end)s. It can be frozen after that; until then its figures move."),
    "picture_needed": _("Add a picture of the result, then hand case %(number)s over."),
    "picture_needed_on_the_spot": _("Take a picture on the spot first. Without one choose “cannot” and say why."),
    "practice_elsewhere": _("Nothing is practised here: this is the real site."),
    "practice_no_lessons": _("There are no lessons for the role “%(role)s”."),
    "practice_not_built": _("The practice area is still being built. Try again in a minute."),
    "practice_ticket_not_valid": _("This way in is good for one minute only, and unchanged. Come in again."),
    "practice_ticket_used": _("This way in was used already. Come in again from your desk."),
    "provider_silent": _(
        "The single sign-on does not answer. Try again in a minute; if it stays silent, tell the administrator."
    ),
    "report_number_taken": _("Another report came with this number. Send this one with a new number."),
    "return_too_late": _(
        "This case could be given back until %(until)s. Handle it, or ask the command centre for a joint decision."
    ),
    "rules_from_the_past": _("Rules cannot hold from %(day)s, which is past. Choose today or a later day."),
    "rules_moved": _(
        "Somebody changed “%(what)s” after this preview was made. Nothing was taken in: download the rule book again, "
        "put your changes into it and send it anew."
    ),
    "rules_taken": _("This rule book was taken in already, at %(when)s."),
    "scheme_not_sound": _("This scheme cannot be used: %(problems)s. Nothing was changed; correct it and save again."),
    "scheme_starts_too_early": _("A new version of this scheme can hold from %(earliest)s at the earliest."),
    "setting_not_valid": _("%(value)s is not a valid value for this setting. %(rule)s"),
    "sheet_not_readable": _(
        "%(name)s cannot be read as a spreadsheet. Save it as .xlsx, smaller than 1 MB, made from the template, and "
        "send it again."
    ),
    "sheet_wrong": _("Sheet “%(sheet)s”, row %(row)s: %(what)s. Mend it there and send the spreadsheet again."),
    "sign_on_cancelled": _(
        "The single sign-on let nobody in: it was cancelled, or refused there. Begin again when you like."
    ),
    "sign_on_closed": _(
        "The account with the staff number %(staff_number)s is closed. Ask the administrator whether that is meant."
    ),
    "sign_on_failed": _(
        "The single sign-on could not be trusted or came too late. Begin again from here; if it fails again, tell the "
        "administrator: the log says why."
    ),
    "sign_on_nameless": _(
        "The single sign-on knows you, but does not say your staff number (%(claim)s). Tell the administrator."
    ),
    "sign_on_no_role": _(
        "%(person)s, your account works, but nobody appointed you to a role for today. Ask the administrator."
    ),
    "sign_on_other": _(
        "This desk is locked for %(person)s, and somebody else signed on. Log out here first, then take the seat."
    ),
    "sign_on_unknown": _(
        "Nobody here has the staff number %(staff_number)s. Ask the administrator to enter you, then sign on again."
    ),
    "staff_number_taken": _("The staff number %(staff_number)s already has an account: one person, one account."),
    "still_with_departments": _(
        "Case %(number)s is still with %(departments)s. Decide their return or take it back from them first."
    ),
    "submitted_already": _("The result of case %(number)s is submitted; it can no longer be given back."),
    "suspended_often": _("The case was suspended %(limit)s time(s) already; more is not allowed."),
    "token_too_long": _("A token is valid for at most %(limit)s days, not %(days)s. Choose fewer days."),
    "too_early": _("This problem belongs to an hour of the day: check it from %(not_before)s on."),
    "too_late_to_reopen": _(
        "Case %(number)s can no longer be reopened: within %(days)s days, at most %(times)s time(s). Report it anew."
    ),
    "too_late_to_undo": _(
        "The time to undo what the system did with case %(number)s is over. Send it back or take it back instead."
    ),
    "too_many_cells": _(
        "The community %(community_code)s would need %(count)s unit grids, but its numbers end at 999. Divide it first."
    ),
    "too_many_chosen": _(
        "%(number)s cases are too many: at most %(limit)s at once. Narrow the queue by its filters, then choose again."
    ),
    "too_many_files": _("%(number)s files are too many: at most %(limit)s at a time. Take some away and send again."),
    "too_many_views": _("You keep %(most)s views of this desk already, more than a list can show. Delete one first."),
    "too_often": _("That was tried too often. Wait %(minutes)s minutes and try again."),
    "two_sides": _(
        "%(person)s already holds a role on the side “%(held)s”. One account cannot also act for the side "
        "“%(wanted)s”: end the other appointment first, or appoint another person."
    ),
    "username_taken": _("The user name %(username)s is taken. Choose another one."),
    "vault_not_for_you": _("Data about the person who reported can be read only by the acceptance desk."),
    "vault_reason_missing": _("Say why you need the data of the person who reported; the reason is kept."),
    "vault_record_erased": _("This person's data were erased on %(erased_at)s and cannot be shown any more."),
}

GENERAL = _("This was not done: the rules do not allow it now. Look at the page again, then try once more.")


def sentence(refusal: Refusal) -> str:
    """The sentence for the person who was refused, in the language of the page."""
    return worded(SENTENCES.get(refusal.code, GENERAL), refusal.facts)
