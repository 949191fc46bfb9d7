"""The collector's pages under /field/."""

from django.urls import path

from patrol import views

app_name = "patrol"

urlpatterns = [
    path("field/", views.home, name="home"),
    path("field/report/", views.report, name="report"),
    path("field/near/", views.near, name="near"),
    path("field/case/<uuid:case_id>/", views.case, name="case"),
    path("field/task/<uuid:task_id>/", views.task, name="task"),
    path("field/candidates/<uuid:case_id>/<str:kind>/", views.candidates, name="candidates"),
    path("field/move/<uuid:case_id>/<str:subject>/<uuid:subject_id>/<str:verb>/", views.move, name="move"),
    path("maintenance/collectors/", views.grids, name="grids"),
    path("maintenance/collectors/<uuid:public_id>/end/", views.end_grid, name="end_grid"),
]
