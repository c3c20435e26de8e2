"""A history checker from outside: a plain consumer (read_committed) that reads topics from the beginning.

Nothing lost: every record of `--input` caused `--each` records on the topics, or stands in a `--dead` topic; every line of
`--expect` is there. Nothing twice: by identity (ce_source, ce_id) and by content (key, type, value). Order per key: the
records of a key stand in one partition, in the order of what caused them; `--rising FIELD` never falls under a key.

Prints a JSON verdict. Ends with 0 if all of it holds, 1 if not, 2 if it could not read.
"""

import argparse
import collections
import hashlib
import json
import os
import time

import wire

SHOWN = 20


def arguments():
    parser = argparse.ArgumentParser(prog="history", description=__doc__.split("\n\n")[0])
    wire.add_kafka(parser)
    parser.add_argument("--topic", action="append", required=True, help="what is checked; may be given several times")
    parser.add_argument("--input", help="what caused the records of the topics")
    parser.add_argument("--dead", action="append", default=[], help="dead letters of what reads the input")
    parser.add_argument(
        "--match",
        choices=["causation", "content", "field"],
        default="causation",
        help="how a record is known to come from an input: its ce_causationid is the input's ce_id; or same key and value "
        "(a copy); or same key and --field",
    )
    parser.add_argument("--field", help="with --match field: of the decoded value (Avro by the registry, else JSON)")
    parser.add_argument("--each", type=int, default=1, help="records that one input causes on the topics together")
    parser.add_argument("--rising", help="a number in the value that never falls under one key")
    parser.add_argument("--expect", help='a file of JSON lines {"id": ce_id, "key": key}: each is there, under that key')
    parser.add_argument("--content-may-repeat", action="store_true", help="the same said twice under two ids is fine")
    parser.add_argument("--input-may-repeat", action="store_true", help="inputs with the same ce_id count once (I3)")
    parser.add_argument("--settle", type=float, default=0.0, help="seconds without a new record before the end is believed")
    parser.add_argument("--registry", default=os.environ.get("TROUPE_TEST_REGISTRY_URL"))
    return parser.parse_args()


class Read:
    """A record, as much of it as is checked."""

    __slots__ = ("place", "key", "id", "source", "type", "cause", "content", "dead_of", "value")

    def __init__(self, message, keep):
        headers = wire.headers(message)
        self.place = (message.topic(), message.partition(), message.offset())
        self.key = message.key() or b""
        self.id = wire.text(headers.get("ce_id"))
        self.source = wire.text(headers.get("ce_source"))
        self.type = wire.text(headers.get("ce_type"))
        self.cause = wire.text(headers.get("ce_causationid"))
        value = message.value()
        parts = [self.key, (self.type or "").encode(), b"" if value is None else b"+" + value]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        self.content = digest.digest()
        self.dead_of = None
        if "dlq-topic" in headers:
            place = [wire.text(headers.get(name)) for name in ("dlq-topic", "dlq-partition", "dlq-offset")]
            if None not in place:
                self.dead_of = (place[0], int(place[1]), int(place[2]))
        self.value = value if keep else None

    def show(self):
        topic, partition, offset = self.place
        return {"at": f"{topic}/{partition}/{offset}", "key": wire.text(self.key), "id": self.id}


def read(asked, topics, keep):
    """Every committed record of the topics, by topic, in the order of each partition."""
    consumer = wire.reader(asked)
    try:
        assigned = [partition for topic in topics for partition in wire.partitions(consumer, topic)]
        consumer.assign(assigned)
        ended, found = set(), {topic: [] for topic in topics}
        began = last = time.monotonic()
        while len(ended) < len(assigned) or time.monotonic() - last < asked.settle:
            if time.monotonic() - began > asked.timeout:
                left = sorted({f"{of.topic}/{of.partition}" for of in assigned} - {f"{t}/{p}" for t, p in ended})
                raise wire.Wrong(f"the end was not reached in {asked.timeout} s: {left} (an open transaction?)")
            for message in consumer.consume(1000, 0.1):
                place = (message.topic(), message.partition())
                if message.error() is None:
                    ended.discard(place)
                    last = time.monotonic()
                    found[message.topic()].append(Read(message, keep))
                elif wire.is_end(message.error()):
                    ended.add(place)
                elif not wire.means_nothing(message.error()):
                    raise wire.Wrong(f"{message.topic()}: {message.error()}")
        for records in found.values():
            records.sort(key=lambda one: one.place)
        return found
    finally:
        consumer.close()


class Faults(dict):
    """Counts of what is wrong, the first few shown."""

    def add(self, kind, what):
        fault = self.setdefault(kind, {"count": 0, "first": []})
        fault["count"] += 1
        if len(fault["first"]) < SHOWN:
            fault["first"].append(what)


def fields(asked):
    """Decodes a value: Avro where there is a registry and the framing is Confluent's, else JSON."""
    registry = wire.Registry(asked.registry) if asked.registry else None

    def decode(value):
        if registry is not None and value is not None and value[:1] == b"\0":
            return registry.decode(value)[1]
        return json.loads(value)

    return decode


def field(decode, record, name):
    value = decode(record.value)
    for part in name.split("."):
        value = value[part]
    return value


def check_twice(asked, records, faults):
    by_id, by_content = {}, {}
    for one in records:
        if one.id is None:
            faults.add("without_id", one.show())
        else:
            before = by_id.setdefault((one.place[0], one.source, one.id), one)
            if before is not one:
                faults.add("twice_by_id", [before.show(), one.show()])
                continue
        before = by_content.setdefault((one.place[0], one.content), one)
        if before is not one and not asked.content_may_repeat:
            faults.add("twice_by_content", [before.show(), one.show()])


def check_keys(records, faults):
    partitions = {}
    for one in records:
        seen = partitions.setdefault((one.place[0], one.key), {})
        if one.place[1] not in seen:
            seen[one.place[1]] = one
            if len(seen) == 2:
                faults.add("key_in_two_partitions", [known.show() for known in seen.values()])


def check_rising(asked, records, decode, faults):
    last = {}
    for one in records:
        now = field(decode, one, asked.rising)
        lane = (one.place[:2], one.key)
        before = last.get(lane)
        if before is not None and now < before[0]:
            faults.add("fell", [before[1].show() | {asked.rising: before[0]}, one.show() | {asked.rising: now}])
        last[lane] = (now, one)


def check_caused(asked, inputs, dead, records, decode, faults):
    """What each input caused, and whether it stands in the order of the inputs."""
    def name(one, of_input):
        if asked.match == "causation":
            return one.id if of_input else one.cause
        if asked.match == "content":
            return one.content
        return (one.key, json.dumps(field(decode, one, asked.field), sort_keys=True))

    order, first = {}, {}
    for number, one in enumerate(inputs):
        called = name(one, True)
        if called in first:
            if not asked.input_may_repeat:
                faults.add("input_twice", [first[called].show(), one.show()])
            continue
        first[called], order[called] = one, number
    buried = {one.dead_of for one in dead if one.dead_of is not None}
    caused, last = collections.Counter(), {}
    for one in records:
        called = name(one, False)
        number = order.get(called)
        if number is None:
            faults.add("from_nowhere", one.show())
            continue
        caused[called] += 1
        # Inputs of one key stand in one partition: their numbers are in its order.
        lane = (one.place[:2], one.key, first[called].place[1])
        before = last.get(lane)
        if before is not None and number < before[0]:
            faults.add("out_of_order", [before[1].show(), one.show()])
        last[lane] = (max(number, before[0] if before else number), one)
    for called, one in first.items():
        count = caused[called]
        if count == 0 and one.place in buried:
            continue
        if count < asked.each:
            faults.add("lost", one.show() | {"caused": count})
        elif count > asked.each:
            faults.add("caused_too_often", one.show() | {"caused": count})


def check_expected(path, records, faults):
    there = {(one.id, wire.text(one.key)) for one in records}
    ids = {one.id for one in records}
    count = 0
    with open(path, encoding="utf-8") as lines:
        for line in filter(str.strip, lines):
            wanted, count = json.loads(line), count + 1
            key = wanted.get("key")
            if wanted["id"] not in ids if key is None else (wanted["id"], key) not in there:
                faults.add("lost", wanted)
    return count


def run():
    asked = arguments()
    if (asked.match == "field") != (asked.field is not None):
        raise wire.Wrong("--match field and --field go together")
    topics = list(dict.fromkeys(asked.topic))
    every = list(dict.fromkeys(topics + asked.dead + ([asked.input] if asked.input else [])))
    found = read(asked, every, keep=bool(asked.field or asked.rising))
    records = [one for topic in topics for one in found[topic]]
    decode, faults = fields(asked), Faults()
    check_twice(asked, records, faults)
    check_keys(records, faults)
    if asked.rising:
        check_rising(asked, records, decode, faults)
    if asked.input:
        dead = [one for topic in asked.dead for one in found[topic]]
        check_caused(asked, found[asked.input], dead, records, decode, faults)
    expected = check_expected(asked.expect, records, faults) if asked.expect else None
    counts = {topic: len(of) for topic, of in found.items()}
    wire.tell({"ok": not faults, "records": counts, "expected": expected, "faults": faults})
    return 1 if faults else 0


if __name__ == "__main__":
    wire.main(run)
