# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Protobuf by hand, for files that its library would not write: a field of bytes is (number << 3 | 2), a length, bytes."""


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def head(number, length):
    """What stands before `length` bytes."""
    return varint(number << 3 | 2) + varint(length)


def field(number, payload):
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    if isinstance(payload, str):
        payload = payload.encode()
    return head(number, len(payload)) + payload
