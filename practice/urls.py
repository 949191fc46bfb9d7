"""The addresses of the practice area: the way there on the real site, all others in the area itself."""

from django.urls import path

from practice import views

app_name = "practice"

urlpatterns = [
    path("practice/go/", views.go, name="go"),
    path("practice/door/", views.door, name="door"),
    path("practice/", views.listed, name="lessons"),
    path("practice/line/", views.line, name="line"),
    path("practice/anew/", views.anew, name="anew"),
    path("practice/lesson/<slug:key>/", views.begin, name="begin"),
    path("practice/run/<uuid:run_id>/", views.run, name="run"),
    path("practice/run/<uuid:run_id>/end/", views.end, name="end"),
    path("practice/run/<uuid:run_id>/picture.jpg", views.picture, name="picture"),
]
