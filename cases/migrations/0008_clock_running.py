from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Without stopping anybody's work: built beside the running table."""

    atomic = False

    dependencies = [("cases", "0007_alarm_chains")]

    operations = [
        AddIndexConcurrently(
            model_name="stageclock",
            index=models.Index(fields=["id"], name="clock_running", condition=models.Q(state="running")),
        ),
    ]
