#!/bin/sh
# Brings .venv to what requirements.txt locks, with the first Python from 3.11 on that is found. Quick where nothing changed.
set -eu

digest() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi | cut -c1-16; }

usable() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Every folder of the path is asked: a version manager may leave a name in front that starts nothing.
find_python() {
    for name in python3 python3.13 python3.12 python3.11 python3.14 python3.15; do
        old_ifs=$IFS; IFS=:
        for folder in $PATH; do
            IFS=$old_ifs
            if usable "$folder/$name"; then echo "$folder/$name"; return; fi
        done
        IFS=$old_ifs
    done
    echo "Belfry needs Python 3.11 or newer with its venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2
    return 1
}

lines() { grep -Ec "$1" "$2" || true; }

# How many of the packages that this machine needs are fetched; once pip installs, how many are in place.
progress() {
    total=$(($(lines '^[A-Za-z0-9][A-Za-z0-9._-]*==' requirements.txt) - $(lines '^Ignoring ' "$log")))
    if grep -q '^Installing collected packages' "$log"; then
        set -- .venv/lib/python*/site-packages/*.dist-info
        done=$# what="in place"
    else
        done=$(lines '^(Collecting|Processing|Requirement already satisfied)' "$log") what=fetched
    fi
    if [ "$done" -gt "$total" ]; then done=$total; fi
    echo "  $done of $total packages $what" >&2
}

# Ends with the shell that started it, however that ends.
report() {
    pause=1
    while sleep "$pause" >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do progress; pause=5; done
}

# The lock file is whole, so nothing is resolved; modules are compiled when they are first used. Both save half a minute.
install() {
    .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps --no-compile --progress-bar off --require-hashes \
        --requirement requirements.txt >"$log" 2>&1 </dev/null
}

ready=.venv/ready-$(digest requirements.txt)
if [ -e "$ready" ] && usable .venv/bin/python; then exit 0; fi

# Progress goes to standard error: `make bench` keeps standard output for its JSON.
echo "Setting up .venv; the first time takes a minute or two …" >&2
if ! usable .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    "$python" -m venv --clear .venv
fi

log=.venv/setup.log
: >"$log"
report </dev/null &
reporter=$!
status=0
install || status=$?
kill "$reporter" 2>/dev/null || true
wait "$reporter" 2>/dev/null || true
if [ "$status" -ne 0 ]; then
    tail -n 15 "$log" >&2
    echo "The packages could not be installed. All that pip said is in $log; the next command tries again." >&2
    exit "$status"
fi
rm -f .venv/ready-*
touch "$ready"
echo "Set up with $(.venv/bin/python --version)." >&2
