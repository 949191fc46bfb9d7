# The practice area: this very program once more, with a database of its own, so that nothing in it counts. `./run practice`
# starts it beside the site. It is built when it is asked for the first time; ./run alone neither builds nor starts it.

PRACTICE=       # "yes": start it too; "anew": throw its database away first
BUILDING=       # the process that builds it, while it does

practice_port() {
    PRACTICE_PORT=$(free_port "$((PORT + 1))")
    export PRACTICE_URL=${PRACTICE_URL_GIVEN:-http://localhost:$PRACTICE_PORT}
}

# In a subshell only: from here on everything speaks to the practice area.
practice_environment() {
    if private_postgres; then
        export DATABASE_URL=${DATABASE_URL/citymgmt\?/citymgmt_practice?}
        export DATABASE_OWNER_URL=${DATABASE_OWNER_URL/citymgmt\?/citymgmt_practice?}
    else
        export DATABASE_URL=$PRACTICE_DATABASE_URL DATABASE_OWNER_URL=${PRACTICE_DATABASE_OWNER_URL:-}
    fi
    export PRACTICE_OF=$SITE_URL SITE_URL=$PRACTICE_URL PRACTICE_URL=
    export EVIDENCE_ROOT=$LOCAL/practice EVIDENCE_ACCEL_PREFIX= # it hands out its few pictures itself
    mkdir -p "$EVIDENCE_ROOT"
}

practice_possible() {
    private_postgres || [[ -n ${PRACTICE_DATABASE_URL:-} ]] ||
        fail "DATABASE_URL is set, so the practice area needs PRACTICE_DATABASE_URL: a database whose name ends in _practice."
}

make_practice_database() {
    local psql=("$PG_BIN/psql" --no-psqlrc --quiet --set ON_ERROR_STOP=1 -h "$PG_SOCKETS" -U postgres -d postgres)
    private_postgres || return 0
    if [[ $PRACTICE == anew ]]; then "${psql[@]}" -c 'DROP DATABASE IF EXISTS citymgmt_practice WITH (FORCE)'; fi
    "${psql[@]}" <<'SQL'
SELECT 'CREATE DATABASE citymgmt_practice OWNER citymgmt_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'citymgmt_practice') \gexec
SQL
}

# In the background: the site is not kept waiting for it.
build_practice() {
    say "The practice area: $PRACTICE_URL/practice/   (being built; come in from the guide of a desk)"
    (
        let_go_of_locks
        make_practice_database
        practice_environment
        bring_up_to_date
        exec setsid setpriv --pdeathsig TERM -- python manage.py build_practice
    ) >"$LOCAL/logs/practice-build.log" 2>&1 </dev/null &
    BUILDING=$!
}

watch_building() {
    local status=0
    ! kill -0 "$BUILDING" 2>/dev/null || return 0
    wait "$BUILDING" || status=$?
    BUILDING=
    if ((status == 0)); then
        PROGRAMS="$PROGRAMS practice"
        start_program practice
        say "The practice area is ready."
    else
        printf 'The practice area could not be built (the site works without it). Its last lines:\n\n'
        tail -n 6 "$LOCAL/logs/practice-build.log" | cut -c1-300 | sed 's/^/    /'
        printf '\nAll of it: %s\n' "$LOCAL/logs/practice-build.log"
    fi
}
