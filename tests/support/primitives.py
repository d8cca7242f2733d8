"""What ciphers and digests make of a key while they work: secrets as good as the key itself."""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import islice
from math import isqrt

_MASK = 0xFFFFFFFF


def _primes() -> list[int]:
    return [n for n in range(2, 312) if all(n % divisor for divisor in range(2, isqrt(n) + 1))]


def _cube_root(number: int) -> int:
    low, high = 0, number
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle)
    return low


_ROUNDS = [_cube_root(prime << 96) & _MASK for prime in _primes()]
_START = [isqrt(prime << 64) & _MASK for prime in islice(_primes(), 8)]


def _rotate(word: int, count: int) -> int:
    return (word >> count | word << (32 - count)) & _MASK


def _compress(block: bytes) -> list[int]:
    """The state of SHA-256 after its first block."""
    words = list(struct.unpack(">16I", block))
    for at in range(16, 64):
        low, high = words[at - 15], words[at - 2]
        words.append(
            words[at - 16] + words[at - 7]
            + (_rotate(low, 7) ^ _rotate(low, 18) ^ low >> 3)
            + (_rotate(high, 17) ^ _rotate(high, 19) ^ high >> 10) & _MASK
        )  # fmt: skip
    a, b, c, d, e, f, g, h = _START
    for constant, word in zip(_ROUNDS, words, strict=True):
        first = (h + (_rotate(e, 6) ^ _rotate(e, 11) ^ _rotate(e, 25)) + (e & f ^ ~e & g)
                 + constant + word)  # fmt: skip
        second = (_rotate(a, 2) ^ _rotate(a, 13) ^ _rotate(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (first + second) & _MASK, a, b, c, (d + first) & _MASK, e, f, g
    return [x + y & _MASK for x, y in zip(_START, (a, b, c, d, e, f, g, h), strict=True)]


@lru_cache(maxsize=4096)
def hmac_states(key: bytes) -> dict[str, bytes]:
    """The inner and outer states of HMAC-SHA256, from which anything can be signed: as words of
    the processor, as they are printed, and as the processor's own SHA instructions hold them."""
    states = {}
    for name, pad in (("inner", 0x36), ("outer", 0x5C)):
        a, b, c, d, e, f, g, h = _compress(bytes(byte ^ pad for byte in key.ljust(64, b"\0")))
        states[f"{name}-words"] = struct.pack("<8I", a, b, c, d, e, f, g, h)
        states[f"{name}-bytes"] = struct.pack(">8I", a, b, c, d, e, f, g, h)
        states[f"{name}-instructions"] = struct.pack("<8I", f, e, b, a, h, g, d, c)
    return states


def _double(byte: int) -> int:
    return (byte << 1 ^ (0x11B if byte & 0x80 else 0)) & 0xFF


def _substitutes() -> list[int]:
    """The S-box of AES: 3 generates the field."""
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] ^ _double(powers[-1]))
    box = [0x63] * 256
    for exponent, value in enumerate(powers):
        inverse = powers[-exponent % 255]
        for turn in range(5):
            box[value] ^= (inverse << turn | inverse >> (8 - turn)) & 0xFF
    return box


@lru_cache(maxsize=64)
def aes256_schedule(key: bytes) -> bytes:
    """The round keys, of which the first two are the key."""
    box, round_constant = _substitutes(), 1
    words = [key[at : at + 4] for at in range(0, 32, 4)]
    for at in range(8, 60):
        last = words[-1]
        if at % 8 == 0:
            last = bytes(box[byte] for byte in last[1:] + last[:1])
            last = bytes([last[0] ^ round_constant]) + last[1:]
            round_constant = _double(round_constant)
        elif at % 8 == 4:
            last = bytes(box[byte] for byte in last)
        words.append(bytes(x ^ y for x, y in zip(words[at - 8], last, strict=True)))
    return b"".join(words)


def _check() -> None:
    """FIPS 180-4 and FIPS 197, appendix A.3."""
    block = b"abc\x80" + bytes(52) + struct.pack(">Q", 24)
    assert struct.pack(">8I", *_compress(block)).hex().startswith("ba7816bf8f01cfea414140de")
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    assert aes256_schedule(key).hex().endswith("706c631e")


_check()
