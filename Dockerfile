# Two images: the program (web, live, worker, beat, migrate) and nginx with the static files. See docs/operations.md.

FROM node:22-bookworm-slim AS browser-files
WORKDIR /src
COPY package.json package-lock.json ./
COPY ops/run/browser-files.sh ops/run/
RUN npm_config_omit=dev bash ops/run/browser-files.sh

FROM python:3.11-slim-bookworm AS app
ENV PYTHONUNBUFFERED=1 PATH=/opt/venv/bin:$PATH
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk gettext libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin city \
    && install -d -o city -g city /srv/city/evidence /srv/city/sockets
COPY requirements/runtime.txt /tmp/
RUN python -m venv /opt/venv \
    && pip install --no-cache-dir --only-binary :all: --require-hashes -r /tmp/runtime.txt
WORKDIR /srv/city/program
COPY . .
COPY --from=browser-files /src/static/vendor static/vendor
RUN ops/container/build.sh
USER city
ENTRYPOINT ["/srv/city/program/ops/container/entrypoint.sh"]

FROM nginx:1.28-alpine AS nginx
COPY --from=app /srv/city/static /srv/city/static
COPY ops/nginx /srv/city/nginx
COPY ops/container/nginx.sh /srv/city/nginx.sh
USER 10001
ENTRYPOINT ["/srv/city/nginx.sh"]
