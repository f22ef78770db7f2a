#!/bin/sh
# install-node-client.sh PACKAGES FOLDER: what the file PACKAGES names, into FOLDER/node_modules.
set -eu
packages=$1
folder=$2
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "There is no Node with npm here: the tests of its client will be skipped."
    echo "After installing both: rm .venv/.clients && make test"
    exit 0
fi
mkdir -p "$folder"
cp "$packages" "$folder/package.json"
npm install --prefix "$folder" --loglevel=error --no-package-lock --no-audit --no-fund --no-update-notifier \
    >/dev/null
