"""The worker's clock in a hurry: what happens every few seconds in service happens several times a second here."""

from citymgmt.celery import SCHEDULE, app, beat_entry

HURRIED = ("alarms", "follow_calendar", "dispatch_what_no_seat_may", "deliveries", "straight_through", "heartbeat")

app.conf.beat_schedule = {
    name: {**beat_entry(SCHEDULE[name][0], 1), "schedule": 0.25, "options": {"expires": 5}} for name in HURRIED
}
app.conf.beat_max_loop_interval = 0.1
