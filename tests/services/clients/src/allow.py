"""Does what the `kafka-acls` commands say that `troupe topics plan` prints, where that tool is not installed.

Reads them on stdin, one a line; prints how many rights it gave, as JSON.
"""

import argparse
import os
import shlex
import sys

import wire
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, AdminClient, ResourcePatternType, ResourceType


def rights(line):
    """The rights that one command gives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap-server")
    parser.add_argument("--command-config")
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--resource-pattern-type", default="literal")
    resource = parser.add_mutually_exclusive_group(required=True)
    for kind in ("topic", "group", "transactional-id"):
        resource.add_argument(f"--{kind}")
    asked = parser.parse_args(shlex.split(line)[1:])
    kinds = [
        (ResourceType.TOPIC, asked.topic),
        (ResourceType.GROUP, asked.group),
        (ResourceType.TRANSACTIONAL_ID, asked.transactional_id),
    ]
    kind, name = next((kind, name) for kind, name in kinds if name)
    pattern = ResourcePatternType[asked.resource_pattern_type.upper()]
    names = {"DescribeConfigs": "DESCRIBE_CONFIGS"}
    for operation in asked.operation:
        operation = AclOperation[names.get(operation, operation.upper())]
        yield AclBinding(kind, name, pattern, asked.allow_principal, "*", operation, AclPermissionType.ALLOW)


def run():
    lines = [line.strip() for line in sys.stdin if line.strip().startswith("kafka-acls ")]
    bindings = [right for line in lines for right in rights(line)]
    admin = AdminClient({"bootstrap.servers": os.environ["TROUPE_TEST_KAFKA"]})
    for given in admin.create_acls(bindings, request_timeout=20).values():
        given.result()
    wire.tell({"given": len(bindings)})
    return 0


if __name__ == "__main__":
    wire.main(run)
