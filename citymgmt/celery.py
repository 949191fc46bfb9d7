"""The worker and its clock. SCHEDULE is the one list of everything that happens by itself."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")

# What happens: (task, when). When is a number of seconds or a crontab in the city's time.
SCHEDULE: dict[str, tuple[str, int | crontab]] = {
    "alarms": ("cases.tasks.sweep_alarms", 15),
    "follow_calendar": ("cases.tasks.follow_calendar", 15),
    "dispatch_what_no_seat_may": ("dispatch.tasks.dispatch_what_no_seat_may", 15),
    "stock": ("dispatch.tasks.fill_stock", crontab(hour=6, minute=30)),
    "rules": ("dispatch.tasks.turn_the_rules", crontab(minute=1)),
    "deliveries": ("office.tasks.send_deliveries", 10),
    "straight_through": ("dispatch.tasks.straight_through", 5),
    "learn_outcomes": ("dispatch.tasks.learn_outcomes", 600),
    "heartbeat": ("office.tasks.heartbeat", 10),
    "evaluation": ("evaluation.tasks.freeze_what_is_over", crontab(hour=1, minute=20)),
    "forget_unused_files": ("cases.tasks.forget_unused_files", crontab(hour=3, minute=40)),
    "prove_recent_history": ("cases.tasks.prove_recent_history", crontab(hour=0, minute=30)),
    "prove_all_history": ("cases.tasks.prove_all_history", crontab(hour=2, minute=10, day_of_week="sunday")),
    "erase_cases": ("cases.tasks.erase_what_is_due", crontab(hour=3, minute=10)),
    "erase_calls": ("hotline.tasks.erase_what_is_due", crontab(hour=3, minute=20)),
    "erase_link_holders": ("dispatch.tasks.erase_what_is_due", crontab(hour=3, minute=25)),
    "erase_readings": ("office.tasks.erase_what_is_due", crontab(hour=3, minute=30)),
    "checkpoint": ("cases.tasks.checkpoint_history", crontab(hour=23, minute=50)),
    "bulk": ("cases.tasks.take_up_bulk", 30),
    "forget_bulk_runs": ("cases.tasks.forget_bulk_runs", crontab(hour=4, minute=20)),
    "cameras": ("patrol.tasks.look_at_cameras", 300),
    "clean_up": ("office.tasks.clean_up", crontab(hour=4, minute=10)),
}


def beat_entry(task: str, when: int | crontab) -> dict:
    # A run that could not start before the next one is due is dropped: each run looks at everything anyway.
    return {"task": task, "schedule": when, "options": {"expires": when if isinstance(when, int) else 3600}}


app = Celery("citymgmt")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {name: beat_entry(task, when) for name, (task, when) in SCHEDULE.items()}
app.autodiscover_tasks()
