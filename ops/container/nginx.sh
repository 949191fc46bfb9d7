#!/bin/sh
# nginx in front: the template of development with the deployment's values.
#   with /srv/city/tls/fullchain.pem and privkey.pem   it speaks https on 8443 and sends 8080 there
#   without                                            http on 8080, for a terminator of TLS in front; TRUSTED_PROXY is its address
set -eu
export NGINX_USER="" NGINX_RUN=/tmp/nginx NGINX_LOG=/dev/stdout NGINX_PAGES=/srv/city/nginx NGINX_SCHEME="${SITE_URL%%:*}"
export WEB_SOCKET=/srv/city/sockets/web.sock LIVE_SOCKET=/srv/city/sockets/live.sock
export STATIC_ROOT=/srv/city/static EVIDENCE_ROOT=/srv/city/evidence CITY_MAX_UPLOAD_MB="${CITY_MAX_UPLOAD_MB:-60}"
if [ -e /srv/city/tls/fullchain.pem ]; then
    NGINX_LISTEN="listen 8080; listen 8443 ssl;
        ssl_certificate /srv/city/tls/fullchain.pem; ssl_certificate_key /srv/city/tls/privkey.pem;
        set \$home $SITE_URL; if (\$pages = practice) { set \$home ${PRACTICE_URL:-$SITE_URL}; }
        if (\$scheme = http) { return 308 \$home\$request_uri; }"
else
    NGINX_LISTEN="listen 8080;"
fi
if [ -n "${TRUSTED_PROXY:-}" ]; then
    NGINX_LISTEN="$NGINX_LISTEN
        set_real_ip_from $TRUSTED_PROXY; real_ip_header X-Forwarded-For;"
fi
if [ -n "${PRACTICE_URL:-}" ]; then
    PRACTICE_HOST=${PRACTICE_URL#*://}
    export PRACTICE_HOST="${PRACTICE_HOST%%/*}" PRACTICE_SOCKET=/srv/city/sockets/practice.sock
fi
export NGINX_LISTEN
mkdir -p $NGINX_RUN
sh /srv/city/nginx/render.sh >$NGINX_RUN/nginx.conf
exec nginx -p $NGINX_RUN -c $NGINX_RUN/nginx.conf -e stderr
