"""Makes API keys in bulk. Their texts go to a file, one a line; only their hashes go to the database.

The format is that of crates/domain/src/keys/secret.rs: `bwp_live_`, 32 random bytes in 43 digits of base62, and the
CRC-32 of all that in 6.
"""

import hashlib
import os
import secrets
import uuid
import zlib

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number, length):
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def new_key():
    signed = "bwp_live_" + base62(int.from_bytes(secrets.token_bytes(32), "big"), 43)
    return signed + base62(zlib.crc32(signed.encode()), 6)


def make(count, path):
    """Writes `count` new keys to `path`, which only its owner may read, and returns them."""
    keys = [new_key() for _ in range(count)]
    if os.path.lexists(path):
        os.remove(path)
    # Made anew: it follows no link, and has no mode of before.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(keys) + "\n")
    return keys


def copy_statement(keys, layout, scopes):
    """SQL that stores the keys: key n belongs to the tenant of slot n modulo the number of tenants."""
    lines = [
        "COPY api_keys (tenant_id, id, public_id, key_hash, display_prefix, name, scopes, allowlist, created_at) FROM STDIN;"
    ]
    for n, key in enumerate(keys):
        row = (
            layout["tenant_base"] + n % (layout["tenants"] + 1),
            layout["key_base"] + n,
            uuid.UUID(bytes=secrets.token_bytes(16), version=4),
            "\\\\x" + hashlib.sha256(key.encode()).hexdigest(),
            key[:13],
            f"Measuring key {n}",
            "{" + ",".join(scopes) + "}",
            "{}",
            "2025-01-01T00:00:00Z",
        )
        lines.append("\t".join(map(str, row)))
    lines.append("\\.")
    lines.append(f"SELECT setval(pg_get_serial_sequence('api_keys', 'id'), {layout['key_base'] + len(keys)}) \\g /dev/null")
    return "\n".join(lines) + "\n"
