#!/usr/bin/env bash
# Installs (once) and starts a server that speaks S3: moto (PyPI), an emulator, in memory. Any other store that knows
# `If-None-Match: *` may be named in TROUPE_TEST_S3_URL instead, its key in TROUPE_TEST_S3_KEY and TROUPE_TEST_S3_SECRET.
#
#   s3.sh [--dir DIR] [--port PORT]
#
# Prints `export TROUPE_TEST_S3_URL=http://127.0.0.1:PORT/troupe`; the bucket `troupe` is there, empty. Log and pid stand in DIR.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
VERSION=5.2.5
while [ $# -gt 0 ]; do
  case "$1" in
    --dir) DIR=$2 && shift ;;
    --port) PORT=$2 && shift ;;
    *) die "s3.sh: unknown argument $1" ;;
  esac
  shift
done

command -v python3 >/dev/null || die "the S3 emulator needs python3 (apt-get install python3 python3-venv)"
fetch() {
  python3 -m venv . >&2 || die "the S3 emulator needs python3's venv (apt-get install python3-venv)"
  bin/python -m pip install --quiet --disable-pip-version-check "moto[s3,server]==$VERSION" >&2
}
install_once "moto-$VERSION" fetch
python=$CACHE/moto-$VERSION/bin/python

prepare s3
PORT=${PORT:-$(free_port 1)}
if listening "$PORT"; then die "port $PORT is taken"; fi
launch "$python" "$HERE/s3_server.py" "$PORT" "$DIR"
await "the S3 emulator" 60 listening "$PORT"
"$python" - "http://127.0.0.1:$PORT/troupe" <<'PY'
import sys
import urllib.request

urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="PUT"), timeout=30)
PY
echo "export TROUPE_TEST_S3_URL='http://127.0.0.1:$PORT/troupe'"
