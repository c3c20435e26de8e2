#!/usr/bin/env bash
# Installs (once) and starts one Apache Kafka node (KRaft), with the broker settings that Troupe wants.
#
#   kafka.sh [--dir DIR] [--port PORT] [--secure] [--keep-data] [--set KEY=VALUE]...
#
# Prints `export TROUPE_TEST_KAFKA=127.0.0.1:PORT`; PORT+1 is the controller's. Data, log and pid stand in DIR.
#
#   --secure     also a listener at PORT+2 that demands TLS and SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), with an
#                authorizer. Users: `troupe` (password `troupe-secret`, may do everything) and `upstream`
#                (`upstream-secret`, may do nothing that nobody allowed). The plain listener may do everything.
#                Also prints TROUPE_TEST_KAFKA_SECURE (its address) and TROUPE_TEST_KAFKA_CA (a PEM file).
#   --keep-data  what DIR holds of an earlier start is used again
#   --set        one more line of server.properties
set -euo pipefail
. "$(dirname "$0")/lib.sh"
VERSION=4.1.1
secure=0 keep=0 more=()
while [ $# -gt 0 ]; do
  case "$1" in
    --dir) DIR=$2 && shift ;;
    --port) PORT=$2 && shift ;;
    --secure) secure=1 ;;
    --keep-data) keep=1 ;;
    --set) more+=("$2") && shift ;;
    *) die "kafka.sh: unknown argument $1" ;;
  esac
  shift
done

java=$(find_java 17)
[ -n "$java" ] || die "Kafka needs Java 17 or newer (apt-get install openjdk-17-jdk-headless)"

fetch() {
  need_maven Kafka
  cat >pom.xml <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka-server</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$VERSION</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
POM
  mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=libs \
    -DincludeScope=runtime >&2
}
install_once "kafka-$VERSION" fetch
libs=$CACHE/kafka-$VERSION/libs

prepare kafka
PORT=${PORT:-$(free_port 3)}
if listening "$PORT"; then die "port $PORT is taken"; fi
tls=$((PORT + 2))
listeners=PLAINTEXT://127.0.0.1:$PORT
[ "$secure" = 1 ] && listeners=$listeners,SASL_SSL://127.0.0.1:$tls

cat >"$DIR/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((PORT + 1))
listeners=$listeners,CONTROLLER://127.0.0.1:$((PORT + 1))
advertised.listeners=$listeners
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
log.dirs=$DIR/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
# few partitions of the inner topics: a start that does not create a hundred files
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
# What Troupe wants of every broker; \`troupe topics plan\` checks it.
group.coordinator.append.linger.ms=0
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
offsets.retention.minutes=525600
P

certificates() {
  command -v openssl >/dev/null || die "a broker with TLS needs openssl"
  (
    cd "$DIR"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Troupe test CA" -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj "/CN=127.0.0.1" -keyout server.key -out server.csr
    printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext -out server.pem
    openssl pkcs8 -topk8 -nocrypt -in server.key -out server.pk8
    cat server.pk8 server.pem ca.pem >keystore.pem
  ) 2>"$DIR/openssl.log" >&2 || die "the certificates could not be made, see $DIR/openssl.log"
}

scram=()
if [ "$secure" = 1 ]; then
  [ -f "$DIR/keystore.pem" ] || certificates
  cat >>"$DIR/server.properties" <<P
ssl.keystore.type=PEM
ssl.keystore.location=$DIR/keystore.pem
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_troupe="troupe-secret" user_upstream="upstream-secret";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:troupe
P
  for user in troupe upstream; do
    for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
      scram+=(--add-scram "$mechanism=[name=$user,password=$user-secret]")
    done
  done
fi
printf '%s\n' ${more[@]+"${more[@]}"} >>"$DIR/server.properties"

quiet=-Dorg.slf4j.simpleLogger.defaultLogLevel=warn
if [ "$keep" = 0 ] || [ ! -d "$DIR/data" ]; then
  rm -rf "$DIR/data"
  # a uuid as Kafka writes them: 16 bytes in URL-safe base64
  uuid=$(head -c 16 /dev/urandom | base64 | tr '+/' 'Aa' | tr -d '=')
  "$java" -XX:TieredStopAtLevel=1 $quiet -cp "$libs/*" kafka.tools.StorageTool format -t "$uuid" \
    -c "$DIR/server.properties" ${scram[@]+"${scram[@]}"} >"$DIR/format.log" 2>&1 ||
    { cat "$DIR/format.log" >&2 && die "the data directory could not be formatted"; }
fi
launch "$java" -Xmx1g $quiet -cp "$libs/*" kafka.Kafka "$DIR/server.properties"
await Kafka 60 listening "$PORT"
echo "export TROUPE_TEST_KAFKA=127.0.0.1:$PORT"
if [ "$secure" = 1 ]; then
  await "Kafka with TLS" 60 listening "$tls"
  echo "export TROUPE_TEST_KAFKA_SECURE=127.0.0.1:$tls"
  echo "export TROUPE_TEST_KAFKA_CA=$DIR/ca.pem"
fi
