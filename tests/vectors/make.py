#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden vectors from docs/PROTOCOL.md alone: a second implementation of each encoding.

Usage: tests/vectors/make.py              writes the vectors
       tests/vectors/make.py --check      writes nothing; fails if a file would change
       tests/vectors/make.py --corpus     writes the fuzzers' first inputs into tests/fuzz/corpus

It shares nothing with the C code, so that a mistake in either shows as a difference. README.md says
what is in the files.
"""

import hashlib
import json
import os
import struct
import sys

from nacl.signing import SigningKey

HERE = os.path.dirname(os.path.abspath(__file__))
CLUSTER = "vectors"
MAX = 2**63 - 1  # of every number in a statement but tags and requests
BODY_MAX = 1000 - 64

KINDS = {"alive": 1, "left": 2, "accusation": 3, "record": 4, "deletion": 5, "head": 6,
         "command": 7, "peer": 8}
DOMAINS = {"alive": "alive", "left": "left", "accusation": "accuse", "record": "record",
           "deletion": "delete", "head": "head", "command": "forward", "peer": "peer"}


# MessagePack: what Aurora uses of it, each value in its shortest form.

def sized(number, first_marker):
    """A number behind the marker for its width; those for 1, 2, 4 and 8 bytes are neighbours."""
    for i, form in enumerate((">B", ">H", ">I", ">Q")):
        if number < 1 << (8 << i):
            return bytes([first_marker + i]) + struct.pack(form, number)
    raise ValueError(number)


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if value < 0x80 else sized(value, 0xCC)
    if isinstance(value, bytes):
        return sized(len(value), 0xC4) + value
    if isinstance(value, str):
        raw = value.encode()
        return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else sized(len(raw), 0xD9)) + raw
    count = len(value)
    head = bytes([0x90 | count]) if count < 16 else b"\xdc" + struct.pack(">H", count)
    return head + b"".join(item.raw if isinstance(item, Raw) else pack(item) for item in value)


class Raw:
    """Bytes that stand for themselves inside an array: other encodings, and broken ones."""

    def __init__(self, raw):
        self.raw = raw


# Hashes, scopes, signatures: docs/PROTOCOL.md, "Keys, hashes and signatures".

def hash_of(domain, data):
    return hashlib.blake2b(b"aurora-v1:" + domain.encode() + b"\0" + data, digest_size=32).digest()


SCOPE = hash_of("sign-scope", CLUSTER.encode())[:16]


def key_of(number):
    return SigningKey(bytes((number + i) % 256 for i in range(32)))


HOME, PEER = key_of(0), key_of(100)
HOME_ID, PEER_ID = HOME.verify_key.encode(), "ed25519:" + PEER.verify_key.encode().hex()
TAG = int.from_bytes(HOME_ID[:8], "big")
OTHER = 0x8877665544332211


def sign(key, kind, body):
    scope = b"" if kind == "peer" else SCOPE
    return key.sign(b"aurora-v1:" + DOMAINS[kind].encode() + b"\0" + scope + body).signature


# Statements: fields in, elements out.

def elements(kind, f):
    number = KINDS[kind]
    if kind == "alive":
        return [number, f["id"], f["epoch"], f["incarnation"], f["name"], f["zone"], f["http_url"],
                f["addresses"], f["protocol_version"]]
    if kind == "left":
        return [number, f["tag"], f["epoch"], f["incarnation"]]
    if kind == "accusation":
        return [number, f["accuser"], f["subject"], f["epoch"], f["incarnation"], f["stamp"]]
    if kind == "record":
        return [number, f["home"], f["epoch"], f["version"], f["peer_id"], f["archetypes"],
                f["address"], f["port"], f["metadata"], f["ttl_s"], f["seq"],
                f["registered_at_ms"], f["token_hash"], f["peer_version"], f["peer_signature"]]
    if kind == "deletion":
        return [number, f["home"], f["epoch"], f["version"], f["peer_id"], f["seq"], f["ttl_s"],
                f["reason"], f["peer_version"]]
    if kind == "head":
        return [number, f["home"], f["epoch"], f["version"], f["live_count"], f["root"],
                f["wall_ms"]]
    if kind == "command":
        return [number, f["origin"], f["target"], f["request"], f["kind"], f["peer_id"],
                f["token_hash"]]
    assert kind == "peer"
    return [number, f["peer_id"], f["address"], f["port"], f["archetypes"], f["metadata"],
            f["ttl_s"], f["peer_version"]]


ALIVE = dict(id=HOME_ID, epoch=1763812800, incarnation=3, name="node-a", zone="eu-1",
             http_url="http://192.0.2.1:4780", addresses=[bytes([192, 0, 2, 1]) + b"\x12\x8b"],
             protocol_version=1)
LEFT = dict(tag=TAG, epoch=1763812800, incarnation=4)
ACCUSATION = dict(accuser=TAG, subject=OTHER, epoch=1763812801, incarnation=0,
                  stamp=1763812912345)
RECORD = dict(home=TAG, epoch=1763812800, version=17, peer_id="peer-1",
              archetypes=["pepino", "tomate"], address="198.51.100.7", port=8080,
              metadata='{"score":0.5,"tags":["a","b"]}', ttl_s=300, seq=1763812900000,
              registered_at_ms=1763812900001, token_hash=None, peer_version=None,
              peer_signature=None)
DELETION = dict(home=TAG, epoch=1763812800, version=18, peer_id="peer-1", seq=1763812900000,
                ttl_s=300, reason=1, peer_version=None)
HEAD = dict(home=TAG, epoch=1763812800, version=18, live_count=1,
            root=hash_of("aurora-root-leaf", b""), wall_ms=1763812900500)
COMMAND = dict(origin=OTHER, target=TAG, request=2**64 - 1, kind=1, peer_id="peer-1",
               token_hash=None)
DESCRIPTION = dict(peer_id=PEER_ID, address="2001:db8::7", port=0, archetypes=["pepino"],
                   metadata='{"k":"v"}', ttl_s=60, peer_version=5)


def with_(fields, **changes):
    return {**fields, **changes}


def certified(fields, description):
    body = pack(elements("peer", description))
    shared = ("peer_id", "address", "port", "archetypes", "metadata", "ttl_s", "peer_version")
    changes = {name: description[name] for name in shared}
    return with_(fields, **changes, peer_signature=sign(PEER, "peer", body))


def record_of(body_bytes):
    """A record whose body has this length: its address is as long as it takes."""
    wide = with_(RECORD, peer_id="p" * 128, archetypes=["a" * 64] * 9, address="h" * 100)
    return with_(wide, address="h" * (100 + body_bytes - len(pack(elements("record", wide)))))


def good_statements():
    yield "alive", "alive", ALIVE
    yield "alive_two_addresses", "alive", with_(ALIVE, addresses=[
        bytes([127, 0, 0, 1]) + b"\x12\x8b",
        bytes.fromhex("20010db8") + bytes(11) + b"\1" + b"\0\1"])
    yield "alive_bare", "alive", with_(ALIVE, epoch=1, incarnation=0, name="n", zone="",
                                       http_url="", protocol_version=200)
    yield "alive_full", "alive", with_(ALIVE, epoch=MAX, incarnation=MAX, name="é" * 32,
                                       zone="z" * 64, http_url="u" * 128)
    yield "left", "left", LEFT
    yield "left_full", "left", with_(LEFT, tag=2**64 - 1, epoch=MAX, incarnation=MAX)
    yield "accusation", "accusation", ACCUSATION
    yield "record", "record", RECORD
    yield "record_with_token", "record", with_(RECORD, token_hash=bytes(range(16)))
    yield "record_bare", "record", with_(RECORD, version=1, peer_id="p", archetypes=[], port=0,
                                         metadata="", ttl_s=10, seq=0, registered_at_ms=0)
    yield "record_certified", "record", certified(RECORD, DESCRIPTION)
    yield "record_text", "record", with_(
        RECORD, peer_id="пир-☃-🛰", archetypes=["日本語"], address="host.example",
        metadata='{\n\t"a": {"b": [1, 2.5, null, true]}, "é": "\\u0000"\r}')
    yield "record_full", "record", with_(
        RECORD, epoch=MAX, version=MAX, peer_id="p" * 128, archetypes=["a" * 64], address="h" * 60,
        port=65535, metadata='{"m":"' + "x" * 504 + '"}', ttl_s=86400, seq=MAX,
        registered_at_ms=MAX, token_hash=b"\xff" * 16)
    yield "record_sixteen_archetypes", "record", with_(RECORD,
                                                       archetypes=[str(i) for i in range(16)])
    yield "record_largest", "record", record_of(BODY_MAX)
    yield "deletion", "deletion", DELETION
    yield "deletion_certified", "deletion", with_(DELETION, peer_id=PEER_ID, reason=2,
                                                  peer_version=5)
    yield "deletion_full", "deletion", with_(DELETION, epoch=MAX, version=MAX, peer_id="p" * 128,
                                             seq=MAX, ttl_s=86400, reason=3)
    yield "head", "head", HEAD
    yield "head_empty", "head", with_(HEAD, version=0, live_count=0)
    yield "head_full", "head", with_(HEAD, epoch=MAX, version=MAX, live_count=MAX, wall_ms=MAX)
    yield "command", "command", COMMAND
    yield "command_with_token", "command", with_(COMMAND, kind=2, token_hash=bytes(range(16)))


def readable_statements():
    """What no node of this version makes and every node reads: longer forms, later versions."""
    long_uint = Raw(b"\xcf" + struct.pack(">Q", 4))
    signed_uint = Raw(b"\xd2" + struct.pack(">i", 17))
    long_text = Raw(b"\xdb" + struct.pack(">I", 6) + b"peer-1")
    body = elements("record", RECORD)
    wide = b"\xdd" + struct.pack(">I", 15) + pack([long_uint] + body[1:3] + [signed_uint, long_text]
                                                 + body[5:])[1:]
    yield "record_wide_encodings", "record", RECORD, wide
    tail = (Raw(b"\x81\xa1k\x92\x01\x02"), None, Raw(b"\xff"), "later", b"bytes", [[1, [2]], []],
            Raw(b"\xcb" + bytes(8)), Raw(b"\xc7\x03\x05abc"), Raw(b"\xd8\x01" + bytes(16)))
    for kind, fields in (("alive", ALIVE), ("left", LEFT), ("accusation", ACCUSATION),
                         ("record", RECORD), ("deletion", DELETION), ("head", HEAD),
                         ("command", COMMAND)):
        yield f"{kind}_of_a_later_version", kind, fields, pack(elements(kind, fields) + list(tail))


def replaced(kind, fields, index, raw):
    changed = elements(kind, fields)
    changed[index] = Raw(raw) if isinstance(raw, bytes) else raw
    return pack(changed)


def bad_bodies():
    record, alive = elements("record", RECORD), elements("alive", ALIVE)
    yield "giant_array", "any", "an array header without its elements", bytes.fromhex("dd00ffffff")
    yield "empty_array", "any", "no kind", b"\x90"
    yield "no_array", "any", "a map", b"\x81\x01\x02"
    yield "kind_unknown", "any", "kind 9", pack([9, 1, 2, 3, 4, 5, 6, 7, 8])
    yield ("kind_peer", "any", "what a peer signs is no statement",
           pack(elements("peer", DESCRIPTION)))
    yield "reserved_byte", "any", "0xc1 is never used", b"\x92\x01\xc1"
    for kind, fields in (("alive", ALIVE), ("left", LEFT), ("accusation", ACCUSATION),
                         ("record", RECORD), ("deletion", DELETION), ("head", HEAD),
                         ("command", COMMAND)):
        whole = pack(elements(kind, fields))
        yield (f"{kind}_one_element_short", kind, "too few elements",
               pack(elements(kind, fields)[:-1]))
        yield f"{kind}_trailing_byte", kind, "bytes after the array", whole + b"\0"
        yield f"{kind}_truncated", kind, "the last byte is missing", whole[:-1]
        yield (f"{kind}_nested_too_deep", kind, "8 arrays inside one another",
               pack(elements(kind, fields) + [Raw(b"\x91" * 7 + b"\0")]))
        if "epoch" in fields:
            yield (f"{kind}_epoch_0", kind, "epochs start at 1",
                   pack(elements(kind, with_(fields, epoch=0))))
    yield ("alive_epoch_too_large", "alive", "over 2^63 - 1",
           pack(elements("alive", with_(ALIVE, epoch=MAX + 1))))
    yield "alive_short_id", "alive", "31 bytes", replaced("alive", ALIVE, 1, pack(HOME_ID[:31]))
    yield "alive_text_id", "alive", "str, not bin", replaced("alive", ALIVE, 1, "x" * 32)
    yield "alive_no_name", "alive", "empty", replaced("alive", ALIVE, 4, "")
    yield "alive_long_name", "alive", "65 bytes", replaced("alive", ALIVE, 4, "n" * 65)
    yield "alive_control", "alive", "a line feed in the zone", replaced("alive", ALIVE, 5, "a\nb")
    yield "alive_c1_control", "alive", "U+009B", replaced("alive", ALIVE, 5, "\u009b")
    yield "alive_latin1", "alive", "not UTF-8", replaced("alive", ALIVE, 4, b"\xa2\xe9x")
    yield ("alive_overlong", "alive", "an overlong slash",
           replaced("alive", ALIVE, 4, b"\xa2\xc0\xaf"))
    yield ("alive_surrogate", "alive", "U+D800 in UTF-8",
           replaced("alive", ALIVE, 4, b"\xa3\xed\xa0\x80"))
    yield "alive_no_address", "alive", "none", replaced("alive", ALIVE, 7, pack([]))
    yield ("alive_three_addresses", "alive", "more than two",
           replaced("alive", ALIVE, 7, pack([b"\x7f\0\0\1\0\1"] * 3)))
    yield ("alive_odd_address", "alive", "7 bytes",
           replaced("alive", ALIVE, 7, pack([b"\x7f\0\0\1\0\1\1"])))
    yield "alive_negative_epoch", "alive", "-1", replaced("alive", ALIVE, 2, b"\xff")
    yield ("alive_float_epoch", "alive", "1.0",
           replaced("alive", ALIVE, 2, b"\xcb\x3f\xf0" + bytes(6)))
    yield "record_version_0", "record", "versions start at 1", replaced("record", RECORD, 3, 0)
    yield "record_no_peer_id", "record", "empty", replaced("record", RECORD, 4, "")
    yield "record_long_peer_id", "record", "129 bytes", replaced("record", RECORD, 4, "p" * 129)
    yield ("record_upper_case_key", "record", "looks like a key, is none",
           replaced("record", RECORD, 4, PEER_ID[:8] + PEER_ID[8:].upper()))
    yield ("record_seventeen_archetypes", "record", "more than 16",
           replaced("record", RECORD, 5, pack(["a"] * 17)))
    yield "record_empty_archetype", "record", "empty", replaced("record", RECORD, 5, pack([""]))
    yield "record_long_archetype", "record", "65", replaced("record", RECORD, 5, pack(["a" * 65]))
    yield "record_no_address", "record", "empty", replaced("record", RECORD, 6, "")
    yield "record_long_address", "record", "256", replaced("record", RECORD, 6, "a" * 256)
    yield "record_port_65536", "record", "over 65535", replaced("record", RECORD, 7, 65536)
    yield "record_metadata_array", "record", "no object", replaced("record", RECORD, 8, "[]")
    yield ("record_long_metadata", "record", "513 bytes",
           replaced("record", RECORD, 8, '{"' + "x" * 507 + '":1}'))
    yield "record_metadata_nul", "record", "a raw NUL", replaced("record", RECORD, 8, "{\0}")
    yield "record_ttl_9", "record", "under 10", replaced("record", RECORD, 9, 9)
    yield "record_ttl_86401", "record", "over a day", replaced("record", RECORD, 9, 86401)
    yield "record_long_token", "record", "17 bytes", replaced("record", RECORD, 12, pack(bytes(17)))
    yield ("record_version_without_signature", "record", "both or neither",
           replaced("record", RECORD, 13, 1))
    yield ("record_signature_without_version", "record", "both or neither",
           replaced("record", RECORD, 14, pack(bytes(64))))
    unbound = with_(RECORD, peer_version=1, peer_signature=bytes(64))
    yield "record_signed_plain_id", "record", "the id is no key", pack(elements("record", unbound))
    yield ("record_nested_archetypes", "record", "a list",
           replaced("record", RECORD, 5, pack([["a"]])))
    yield ("record_giant_archetypes", "record", "a count without elements",
           b"\x9f" + b"".join(pack(x) for x in record[:5]) + b"\xdd\xff\xff\xff\xff")
    yield ("record_giant_text", "record", "a length without bytes",
           b"\x9f" + b"".join(pack(x) for x in record[:4]) + b"\xdb\xff\xff\xff\xff")
    yield ("alive_giant_bin", "alive", "a length without bytes",
           b"\x99" + pack(alive[0]) + b"\xc6\xff\xff\xff\xff")
    yield "deletion_reason_0", "deletion", "no such", replaced("deletion", DELETION, 7, 0)
    yield "deletion_reason_4", "deletion", "no such", replaced("deletion", DELETION, 7, 4)
    yield "deletion_ttl_9", "deletion", "under 10", replaced("deletion", DELETION, 6, 9)
    yield "head_short_root", "head", "31 bytes", replaced("head", HEAD, 5, pack(bytes(31)))
    yield "command_kind_0", "command", "no such", replaced("command", COMMAND, 4, 0)
    yield "command_kind_3", "command", "no such", replaced("command", COMMAND, 4, 3)
    yield ("record_over_1000_bytes", "record", "937 bytes of body",
           pack(elements("record", record_of(BODY_MAX + 1))))


def statements_file():
    good = [(name, kind, fields, pack(elements(kind, fields)), True)
            for name, kind, fields in good_statements()]
    good += [(*rest, False) for rest in readable_statements()]
    return {
        "cluster": CLUSTER, "scope": SCOPE, "seed": HOME.encode(), "public_key": HOME_ID,
        "tag": f"{TAG:016x}",
        "statements": [dict(name=name, kind=kind, is_encoding=is_encoding,
                            fields=shown(fields), body=body, signature=sign(HOME, kind, body))
                       for name, kind, fields, body, is_encoding in good],
        "bad": [dict(name=name, kind=kind, why=why, body=body)
                for name, kind, why, body in bad_bodies()],
    }


# Peers that certify themselves.

def peers():
    yield "plain", DESCRIPTION
    yield "bare", with_(DESCRIPTION, archetypes=[], metadata="", port=0, peer_version=0, ttl_s=10)
    yield "full", with_(DESCRIPTION, archetypes=["a" * 64, "b"], address="h" * 100, port=65535,
                        metadata='{"m":"' + "x" * 400 + '"}', ttl_s=86400, peer_version=MAX)


def peers_file():
    good = []
    for name, fields in peers():
        body = pack(elements("peer", fields))
        good.append(dict(name=name, fields=shown(fields), body=body,
                         signature=sign(PEER, "peer", body)))
    body = pack(elements("peer", DESCRIPTION))
    bad = [
        dict(name="other_domain", why="signed as a record", fields=shown(DESCRIPTION),
             signature=sign(PEER, "record", body)),
        dict(name="with_scope", why="peers sign without a cluster's scope",
             fields=shown(DESCRIPTION), signature=PEER.sign(
                 b"aurora-v1:peer\0" + SCOPE + body).signature),
        dict(name="other_key", why="not the key that the id names", fields=shown(DESCRIPTION),
             signature=sign(HOME, "peer", body)),
        dict(name="other_port", why="a field was changed", fields=shown(with_(DESCRIPTION, port=1)),
             signature=sign(PEER, "peer", body)),
        dict(name="other_version", why="a field was changed",
             fields=shown(with_(DESCRIPTION, peer_version=6)), signature=sign(PEER, "peer", body)),
        dict(name="zeros", why="no signature", fields=shown(DESCRIPTION), signature=bytes(64)),
    ]
    return {"seed": PEER.encode(), "public_key": PEER.verify_key.encode(), "peer_id": PEER_ID,
            "peers": good, "bad": bad}


# What may stand in a registration: docs/PROTOCOL.md, "Statements", and docs/HTTP.md.

CONTROLS = ["\x01", "\t", "\n", "\x1f", "\x7f", "\x80", "\x9f"]
ORDINARY = with_(DESCRIPTION, peer_id="peer-1", peer_version=None)
WIDE = {"two": "\u043f", "three": "\u20ac", "four": "\U0001f345"}  # by their bytes in UTF-8


def with_text(field, text):
    return with_(ORDINARY, **{field: [text] if field == "archetypes" else text})


def taken_fields():
    yield "ordinary", ORDINARY
    yield "ordinary_bare", with_(ORDINARY, archetypes=[], metadata="", address="h", ttl_s=10)
    yield "ordinary_full", with_(ORDINARY, archetypes=[f"{i:064}" for i in range(16)], port=65535,
                                 ttl_s=86400)
    for field, most in (("peer_id", 128), ("address", 255), ("archetypes", 64)):
        yield f"{field}_shortest", with_text(field, "~")
        yield f"{field}_longest", with_text(field, "x" * most)
        yield f"{field}_space", with_text(field, " a b ")
        for width, character in WIDE.items():
            size = len(character.encode())
            text = character * (most // size) + "x" * (most % size)
            yield f"{field}_longest_{width}", with_text(field, text)
    yield "metadata_longest", with_(ORDINARY, metadata='{"m":"' + "x" * 504 + '"}')
    yield "metadata_blanks", with_(ORDINARY, metadata='{\r\n\t"m" : [ 1 ]}')
    yield "metadata_delete", with_(ORDINARY, metadata='{"m":"\x7f\x80"}')
    yield "key_repeated", with_(DESCRIPTION, archetypes=["b", "a", "b", "b", "a", "c"])
    yield "key_wide", with_(DESCRIPTION, archetypes=list(WIDE.values()), address="\u20ac" * 85,
                            metadata='{"\u20ac":"\U0001f345"}')
    for size in (31, 32, 100):  # the lengths at which a text's head changes
        yield f"key_address_{size}", with_(DESCRIPTION, address="h" * size)
    for size in (31, 32, 255, 256, 512):
        text = '{"m":"' + "x" * (size - 8) + '"}'
        yield f"key_metadata_{size}", with_(DESCRIPTION, metadata=text)
    for count in (15, 16):
        several = [f"{i}" for i in range(count)]
        yield f"key_archetypes_{count}", with_(DESCRIPTION, archetypes=several)
    for number in (1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 + 1, MAX):
        yield f"key_version_{number}", with_(DESCRIPTION, peer_version=number)
    for port in (0, 127, 128, 255, 256):
        yield f"key_port_{port}", with_(DESCRIPTION, port=port)


def refused_fields():
    for field, most in (("peer_id", 128), ("address", 255), ("archetypes", 64)):
        yield f"{field}_empty", field, "at least one byte", with_text(field, "")
        yield f"{field}_long", field, f"over {most} bytes", with_text(field, "x" * (most + 1))
        for width, character in WIDE.items():
            text = character * (most // len(character.encode()) + 1)
            yield f"{field}_long_{width}", field, "bytes count, not characters", with_text(
                field, text)
        for character in CONTROLS:
            yield (f"{field}_control_{ord(character):02x}", field, "a control character",
                   with_text(field, f"a{character}b"))
    yield "peer_id_key_upper", "peer_id", "a key has one spelling", with_(
        DESCRIPTION, peer_id="ed25519:" + PEER_ID[8:].upper())
    yield "peer_id_key_short", "peer_id", "it looks like a key and is none", with_(
        DESCRIPTION, peer_id=PEER_ID[:-1])
    yield "peer_id_key_long", "peer_id", "it looks like a key and is none", with_(
        DESCRIPTION, peer_id=PEER_ID + "0")
    yield "peer_id_key_no_digit", "peer_id", "it looks like a key and is none", with_(
        DESCRIPTION, peer_id=PEER_ID[:-1] + "g")
    yield "peer_id_key_prefix", "peer_id", "it looks like a key and is none", with_text(
        "peer_id", "ed25519:")
    yield "peer_id_signed", "peer_id", "only a key's id may be signed", with_(
        DESCRIPTION, peer_id="peer-1")
    yield "archetypes_17", "archetypes", "over 16", with_(
        ORDINARY, archetypes=[f"{i}" for i in range(17)])
    yield "archetypes_second_empty", "archetypes", "each of them counts", with_(
        ORDINARY, archetypes=["a", ""])
    for name, text in (("long", '{"m":"' + "x" * 505 + '"}'), ("array", "[1]"), ("text", '"{}"'),
                       ("open", "{"), ("unclosed", '{"m":1'), ("blank_before", " {}"),
                       ("blank_after", "{} "), ("control", '{"m":"\x01"}')):
        yield f"metadata_{name}", "metadata", "no object's text, or too long", with_(
            ORDINARY, metadata=text)
    for ttl_s in (0, 9, 86401, 2**32 - 1):
        yield f"ttl_{ttl_s}", "ttl_seconds", "from 10 to 86400", with_(ORDINARY, ttl_s=ttl_s)
    for port in (65536, 2**32 - 1):
        yield f"port_{port}", "port", "from 0 to 65535", with_(ORDINARY, port=port)


def signed_body(fields):
    """What a node verifies: each archetype once, where it first stands."""
    kept = with_(fields, archetypes=list(dict.fromkeys(fields["archetypes"])))
    return pack(elements("peer", kept))


def fields_file():
    return {
        "taken": [dict(name=name, fields=shown(fields),
                       body=None if fields["peer_version"] is None else signed_body(fields))
                  for name, fields in taken_fields()],
        "refused": [dict(name=name, field=field, why=why, fields=shown(fields))
                    for name, field, why, fields in refused_fields()],
    }


# Packets.

HEADER = [TAG, 1763812800, OTHER, 1]
U64 = 2**64 - 1
S = [bytes([i]) * 70 for i in range(1, 4)]  # stand for statements: messages do not look inside
BATCH = [TAG, 1763812800, 16, 18, 18, 3, S[:2]]
PEER_ADDRESS = bytes([203, 0, 113, 9]) + b"\x12\x8b"

MESSAGES = [
    ("ping", 1, [0x0123456789ABCDEF, U64, 0]), ("ack", 2, [0x0123456789ABCDEF, 1, 2]),
    ("ping_request", 3, [7, OTHER]), ("nack", 4, [7]), ("news", 5, [S]),
    ("join", 6, [S[0], 99, bytes(40)]),
    ("join_reply", 7, [99, 1763812799, S[0], PEER_ADDRESS, S[1]]),
    ("join_reply_unknown", 7, [99, 0, None, PEER_ADDRESS, S[1]]), ("members_pull", 8, [0]),
    ("members", 9, [0, U64, [[0, 0, [S[0]]], [3, 70000, [S[1], S[2]]]]]),
    ("members_hashes", 10, [1, list(range(32))]),
    ("members_list", 11, [1, 0x80000001, [[TAG, 1763812800, 3, 0], [OTHER, 1, 0, 3]]]),
    ("spread_batch", 12, [1, 0, U64, BATCH]), ("spread_news", 13, [2, TAG, OTHER, S]),
    ("hop_acks", 14, [[1, 2, 300, U64]]), ("announce", 15, [[[TAG, 1763812800, 18]]]),
    ("logs_hashes", 16, [0, [5]]),
    ("logs_list", 17, [2, 1, [[TAG, 1763812800, 18, 18, 0x1122334455667788]]]),
    ("pull", 18, [4, TAG, 1763812800, 16, 65536, False]), ("range", 19, [4, False, True, BATCH]),
    ("range_empty", 19, [4, True, False, [TAG, 1, 0, 0, 0, 0, []]]),
    ("head_pull", 20, [[[TAG, 1763812800], [OTHER, 1]]]),
    ("root_pull", 21, [5, TAG, 1763812800, 3]),
    ("root_page", 22, [5, TAG, 1763812800, 18, 3, list(range(64))]),
    ("bucket_pull", 23, [6, TAG, 1763812800, 255, 10]),
    ("bucket", 24, [6, TAG, 1763812800, 18, 255, 10, True, S]), ("forward", 25, [S[0]]),
    ("forward_reply", 26, [OTHER, TAG, 1, 2, 299000, 1763812900000]),
]


def good_packets():
    for name, number, parts in MESSAGES:
        yield name, HEADER, [[number] + parts], True
    yield "empty", [U64, U64, U64, U64], [], True
    yield "three_messages", HEADER, [[m[1]] + m[2] for m in MESSAGES[:3]], True
    yield "unknown_type_skipped", HEADER, [[200, [[], "x"], None], [4, 7]], False
    yield "later_elements_skipped", HEADER + ["later"], [
        [4, 7, "later", Raw(b"\x81\x01\x02")],
        [19, 4, False, True, BATCH + [[1, 2], "later"], Raw(b"\xca\0\0\0\0")]], False


def bad_packets():
    head, ping = pack(HEADER), pack([1, 1, 2, 3])
    yield "nothing", "no header", b""
    yield ("giant_array", "five bytes that make some decoders reserve 512 MiB",
           bytes.fromhex("dd00ffffff"))
    for marker, width in ((0xDC, 2), (0xDD, 4), (0xDE, 2), (0xDF, 4), (0xC4, 1), (0xC5, 2),
                          (0xC6, 4), (0xC7, 1), (0xC8, 2), (0xC9, 4), (0xD9, 1), (0xDA, 2),
                          (0xDB, 4)):
        yield (f"giant_{marker:02x}", "a length without what it counts",
               head + b"\x92\x01" + bytes([marker]) + b"\xff" * width)
    yield "header_short", "three elements", pack(HEADER[:3])
    yield "header_text", "a sender that is text", pack(["x", 1, 2, 3])
    yield "header_map", "no array", b"\x82\x01\x02\x03\x04"
    yield "stray_number", "a message that is no array", head + b"\x05"
    yield "empty_message", "no type", head + b"\x90"
    yield "type_0", "no such type", head + pack([0, 1])
    yield "type_text", "a type that is text", head + pack(["x", 1])
    yield "nested_too_deep", "8 arrays inside one another", head + b"\x92\x7f" + b"\x91" * 7 + b"\0"
    yield "depth_bomb", "a thousand arrays inside one another", head + b"\x91" * 1000 + b"\0"
    yield "reserved_byte", "0xc1 is never used", head + b"\x92\x7f\xc1"
    yield "truncated_second_message", "the packet is dropped as a whole", head + ping + ping[:-1]
    yield "list_of_129", "more than 128 in a list", head + pack([14, list(range(0, 129))])
    yield "mixed_list", "a number among statements", head + pack([5, [S[0], 7]])
    yield "hash_text", "text among hashes", head + pack([10, 0, [1, "x"]])
    yield ("range_backwards", "v1 before v0",
           head + pack([19, 4, False, True, [1, 1, 2, 1, 1, 0, []]]))
    yield "batch_short", "six elements", head + pack([19, 4, False, True, BATCH[:6]])
    yield "too_long", "1,156 bytes", head + pack([200, bytes(1156 - len(head) - 6)])
    for name, number, parts in MESSAGES:
        yield f"{name}_short", "one element too few", head + pack([number] + parts[:-1])
        for index in range(len(parts)):
            wrong = parts[:index] + [Raw(b"\xff")] + parts[index + 1:]
            yield f"{name}_negative_{index}", "-1 as an element", head + pack([number] + wrong)


def packets_file():
    return {
        "packets": [dict(name=name, is_encoding=is_encoding, plain=pack(header) + b"".join(
            pack(message) for message in messages)) for name, header, messages, is_encoding
                    in good_packets()],
        "bad": [dict(name=name, why=why, plain=plain) for name, why, plain in bad_packets()],
    }


# Out.

SMALL = ("port", "ttl_s", "reason", "kind", "protocol_version")
TAGS = ("tag", "home", "accuser", "subject", "origin", "target")


def shown(fields):
    """64-bit numbers as decimal text, tags as 16 hex digits, bytes as hex: safe in JavaScript."""
    out = {}
    for name, value in fields.items():
        if isinstance(value, int) and name not in SMALL:
            value = f"{value:016x}" if name in TAGS else str(value)
        out[name] = value
    return out


def as_hex(value):
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(value)


ROOT_COUNTS = (0, 1, 32, 33, 200, 2100, 9000)


def root_of(records, bits=0):
    """The hash of the records, [(key, signature)...] in order, that share their first bits."""
    if len(records) <= 32 or bits == 32:
        return hash_of("aurora-root-leaf", b"".join(signature for _, signature in records))
    children = b""
    for digit in range(4):
        part = [record for record in records if record[0] >> (30 - bits) & 3 == digit]
        children += root_of(part, bits + 2) if part else bytes(32)
    return hash_of("aurora-root-node", children)


def roots_file():
    records = []
    for number in range(1, max(ROOT_COUNTS) + 1):
        peer_id = b"peer-%d" % number
        key = int.from_bytes(hash_of("aurora-root-key", peer_id)[:4], "big")
        records.append((key, hash_of("aurora-root-vector", peer_id) * 2))
    return [{"count": count, "root": root_of(sorted(records[:count]))} for count in ROOT_COUNTS]


def corpus():
    """(fuzzer, name, bytes): the good vectors, and one of each sort of the bad ones."""
    for name, header, messages, _ in good_packets():
        yield "wire", name, pack(header) + b"".join(map(pack, messages))
    for name, _, plain in bad_packets():
        if "negative" not in name and "_short" not in name:
            yield "wire", f"bad_{name}", plain
    for name, kind, fields in good_statements():
        body = pack(elements(kind, fields))
        yield "statement", name, sign(HOME, kind, body) + body
    for name, kind, _, body in readable_statements():
        yield "statement", name, sign(HOME, kind, body) + body
    for name, kind, _, body in bad_bodies():
        if kind == "any" or kind == "record":
            yield "statement", f"bad_{name}", bytes(64) + body
    for flags, peer_id in ((0, "peer-1"), (11, PEER_ID), (0, "\u043f\u0438\u0440"), (0, "a\nb"),
                           (0, PEER_ID.upper())):
        fields = [peer_id, "198.51.100.7", '{"k":[1,2]}', "pepino", "tomate"]
        yield ("peer", f"peer_{flags}_{len(peer_id)}", bytes([0x1F, 0x90, 1, 44, flags])
               + b"".join(bytes([len(f.encode())]) + f.encode() for f in fields))
    yield "peer", "bare", bytes([0, 0, 0, 10, 0]) + b"\1p\1h\0"
    yield "peer", "wide", bytes([0, 0, 0, 10, 0]) + b"".join(
        bytes([n]) + b"x" * n for n in [128, 255, 0] + [64] * 16)


def write_corpus():
    for fuzzer, name, data in corpus():
        folder = os.path.join(HERE, "..", "fuzz", "corpus", fuzzer)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def main():
    if sys.argv[1:] == ["--corpus"]:
        return write_corpus()
    check, drift = sys.argv[1:] == ["--check"], False
    for name, content in (("statements", statements_file()), ("peers", peers_file()),
                          ("fields", fields_file()), ("packets", packets_file()),
                          ("roots", roots_file())):
        text = json.dumps(content, indent=1, default=as_hex, ensure_ascii=True) + "\n"
        path = os.path.join(HERE, f"{name}.json")
        if check:
            with open(path, encoding="ascii") as file:
                if file.read() != text:
                    print(f"{path}: differs")
                    drift = True
        else:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
    return drift


if __name__ == "__main__":
    sys.exit(main())
