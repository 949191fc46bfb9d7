import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Upper
from pypinyin import Style, lazy_pinyin

AT_ONCE = 2000


def kept(signs):
    return "".join(sign for sign in signs if sign.isascii() and sign.isalnum())


def spell(apps, schema_editor):
    """Give the roads and named places that are there already their pinyin initials, some at a time."""
    for name in ("Road", "Place"):
        rows = apps.get_model("grid", name).objects
        batch = []
        for row in rows.filter(pinyin_initials="").only("name_zh").iterator(AT_ONCE):
            letters = lazy_pinyin(row.name_zh, style=Style.FIRST_LETTER, errors=kept)
            row.pinyin_initials = "".join(letters).lower()[:50]
            batch.append(row)
            if len(batch) == AT_ONCE:
                rows.bulk_update(batch, ["pinyin_initials"])
                batch = []
        rows.bulk_update(batch, ["pinyin_initials"])


def begins(model: str, kind: str, how):
    opclass = "text_pattern_ops" if kind == "en" else "varchar_pattern_ops"
    index = models.Index(
        django.contrib.postgres.indexes.OpClass(how, opclass), name=f"grid_{model}_begins_{kind}",
        condition=Q(valid_to__isnull=True),
    )  # fmt: skip
    return migrations.AddIndex(model_name=model, index=index)


class Migration(migrations.Migration):
    dependencies = [("grid", "0002_who_changed")]

    operations = [
        *(
            migrations.AddField(
                model_name=model,
                name="pinyin_initials",
                field=models.CharField(blank=True, db_default="", max_length=50, verbose_name="pinyin initials"),
            )
            for model in ("road", "place")
        ),
        migrations.RunPython(spell, migrations.RunPython.noop, elidable=True),
        *(
            begins(model, kind, how)
            for model in ("road", "place")
            for kind, how in (("zh", F("name_zh")), ("en", Upper("name_en")), ("py", F("pinyin_initials")))
        ),
        migrations.AddIndex(
            model_name="place",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(F("name_zh"), "gin_trgm_ops"),
                name="grid_place_holds",
                condition=Q(valid_to__isnull=True),
            ),
        ),
    ]
