"""Is a single flipped bit all that is wrong with some bytes? Their CRC-32 tells: it names every bit of up to 500 MB."""

from __future__ import annotations

import zlib

# What one byte leaves in the register of CRC-32 that begins with zeros; and the byte, by the register's highest byte.
_LEFT = tuple(zlib.crc32(bytes([byte]), 0xFFFFFFFF) ^ 0xFFFFFFFF for byte in range(256))
_BYTE = {left >> 24: byte for byte, left in enumerate(_LEFT)}
_OF_ONE_BIT = frozenset(_LEFT[1 << bit] for bit in range(8))


def is_flipped(length: int, difference: int) -> bool:
    """Whether one flipped bit of `length` bytes changes their CRC-32 by `difference`, the exclusive or of the two."""
    left = difference
    for _ in range(length):
        if left in _OF_ONE_BIT:
            return True
        byte = _BYTE[left >> 24]  # what the register was before it took in a byte of zeros
        left = (left ^ _LEFT[byte]) << 8 & 0xFFFFFFFF | byte
    return False
