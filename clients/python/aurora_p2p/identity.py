# SPDX-License-Identifier: Apache-2.0
"""What describes a peer; and peers whose id is their own public key: what they sign, the key file.

The bytes are those of section 3 of docs/PROTOCOL.md, "Peers that certify themselves"; the golden
vectors in tests/vectors (peers.json, fields.json) bind this encoder to those of the node and of
the browser.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import secrets
import stat
from typing import Any, Dict, Mapping, Optional, Sequence, Union

from .errors import AuroraArgumentError, AuroraIdentityError

KEY_PREFIX = "ed25519:"
SEED_BYTES = 32
SIGNATURE_BYTES = 64
DOMAIN = b"aurora-v1:peer\0"
KIND = 8

# The limits of a peer's description; a node refuses what is beyond them.
PEER_ID_MAX_BYTES = 128
ADDRESS_MAX_BYTES = 255
ARCHETYPES_MAX = 16
ARCHETYPE_MAX_BYTES = 64
METADATA_MAX_BYTES = 512
TTL_MIN_S = 10
TTL_MAX_S = 86400
NUMBER_MAX = 2**63 - 1

DEFAULT_FILE = "identity.key"


# --- MessagePack, as much as is needed, always in the shortest form ---


def _pack_uint(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    for marker, width in ((0xCC, 1), (0xCD, 2), (0xCE, 4)):
        if value < 1 << (8 * width):
            return bytes([marker]) + value.to_bytes(width, "big")
    return b"\xcf" + value.to_bytes(8, "big")


def _pack_text(text: str) -> bytes:
    data = text.encode("utf-8")
    if len(data) < 32:
        return bytes([0xA0 | len(data)]) + data
    if len(data) < 256:
        return b"\xd9" + bytes([len(data)]) + data
    return b"\xda" + len(data).to_bytes(2, "big") + data


def _pack_count(count: int) -> bytes:
    return bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")


# --- What may be registered ---


def _utf8(field: str, text: Any) -> bytes:
    if not isinstance(text, str):
        raise AuroraArgumentError(f"{field}: must be a text, not {text!r:.60}")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise AuroraArgumentError(f"{field}: is not Unicode: {error.reason}") from error


def _check_text(field: str, text: Any, longest: int) -> None:
    size = len(_utf8(field, text))
    if not 1 <= size <= longest:
        raise AuroraArgumentError(f"{field}: must have 1 to {longest} bytes, not {size}")
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in text):
        raise AuroraArgumentError(f"{field}: has control characters")


def _check_number(field: str, value: Any, lowest: int, highest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise AuroraArgumentError(f"{field}: must be a whole number from {lowest} to {highest}")


def _check_metadata(text: Any) -> None:
    data = _utf8("metadata", text)
    if len(data) > METADATA_MAX_BYTES:
        raise AuroraArgumentError(
            f"metadata: at most {METADATA_MAX_BYTES} bytes of JSON, not {len(data)}"
        )
    if data and (data[:1] != b"{" or data[-1:] != b"}"):
        raise AuroraArgumentError("metadata: must be the text of a JSON object")
    if any(byte < 0x20 and byte not in b"\t\n\r" for byte in data):
        raise AuroraArgumentError("metadata: has control characters")


def key_of_id(peer_id: str) -> bytes:
    """The public key, 32 bytes, that a self-certifying id is. Raises AuroraArgumentError."""
    digits = peer_id[len(KEY_PREFIX) :]
    if not peer_id.startswith(KEY_PREFIX) or len(digits) != 64 or set(digits) - set(
        "0123456789abcdef"
    ):
        raise AuroraArgumentError(
            f"peer_id: must be {KEY_PREFIX} and 64 lower-case hexadecimal digits"
        )
    return bytes.fromhex(digits)


def check_peer(
    peer_id: str,
    address: str,
    port: int,
    archetypes: Sequence[str],
    metadata: str,
    ttl_seconds: int,
    peer_version: Optional[int] = None,
) -> None:
    """Raises AuroraArgumentError, naming the field, for a description that no node would take.
    `metadata` is JSON text, or ""; `peer_version` is None for a peer that does not sign."""
    _check_text("peer_id", peer_id, PEER_ID_MAX_BYTES)
    if peer_version is not None or peer_id.startswith(KEY_PREFIX):
        key_of_id(peer_id)
    _check_text("address", address, ADDRESS_MAX_BYTES)
    _check_number("port", port, 0, 65535)
    if len(archetypes) > ARCHETYPES_MAX:
        raise AuroraArgumentError(f"archetypes: at most {ARCHETYPES_MAX}, not {len(archetypes)}")
    for archetype in archetypes:
        _check_text("archetypes", archetype, ARCHETYPE_MAX_BYTES)
    _check_metadata(metadata)
    _check_number("ttl_seconds", ttl_seconds, TTL_MIN_S, TTL_MAX_S)
    if peer_version is not None:
        _check_number("peer_version", peer_version, 0, NUMBER_MAX)


def peer_body(
    peer_id: str,
    address: str,
    port: int,
    archetypes: Sequence[str],
    metadata: str,
    ttl_seconds: int,
    peer_version: int,
) -> bytes:
    """The description of a peer in MessagePack, as it is signed.

    `metadata` is the JSON text exactly as it will be sent. Of repeated archetypes the first alone
    is signed, as it is stored. Raises AuroraArgumentError as check_peer() does.
    """
    check_peer(peer_id, address, port, archetypes, metadata, ttl_seconds, peer_version)
    key_of_id(peer_id)
    once = list(dict.fromkeys(archetypes))
    listed = _pack_count(len(once)) + b"".join(_pack_text(item) for item in once)
    return b"".join(
        [_pack_count(8), _pack_uint(KIND), _pack_text(peer_id), _pack_text(address)]
        + [_pack_uint(port), listed, _pack_text(metadata)]
        + [_pack_uint(ttl_seconds), _pack_uint(peer_version)]
    )


# --- Signing ---


def _signing() -> Any:
    try:
        import nacl.exceptions
        import nacl.signing
    except ImportError as error:
        raise AuroraIdentityError(
            "identities need PyNaCl: pip install 'aurora-p2p[identity]'"
        ) from error
    return nacl


def verify(peer_id: str, body: bytes, signature: bytes) -> bool:
    """Whether the holder of the id has signed this body (of peer_body())."""
    nacl = _signing()
    try:
        nacl.signing.VerifyKey(key_of_id(peer_id)).verify(DOMAIN + body, signature)
    except (nacl.exceptions.CryptoError, ValueError):
        return False
    return True


class Identity:
    """An Ed25519 key, and the peer that it is."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise AuroraArgumentError(f"identity: a seed has {SEED_BYTES} bytes, not {len(seed)}")
        self._key = _signing().signing.SigningKey(seed)
        self.peer_id = KEY_PREFIX + bytes(self._key.verify_key).hex()

    def sign(self, body: bytes) -> bytes:
        """The signature, 64 bytes, of a body (of peer_body())."""
        return bytes(self._key.sign(DOMAIN + body).signature)

    @classmethod
    def from_file(cls, path: Union[str, os.PathLike[str]]) -> Identity:
        """The key in the file, which is made (mode 0600, 64 hexadecimal digits) if there is none.

        Two programs that start together get the same key. Raises AuroraIdentityError where the
        file cannot be read, holds something else, or is open to other users.
        """
        where = pathlib.Path(path).expanduser()
        try:
            if not where.exists():
                _create(where)
            return cls(_read_seed(where))
        except OSError as error:
            if isinstance(error, (AuroraIdentityError, AuroraArgumentError)):
                raise
            raise AuroraIdentityError(f"identity: {where}: {error.strerror or error}") from error


def default_path() -> pathlib.Path:
    """Where `identity="file"` keeps its key: $AURORA_P2P_IDENTITY, or identity.key in
    $XDG_CONFIG_HOME/aurora-p2p, which is ~/.config/aurora-p2p where it is not set."""
    named = os.environ.get("AURORA_P2P_IDENTITY")
    if named:
        return pathlib.Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return pathlib.Path(base).expanduser() / "aurora-p2p" / DEFAULT_FILE


def _create(path: pathlib.Path) -> None:
    """Whole or not at all, and never over another: written under another name, then linked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_bytes(SEED_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _read_seed(path: pathlib.Path) -> bytes:
    with open(path, encoding="ascii", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(3 * SEED_BYTES).strip()
    if os.name == "posix" and mode & 0o077:
        raise AuroraIdentityError(f"identity: {path}: others may read it (mode {mode:04o}): "
                                  "chmod 600, or make a new one")
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise AuroraIdentityError(f"identity: {path}: must hold 64 hexadecimal digits")
    return seed


# --- Registrations ---


def json_text(field: str, value: Any) -> str:
    """JSON without spaces, all of it characters that UTF-8 can hold. Raises AuroraArgumentError."""
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
        return text
    except (TypeError, ValueError, RecursionError) as error:
        raise AuroraArgumentError(f"{field}: cannot be JSON: {error}") from error


def signed(identity: Identity, registration: Mapping[str, Any], version: int) -> Dict[str, Any]:
    """The registration (peer_id, address, port, archetypes, metadata, ttl_seconds) with its
    `peer_version` and its `signature`."""
    body = peer_body(
        identity.peer_id,
        registration["address"],
        registration["port"],
        registration["archetypes"],
        json_text("metadata", registration["metadata"]),
        registration["ttl_seconds"],
        version,
    )
    return {
        **registration,
        "peer_id": identity.peer_id,
        "peer_version": version,
        "signature": identity.sign(body).hex(),
    }
