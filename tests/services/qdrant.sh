#!/usr/bin/env bash
# Builds (once) and starts a double of Qdrant: no Qdrant server can be had from a package registry, so this is NOT Qdrant but
# tests/doubles, which behaves as Qdrant's documentation says, as far as Troupe asks it. What passes on it shows agreement
# with a double; name a real Qdrant in TROUPE_TEST_QDRANT_URL and the same tests run on that: `up` starts no double then.
#
#   qdrant.sh [--dir DIR] [--port PORT] [--persistent]
#
# Prints `export TROUPE_TEST_QDRANT_URL=http://...` (gRPC). Log and pid stand in DIR.
#
#   --persistent  what it is told stays in DIR/data and survives a kill -9; else it is in memory
#
# It fails on demand: the rules in DIR/faults, read again whenever they change, like `upsert: lost times 1` or
# `reads: delay=200ms` (see tests/doubles/src/qdrant/faults.rs); an empty file ends them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
persistent=0
while [ $# -gt 0 ]; do
  case "$1" in
    --dir) DIR=$2 && shift ;;
    --port) PORT=$2 && shift ;;
    --persistent) persistent=1 ;;
    *) die "qdrant.sh: unknown argument $1" ;;
  esac
  shift
done

root=$(cd "$HERE/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
double=$target/debug/qdrant-double
# Cargo would wait for whoever builds something else meanwhile: it is asked only where there is something to build.
if [ ! -x "$double" ] || [ -n "$(find "$root/tests/doubles" -newer "$double" -type f -print -quit)" ]; then
  (cd "$root" && cargo build --quiet --locked -p doubles --bin qdrant-double >&2) || die "the double of Qdrant could not be built"
  touch "$double"
fi

prepare qdrant
PORT=${PORT:-$(free_port 1)}
if listening "$PORT"; then die "port $PORT is taken"; fi
data=()
[ "$persistent" = 1 ] && data=(--dir "$DIR/data")
launch "$double" --listen "127.0.0.1:$PORT" --faults-file "$DIR/faults" ${data[@]+"${data[@]}"}
await "the double of Qdrant" 30 listening "$PORT"
say "a double of Qdrant, not Qdrant, listens at 127.0.0.1:$PORT"
echo "export TROUPE_TEST_QDRANT_URL=http://127.0.0.1:$PORT"
