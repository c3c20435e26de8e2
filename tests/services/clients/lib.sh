# shellcheck shell=bash
# Shared by the clients beside it; sourced, never run. Clients that are not ours: their libraries come from PyPI and Maven
# Central, once, into the same cache as the servers'.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
CLIENTS=$HERE/clients

# run_python SCRIPT ARGUMENTS...: with confluent-kafka and fastavro.
run_python() {
  local script=$1 tag name
  shift
  command -v python3 >/dev/null || die "the Python clients need python3 with pip"
  tag=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  name=python-$tag-confluent-kafka-2.16.1-fastavro-1.13.1
  install_once "$name" python_libraries
  PYTHONPATH=$CACHE/$name PYTHONDONTWRITEBYTECODE=1 exec python3 "$CLIENTS/src/$script" "$@"
}
python_libraries() {
  python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --no-deps --target . \
    'confluent-kafka==2.16.1' 'fastavro==1.13.1' >&2
}
