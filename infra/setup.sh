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

ready=.venv/ready-$(digest requirements.txt)
if [ -e "$ready" ] && usable .venv/bin/python; then exit 0; fi

# Progress goes to standard error: `make bench` keeps standard output for its JSON.
echo "Setting up .venv; the first time takes a minute or two …" >&2
if ! usable .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    "$python" -m venv --clear .venv
fi
# The lock file is whole, so nothing is resolved; modules are compiled when they are first used. Both save half a minute.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-compile --require-hashes --requirement requirements.txt </dev/null
rm -f .venv/ready-*
touch "$ready"
echo "Set up with $(.venv/bin/python --version)." >&2
