#!/bin/sh
# Makes a virtual environment with the peers, pinned, unless it is there: peers.sh FOLDER
set -eu
venv=$1
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
    numba==0.62.1 numpy==2.3.4 networkx==3.5
