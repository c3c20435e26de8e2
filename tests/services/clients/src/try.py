"""Tries the clients on a real broker and a real registry, against a stand-in for Troupe, with topics of its own.

The history checker is shown histories that are sound and histories that are broken in each way it knows: it must say which.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request
import uuid

import wire
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = HERE.parents[3] / "schemas"
BOOTSTRAP = os.environ["TROUPE_TEST_KAFKA"]
REGISTRY = os.environ["TROUPE_TEST_REGISTRY_URL"].rstrip("/")
RUN = uuid.uuid4().hex[:8]


def topic(name, partitions=2):
    """A new topic, of this run."""
    name = f"{name}.{RUN}"
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(20)
    return name


def register(subject, path):
    schema = json.dumps({"schema": (SCHEMAS / path).read_text(encoding="utf-8")}).encode()
    request = urllib.request.Request(
        f"{REGISTRY}/subjects/{subject}/versions", schema, {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["id"]


def client(name, *arguments, ends=0):
    """What a client printed; it must end as it is expected to."""
    ran = subprocess.run([HERE.parent / name, *arguments], capture_output=True, text=True, timeout=120, check=False)
    if ran.returncode != ends:
        sys.exit(f"{name} ended with {ran.returncode}, not {ends}\n{ran.stdout}\n{ran.stderr}")
    return json.loads(ran.stdout) if ran.stdout else ran.stderr


class StandIn(threading.Thread):
    """Answers every record of one topic, in a transaction each, until it is told to stop."""

    def __init__(self, source, answer):
        super().__init__(daemon=True)
        self.source, self.answer, self.over = source, answer, threading.Event()
        self.start()

    def run(self):
        consumer = Consumer({
            "bootstrap.servers": BOOTSTRAP, "group.id": f"stand-in-{RUN}-{self.source}", "auto.offset.reset": "earliest",
        })
        consumer.subscribe([self.source])
        producer = Producer({
            "bootstrap.servers": BOOTSTRAP, "transactional.id": f"stand-in-{RUN}-{self.source}", "linger.ms": 0,
        })
        producer.init_transactions(20)
        while not self.over.is_set():
            message = consumer.poll(0.1)
            if message is None or message.error():
                continue
            producer.begin_transaction()
            producer.produce(**self.answer(message))
            producer.commit_transaction(20)
        consumer.close()

    def stop(self):
        self.over.set()
        self.join(20)


def try_upstream():
    inbox, events = topic("inbox.document.uploaded"), topic("embedding.ready")
    register(f"{inbox}-value", "documents/DocumentUploaded.avsc")
    number = register(f"{events}-value", "knowledge/EmbeddingReady.avsc")
    registry = wire.Registry(REGISTRY)

    def answer(message):
        name, said = registry.decode(message.value())
        assert name == "troupe.documents.DocumentUploaded", name
        headers = wire.headers(message)
        assert message.key().decode() == f"acme/{said['document']}" and headers["ce_tenantid"] == b"acme", headers
        ready = {"document": said["document"], "chatbot": said["chatbot"], "revision": "r1", "version": 1}
        ready |= {"expected": 3, "embedded": 3, "stored": 3, "retrievable": 3}
        value = registry.encode(number, registry.schema(number), ready)
        told = [("ce_id", str(uuid.uuid4())), ("ce_correlationid", headers["ce_correlationid"])]
        return {"topic": events, "key": message.key(), "value": value, "headers": told}

    asked = ["--inbox", inbox, "--events", events, "--chatbot", "bot", "--document", "d1"]
    asked += ["--blob", "crm/1", "--size", "3", "--sha256", "abc"]
    stand_in = StandIn(inbox, answer)
    told = client("upstream", *asked)
    stand_in.stop()
    assert told["came"]["record"]["document"] == "d1" and told["came"]["record"]["retrievable"] == 3, told
    assert told["came"]["type"] == "troupe.knowledge.EmbeddingReady", told
    # Nobody answers any more.
    told = client("upstream", *asked, "--timeout", "1", ends=1)
    assert told["came"] is None, told
    told = client("upstream", *asked, "--times", "3", "--id", "same", "--no-wait")
    assert len(told["published"]["places"]) == 3 and told["published"]["headers"]["ce_id"] == "same", told
    client("upstream", *asked, "--subject", "nobody-knows-it", ends=2)


def try_spring():
    inbox, replies = topic("inbox.documents.commands"), topic("replies", 4)
    register(f"{inbox}-value", "documents/DeleteDocument.avsc")
    number = register(f"{replies}-troupe.reply.Ok", "reply/Ok.avsc")
    registry = wire.Registry(REGISTRY)

    def answer_with(correlation):
        def answer(message):
            name, said = registry.decode(message.value())
            assert name == "troupe.documents.DeleteDocument", name
            headers = wire.headers(message)
            assert headers["kafka_replyTopic"].decode() == replies, headers
            return {
                "topic": replies,
                "partition": int.from_bytes(headers["kafka_replyPartition"], "big"),
                "key": message.key(),
                "value": registry.encode(number, registry.schema(number), {"id": said["document"]}),
                "headers": [(correlation, headers[correlation]), ("reply-status", b"done")],
            }

        return answer

    asked = ["--inbox", inbox, "--replies", replies, "--reply-partition", "3", "--id", "d{n}"]
    asked += ["--record", '{"document": "d{n}", "chatbot": "bot"}', "--count", "2"]
    stand_in = StandIn(inbox, answer_with("kafka_correlationId"))
    told = client("spring", *asked)
    stand_in.stop()
    got = [answer["reply"] for answer in told["answers"]]
    assert [one["record"]["id"] for one in got] == ["d0", "d1"] and {one["partition"] for one in got} == {3}, told
    assert all(len(one["headers"]["kafka_correlationId"]) == 32 for one in got), told
    # Told to use Troupe's own header, as text.
    stand_in = StandIn(inbox, answer_with("correlation-id"))
    told = client("spring", *asked, "--correlation-header", "correlation-id")
    stand_in.stop()
    assert told["answers"][1]["reply"]["headers"]["reply-status"] == "done", told
    told = client("spring", *asked, "--timeout", "1", ends=1)
    assert told["missing"] == 2, told


def write(name, records, aborted=()):
    """Records as (partition, key, value, headers), in one transaction; then others, which are aborted."""
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": str(uuid.uuid4()), "linger.ms": 0})
    producer.init_transactions(20)
    for some, ends in ((records, producer.commit_transaction), (aborted, producer.abort_transaction)):
        producer.begin_transaction()
        for partition, key, value, headers in some:
            producer.produce(name, partition=partition, key=key, value=value, headers=headers)
        ends(20)


def said(number, key, partition=0, cause=None, value=None, event=None):
    headers = [("ce_id", event or f"e{number}"), ("ce_source", "try"), ("ce_type", "t")]
    headers += [("ce_causationid", cause)] if cause else []
    return (partition, key, value or json.dumps({"n": number}), headers)


def try_history():
    inputs = topic("in")
    keys = ["acme/a", "acme/b"]
    write(inputs, [said(n, keys[n % 2], n % 2) for n in range(6)], aborted=[said(99, "acme/a")])

    def out(n, cause=None, key=None, partition=None, **more):
        cause = n if cause is None else cause
        partition = n % 2 if partition is None else partition
        return said(n, key or keys[n % 2], partition, cause=f"e{cause}", event=f"o{n}", **more)

    def verdict(records, *more, dead=(), aborted=()):
        outputs, letters = topic(f"out{uuid.uuid4().hex[:6]}"), topic(f"dead{uuid.uuid4().hex[:6]}")
        write(outputs, records, aborted)
        write(letters, dead)
        asked = ["--topic", outputs, "--input", inputs, "--dead", letters, "--rising", "n", *more]
        process = subprocess.run([HERE.parent / "history", *asked], capture_output=True, text=True, timeout=120, check=False)
        told = json.loads(process.stdout) if process.stdout else sys.exit(process.stderr)
        assert process.returncode == (0 if told["ok"] else 1), process
        return {kind: fault["count"] for kind, fault in told["faults"].items()}, told

    sound = [out(n) for n in range(6)]
    buried = [(0, "acme/a", "x", [("dlq-topic", inputs), ("dlq-partition", "0"), ("dlq-offset", "1")])]
    again = said(2, "acme/a", 0, cause="e2", event="o2")
    cases = [
        ("sound, and aborted copies do not count", (sound,), {"aborted": sound}, {}),
        ("one is lost", (sound[:-1],), {}, {"lost": 1}),
        ("one is a dead letter", ([one for one in sound if one is not sound[2]],), {"dead": buried}, {}),
        ("one is there twice", (sound + [out(5)],), {}, {"twice_by_id": 1, "caused_too_often": 1}),
        ("one is said again under another id", (sound + [said(5, keys[1], 1, cause="e5", event="o6")],), {},
         {"twice_by_content": 1, "caused_too_often": 1}),
        ("two are exchanged", ([sound[n] for n in (0, 1, 4, 2, 3, 5)],), {}, {"out_of_order": 1, "fell": 1}),
        ("a key is in two partitions", ([*sound[:-1], out(5, partition=0)],), {}, {"key_in_two_partitions": 1}),
        ("one comes from nowhere", (sound + [out(7, cause=70)],), {}, {"from_nowhere": 1}),
    ]
    assert again[3] == sound[2][3]
    for name, records, more, expected in cases:
        counted, told = verdict(*records, **more)
        assert counted == expected, f"{name}: {counted}, not {expected}\n{json.dumps(told, indent=1)}"

    # Copies, known by their content or by a field; and what a load generator noted.
    copies = topic("copies")
    write(copies, [said(n, keys[n % 2], n % 2) for n in range(6)])
    for how in (["--match", "content"], ["--match", "field", "--field", "n"]):
        assert client("history", "--topic", copies, "--input", inputs, *how)["ok"]
    notes = pathlib.Path(os.environ["TROUPE_TRY_DIR"]) / "notes.jsonl"
    notes.write_text('{"id": "e1", "key": "acme/b"}\n{"id": "e2"}\n', encoding="utf-8")
    assert client("history", "--topic", copies, "--expect", str(notes))["expected"] == 2
    notes.write_text('{"id": "e1", "key": "acme/a"}\n{"id": "gone"}\n', encoding="utf-8")
    assert client("history", "--topic", copies, "--expect", str(notes), ends=1)["faults"]["lost"]["count"] == 2
    client("history", "--topic", f"nowhere.{RUN}", ends=2)


def run():
    for name, attempt in (("upstream", try_upstream), ("spring", try_spring), ("history", try_history)):
        began = time.monotonic()
        attempt()
        print(f"{name}: ok in {time.monotonic() - began:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    wire.main(run)
