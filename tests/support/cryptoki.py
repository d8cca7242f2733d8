"""Reads attributes of objects in a token, which the usual tools show only in part.

`pkcs11-tool` does not tell whether a secret key may sign, and neither tool tells what it may be
changed into. This is PKCS#11 2.40 by ctypes, as much of it as that takes.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from softhsm import MODULE, Token

Ulong = ctypes.c_ulong

CKR_OK = 0x00
CKR_ATTRIBUTE_SENSITIVE = 0x11
CKF_RW = 0x02 | 0x04
CKU_USER = 1
CKM_SHA_1_HMAC, CKM_SHA256_HMAC, CKM_SHA512_HMAC = 0x221, 0x251, 0x271

CKA_VALUE, CKA_ID, CKA_ALLOWED_MECHANISMS = 0x11, 0x102, 0x40000600
FLAGS = {
    "token": 0x01, "private": 0x02, "sensitive": 0x103, "encrypt": 0x104, "decrypt": 0x105,
    "wrap": 0x106, "unwrap": 0x107, "sign": 0x108, "verify": 0x10A, "derive": 0x10C,
    "extractable": 0x162, "local": 0x163, "never extractable": 0x164, "always sensitive": 0x165,
    "modifiable": 0x170, "copyable": 0x171,
}  # fmt: skip


class Attribute(ctypes.Structure):
    _fields_ = [("type", Ulong), ("value", ctypes.c_void_p), ("size", Ulong)]


class Mechanism(ctypes.Structure):
    _fields_ = [("mechanism", Ulong), ("parameter", ctypes.c_void_p), ("size", Ulong)]


class Refused(Exception):
    """A function's return value that is not CKR_OK."""

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function}: 0x{code:08X}")
        self.code = code


class Session:
    """A session that is logged in to a token."""

    def __init__(self, library: ctypes.CDLL, handle: Ulong) -> None:
        self._library = library
        self._handle = handle

    def call(self, function: str, *arguments: object) -> None:
        code = int(getattr(self._library, function)(self._handle, *arguments)) & 0xFFFFFFFF
        if code != CKR_OK:
            raise Refused(function, code)

    def find(self, access_key_id: str) -> Ulong:
        """The one object whose CKA_ID that is."""
        value = ctypes.create_string_buffer(access_key_id.encode(), len(access_key_id))
        template = Attribute(CKA_ID, ctypes.cast(value, ctypes.c_void_p), len(value))
        found, count = (Ulong * 2)(), Ulong()
        self.call("C_FindObjectsInit", ctypes.byref(template), Ulong(1))
        self.call("C_FindObjects", found, Ulong(2), ctypes.byref(count))
        self.call("C_FindObjectsFinal")
        assert count.value == 1, f"{count.value} objects have the id {access_key_id}"
        return Ulong(found[0])

    def read(self, thing: Ulong, attribute: int) -> bytes:
        buffer = ctypes.create_string_buffer(1024)
        pointer = ctypes.cast(buffer, ctypes.c_void_p)
        template = Attribute(attribute, pointer, len(buffer))
        self.call("C_GetAttributeValue", thing, ctypes.byref(template), Ulong(1))
        return buffer.raw[: template.size]

    def set_flag(self, thing: Ulong, flag: str, value: bool) -> None:
        byte = ctypes.c_ubyte(value)
        pointer = ctypes.cast(ctypes.pointer(byte), ctypes.c_void_p)
        template = Attribute(FLAGS[flag], pointer, 1)
        self.call("C_SetAttributeValue", thing, ctypes.byref(template), Ulong(1))

    def copy(self, thing: Ulong) -> None:
        self.call("C_CopyObject", thing, None, Ulong(0), ctypes.byref(Ulong()))

    def flags(self, thing: Ulong) -> set[str]:
        """The names of the flags that are set."""
        return {name for name, number in FLAGS.items() if self.read(thing, number) == b"\1"}

    def start_signing(self, thing: Ulong, mechanism: int) -> None:
        self.call("C_SignInit", ctypes.byref(Mechanism(mechanism, None, 0)), thing)


@contextmanager
def session(token: Token) -> Iterator[Session]:
    """Open the token's module in this process, log in, and leave nothing open."""
    os.environ["SOFTHSM2_CONF"] = str(token.configuration)
    library = ctypes.CDLL(str(MODULE))
    if (code := library.C_Initialize(None)) != CKR_OK:
        raise Refused("C_Initialize", code)
    try:
        handle = Ulong()
        slot = Ulong(int(token.serial[-8:], 16) & 0x7FFFFFFF)  # as SoftHSM numbers its slots
        code = library.C_OpenSession(slot, Ulong(CKF_RW), None, None, ctypes.byref(handle))
        if code != CKR_OK:
            raise Refused("C_OpenSession", code)
        opened = Session(library, handle)
        pin = token.pin.encode()
        opened.call("C_Login", Ulong(CKU_USER), pin, Ulong(len(pin)))
        yield opened
    finally:
        library.C_Finalize(None)
        del os.environ["SOFTHSM2_CONF"]
