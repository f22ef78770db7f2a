#!/bin/sh
# make-venv.sh PYTHON FOLDER: a virtual environment with a pip that knows dependency groups (25.1 or newer).
set -eu
python=$1
folder=$2
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "limner needs Python 3.11 or newer. Name one: make PYTHON=python3.12 ..." >&2
    exit 1
fi
if ! "$python" -m venv "$folder"; then
    echo "Python's venv module does not work here; on Debian and Ubuntu: apt install python3-venv" >&2
    exit 1
fi
"$folder/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
