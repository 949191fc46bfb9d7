"""The addresses of the desk."""

from django.urls import path, register_converter

from cases import api, bulk, papers, views

app_name = "cases"


class Variant:
    """How a stored picture is handed out."""

    regex = "original|view|thumb"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class PaperKind:
    """How a paper is handed out."""

    regex = "html|pdf"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Variant, "variant")
register_converter(PaperKind, "paper_kind")

urlpatterns = [
    path("desk/", views.desk, name="desk"),
    path("desk/rows/", views.desk_rows, name="desk_rows"),
    path("desk/case/", views.live_case, name="live_case"),
    path("desk/map/", views.map_window, name="map_window"),
    path("desk/filters/", views.filter_choices, name="filters"),
    path("desk/ids/", bulk.desk_ids, name="desk_ids"),
    path("bulk/", bulk.bulk_runs, name="bulk_runs"),
    path("bulk/<uuid:run_id>/", bulk.bulk_run, name="bulk_run"),
    path("bulk/<uuid:run_id>/go/", bulk.go, name="bulk_go"),
    path("bulk/<uuid:run_id>/file/", bulk.bulk_file, name="bulk_file"),
    path("bulk/<slug:verb>/", bulk.bulk, name="bulk"),
    path("search/", views.search, name="search"),
    path("search/hits/", views.hits, name="hits"),
    path("case/<uuid:case_id>/", views.case, name="case"),
    path("case/<uuid:case_id>/take-over/", views.take_over, name="take_over"),
    path("case/<uuid:case_id>/deadline/", views.deadline, name="deadline"),
    path("case/<uuid:case_id>/looks/", views.looks, name="looks"),
    path("case/<uuid:case_id>/near/", views.near, name="near"),
    path("case/<uuid:case_id>/paper/<slug:name>.<paper_kind:kind>", papers.paper, name="paper"),
    path("case/<uuid:case_id>/map.svg", papers.map_of, name="map_clip"),
    path("case/<uuid:case_id>/same/", views.same, name="same"),
    path("case/<uuid:case_id>/<str:subject>/<uuid:subject_id>/<str:verb>/", views.move, name="move"),
    path("maintenance/calendar/", views.calendar, name="calendar"),
    path("maintenance/calendar/apply/", views.apply_calendar, name="apply_calendar"),
    path("maintenance/calendar/<int:year>.xlsx", views.calendar_sheet, name="calendar_sheet"),
    path("maintenance/limits/", views.limits, name="limits"),
    path("maintenance/limits/<uuid:public_id>/end/", views.end_limit, name="end_limit"),
    path("maintenance/history/", views.history, name="history"),
    path("maintenance/history/lines/", views.checkpoint_lines, name="checkpoint_lines"),
    path("maintenance/alarms/", views.chains, name="chains"),
    path("maintenance/alarms/new/", views.chain, name="new_chain"),
    path("maintenance/alarms/<uuid:public_id>/", views.chain, name="chain"),
    path("maintenance/alarms/<uuid:public_id>/end/", views.end_chain, name="end_chain"),
    path("evidence/<uuid:public_id>/<variant:variant>/", views.evidence, name="evidence"),
    path("api/v1/queues/", api.Queues.as_view(), name="api_queues"),
    path("api/v1/cases/", api.Cases.as_view(), name="api_cases"),
    path("api/v1/cases/<uuid:case_id>/", api.OneCase.as_view(), name="api_case"),
    path("api/v1/cases/<uuid:case_id>/near/", api.Near.as_view(), name="api_near"),
    path("api/v1/evidence/<uuid:public_id>/<variant:variant>/", api.EvidenceFile.as_view(), name="api_evidence"),
    *api.step_paths("cases", views.DOORS),
]
