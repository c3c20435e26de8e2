"""An upstream system that is not ours: says that a document was uploaded, waits until it can be found.

Publishes one Avro CloudEvent on the inbox, then reads the events (read_committed) until that document's `embedding.ready`
is there. Prints JSON: what was published, and what came. Ends with 0 if it came, 1 if not in time, 2 if it could not ask.
"""

import argparse
import datetime
import os
import time
import uuid

import wire
from confluent_kafka import Producer


def arguments():
    parser = argparse.ArgumentParser(prog="upstream", description=__doc__.split("\n\n")[0])
    wire.add_kafka(parser)
    parser.add_argument("--registry", default=os.environ.get("TROUPE_TEST_REGISTRY_URL"))
    parser.add_argument("--inbox", default="inbox.document.uploaded")
    parser.add_argument("--events", default="embedding.ready")
    parser.add_argument("--subject", help="default: <inbox>-value")
    parser.add_argument("--tenant", default="acme")
    parser.add_argument("--chatbot", required=True)
    parser.add_argument("--document", required=True)
    parser.add_argument("--name", default="upstream.txt", help="the file's name, for citations")
    parser.add_argument("--media-type", default="text/plain")
    parser.add_argument("--blob", required=True, help="the blob's id in the tenant's store")
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--sha256", required=True)
    parser.add_argument("--source", default="a-client-that-is-not-ours", help="ce_source")
    parser.add_argument("--id", default=None, help="ce_id; default: a new one")
    parser.add_argument("--times", type=int, default=1, help="published so often, with one and the same ce_id (I3)")
    parser.add_argument("--no-wait", action="store_true", help="only publish")
    return parser.parse_args()


def publish(asked, registry):
    """The event's headers, and where each copy of it stands."""
    number, schema = registry.latest(asked.subject or f"{asked.inbox}-value")
    record = {
        "document": asked.document,
        "chatbot": asked.chatbot,
        "revision": "",
        "name": asked.name,
        "media_type": asked.media_type,
        "blob": {"id": asked.blob, "size": asked.size, "sha256": asked.sha256},
    }
    event = asked.id or str(uuid.uuid4())
    said = {
        "ce_specversion": "1.0",
        "ce_id": event,
        "ce_source": asked.source,
        "ce_type": schema["name"],
        "ce_time": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z"),
        "ce_subject": asked.document,
        "ce_tenantid": asked.tenant,
        "ce_correlationid": event,
        "content-type": "application/avro",
    }
    # Java's partitioner, which is Troupe's as well (I5); librdkafka's own is another.
    producer = Producer(wire.kafka(asked) | {"partitioner": "murmur2_random", "enable.idempotence": True})
    places, failed = [], []

    def delivered(error, message):
        if error is None:
            places.append({"partition": message.partition(), "offset": message.offset()})
        else:
            failed.append(str(error))

    for _ in range(asked.times):
        producer.produce(
            asked.inbox,
            key=f"{asked.tenant}/{asked.document}",
            value=registry.encode(number, schema, record),
            headers=[(name, value.encode()) for name, value in said.items()],
            on_delivery=delivered,
        )
    left = producer.flush(asked.timeout)
    if failed or left:
        raise wire.Wrong(f"{asked.inbox}: {failed or 'not delivered in time'}")
    return {"topic": asked.inbox, "places": places, "schema_id": number, "headers": said, "record": record}


def run():
    asked = arguments()
    registry = wire.Registry(asked.registry)
    if asked.no_wait:
        wire.tell({"published": publish(asked, registry)})
        return 0
    consumer = wire.reader(asked)
    try:
        # From the end as it is before anything is said: what comes is not older than the event.
        found = wire.partitions(consumer, asked.events)
        for partition in found:
            partition.offset = consumer.get_watermark_offsets(partition, timeout=10)[1]
        consumer.assign(found)
        published = publish(asked, registry)
        began, key = time.monotonic(), f"{asked.tenant}/{asked.document}"
        while time.monotonic() - began < asked.timeout:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error():
                if wire.is_end(message.error()) or wire.means_nothing(message.error()):
                    continue
                raise wire.Wrong(f"{asked.events}: {message.error()}")
            if wire.text(message.key()) != key:
                continue
            name, record = registry.decode(message.value())
            came = {
                "topic": message.topic(),
                "partition": message.partition(),
                "offset": message.offset(),
                "type": name,
                "headers": {name: wire.text(value) for name, value in wire.headers(message).items()},
                "record": record,
            }
            if came["headers"].get("ce_correlationid") != published["headers"]["ce_correlationid"]:
                continue
            wire.tell({"published": published, "came": came, "after_ms": round((time.monotonic() - began) * 1000)})
            return 0
        wire.tell({"published": published, "came": None})
        return 1
    finally:
        consumer.close()


if __name__ == "__main__":
    wire.main(run)
