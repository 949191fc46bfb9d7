from django.urls import path

from accounts import api, views

app_name = "accounts"

urlpatterns = [
    path("accounts/login/", views.log_in, name="login"),
    path("accounts/logout/", views.log_out, name="logout"),
    path("accounts/logout/everywhere/", views.log_out_everywhere, name="logout_everywhere"),
    path("accounts/lock/", views.lock, name="lock"),
    path("accounts/password/", views.password, name="password"),
    path("accounts/profile/", views.profile, name="profile"),
    path("accounts/tokens/", views.make_token, name="make_token"),
    path("accounts/tokens/<uuid:public_id>/revoke/", views.revoke_token, name="revoke_token"),
    path("accounts/duty/", views.duty, name="duty"),
    path("maintenance/", views.maintenance, name="maintenance"),
    path("maintenance/departments/", views.departments, name="departments"),
    path("maintenance/departments/new/", views.new_department, name="new_department"),
    path("maintenance/departments/<uuid:public_id>/", views.department, name="department"),
    path("maintenance/departments/<uuid:public_id>/end/", views.end_department, name="end_department"),
    path("maintenance/people/", views.people, name="people"),
    path("maintenance/people/new/", views.new_person, name="new_person"),
    path("maintenance/people/<uuid:public_id>/", views.person, name="person"),
    path("maintenance/people/<uuid:public_id>/password/", views.reset_password, name="reset_password"),
    path("maintenance/people/<uuid:public_id>/sessions/", views.end_sessions, name="end_sessions"),
    path("maintenance/people/<uuid:public_id>/appoint/", views.appoint, name="appoint"),
    path("maintenance/people/<uuid:public_id>/tokens/", views.make_token_of, name="make_token_of"),
    path(
        "maintenance/people/<uuid:public_id>/appointments/<int:pk>/end/",
        views.end_appointment,
        name="end_appointment",
    ),
    path("maintenance/settings/", views.settings_list, name="settings"),
    path("maintenance/settings/<str:key>/", views.setting, name="setting"),
    path("maintenance/readings/", views.readings, name="readings"),
    path("maintenance/messages/", views.message_texts, name="message_texts"),
    path("api/v1/me/", api.Me.as_view(), name="api_me"),
    path("api/v1/me/duty/", api.Seat.as_view(), name="api_duty"),
    path("api/v1/departments/", api.Departments.as_view(), name="api_departments"),
    path("api/v1/people/", api.People.as_view(), name="api_people"),
]
