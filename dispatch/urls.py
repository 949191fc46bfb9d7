"""The addresses of the dispatch desk, the departments' desk and the responsibility table."""

from django.urls import include, path

from cases.api import step_paths
from dispatch import api, bulk, handbook, rule_pages, views

# For a phone without an account: short, because it goes out by text message.
link = [
    path("", views.link, name="page"),
    path("picture/", views.link_picture, name="picture"),
    path("<uuid:evidence_id>/<variant:variant>/", views.link_shot, name="shot"),
]

desks = [
    path("dispatch/", views.desk, name="desk"),
    path("dispatch/rows/", views.desk_rows, name="desk_rows"),
    path("dispatch/ids/", bulk.desk_ids, name="desk_ids"),
    path("dispatch/bulk/<uuid:run_id>/go/", bulk.go, name="bulk_go"),
    path("dispatch/bulk/<slug:verb>/", bulk.bulk, name="bulk"),
    path("dispatch/<uuid:case_id>/", views.pane, name="pane"),
    path("dispatch/<uuid:case_id>/<str:subject>/<uuid:subject_id>/<str:verb>/", views.move, name="move"),
    path("handbook/", handbook.contents, name="handbook"),
    path("handbook/pdf/", handbook.order, name="handbook_order"),
    path("handbook/<slug:name>/", handbook.chapter, name="handbook_chapter"),
    path("department/", views.department, name="department"),
    path("department/rows/", views.department_rows, name="department_rows"),
    path("department/ids/", bulk.department_ids, name="department_ids"),
    path("department/<uuid:case_id>/", views.department_pane, name="department_pane"),
    path("department/crews/", views.crews, name="crews"),
    path("department/crews/practice/<uuid:public_id>/", views.practice, name="practice"),
    path("department/crews/<uuid:public_id>/", views.crews, name="crew"),
    path("department/crews/<uuid:public_id>/end/", views.end_crew, name="end_crew"),
    path("department/<uuid:case_id>/links/", views.links_pane, name="links"),
    path("department/<uuid:case_id>/links/<uuid:stint_id>/", views.make_link, name="make_link"),
    path("department/links/<uuid:public_id>/<str:what>/", views.change_link, name="change_link"),
    path("maintenance/straight-through/", views.straight_classes, name="straight"),
    path("maintenance/straight-through/<uuid:public_id>/end/", views.end_straight, name="end_straight"),
    path("maintenance/responsibilities/", views.responsibilities, name="responsibilities"),
    path("maintenance/responsibilities/<uuid:public_id>/end/", views.end_responsibility, name="end_responsibility"),
    path("maintenance/rules/", rule_pages.book, name="rule_book"),
    path("maintenance/rules/book.xlsx", rule_pages.workbook, name="rule_workbook"),
    path("maintenance/rules/coming/<slug:name>/<str:day>/", rule_pages.coming, name="rules_coming"),
    path("maintenance/rules/what-if/<slug:name>/", rule_pages.what_if, name="what_if"),
    path("maintenance/rules/what-if/<slug:name>/<str:which>/", rule_pages.what_if, name="what_if_of"),
    path("maintenance/rules/<uuid:public_id>/", rule_pages.preview, name="rule_preview"),
    path("maintenance/rules/<uuid:public_id>/take/", rule_pages.take, name="take_rules"),
    path("requests/", views.lists, name="lists"),
    path("maintenance/approvals/", views.rules, name="rules"),
    path("maintenance/approvals/<str:what>/<uuid:public_id>/end/", views.end_rule, name="end_rule"),
    path("api/v1/dispatch/queues/", api.Queues.as_view(), name="api_queues"),
    path("api/v1/dispatch/cases/", api.DeskCases.as_view(), name="api_cases"),
    path("api/v1/cases/<uuid:case_id>/proposals/", api.Proposals.as_view(), name="api_proposals"),
    path("api/v1/department/queues/", api.DepartmentQueues.as_view(), name="api_department_queues"),
    path("api/v1/department/stints/", api.Stints.as_view(), name="api_stints"),
    *step_paths("dispatch", views.DOORS),
]

urlpatterns = [
    path("l/<str:token>/", include((link, "link"))),
    path("", include((desks, "dispatch"))),
]
