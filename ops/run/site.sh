# The site itself, in the foreground: nginx in front of gunicorn (pages) and uvicorn (/live/), the worker and its clock.

LISTEN=${CITY_LISTEN:-127.0.0.1}
PROGRAMS="live web worker beat nginx" # in the order of starting; stopped in the opposite order
declare -A RUNNING=() STARTED=()
DEMO=           # the process that builds the demo county, while it does
DEMO_TOLD=0     # when its progress was last said
ACCOUNTS_SHOWN=

cmd_start() {
    private_folder
    places
    exec {SITE}>"$LOCAL/lock/site"
    if ! flock -n "$SITE"; then
        exec {SITE}>&-
        SITE=
        fail "It is already running: $(cat "$LOCAL/run/address" 2>/dev/null || echo "it is just starting"). Stop it with Ctrl-C there, or: ./run stop"
    fi
    set_up
    echo $$ >"$LOCAL/run/site.pid"
    stop_leftovers
    choose_port
    if [[ -n $PRACTICE ]]; then practice_possible; practice_port; fi
    city_environment
    migrate
    if [[ ${CITY_DEBUG:-0} == 1 ]]; then rm -rf "$STATIC_ROOT"; else gather_static; fi
    write_nginx_conf
    python manage.py check_vault >"$LOCAL/logs/vault.log" 2>&1 </dev/null &
    VAULT=$!
    for program in $PROGRAMS; do start_program "$program"; done
    wait_for_site
    wait "$VAULT" || fail "$(tail -n 1 "$LOCAL/logs/vault.log")"
    printf 'http://localhost:%s/\n' "$PORT" >"$LOCAL/run/address"
    say ""
    say "Ready: http://localhost:$PORT/          (Ctrl-C stops everything; logs: $LOCAL/logs)"
    if [[ -n $PRACTICE ]]; then build_practice; fi
    build_demo
    watch
}

# Only we write the private database, so what was brought up to date once need not be looked at again. Another one we never know.
migrate() {
    private_postgres || forget_done database-content
    once database-content "$ID $(content_of_database | digest)" "Bringing the database up to date" bring_up_to_date
}

content_of_database() {
    cat */migrations/*.py citymgmt/management/commands/{grant_app_role,load_standards}.py
    find fixtures/standards -type f -exec cat {} + | cat
}

bring_up_to_date() {
    python manage.py migrate --no-input
    if has_command grant_app_role; then CITY_DB_ROLE=owner python manage.py grant_app_role; fi
    if has_command load_standards; then python manage.py load_standards; fi
}

has_command() { [[ -n $(compgen -G "*/management/commands/$1.py") ]]; }

gather_static() {
    local ours
    ours=$(find static -type f -printf '%p %s %T@\n' 2>/dev/null | sort | digest)
    once static "$ours $(digest "$LOCAL/stamps/python" "$LOCAL/stamps/browser-files")" "Gathering static files" gather_static_files
}

gather_static_files() {
    rm -rf "$STATIC_ROOT"
    python manage.py collectstatic --no-input --verbosity 0
}

# The first free port from FIRST on, else from 8000 up.
free_port() { # free_port FIRST
    "$PYTHON" - "$LISTEN" "$1" <<'PYTHON' || fail "No port from 8000 to 8399 is free on $LISTEN."
import socket, sys

listen, first = sys.argv[1], int(sys.argv[2])
for port in [first, *range(8000, 8400)]:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((listen, port))
            one.listen()
        except OSError:
            continue
        print(port)
        break
else:
    sys.exit("no free port")
PYTHON
}

# The same one at the next start if it is still free.
choose_port() {
    local before
    before=$(cat "$LOCAL/run/port" 2>/dev/null || true)
    PORT=$(free_port "${CITY_PORT:-${before:-8000}}")
    [[ -z $before || $before == "$PORT" ]] || say "Port $before is taken by another program; using $PORT."
    echo "$PORT" >"$LOCAL/run/port"
    export SITE_URL=${SITE_URL_GIVEN:-http://localhost:$PORT}
}

write_nginx_conf() {
    local listen="listen $LISTEN:$PORT;"
    [[ -z $PRACTICE ]] || listen="$listen listen $LISTEN:$PRACTICE_PORT;"
    mkdir -p "$LOCAL/run/nginx"
    NGINX_USER=$( ((EUID == 0)) && echo "user root;" || true) \
        NGINX_RUN="$LOCAL/run/nginx" NGINX_LISTEN="$listen" NGINX_SCHEME=http NGINX_LOG="$LOCAL/logs/nginx-access.log" \
        NGINX_PAGES="$TOP/ops/nginx" WEB_SOCKET="$SOCKETS/web.sock" LIVE_SOCKET="$SOCKETS/live.sock" \
        PRACTICE_SOCKET="$SOCKETS/practice.sock" PRACTICE_HOST="${PRACTICE:+~:$PRACTICE_PORT\$}" \
        STATIC_ROOT="$STATIC_ROOT" EVIDENCE_ROOT="$EVIDENCE_ROOT" CITY_MAX_UPLOAD_MB="${CITY_MAX_UPLOAD_MB:-60}" \
        sh ops/nginx/render.sh >"$LOCAL/run/nginx.conf"
}

start_program() {
    local name=$1 reload=()
    if [[ ${CITY_DEBUG:-0} == 1 ]]; then reload=(--reload); fi
    case $name in
        web)
            set -- python -m gunicorn citymgmt.wsgi:application --bind "unix:$SOCKETS/web.sock" --worker-class gthread \
                --workers "${CITY_WEB_WORKERS:-2}" --threads 4 --timeout 120 --graceful-timeout 10 --worker-tmp-dir /dev/shm \
                --log-level warning "${reload[@]}"
            ;;
        practice) # a few trainees: one process
            set -- python -m gunicorn citymgmt.wsgi:application --bind "unix:$SOCKETS/practice.sock" --worker-class gthread \
                --workers 1 --threads 4 --timeout 120 --graceful-timeout 10 --worker-tmp-dir /dev/shm \
                --log-level warning "${reload[@]}"
            ;;
        live)
            set -- python -m uvicorn citymgmt.live:application --uds "$SOCKETS/live.sock" --timeout-graceful-shutdown 2 \
                --no-access-log --log-level warning --lifespan on
            ;;
        worker)
            set -- python -m celery --app citymgmt worker --concurrency 2 --loglevel INFO --without-gossip --without-mingle
            ;;
        beat)
            set -- python -m celery --app citymgmt beat --loglevel WARNING --pidfile= --schedule "$LOCAL/run/beat-schedule"
            ;;
        nginx)
            set -- nginx -p "$LOCAL/run/nginx" -c "$LOCAL/run/nginx.conf" -e "$LOCAL/logs/nginx.log"
            ;;
    esac
    # A session of its own: Ctrl-C reaches only us, and we stop the programs in order. When we are killed, so are they.
    (
        let_go_of_locks
        if [[ $name == practice ]]; then practice_environment; fi
        exec setsid setpriv --pdeathsig TERM -- "$@"
    ) >>"$LOCAL/logs/$name.log" 2>&1 </dev/null &
    RUNNING[$name]=$!
    STARTED[$name]=$SECONDS
    echo "$!" >"$LOCAL/run/$name.pid"
}

wait_for_site() {
    local end=$((SECONDS + 60)) name
    until site_answers; do
        for name in $PROGRAMS; do
            kill -0 "${RUNNING[$name]}" 2>/dev/null || give_up "$name"
        done
        ((SECONDS < end)) || give_up web
        sleep $LOOK
    done
}

# 502 is nginx saying that the pages are not up yet; any other answer is an answer.
site_answers() {
    local status
    status=$({
        exec 3<>"/dev/tcp/${LISTEN/0.0.0.0/127.0.0.1}/$PORT"
        printf 'GET /health/ HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
        read -r -t 30 _ status _ <&3 && echo "$status"
    } 2>/dev/null)
    [[ -n $status && $status != 502 ]]
}

give_up() {
    {
        printf '\n%s does not start.\n' "$1"
        reason "$LOCAL/logs/$1.log"
        printf 'Its last lines:\n\n'
        tail -n 15 "$LOCAL/logs/$1.log" | cut -c1-300 | sed 's/^/    /'
        printf '\nAll of it: %s\n' "$LOCAL/logs/$1.log"
    } >&2
    exit 1
}

build_demo() {
    if has_command demo_county; then
        : >"$LOCAL/logs/demo.log" # it is read before the program has opened it
        (
            let_go_of_locks
            exec setsid setpriv --pdeathsig TERM -- python manage.py demo_county
        ) >"$LOCAL/logs/demo.log" 2>&1 </dev/null &
        DEMO=$!
        echo "$DEMO" >"$LOCAL/run/demo.pid"
    fi
}

# Until somebody stops us: a program that ends by itself is started again, and said so.
watch() {
    local name rounds=0
    while :; do
        for name in $PROGRAMS; do
            kill -0 "${RUNNING[$name]}" 2>/dev/null || start_again "$name"
        done
        if [[ -n $DEMO ]]; then watch_demo; fi
        if [[ -n $BUILDING ]]; then watch_building; fi
        if ((++rounds % 5 == 0)); then watch_services; fi
        sleep 1 &
        { wait $! || true; } 2>/dev/null # the shell would name a killed program in its own words
    done
}

watch_services() {
    if private_postgres && ! postgres_answers; then
        say "$(date +%H:%M:%S)  PostgreSQL does not answer. See $LOCAL/logs/postgresql.log"
        start_postgres
    fi
    if private_redis && ! { redis_answers redis-broker && redis_answers redis-cache; }; then
        say "$(date +%H:%M:%S)  Redis does not answer. See $LOCAL/logs/redis-broker.log and redis-cache.log"
        start_both_redis
    fi
}

watch_demo() {
    local line
    line=$(tail -c 300 "$LOCAL/logs/demo.log" | tr '\r' '\n' | tail -n 1)
    # The people are there before the first day of their history.
    if [[ $line == *" day "* ]]; then show_accounts; fi
    if ! kill -0 "$DEMO" 2>/dev/null; then
        demo_ended
    elif [[ -t 1 ]]; then
        printf '\r\033[K  %s' "${line:0:100}"
    elif [[ -n $line ]] && ((SECONDS - DEMO_TOLD >= 20)); then
        DEMO_TOLD=$SECONDS
        printf '  %s\n' "$line"
    fi
}

demo_ended() {
    local status=0
    wait "$DEMO" || status=$?
    DEMO=
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
    if ((status == 0)); then
        show_accounts
        say "The demo county is complete. Ctrl-C stops everything."
    else
        printf 'The demo county could not be built to its end (the site works without it). Its last lines:\n\n'
        tail -n 6 "$LOCAL/logs/demo.log" | cut -c1-300 | sed 's/^/    /'
        printf '\nAll of it: %s\nTry again: ./run manage demo_county\n' "$LOCAL/logs/demo.log"
    fi
}

show_accounts() {
    [[ -z $ACCOUNTS_SHOWN ]] || return 0
    local accounts
    accounts=$(python manage.py demo_accounts 2>>"$LOCAL/logs/demo.log") || return 0
    ACCOUNTS_SHOWN=yes
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
    printf '\n%s\n\n' "$accounts"
}

start_again() {
    local name=$1 status=0
    { wait "${RUNNING[$name]}" || status=$?; } 2>/dev/null
    printf '%s  %s ended by itself (status %s); starting it again. See %s\n' "$(date +%H:%M:%S)" "$name" "$status" "$LOCAL/logs/$name.log"
    # One that cannot live is not started more than once in two seconds.
    ((SECONDS - STARTED[$name] >= 2)) || sleep 2
    start_program "$name"
}

stop_site() {
    local name backwards=""
    [[ -n ${SITE:-} ]] || return 0
    if ((${#RUNNING[@]})); then
        say "Stopping …"
    fi
    for name in $PROGRAMS; do backwards="$name $backwards"; done
    if [[ -n $DEMO ]]; then kill -TERM "$DEMO" 2>/dev/null || true; fi
    if [[ -n $BUILDING ]]; then kill -TERM "$BUILDING" 2>/dev/null || true; fi
    for name in $backwards; do
        if [[ -n ${RUNNING[$name]:-} ]]; then kill -TERM "${RUNNING[$name]}" 2>/dev/null || true; fi
    done
    for name in $backwards; do
        [[ -n ${RUNNING[$name]:-} ]] || continue
        wait_gone "${RUNNING[$name]}" 15 || kill -KILL -- "-${RUNNING[$name]}" 2>/dev/null || true
        rm -f "$LOCAL/run/$name.pid"
    done
    ((${#RUNNING[@]} == 0)) || say "Stopped."
    rm -f "$LOCAL"/run/{site.pid,address,demo.pid}
    RUNNING=()
    exec {SITE}>&-
    SITE=
}

# What a killed ./run left behind.
stop_leftovers() {
    local name pid
    for name in demo nginx practice beat worker web live; do
        pid=$(cat "$LOCAL/run/$name.pid" 2>/dev/null || true)
        rm -f "$LOCAL/run/$name.pid"
        [[ $(command_line "$pid") =~ citymgmt|"$LOCAL"|manage.py ]] || continue
        kill -TERM "$pid" 2>/dev/null || continue
        wait_gone "$pid" 15 || kill -KILL -- "-$pid" 2>/dev/null || true
    done
}

# ./run stop, from another terminal.
stop_running_site() {
    local pid lock
    exec {lock}>"$LOCAL/lock/site"
    if ! flock -n "$lock"; then
        pid=$(cat "$LOCAL/run/site.pid" 2>/dev/null || true)
        [[ $(command_line "$pid") != *run* ]] || kill -TERM "$pid" 2>/dev/null || true
        flock -w 60 "$lock" || fail "The running site (process $pid) does not stop."
    fi
    stop_leftovers
    exec {lock}>&-
}
