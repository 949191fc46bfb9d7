"""Pages and API, for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")

django = get_wsgi_application()

# What was loaded at start stays until the end: looking through it for garbage cost a tenth of a request.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 50, 100)


def application(environ, start_response):
    # Over the Unix socket there is no peer address, and only our own nginx can reach that socket: so its word about
    # who is asking may be trusted there, and nowhere else. Throttling and the read log need the true address.
    if not environ.get("REMOTE_ADDR"):
        environ["REMOTE_ADDR"] = environ.get("HTTP_X_REAL_IP", "")
    return django(environ, start_response)
