"""No log holds the secret address of a citizen's link or a ticket."""

import re
from logging.config import DictConfigurator

import pytest
from django.conf import settings as installation
from django.test import Client

from hotline.actions import new_token

TEMPLATE = (installation.BASE_DIR / "ops/nginx/nginx.conf.template").read_text()


@pytest.mark.django_db
def test_our_own_log_does_not_hold_a_link_that_was_not_found(caplog):
    token = new_token()
    assert Client().get(f"/citizen/follow/{token}/").status_code == 404
    line = DictConfigurator({}).configure_formatter(dict(installation.LOGGING["formatters"]["line"]))
    (said,) = [line.format(record) for record in caplog.records if token in record.getMessage()]
    assert said.endswith("Not Found: /citizen/follow/…/")


def test_the_log_of_nginx_does_not_hold_a_link():
    written = re.search(r"log_format brief '([^']*)'", TEMPLATE)[1]
    assert "$uri" not in written
    assert "$request " not in written
    hidden = re.search(r"map \$uri (\$\w+) \{[^}]*~\^/citizen/follow/[^}]*\}", TEMPLATE)
    assert hidden
    assert hidden[1] in written
