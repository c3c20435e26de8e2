#!/usr/bin/env bash
# Installs (once) and starts a server that speaks MongoDB's wire protocol: mongo-java-server, an emulator. What passes on it
# shows agreement with an emulator; name a real MongoDB in TROUPE_TEST_MONGODB_URL and the same tests run on that.
#
#   mongo.sh [--dir DIR] [--port PORT] [--persistent]
#
# Prints `export TROUPE_TEST_MONGODB_URL=mongodb://...`. Data, log and pid stand in DIR.
#
#   --persistent  acknowledged writes stay in DIR and survive a kill -9 (slower); else it is in memory
set -euo pipefail
. "$(dirname "$0")/lib.sh"
VERSION=1.47.0
mode=memory
while [ $# -gt 0 ]; do
  case "$1" in
    --dir) DIR=$2 && shift ;;
    --port) PORT=$2 && shift ;;
    --persistent) mode=durable ;;
    *) die "mongo.sh: unknown argument $1" ;;
  esac
  shift
done

java=$(find_java 17)
[ -n "$java" ] || die "the MongoDB emulator needs a JDK 17 or newer (apt-get install openjdk-17-jdk-headless)"
"$java" --list-modules 2>/dev/null | grep -q '^jdk.compiler' ||
  die "the MongoDB emulator needs a JDK with its compiler, $java is a runtime only (apt-get install openjdk-17-jdk-headless)"

fetch() {
  need_maven "the MongoDB emulator"
  cat >pom.xml <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>mongo-server</artifactId><version>1</version><dependencies>
<dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server-h2-backend</artifactId><version>$VERSION</version></dependency>
<dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server-memory-backend</artifactId><version>$VERSION</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
</dependencies></project>
POM
  mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=libs \
    -DincludeScope=runtime >&2
}
install_once "mongo-java-server-$VERSION" fetch

prepare mongo
PORT=${PORT:-$(free_port 1)}
if listening "$PORT"; then die "port $PORT is taken"; fi
launch "$java" -Xmx512m -cp "$CACHE/mongo-java-server-$VERSION/libs/*" "$HERE/MongoServer.java" "$PORT" "$mode" "$DIR/data.mv"
await "the MongoDB emulator" 60 listening "$PORT"
echo "export TROUPE_TEST_MONGODB_URL='mongodb://127.0.0.1:$PORT/?directConnection=true'"
