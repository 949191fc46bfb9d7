#!/bin/sh
# Print nginx.conf made from the template and the environment: in development and in production the same one.
export PRACTICE_SOCKET="${PRACTICE_SOCKET:-/nonexistent}" PRACTICE_HOST="${PRACTICE_HOST:-practice.invalid}"
exec envsubst '${NGINX_USER} ${NGINX_RUN} ${NGINX_LISTEN} ${NGINX_SCHEME} ${NGINX_LOG} ${NGINX_PAGES} ${WEB_SOCKET} ${LIVE_SOCKET} ${PRACTICE_SOCKET} ${PRACTICE_HOST} ${STATIC_ROOT} ${EVIDENCE_ROOT} ${CITY_MAX_UPLOAD_MB}' <"$(dirname "$0")/nginx.conf.template"
