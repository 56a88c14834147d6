# SPDX-License-Identifier: Apache-2.0
"""The Python client's encoder makes the golden bytes, and refuses what is listed as bad."""

import json
import pathlib

import pytest

from python_stage import CLIENT
from aurora_p2p import AuroraArgumentError, AuroraError, Identity
from aurora_p2p.identity import check_peer, key_of_id, peer_body, signed, verify

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"
FILE = json.loads((VECTORS / "peers.json").read_text())
FIELDS = json.loads((VECTORS / "fields.json").read_text())
IDENTITY = Identity(bytes.fromhex(FILE["seed"]))


def arguments_of(fields):
    version = fields["peer_version"]
    return (
        fields["peer_id"],
        fields["address"],
        fields["port"],
        fields["archetypes"],
        fields["metadata"],
        fields["ttl_s"],
        None if version is None else int(version),
    )


def body_of(fields):
    return peer_body(*arguments_of(fields))


def by_name(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def test_there_are_vectors_and_the_package_is_the_one_in_this_tree():
    import aurora_p2p

    assert len(FILE["peers"]) >= 3 and len(FILE["bad"]) >= 6
    assert len(FIELDS["taken"]) >= 50 and len(FIELDS["refused"]) >= 50
    assert pathlib.Path(aurora_p2p.__file__).parent == CLIENT / "aurora_p2p"


def test_the_id_is_the_public_key():
    assert IDENTITY.peer_id == FILE["peer_id"]
    assert key_of_id(FILE["peer_id"]).hex() == FILE["public_key"]


@pytest.mark.parametrize("vector", by_name(FILE["peers"]))
def test_good_ones_have_the_same_bytes_and_the_same_signature(vector):
    body = body_of(vector["fields"])
    assert body.hex() == vector["body"]
    assert IDENTITY.sign(body).hex() == vector["signature"]
    assert verify(FILE["peer_id"], body, bytes.fromhex(vector["signature"]))


@pytest.mark.parametrize("vector", by_name(FILE["bad"]))
def test_bad_ones_are_rejected(vector):
    try:
        body = body_of(vector["fields"])
    except AuroraError:
        return
    signature = bytes.fromhex(vector.get("signature", ""))
    assert not verify(vector["fields"]["peer_id"], body, signature), vector["why"]


@pytest.mark.parametrize("vector", by_name(FIELDS["taken"]))
def test_what_nodes_take_is_taken_and_signed_as_they_store_it(vector):
    check_peer(*arguments_of(vector["fields"]))
    if vector["body"] is not None:
        assert body_of(vector["fields"]).hex() == vector["body"]


@pytest.mark.parametrize("vector", by_name(FIELDS["refused"]))
def test_what_nodes_refuse_is_refused_with_the_name_of_the_field(vector):
    with pytest.raises(AuroraArgumentError, match=f"^{vector['field']}: "):
        check_peer(*arguments_of(vector["fields"]))


DESCRIPTION = dict(
    peer_id=FILE["peer_id"],
    address="192.0.2.1",
    port=1,
    archetypes=["a"],
    metadata="{}",
    ttl_seconds=60,
    peer_version=1,
)


@pytest.mark.parametrize(
    "field, value",
    [
        ("peer_id", "printer-1"),
        ("peer_id", FILE["peer_id"].upper().replace("ED25519", "ed25519")),
        ("peer_id", FILE["peer_id"] + "00"),
        ("address", ""),
        ("address", "a" * 256),
        ("address", "a\nb"),
        ("port", 65536),
        ("port", -1),
        ("port", True),
        ("archetypes", [str(i) for i in range(17)]),
        ("archetypes", [""]),
        ("archetypes", ["x" * 65]),
        ("archetypes", ["\u009b"]),
        ("archetypes", ["\ud800"]),
        ("metadata", "[]"),
        ("metadata", '{"k":"' + "v" * 505 + '"}'),
        ("metadata", '{"\0":1}'),
        ("ttl_seconds", 9),
        ("ttl_seconds", 86401),
        ("peer_version", 2**63),
        ("peer_version", -1),
    ],
)
def test_what_no_node_would_take_is_not_signed(field, value):
    peer_body(**DESCRIPTION)
    with pytest.raises(AuroraArgumentError, match=f"^{field}: "):
        peer_body(**{**DESCRIPTION, field: value})


@pytest.mark.parametrize("size", [0, 31, 32, 255, 256, 500])
def test_texts_have_the_shortest_encoding_at_every_length(size):
    metadata = '{"":"' + "m" * (size - 7) + '"}' if size >= 7 else ""
    body = peer_body(**{**DESCRIPTION, "metadata": metadata})
    length = len(metadata)
    head = bytes([0xA0 | length]) if length < 32 else bytes([0xD9, length]) if length < 256 else (
        bytes([0xDA]) + length.to_bytes(2, "big")
    )
    assert head + metadata.encode() + b"\x3c\x01" in body


def test_a_registration_is_signed_with_the_very_text_of_its_metadata():
    registration = dict(
        peer_id="ignored", address="::1", port=7, archetypes=["b", "a", "b"], ttl_seconds=300,
        metadata={"ü": [1, 2.5, None], "n": {}},
    )
    made = signed(IDENTITY, registration, 9)
    assert made["peer_id"] == IDENTITY.peer_id and made["peer_version"] == 9
    body = peer_body(
        IDENTITY.peer_id, "::1", 7, ["b", "a"], '{"ü":[1,2.5,null],"n":{}}', 300, 9
    )
    assert verify(IDENTITY.peer_id, body, bytes.fromhex(made["signature"]))
