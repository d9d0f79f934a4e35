"""Identifiers that sort by the time they were made."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


def new_id(prefix: str) -> str:
    """`<prefix>-` and 26 characters: 48 bits of milliseconds since 1970, 80 random bits (the ULID layout)."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    digits = [_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5)]
    return f"{prefix}-{''.join(digits)}"
