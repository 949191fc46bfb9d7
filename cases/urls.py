"""The addresses of the desk."""

from django.urls import path, register_converter

from cases import views

app_name = "cases"


class Variant:
    """How a stored picture is handed out."""

    regex = "original|view|thumb"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Variant, "variant")

urlpatterns = [
    path("desk/", views.desk, name="desk"),
    path("search/", views.search, name="search"),
    path("case/<uuid:case_id>/", views.case, name="case"),
    path("case/<uuid:case_id>/deadline/", views.deadline, name="deadline"),
    path("case/<uuid:case_id>/near/", views.near, name="near"),
    path("case/<uuid:case_id>/same/", views.same, name="same"),
    path("case/<uuid:case_id>/<str:subject>/<uuid:subject_id>/<str:verb>/", views.move, name="move"),
    path("evidence/<uuid:public_id>/<variant:variant>/", views.evidence, name="evidence"),
]
