"""Find the sealed records that are old and not erased."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_accounts"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="vaultrecord",
            index=models.Index(
                condition=models.Q(("erased_at__isnull", True)), fields=["created_at"], name="accounts_vault_kept"
            ),
        ),
    ]
