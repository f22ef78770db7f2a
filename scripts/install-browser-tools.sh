#!/bin/sh
# install-browser-tools.sh PACKAGES FOLDER: what the file PACKAGES names, into FOLDER/node_modules; looks for Chromium.
set -eu
packages=$1
folder=$2
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
    echo "There is no Chromium here: the tests of the studio in a browser will be skipped (Debian: apt install chromium)."
fi
if ! command -v npm >/dev/null; then
    echo "There is no npm here: the test of the studio with axe will be skipped. After installing it: rm .venv/.browser"
    exit 0
fi
mkdir -p "$folder"
cp "$packages" "$folder/package.json"
npm install --prefix "$folder" --loglevel=error --no-package-lock --no-audit --no-fund --no-update-notifier \
    >/dev/null
