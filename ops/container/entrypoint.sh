#!/bin/sh
# What one container of the program does: migrate, web, live, worker, beat, practice, manage …; `healthy PROGRAM` for its health check.
set -eu
export DJANGO_SETTINGS_MODULE=citymgmt.settings EVIDENCE_ROOT=/srv/city/evidence STATIC_ROOT=/srv/city/static
export EVIDENCE_ACCEL_PREFIX=/protected-evidence/
sockets=/srv/city/sockets

answers() { # answers SOCKET PATH    any answer below 500 counts: the program is alive
    python - "$1" "$2" <<'PYTHON'
import socket, sys

with socket.socket(socket.AF_UNIX) as line:
    line.settimeout(5)
    line.connect(sys.argv[1])
    line.sendall(f"GET {sys.argv[2]} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    sys.exit(int(line.recv(64).split()[1]) >= 500)
PYTHON
}

program=$1
shift
case $program in
    migrate)
        python manage.py migrate --no-input
        python manage.py grant_app_role
        exec python manage.py load_standards
        ;;
    web)
        python manage.py check_vault
        exec gunicorn citymgmt.wsgi:application --bind unix:$sockets/web.sock --worker-class gthread \
            --workers "${CITY_WEB_WORKERS:-2}" --threads 4 --timeout 120 --graceful-timeout 20 --worker-tmp-dir /dev/shm \
            --log-level warning
        ;;
    practice)
        export EVIDENCE_ACCEL_PREFIX= # nginx sees only the real site's files
        python manage.py check_vault
        python manage.py build_practice
        exec gunicorn citymgmt.wsgi:application --bind unix:$sockets/practice.sock --worker-class gthread --workers 1 \
            --threads 4 --timeout 120 --graceful-timeout 20 --worker-tmp-dir /dev/shm --log-level warning
        ;;
    live)
        exec uvicorn citymgmt.live:application --uds $sockets/live.sock --timeout-graceful-shutdown 2 --no-access-log \
            --log-level warning --lifespan on
        ;;
    worker)
        exec celery --app citymgmt worker --concurrency "${CITY_WORKERS:-2}" --loglevel INFO --without-gossip --without-mingle
        ;;
    beat)
        exec celery --app citymgmt beat --loglevel WARNING --pidfile= --schedule /tmp/beat-schedule
        ;;
    manage) exec python manage.py "$@" ;;
    healthy)
        case $1 in
            web) answers $sockets/web.sock /health/ ;;
            practice) answers $sockets/practice.sock /health/ ;;
            live) answers $sockets/live.sock /live/ ;;
            worker) celery --app citymgmt inspect ping --destination "celery@$(hostname)" --timeout 10 >/dev/null ;;
            beat) test -n "$(find /tmp -maxdepth 1 -name 'beat-schedule*' -mmin -6)" ;;
        esac
        ;;
    *)
        echo "citymgmt: no program \"$program\"; there are migrate, web, live, worker, beat, practice, manage." >&2
        exit 2
        ;;
esac
