import django.contrib.gis.db.models.fields
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("grid", "0002_who_changed"),
    ]

    operations = [
        migrations.AddField(
            model_name="dutygrid",
            name="boundary",
            field=django.contrib.gis.db.models.fields.MultiPolygonField(
                blank=True, editable=False, null=True, spatial_index=False, srid=4490, verbose_name="boundary"
            ),
        ),
    ]
