from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0002_who_changed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="filingcondition",
            name="components_condition_limit_complete",
        ),
        migrations.AddConstraint(
            model_name="filingcondition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("limit_unit", ""), ("limit_value__isnull", True)),
                    models.Q(
                        ("limit_value__gt", 0),
                        ("limit_value__isnull", False),
                        models.Q(("limit_unit", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="components_condition_limit_complete",
            ),
        ),
    ]
