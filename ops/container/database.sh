#!/bin/bash
# Run once by the database's image, when its volume is empty: two roles, two databases (the second for practising), the extensions.
set -euo pipefail
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$DB_OWNER_PASSWORD" --set app_password="$DB_APP_PASSWORD" <<'SQL'
CREATE ROLE citymgmt_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE citymgmt_app LOGIN PASSWORD :'app_password';
CREATE DATABASE citymgmt OWNER citymgmt_owner;
REVOKE CONNECT ON DATABASE citymgmt FROM PUBLIC;
GRANT CONNECT ON DATABASE citymgmt TO citymgmt_app;
\connect citymgmt
CREATE EXTENSION postgis;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;
CREATE DATABASE citymgmt_practice OWNER citymgmt_owner;
REVOKE CONNECT ON DATABASE citymgmt_practice FROM PUBLIC;
GRANT CONNECT ON DATABASE citymgmt_practice TO citymgmt_app;
\connect citymgmt_practice
CREATE EXTENSION postgis;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;
SQL
