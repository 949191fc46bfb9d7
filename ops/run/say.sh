# What ./run prints, and how it takes a step.

# Turn the time limits of this script into one place: how often a waiting loop looks.
LOOK=0.1

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

private_folder() {
    umask 022
    mkdir -p "$LOCAL" 2>/dev/null || fail "Cannot write to $TOP: $(mkdir -p "$LOCAL" 2>&1)"
    chmod 700 "$LOCAL"
    mkdir -p "$LOCAL"/{run,logs,stamps,lock,data}
    find "$LOCAL/logs" -name '*.log' -size +20M -exec mv {} {}.old \;
    local free_mb
    free_mb=$(free_megabytes "$LOCAL")
    ((free_mb >= 200)) || fail "The disk of $TOP is full ($free_mb MB left). Make some room and start again."
}

free_megabytes() { df -Pm "$1" | { read -r _; read -r _ _ _ free _; echo "$free"; }; }

# One ./run sets up at a time. What a killed ./run left working (a package manager, say) still holds the turn.
take_turn() {
    exec {TURN}>"$LOCAL/lock/turn"
    if ! flock -n "$TURN"; then
        say "Another ./run is setting up here; waiting for it."
        flock "$TURN"
    fi
}

end_turn() { exec {TURN}>&-; }

digest() { sha256sum "$@" | sha256sum | cut -c1-16; }

is_done() { [[ -f $LOCAL/stamps/$1 && $(<"$LOCAL/stamps/$1") == "$2" ]]; }

forget_done() { rm -f "$LOCAL/stamps/$1"; }

mark_done() {
    printf '%s\n' "$2" >"$LOCAL/stamps/$1.new"
    mv "$LOCAL/stamps/$1.new" "$LOCAL/stamps/$1"
}

# once NAME KEY "Sentence" COMMAND…   take the step unless it was finished before with the same KEY
once() {
    local name=$1 key=$2
    is_done "$name" "$key" && return
    forget_done "$name"
    step "$name" "${@:3}"
    mark_done "$name" "$key"
}

# step NAME "Sentence" COMMAND…       run it with its output in a log; show that time passes; say plainly when it fails
step() {
    local name=$1 sentence=$2 log=$LOCAL/logs/$1.log started=$SECONDS status=0
    shift 2
    set -m # a process group of its own, so that an interrupt can end all of it
    (
        set +m
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null &
    STEP=$!
    set +m
    if [[ -t 1 ]]; then
        while kill -0 "$STEP" 2>/dev/null; do
            printf '\r%s … %s s ' "$sentence" "$((SECONDS - started))"
            sleep $LOOK
        done
    else
        printf '%s … ' "$sentence"
        local told=$SECONDS
        while kill -0 "$STEP" 2>/dev/null; do
            if ((SECONDS - told >= 15)); then
                told=$SECONDS
                printf '%s s … ' "$((SECONDS - started))"
            fi
            sleep $LOOK
        done
    fi
    wait "$STEP" || status=$?
    STEP=
    if ((status == 0)); then
        [[ -t 1 ]] && printf '\r%s … ' "$sentence"
        printf 'done in %s s\n' "$((SECONDS - started))"
        return
    fi
    printf 'FAILED\n'
    {
        printf '\nThe step "%s" failed after %s s.\n' "$sentence" "$((SECONDS - started))"
        reason "$log"
        printf 'Its last lines:\n\n'
        tail -n 12 "$log" | cut -c1-300 | sed 's/^/    /'
        printf '\nAll of it: %s\nWhen the cause is mended, type the same command again: it goes on where it stopped.\n' "$log"
    } >&2
    exit 1
}

# The causes that people meet, in words.
reason() {
    local pattern sentence
    while IFS='|' read -r pattern sentence; do
        if grep -qiE "$pattern" "$1"; then
            printf '%s\n' "$sentence"
            return
        fi
    done <<'TABLE'
No space left on device|The disk is full: make some room.
Could not resolve|Temporary failure in name resolution|This machine does not reach the network.
Temporary failure in name resolution|Network is unreachable|This machine does not reach the network.
Failed to establish a new connection|Connection timed out|This machine does not reach the network.
THESE PACKAGES DO NOT MATCH THE HASHES|A package from the network is not the one that was pinned; do not use it.
EINTEGRITY|A package from the network is not the one that was pinned; do not use it.
Could not get lock /var/lib/|Another program is installing packages on this machine: wait for it.
dpkg was interrupted|An earlier installation of packages was interrupted. Run: dpkg --configure -a
Permission denied|Something here belongs to somebody else: was ./run started as another user before?
could not create shared memory segment|This machine allows too little shared memory for PostgreSQL.
TABLE
}

# Whatever happens, nothing is left behind by an ending ./run but what `./run services` was asked to leave.
STEP=
REMOVE_POLICY=
at_end() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    if [[ -n $STEP ]]; then
        kill -TERM -- "-$STEP" 2>/dev/null || true
        wait "$STEP" 2>/dev/null || true
        printf '\n' >&2
    fi
    $REMOVE_POLICY
    stop_site
    release_services
    exit "$status"
}
interrupted() {
    say ""
    [[ -z $STEP ]] || say "Interrupted. The same command goes on where it stopped."
    exit 130
}
trap at_end EXIT
trap 'printf "./run: line %s of %s failed (status %s)\n" "$LINENO" "${BASH_SOURCE[0]##*/}" "$?" >&2' ERR
trap interrupted INT
trap 'exit 143' TERM HUP
