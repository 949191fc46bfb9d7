# What ./run check looks at. Everything is looked at, also after a failure.

checks() {
    FAILED=""
    look "style" ruff check --quiet .
    look "format" ruff format --check --quiet .
    look "types of the pure modules" python ops/checks/pure_modules.py
    look "who imports whom" lint-imports --no-cache
    look "models without a migration" python manage.py makemigrations --check --dry-run
    look "texts without a Chinese translation" python ops/checks/untranslated.py
    ! has_command workflow_doc || look "generated documents" python manage.py workflow_doc --check
    [[ -z $FAILED ]] || fail "./run check found something:$FAILED"
}

look() { # look "what" COMMAND…
    local what=$1 log=$LOCAL/logs/check.log started=$SECONDS
    shift
    if (foreground "$@") >"$log" 2>&1; then
        printf 'check: %s … nothing found (%s s)\n' "$what" "$((SECONDS - started))"
        return
    fi
    FAILED+=" $what;"
    printf 'check: %s … FOUND\n' "$what"
    tail -n 60 "$log" | cut -c1-300 | sed 's/^/    /'
}
