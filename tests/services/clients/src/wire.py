"""What a stranger has to know of Troupe's wire: Kafka settings, Confluent framing, CloudEvents headers."""

import io
import json
import os
import struct
import sys
import urllib.parse
import urllib.request

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition


class Wrong(Exception):
    """What ends a client with 2: it could not even ask."""


def add_kafka(arguments):
    """The arguments that every client has."""
    arguments.add_argument("--bootstrap", default=os.environ.get("TROUPE_TEST_KAFKA"), help="default: TROUPE_TEST_KAFKA")
    arguments.add_argument("--ca", help="a PEM file: the broker is asked with TLS and SASL")
    arguments.add_argument("--user", default="upstream")
    arguments.add_argument("--password", default="upstream-secret")
    arguments.add_argument("--mechanism", default="SCRAM-SHA-512")
    arguments.add_argument("--timeout", type=float, default=60.0, help="seconds")


def kafka(arguments):
    """Settings that producers and consumers share."""
    if not arguments.bootstrap:
        raise Wrong("which broker? --bootstrap, or TROUPE_TEST_KAFKA")
    settings = {"bootstrap.servers": arguments.bootstrap, "client.id": "a-client-that-is-not-ours"}
    if arguments.ca:
        settings |= {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": arguments.ca,
            "sasl.mechanism": arguments.mechanism,
            "sasl.username": arguments.user,
            "sasl.password": arguments.password,
        }
    return settings


def reader(arguments, **more):
    """A consumer that sees what was committed, in no group: it reads the partitions that it is given."""
    settings = kafka(arguments) | {
        "group.id": "nobody",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "fetch.queue.backoff.ms": 10,
    }
    return Consumer(settings | more)


def partitions(consumer, topic, at=OFFSET_BEGINNING):
    """The partitions of a topic, each at this offset."""
    found = consumer.list_topics(topic, timeout=10).topics[topic]
    if found.error is not None or not found.partitions:
        raise Wrong(f"{topic}: {found.error or 'there is no such topic'}")
    return [TopicPartition(topic, number, at) for number in sorted(found.partitions)]


def is_end(error):
    return error.code() == KafkaError._PARTITION_EOF


def means_nothing(error):
    """Who reads the partitions that it is given is in no group, and need not be allowed into one."""
    return error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def headers(message):
    """Names to bytes; of a name that repeats the last counts."""
    return {name: value for name, value in message.headers() or []}


def text(value):
    return None if value is None else value.decode("utf-8", "replace")


class Registry:
    """A schema registry with Confluent's interface, only asked, never told."""

    def __init__(self, url):
        if not url:
            raise Wrong("which registry? --registry, or TROUPE_TEST_REGISTRY_URL")
        self.url = url.rstrip("/")
        self.known = {}

    def _get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return json.load(answer)
        except OSError as why:
            raise Wrong(f"{self.url}{path}: {why}") from why

    def latest(self, subject):
        """The id of a subject's latest schema, and the schema."""
        found = self._get(f"/subjects/{urllib.parse.quote(subject, safe='')}/versions/latest")
        return found["id"], fastavro.parse_schema(json.loads(found["schema"]))

    def schema(self, number):
        if number not in self.known:
            found = self._get(f"/schemas/ids/{number}")
            self.known[number] = fastavro.parse_schema(json.loads(found["schema"]))
        return self.known[number]

    def encode(self, number, schema, record):
        """A zero byte, the schema's id in four bytes, the datum."""
        out = io.BytesIO(struct.pack(">bI", 0, number))
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, schema, record, strict=True)
        return out.getvalue()

    def decode(self, value):
        """The record's full name and its fields."""
        if value is None or len(value) < 5 or value[0] != 0:
            raise ValueError("not in Confluent's framing")
        (number,) = struct.unpack(">I", value[1:5])
        schema = self.schema(number)
        source = io.BytesIO(value[5:])
        record = fastavro.schemaless_reader(source, schema, None)
        if source.read(1):
            raise ValueError("bytes are left over")
        return schema["name"], record


def tell(verdict):
    json.dump(verdict, sys.stdout, indent=2, default=str)
    print()


def main(run):
    """Ends with what `run` returns; with 2 and a line on stderr where it could not ask."""
    try:
        sys.exit(run())
    except (Wrong, KafkaException) as wrong:
        print(f"{os.path.basename(sys.argv[0])}: {wrong}", file=sys.stderr)
        sys.exit(2)
