#!/bin/sh
# Builds templates/static anew from infra/styles: needs npm and the network. What it makes is committed; see docs/styles.md.
set -eu

home=build/styles
mkdir -p "$home"
cp infra/styles/package.json infra/styles/package-lock.json "$home/"
npm ci --prefix "$home" --ignore-scripts --no-audit --no-fund
"$home/node_modules/.bin/sass" --no-source-map --style=compressed --quiet \
    --load-path="$home/node_modules/@uswds/uswds/packages" infra/styles/residents.scss "$home/residents.css"
exec .venv/bin/python -m infra.styles "$home"
