# PostgreSQL and Redis (twice: broker and news; cache), private to this checkout and reachable only by their Unix sockets.
#
# PostgreSQL refuses to run as root, and its user cannot enter a folder that only root may enter. So for root its data
# live in /var/lib/citymgmt/<id>, for everybody else in .local. The name of a Unix socket may have 107 bytes: the sockets
# live in a short folder of their own.

places() {
    [[ -f $LOCAL/id ]] && adopt_or_leave_copied_data
    [[ -f $LOCAL/id ]] || new_id
    ID=$(<"$LOCAL/id")
    if ((EUID == 0)); then
        DATA=/var/lib/citymgmt/$ID
        SOCKETS=/run/citymgmt-$ID
    else
        DATA=$LOCAL/data
        SOCKETS=$LOCAL/run
        # .s.PGSQL.5432.lock and its folder are the longest name below it
        ((${#SOCKETS} <= 80)) && [[ $SOCKETS != *[^[:ascii:]]* ]] || SOCKETS=/tmp/citymgmt-$ID
    fi
    PG_DATA=$DATA/postgresql
    PG_SOCKETS=$SOCKETS/pg
}

new_id() {
    rm -f "$LOCAL"/stamps/{cluster,database,database-content}
    od -An -N4 -tx4 /dev/urandom | tr -d ' ' >"$LOCAL/id.new"
    printf '%s\n' "$TOP" >"$LOCAL/place"
    mv "$LOCAL/id.new" "$LOCAL/id"
}

# A folder that was copied has the other one's id; two checkouts must never share a database. One that was moved keeps its own.
adopt_or_leave_copied_data() {
    local before
    before=$(cat "$LOCAL/place" 2>/dev/null || true)
    [[ $before != "$TOP" ]] || return 0
    if [[ -n $before && $(cat "$before/.local/id" 2>/dev/null) == "$(<"$LOCAL/id")" ]]; then
        say "This is a copy of $before: it gets a database of its own."
        rm -rf "$LOCAL"/{id,data,run,evidence,stamps}
        mkdir -p "$LOCAL"/{run,stamps,data}
    else
        printf '%s\n' "$TOP" >"$LOCAL/place"
    fi
}

# Everything that differs between PostgreSQL run by root and by anybody else.
as_postgres() {
    if ((EUID == 0)); then
        (cd / && exec setpriv --reuid postgres --regid postgres --init-groups -- "$@")
    else
        "$@"
    fi
}

# In a subshell, before a server is started: the locks of this script would otherwise be held as long as the server lives.
let_go_of_locks() {
    [[ -z ${TURN:-} ]] || exec {TURN}>&-
    [[ -z ${USERS:-} ]] || exec {USERS}>&-
    [[ -z ${SITE:-} ]] || exec {SITE}>&-
}

make_folders() {
    local owner=$EUID
    if [[ -e $SOCKETS && $(stat -c %u "$SOCKETS") != "$EUID" ]]; then
        fail "$SOCKETS belongs to somebody else. Remove it, or remove $LOCAL/id to get another name."
    fi
    mkdir -p "$SOCKETS" "$PG_SOCKETS" "$DATA"
    if ((EUID == 0)); then
        owner=postgres
        chmod 711 /var/lib/citymgmt "$DATA" "$SOCKETS"
    else
        chmod 700 "$SOCKETS" "$DATA"
    fi
    chown "$owner" "$PG_SOCKETS"
    chmod 700 "$PG_SOCKETS"
}

private_postgres() { [[ -z ${FOREIGN_DATABASE:-} ]]; }
private_redis() { [[ -z ${FOREIGN_REDIS:-} ]]; }

# --- PostgreSQL --------------------------------------------------------------------------------------------------

postgres_answers() { "$PG_BIN/pg_isready" -q -h "$PG_SOCKETS"; }

start_postgres() {
    find_postgres || fail "PostgreSQL with PostGIS is missing."
    if [[ -f $PG_DATA/PG_VERSION && $PG_BIN != */$(cat "$PG_DATA/PG_VERSION")/bin ]]; then
        fail "The data of this checkout were made by PostgreSQL $(cat "$PG_DATA/PG_VERSION"), which is not installed any more. Install it, or start anew: ./run reset"
    fi
    once cluster "$ID" "Making a private PostgreSQL" make_cluster
    if ! postgres_answers; then
        forget_dead_postmaster
        step postgresql-start "Starting PostgreSQL" run_postgres
    fi
    once database "$ID" "Making roles and database" make_database
}

make_cluster() {
    # A finished cluster whose stamp was lost is kept.
    [[ ! -f $PG_DATA/PG_VERSION ]] || return 0
    rm -rf "$PG_DATA.new"
    mkdir -p "$PG_DATA.new"
    ((EUID != 0)) || chown postgres "$PG_DATA.new"
    as_postgres "$PG_BIN/initdb" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 -D "$PG_DATA.new"
    mv "$PG_DATA.new" "$PG_DATA"
}

run_postgres() {
    local quiet=$LOCAL/logs/postgresql.log
    let_go_of_locks
    # Only our own user and root can reach the socket's folder, so "trust" trusts only them.
    as_postgres "$PG_BIN/pg_ctl" start --silent --wait --timeout=120 -D "$PG_DATA" -o "\
        -c listen_addresses='' -c unix_socket_directories='$PG_SOCKETS' -c unix_socket_permissions=0700 \
        -c max_connections=100 -c shared_buffers=256MB -c work_mem=16MB -c maintenance_work_mem=128MB \
        -c effective_io_concurrency=200 -c random_page_cost=1.1 -c max_wal_size=2GB -c checkpoint_timeout=15min \
        -c timezone=UTC -c log_timezone=UTC -c log_min_duration_statement=1000 -c log_line_prefix='%m [%p] %u ' -c jit=off" \
        >>"$quiet" 2>&1 || {
        tail -n 20 "$quiet"
        return 1
    }
}

# After a crash or a restart of the machine the number in postmaster.pid may belong to any other program.
forget_dead_postmaster() {
    local pid
    [[ -f $PG_DATA/postmaster.pid ]] || return 0
    read -r pid <"$PG_DATA/postmaster.pid" || true
    if [[ $pid =~ ^[0-9]+$ && $(cat "/proc/$pid/comm" 2>/dev/null) == postgres ]]; then
        # Alive but not answering: its socket was swept away, or it is just starting. Let it go first.
        as_postgres "$PG_BIN/pg_ctl" stop --silent --mode=fast --timeout=60 -D "$PG_DATA" >/dev/null 2>&1 || true
    else
        rm -f "$PG_DATA/postmaster.pid"
    fi
}

make_database() {
    local psql=("$PG_BIN/psql" --no-psqlrc --quiet --set ON_ERROR_STOP=1 -h "$PG_SOCKETS" -U postgres)
    # The owner also makes databases for tests: they are copies of template1, where the extensions stand already.
    "${psql[@]}" -d template1 <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
SELECT 'CREATE ROLE citymgmt_owner LOGIN CREATEDB' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'citymgmt_owner') \gexec
SELECT 'CREATE ROLE citymgmt_app LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'citymgmt_app') \gexec
SQL
    "${psql[@]}" -d postgres <<'SQL'
SELECT 'CREATE DATABASE citymgmt OWNER citymgmt_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'citymgmt') \gexec
SQL
}

stop_postgres() {
    find_postgres || return 0
    [[ -f $PG_DATA/postmaster.pid ]] || return 0
    as_postgres "$PG_BIN/pg_ctl" stop --silent --mode=fast --timeout=60 -D "$PG_DATA" >>"$LOCAL/logs/postgresql.log" 2>&1 || true
}

# --- Redis -------------------------------------------------------------------------------------------------------

redis_answers() { [[ $(timeout 2 redis-cli -s "$SOCKETS/$1.sock" ping 2>/dev/null) == PONG ]]; }

start_redis() { # start_redis NAME OPTIONS…
    local name=$1
    shift
    redis_answers "$name" && return
    stop_redis "$name"
    mkdir -p "$LOCAL/data/$name"
    step "$name-start" "Starting Redis ($name)" run_redis "$name" "$@"
}

run_redis() {
    local name=$1 tries
    shift
    let_go_of_locks
    redis-server --port 0 --unixsocket "$SOCKETS/$name.sock" --unixsocketperm 700 --daemonize yes \
        --dir "$LOCAL/data/$name" --pidfile "$LOCAL/run/$name.pid" --logfile "$LOCAL/logs/$name.log" "$@"
    for tries in {1..200}; do
        redis_answers "$name" && return
        sleep $LOOK
    done
    tail -n 20 "$LOCAL/logs/$name.log"
    return 1
}

start_both_redis() {
    # What is in the broker was promised to somebody: kept on disk, never thrown out to make room.
    start_redis redis-broker --appendonly yes --save "" --maxmemory 512mb --maxmemory-policy noeviction
    start_redis redis-cache --appendonly no --save "" --maxmemory 128mb --maxmemory-policy allkeys-lru
}

stop_redis() {
    local pid
    pid=$(cat "$LOCAL/run/$1.pid" 2>/dev/null || true)
    [[ $(command_line "$pid") == *"$SOCKETS/$1.sock"* ]] || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    wait_gone "$pid" 10 || kill -KILL "$pid" 2>/dev/null || true
}

# What process PID is running: its number alone may have gone to any other program.
command_line() { { tr '\0' ' ' <"/proc/${1:-none}/cmdline"; } 2>/dev/null || true; }

wait_gone() { # wait_gone PID SECONDS
    local end=$((SECONDS + $2))
    while [[ -d /proc/$1 && $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) != Z ]]; do
        ((SECONDS < end)) || return 1
        sleep $LOOK
    done
}

# --- Who uses them -----------------------------------------------------------------------------------------------
# Every ./run that needs the services shares one lock; whoever leaves last turns them off.

use_services() {
    FOREIGN_DATABASE=${DATABASE_URL:-}
    FOREIGN_REDIS=${REDIS_URL:-}
    make_folders
    exec {USERS}>"$LOCAL/lock/users"
    flock -s "$USERS"
    private_postgres && start_postgres
    private_redis && start_both_redis
    city_environment
}

keep_services() {
    touch "$LOCAL/run/keep-services"
    say "PostgreSQL and Redis are running. Stop them: ./run stop"
}

release_services() {
    [[ -n ${USERS:-} ]] || return 0
    if [[ ! -e $LOCAL/run/keep-services ]] && flock -n -x "$USERS"; then
        stop_services
    fi
    exec {USERS}>&-
    USERS=
}

stop_services() {
    private_redis && { stop_redis redis-broker; stop_redis redis-cache; }
    private_postgres && stop_postgres
    return 0
}

stop_everything() {
    [[ -f $LOCAL/id ]] || { say "Nothing runs here."; return; }
    places
    stop_running_site
    rm -f "$LOCAL/run/keep-services"
    exec {USERS}>"$LOCAL/lock/users"
    if ! flock -w 20 -x "$USERS"; then
        exec {USERS}>&-
        USERS=
        fail "A test or a command of this checkout is still using the database. Stop it first."
    fi
    stop_services
    exec {USERS}>&-
    USERS=
    say "Everything of this checkout is stopped."
}

remove_data() {
    [[ -n ${ID:-} ]] || return 0
    rm -rf "$PG_DATA" "$PG_DATA.new" "$LOCAL"/{data,evidence,practice,secrets,run,testing,id,place} "$LOCAL"/stamps/{cluster,database,database-content}
    ((EUID != 0)) || rm -rf "/var/lib/citymgmt/$ID" "/run/citymgmt-$ID"
    [[ $SOCKETS == "$LOCAL/run" ]] || rm -rf "$SOCKETS"
}

# --- What the programs are told ----------------------------------------------------------------------------------

secrets() {
    local folder=$LOCAL/secrets
    mkdir -p "$folder"
    chmod 700 "$folder"
    [[ -s $folder/secret_key ]] || "$VENV/bin/python" -c 'import secrets; print(secrets.token_urlsafe(48))' >"$folder/secret_key.new"
    [[ -s $folder/secret_key ]] || mv "$folder/secret_key.new" "$folder/secret_key"
    if [[ ! -s $folder/vault.json ]]; then
        "$VENV/bin/python" ops/make_vault_keys.py >"$folder/vault.json.new"
        mv "$folder/vault.json.new" "$folder/vault.json"
    fi
}

city_environment() {
    local at=$PG_SOCKETS
    at=${at//\//%2F}
    if private_postgres; then
        export DATABASE_URL="postgresql://citymgmt_app@/citymgmt?host=$at"
        export DATABASE_OWNER_URL="postgresql://citymgmt_owner@/citymgmt?host=$at"
    fi
    if private_redis; then
        export REDIS_URL="unix://$SOCKETS/redis-broker.sock?db=0"
        export CACHE_URL="unix://$SOCKETS/redis-cache.sock?db=0"
    fi
    export DJANGO_SETTINGS_MODULE=citymgmt.settings
    export CITY_INSTANCE=city_$ID
    SECRET_KEY=$(<"$LOCAL/secrets/secret_key")
    export SECRET_KEY
    export VAULT_KEY_FILE=${VAULT_KEY_FILE:-$LOCAL/secrets/vault.json}
    export EVIDENCE_ROOT=${EVIDENCE_ROOT:-$LOCAL/evidence}
    export STATIC_ROOT=${STATIC_ROOT:-$LOCAL/static}
    export EVIDENCE_ACCEL_PREFIX=/protected-evidence/
    PRACTICE_URL_GIVEN=${PRACTICE_URL_GIVEN-${PRACTICE_URL:-}} # likewise
    SITE_URL_GIVEN=${SITE_URL_GIVEN-${SITE_URL:-}} # by whoever started us; otherwise it follows the port
    export SITE_URL=${SITE_URL_GIVEN:-http://localhost:$(cat "$LOCAL/run/port" 2>/dev/null || echo 8000)}
    [[ ${CITY_LISTEN:-127.0.0.1} == 127.0.0.1 ]] || export ALLOWED_HOSTS=${ALLOWED_HOSTS:-"*"}
    export CHROMIUM=${CHROMIUM:-}
    export C_FORCE_ROOT=1 # the worker of a checkout that only root may enter
    mkdir -p "$EVIDENCE_ROOT"
}

translations() {
    local sources
    sources=$(compgen -G 'locale/*/LC_MESSAGES/*.po') || return 0
    once translations "$(digest $sources)" "Compiling translations" compile_translations
}

compile_translations() {
    local source
    for source in locale/*/LC_MESSAGES/*.po; do
        msgfmt --check-format -o "${source%.po}.mo" "$source"
    done
}

# Run COMMAND as the main thing of this ./run, whose status becomes ours when it fails.
foreground() {
    local status=0
    (
        let_go_of_locks
        exec setpriv --pdeathsig TERM -- "$@"
    ) || status=$?
    ((status == 0)) || exit "$status"
}
