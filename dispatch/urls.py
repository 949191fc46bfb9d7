"""The addresses of the dispatch desk, the departments' desk and the responsibility table."""

from django.urls import path

from dispatch import views

app_name = "dispatch"

urlpatterns = [
    path("dispatch/", views.desk, name="desk"),
    path("dispatch/<uuid:case_id>/", views.pane, name="pane"),
    path("dispatch/<uuid:case_id>/<str:subject>/<uuid:subject_id>/<str:verb>/", views.move, name="move"),
    path("department/", views.department, name="department"),
    path("department/<uuid:case_id>/", views.department_pane, name="department_pane"),
    path("maintenance/responsibilities/", views.responsibilities, name="responsibilities"),
    path("maintenance/responsibilities/<uuid:public_id>/end/", views.end_responsibility, name="end_responsibility"),
]
