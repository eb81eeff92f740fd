#!/bin/sh
# Sets up what changes the rules, apart from .venv (which it needs, and which stays as it is), and runs it at low priority.
set -eu

home=build/mutants
digest=$( (if command -v sha256sum >/dev/null; then sha256sum requirements-mutants.txt; else shasum -a 256 requirements-mutants.txt; fi) | cut -c1-16)
ready=$home/venv/ready-$digest

if ! [ -e "$ready" ]; then
    echo "Setting up $home/venv …" >&2
    mkdir -p "$home"
    .venv/bin/python -m venv --clear "$home/venv"
    "$home/venv/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps --quiet --require-hashes --requirement requirements-mutants.txt
    # The house's own packages are those of .venv.
    .venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' >"$("$home/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/house.pth"
    touch "$ready"
fi

exec nice -n 19 .venv/bin/python -m infra.mutants "$@"
