#!/bin/sh
# While the image is built: translations and static files. The keys here are for this one command only.
set -eu
for source in locale/*/LC_MESSAGES/*.po; do
    msgfmt --check-format -o "${source%.po}.mo" "$source"
done
python ops/make_vault_keys.py >/tmp/vault.json
SECRET_KEY=used-by-nothing-but-the-gathering-of-static-files DATABASE_URL=postgresql:///none REDIS_URL=unix:///none \
    VAULT_KEY_FILE=/tmp/vault.json STATIC_ROOT=/srv/city/static python manage.py collectstatic --no-input --verbosity 0
rm /tmp/vault.json
