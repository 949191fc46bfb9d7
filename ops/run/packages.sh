# What must be installed: system packages, the Python environment, the browser's files.

PATH=$PATH:/usr/sbin:/sbin

# A Python of at least 3.11 that every user can read (not one in somebody's home folder).
find_python() {
    local candidate
    for candidate in /usr/bin/python3.1{1,2,3} /usr/local/bin/python3.1{1,2,3} /usr/bin/python3; do
        if [[ -x $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            PYTHON=$candidate
            return
        fi
    done
    return 1
}

has_python() { find_python && "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; }
has_postgis() { [[ -n ${DATABASE_URL:-} ]] || find_postgres; }
has_redis() { [[ -n ${REDIS_URL:-} ]] || command -v redis-server; }
has_nginx() { command -v nginx; }
has_gettext() { command -v msgfmt && command -v xgettext && command -v envsubst; }
has_pango() { ldconfig -p | grep -q 'libpangoft2-1.0.so.0'; }
has_fonts() { command -v fc-list && [[ -n $(fc-list :lang=zh family) ]]; }
has_chromium() { find_chromium; }

find_chromium() {
    local candidate
    for candidate in chromium chromium-browser google-chrome; do
        CHROMIUM=$(command -v "$candidate") && return
    done
    return 1
}

# The newest PostgreSQL that has PostGIS, or the one that made our data.
find_postgres() {
    local bin
    PG_BIN=
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/local/pgsql/bin | sort -rV); do
        [[ -x $bin/initdb && -x $bin/pg_ctl ]] || continue
        [[ -f $("$bin/pg_config" --sharedir 2>/dev/null || echo "/usr/share/postgresql/$(basename "$(dirname "$bin")")")/extension/postgis.control ]] || continue
        PG_BIN=${PG_BIN:-$bin}
        [[ -f ${PG_DATA:-}/PG_VERSION && $bin == */$(cat "$PG_DATA/PG_VERSION")/bin ]] && PG_BIN=$bin
    done
    [[ -n $PG_BIN ]]
}

debian_package() {
    case $1 in
        python) if apt-cache show python3.11-venv >/dev/null 2>&1; then echo python3.11-venv; else echo python3-venv; fi ;;
        postgis) apt-cache search --names-only '^postgresql-[0-9]+-postgis-3$' | cut -d' ' -f1 | sort -rV | head -n1 | grep . || echo postgresql-15-postgis-3 ;;
        redis) echo redis-server ;;
        nginx) echo nginx-light ;;
        gettext) echo gettext ;;
        pango) echo libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 ;;
        fonts) echo fonts-noto-cjk fontconfig ;;
        chromium) echo chromium ;;
    esac
}

# packages [browser]    see that everything is there; install what is missing where we may
packages() {
    local wanted="python postgis redis nginx gettext pango fonts" thing missing=""
    [[ ${1:-} == browser ]] && wanted+=" chromium"
    for thing in $wanted; do
        "has_$thing" >/dev/null 2>&1 || missing+=" $thing"
    done
    if [[ -n $missing ]]; then
        install_packages $missing
        for thing in $missing; do
            "has_$thing" >/dev/null 2>&1 || fail "$thing is still missing after installing $(debian_package "$thing"). See $LOCAL/logs/packages.log"
        done
    fi
    find_python
    [[ ${1:-} != browser ]] || find_chromium
}

install_packages() {
    local become="" names
    if ! command -v apt-get >/dev/null; then
        cannot_install "$*" "This is not Debian or Ubuntu; install by its own means:"
    elif ((EUID == 0)); then
        :
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; }; then
        become=sudo
    else
        cannot_install "$*" "Missing packages can be installed only by an administrator, who types:"
    fi
    step package-lists "Asking for the lists of system packages" $become apt-get -o Acquire::Retries=3 -o Acquire::Languages=none -o DPkg::Lock::Timeout=300 update
    names=$(for thing in "$@"; do debian_package "$thing"; done | xargs)
    say "Installing system packages: $names"
    no_strangers_started $become
    step packages "Installing system packages" apt_install "$become" $names
}

apt_install() { # apt_install "sudo or nothing" NAMES…
    local become="$1 env DEBIAN_FRONTEND=noninteractive"
    shift
    $become dpkg --configure -a # what an earlier, interrupted installation left half done
    $become apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io --fix-broken \
        install -y --no-install-recommends "$@"
}

# Debian starts a server as soon as it is installed: on 5432, 6379 and 80. We want the programs, not those servers.
# The policy holds only while this ./run lives, so that nothing is changed for good when it is killed.
no_strangers_started() { # no_strangers_started [sudo]
    local policy=/usr/sbin/policy-rc.d
    if grep -qs 'citymgmt ./run' $policy; then ${1:-} rm -f $policy; fi # left by a ./run that was killed
    [[ ! -e $policy ]] || return 0
    printf '#!/bin/sh\n# Written by citymgmt ./run while it installs packages.\n[ -d /proc/%s ] || exit 0\nexit 101\n' $$ |
        ${1:-} tee $policy >/dev/null
    ${1:-} chmod 755 $policy
    REMOVE_POLICY="${1:-} rm -f $policy"
}

cannot_install() {
    local thing
    {
        say "$2"
        say ""
        say "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $(for thing in $1; do debian_package "$thing"; done | xargs)"
        say ""
        say "or, with Docker and nothing else installed:  cp ops/env.example .env, fill it in, then:  docker compose up"
    } >&2
    exit 1
}

python_environment() {
    VENV=$LOCAL/venv
    once python "$(python_key)" "Installing Python packages" install_python
    once browser-files "$(browser_files_key)" "Fetching the browser's files" bash ops/run/browser-files.sh "$VENV"
    PATH=$VENV/bin:$PATH
    export VIRTUAL_ENV=$VENV
}

python_key() { echo "$("$PYTHON" -V) $TOP $(digest requirements/development.txt)"; }
browser_files_key() { digest package-lock.json ops/run/browser-files.sh; }

# Brought up to date where it stands, so that whatever runs from it goes on; made anew for another Python or place.
install_python() {
    stands_here || "$PYTHON" -m venv --clear "$VENV"
    "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
        --only-binary :all: --require-hashes -r requirements/development.txt
}

stands_here() {
    [[ $("$VENV/bin/python" -V 2>&1) == "$("$PYTHON" -V)" ]] &&
        [[ $(dirname "$(sed -n '1s/^#!//p' "$VENV/bin/pip")") -ef $VENV/bin ]]
}

lock_requirements() {
    find_python || fail "Python 3.11 or newer is missing."
    "$PYTHON" -m venv "$LOCAL/lock-venv"
    "$LOCAL/lock-venv/bin/python" -m pip install --quiet uv
    local list
    cd requirements
    for list in runtime development node; do
        "$LOCAL/lock-venv/bin/uv" pip compile --quiet --no-config --python-version 3.11 --generate-hashes --no-annotate \
            --default-index https://pypi.org/simple --custom-compile-command './run lock' "$list.in" -o "$list.txt"
    done
}
