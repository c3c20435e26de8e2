# shellcheck shell=bash
# Shared by the scripts beside it; sourced, never run.
#
# Downloads are kept between runs in TROUPE_SERVICES_DIR (default: $XDG_CACHE_HOME/troupe-services); what a server writes
# goes under --dir, with its `pid` and `log`. Everything listens on 127.0.0.1 only.
CACHE=${TROUPE_SERVICES_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/troupe-services}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DIR="" PORT=""

say() { echo "tests/services: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# A port range that clients do not use, so that nobody takes one between the look and the start.
# free_port N: the first of N neighbours that are all free.
free_port() {
  local count=$1 first at busy
  for _ in $(seq 200); do
    first=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    busy=0
    for ((at = first; at < first + count; at++)); do
      if listening "$at"; then busy=1; fi
    done
    if [ "$busy" = 0 ]; then
      echo "$first"
      return
    fi
  done
  die "no free port was found"
}

listening() { (echo >"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

java_major() { "$1" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p'; }

# find_java MINIMUM [MORE...]: the first Java of at least that version, or nothing.
find_java() {
  local minimum=$1 candidate major
  shift
  for candidate in "${TROUPE_SERVICES_JAVA:-}" "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java || true)" \
    /usr/lib/jvm/*/bin/java /opt/*/bin/java "$@"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      major=$(java_major "$candidate")
      if [ "${major:-0}" -ge "$minimum" ]; then
        echo "$candidate"
        return
      fi
    fi
  done
}

need_maven() {
  command -v mvn >/dev/null || die "$1 is downloaded from Maven Central: mvn is needed (apt-get install maven)"
}

# install_once NAME FUNCTION: runs FUNCTION in a fresh directory, which becomes $CACHE/NAME when it succeeds.
# Two runs at once install once.
install_once() {
  local name=$1 function=$2 target=$CACHE/$1
  [ -d "$target" ] && return
  mkdir -p "$CACHE"
  (
    flock 9
    if [ ! -d "$target" ]; then
      say "installing $name into $CACHE (once)"
      local fresh
      fresh=$(mktemp -d "$CACHE/.$name.XXXXXX")
      if ! (cd "$fresh" && "$function"); then
        rm -rf "$fresh"
        die "$name could not be installed"
      fi
      mv "$fresh" "$target"
    fi
  ) 9>"$CACHE/.$name.lock"
}

# prepare NAME: $DIR becomes an absolute, existing directory.
prepare() {
  DIR=${DIR:-$(mktemp -d "${TMPDIR:-/tmp}/troupe-$1.XXXXXX")}
  mkdir -p "$DIR"
  DIR=$(cd "$DIR" && pwd)
}

# launch COMMAND...: in a session of its own, so that an interrupt at the terminal is the owner's to pass on.
launch() {
  local run=(nohup)
  command -v setsid >/dev/null && run=(setsid nohup)
  "${run[@]}" "$@" >"$DIR/log" 2>&1 </dev/null 9>&- &
  echo $! >"$DIR/pid"
}

# await WHAT SECONDS COMMAND...: until the command succeeds; ends the server and shows its log if it does not.
await() {
  local what=$1 seconds=$2 pid
  shift 2
  pid=$(cat "$DIR/pid")
  for _ in $(seq $((seconds * 10))); do
    if "$@" >/dev/null 2>&1; then return; fi
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -20 "$DIR/log" >&2
      die "$what ended at its start, see $DIR/log"
    fi
    sleep 0.1
  done
  kill "$pid"
  tail -20 "$DIR/log" >&2
  die "$what was not ready in $seconds s, see $DIR/log"
}

# stop DIR: ends the server whose pid stands there, if it still is that server.
stop() {
  local dir=$1 pid
  [ -f "$dir/pid" ] || return 0
  pid=$(cat "$dir/pid")
  # A pid may have passed to a stranger since: every command line of ours holds its directory.
  if [ -r "/proc/$pid/cmdline" ] && ! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$dir"; then
    rm -f "$dir/pid"
    return 0
  fi
  kill -CONT "$pid" 2>/dev/null || true
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$dir/pid"
}
