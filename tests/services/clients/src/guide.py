"""The program of docs/guides/connect-a-system.md: every block of the guide stands here, and a test runs it.

guide upload CHATBOT DOCUMENT BLOB    BLOB: what POST /v1/blobs answered; says when the document can be found
guide ask CHATBOT TEXT                asks a question, says the answer
KAFKA and REGISTRY in the environment name the servers, TENANT the tenant.
"""

import io
import json
import os
import struct
import sys
import time
import urllib.parse
import urllib.request
import uuid

import fastavro
from confluent_kafka import Consumer, Producer, TopicPartition

KAFKA = {"bootstrap.servers": os.environ["KAFKA"]}
REGISTRY = os.environ["REGISTRY"]
TENANT = os.environ.get("TENANT", "acme")

producer = Producer(KAFKA | {
    "partitioner": "murmur2_random",  # Java's, which is Troupe's too: else one key lands in two partitions
    "enable.idempotence": True,
})


def registry(path):
    with urllib.request.urlopen(f"{REGISTRY}/{path}", timeout=10) as answer:
        return json.load(answer)


def encode(subject, record):
    """A zero byte, the schema's id in four bytes, the Avro datum."""
    found = registry(f"subjects/{urllib.parse.quote(subject)}/versions/latest")
    out = io.BytesIO()
    out.write(struct.pack(">bI", 0, found["id"]))
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(found["schema"])), record)
    return out.getvalue()


def decode(value):
    """The record's name, and the record."""
    schema = fastavro.parse_schema(json.loads(registry(f"schemas/ids/{struct.unpack('>I', value[1:5])[0]}")["schema"]))
    return schema["name"], fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)


def send(inbox, about, subject, record, message_id, **headers):
    """Publishes under `<tenant>/<id of what it is about>`, and returns when it is on the log."""
    said = {"ce_specversion": "1.0", "ce_source": "crm", "ce_id": message_id, "ce_tenantid": TENANT} | headers
    failed = []
    producer.produce(
        inbox,
        key=f"{TENANT}/{about}",
        value=encode(subject, record),
        headers=list(said.items()),
        on_delivery=lambda error, _: failed.append(error) if error else None,
    )
    if producer.flush(30) or failed:
        raise SystemExit(f"not delivered: send it again, with the same ce_id ({failed})")


def reader(topic):
    """Reads what is said on a topic from now on."""
    consumer = Consumer(KAFKA | {
        "group.id": "upstream.guide",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",  # what was not committed never happened
    })
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    places = [TopicPartition(topic, number) for number in partitions]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign(places)
    return consumer


def await_message(consumer, is_it, seconds=60):
    """The first message that is it: its headers, the record's name, the record."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        headers = {name: value.decode("utf-8", "replace") for name, value in message.headers() or []}
        if is_it(message, headers):
            return headers, *decode(message.value())
    raise SystemExit("nothing came in time")


def upload(chatbot, document, blob):
    events = reader("embedding.ready")
    uploaded = {
        "document": document,
        "chatbot": chatbot,
        "revision": "",
        "name": "opening-hours.md",
        "media_type": "text/markdown",
        "blob": blob,
    }
    message_id = str(uuid.uuid4())  # kept with the upload: whoever sends it again sends the same
    send("inbox.document.uploaded", document, "inbox.document.uploaded-value", uploaded, message_id)
    ours = lambda message, headers: headers.get("ce_correlationid") == message_id
    _, _, ready = await_message(events, ours)
    return ready


def ask(chatbot, text):
    replies = reader("replies.upstream")
    question, conversation = str(uuid.uuid4()), str(uuid.uuid4())
    asked = {
        "question": question,
        "conversation": conversation,
        "chatbot": chatbot,
        "visitor": "visitor-1",
        "text": text,
    }
    send(
        "inbox.conversations.commands",
        conversation,  # the key is that of what the command concerns
        "inbox.conversations.commands-troupe.conversations.AskQuestion",
        asked,
        message_id=question,
        **{"reply-to": "replies.upstream", "correlation-id": question, "deadline": str(int(time.time() * 1000) + 60_000)},
    )
    final = lambda message, headers: (
        headers.get("correlation-id") == question and headers["reply-status"] != "progress"
    )
    headers, _, answer = await_message(replies, final)
    if headers["reply-status"] != "done":
        raise SystemExit(f"{headers['reply-status']}: {answer['code']}: {answer['message']}")
    return answer


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["upload", chatbot, document, blob]:
            said = upload(chatbot, document, json.loads(blob))
        case ["ask", chatbot, text]:
            said = ask(chatbot, text)
        case _:
            raise SystemExit(__doc__)
    print(json.dumps(said))
