"""Talks to a token's module in this process: PKCS#11 2.40 by ctypes, as much of it as tests need.

`pkcs11-tool` does not tell whether a secret key may sign, and no tool tells what an object may be
changed into. Nor does any know how NSS and others make a fresh token.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

Ulong = ctypes.c_ulong

CKR_OK = 0x00
CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID = 0x11, 0x12
CKF_RW = 0x02 | 0x04
CKF_READ_ONLY = 4
CKU_SO, CKU_USER = 0, 1
CKM_SHA_1_HMAC, CKM_SHA256_HMAC, CKM_SHA512_HMAC = 0x221, 0x251, 0x271
CKM_SP800_108_FEEDBACK_KDF, ITERATION_VARIABLE, BYTE_ARRAY = 0x3AD, 0x1, 0x4

CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE_LEN = 0x0, 0x100, 0x161
CKO_SECRET_KEY, CKK_GENERIC_SECRET = 4, 0x10
CKA_VALUE, CKA_ID, CKA_ALLOWED_MECHANISMS = 0x11, 0x102, 0x40000600
FLAGS = {
    "token": 0x01, "private": 0x02, "sensitive": 0x103, "encrypt": 0x104, "decrypt": 0x105,
    "wrap": 0x106, "unwrap": 0x107, "sign": 0x108, "verify": 0x10A, "derive": 0x10C,
    "extractable": 0x162, "local": 0x163, "never extractable": 0x164, "always sensitive": 0x165,
    "modifiable": 0x170, "copyable": 0x171,
}  # fmt: skip

# The order of CK_FUNCTION_LIST.
FUNCTIONS = """
    Initialize Finalize GetInfo GetFunctionList GetSlotList GetSlotInfo GetTokenInfo
    GetMechanismList GetMechanismInfo InitToken InitPIN SetPIN OpenSession CloseSession
    CloseAllSessions GetSessionInfo GetOperationState SetOperationState Login Logout CreateObject
    CopyObject DestroyObject GetObjectSize GetAttributeValue SetAttributeValue FindObjectsInit
    FindObjects FindObjectsFinal EncryptInit Encrypt EncryptUpdate EncryptFinal DecryptInit Decrypt
    DecryptUpdate DecryptFinal DigestInit Digest DigestUpdate DigestKey DigestFinal SignInit Sign
    SignUpdate SignFinal SignRecoverInit SignRecover VerifyInit Verify VerifyUpdate VerifyFinal
    VerifyRecoverInit VerifyRecover DigestEncryptUpdate DecryptDigestUpdate SignEncryptUpdate
    DecryptVerifyUpdate GenerateKey GenerateKeyPair WrapKey UnwrapKey DeriveKey
""".split()  # fmt: skip
FUNCTION = ctypes.CFUNCTYPE(Ulong)


class Attribute(ctypes.Structure):
    _fields_ = [("type", Ulong), ("value", ctypes.c_void_p), ("size", Ulong)]


class Mechanism(ctypes.Structure):
    _fields_ = [("mechanism", Ulong), ("parameter", ctypes.c_void_p), ("size", Ulong)]


class Part(ctypes.Structure):
    """CK_PRF_DATA_PARAM."""

    _fields_ = [("type", Ulong), ("value", ctypes.c_void_p), ("size", Ulong)]


class Feedback(ctypes.Structure):
    """CK_SP800_108_FEEDBACK_KDF_PARAMS."""

    _fields_ = [
        ("prf", Ulong), ("count", Ulong), ("parts", ctypes.c_void_p), ("iv_size", Ulong),
        ("iv", ctypes.c_void_p), ("more_count", Ulong), ("more", ctypes.c_void_p),
    ]  # fmt: skip


class FunctionList(ctypes.Structure):
    _fields_ = [("version", ctypes.c_ubyte * 2), *((name, ctypes.c_void_p) for name in FUNCTIONS)]


class Refused(Exception):
    """A function's return value that is not CKR_OK."""

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function}: 0x{code:08X}")
        self.code = code


class Reachable(Protocol):
    """What must be known of a token to open it."""

    label: str
    pin: str

    @property
    def tool_module(self) -> os.PathLike[str]: ...
    @property
    def tool_environment(self) -> dict[str, str]: ...


class Module:
    """A module that is loaded; its functions by their names."""

    def __init__(self, path: os.PathLike[str]) -> None:
        library = ctypes.CDLL(os.fspath(path))
        functions = ctypes.POINTER(FunctionList)()
        code = library.C_GetFunctionList(ctypes.byref(functions)) & 0xFFFFFFFF
        if code != CKR_OK:
            raise Refused("C_GetFunctionList", code)
        self._functions = functions.contents

    def call(self, function: str, *arguments: object) -> None:
        """Call a function, and raise what is not CKR_OK."""
        address = getattr(self._functions, function.removeprefix("C_"))
        # Without prototypes: each argument is an Ulong, a pointer or None.
        code = FUNCTION(address)(*arguments)
        if code != CKR_OK:
            raise Refused(function, code)

    def slot_of(self, label: str | None) -> Ulong:
        """The slot of the token with that label; None: the last one, whatever is in it."""
        slots, count = (Ulong * 64)(), Ulong(64)
        self.call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
        for slot in reversed(slots[: count.value]):
            info = ctypes.create_string_buffer(512)
            self.call("C_GetTokenInfo", Ulong(slot), info)
            if label is None or info.raw[:32].decode().rstrip() == label:
                return Ulong(slot)
        raise AssertionError(f"no token has the label {label}")


class Session:
    """A session with a token."""

    def __init__(self, module: Module, handle: Ulong) -> None:
        self._module = module
        self._handle = handle

    def call(self, function: str, *arguments: object) -> None:
        self._module.call(function, self._handle, *arguments)

    def log_in(self, user: int, pin: str) -> None:
        data = pin.encode()
        self.call("C_Login", Ulong(user), data, Ulong(len(data)))

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

    def secret_keys(self) -> list[Ulong]:
        kind = Ulong(CKO_SECRET_KEY)
        pointer = ctypes.cast(ctypes.pointer(kind), ctypes.c_void_p)
        template = Attribute(CKA_CLASS, pointer, ctypes.sizeof(kind))
        found, count, handles = (Ulong * 64)(), Ulong(), []
        self.call("C_FindObjectsInit", ctypes.byref(template), Ulong(1))
        while True:
            self.call("C_FindObjects", found, Ulong(64), ctypes.byref(count))
            handles += [Ulong(handle) for handle in found[: count.value]]
            if count.value == 0:
                break
        self.call("C_FindObjectsFinal")
        return handles

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

    def destroy(self, thing: Ulong) -> None:
        self.call("C_DestroyObject", thing)

    def flags(self, thing: Ulong) -> set[str]:
        """The names of the flags that are set; one that the token does not know is not."""
        found = set()
        for name, number in FLAGS.items():
            try:
                if self.read(thing, number) == b"\1":
                    found.add(name)
            except Refused as refusal:
                if refusal.code != CKR_ATTRIBUTE_TYPE_INVALID:
                    raise
        return found

    def derive_hmac(self, base: Ulong, data: bytes) -> Ulong:
        """A session key that may sign, whose value is HMAC-SHA256(base, data)."""
        text = ctypes.create_string_buffer(data, len(data))
        parts = (Part * 2)(
            Part(ITERATION_VARIABLE, None, 0),
            Part(BYTE_ARRAY, ctypes.cast(text, ctypes.c_void_p), len(data)),
        )
        pointer = ctypes.cast(parts, ctypes.c_void_p)
        parameter = Feedback(CKM_SHA256_HMAC, 2, pointer, 0, None, 0, None)
        mechanism = Mechanism(
            CKM_SP800_108_FEEDBACK_KDF,
            ctypes.cast(ctypes.pointer(parameter), ctypes.c_void_p),
            ctypes.sizeof(parameter),
        )
        values = {
            CKA_CLASS: Ulong(CKO_SECRET_KEY), CKA_KEY_TYPE: Ulong(CKK_GENERIC_SECRET),
            CKA_VALUE_LEN: Ulong(32), FLAGS["token"]: ctypes.c_ubyte(0),
            FLAGS["sign"]: ctypes.c_ubyte(1),
        }  # fmt: skip
        template = (Attribute * len(values))(
            *(
                Attribute(
                    kind,
                    ctypes.cast(ctypes.pointer(value), ctypes.c_void_p),
                    ctypes.sizeof(value),
                )
                for kind, value in values.items()
            )
        )
        derived = Ulong()
        self.call(
            "C_DeriveKey", ctypes.byref(mechanism), base, template, Ulong(len(values)),
            ctypes.byref(derived),
        )  # fmt: skip
        return derived

    def sign(self, thing: Ulong, mechanism: int, data: bytes) -> bytes:
        self.start_signing(thing, mechanism)
        made, size = ctypes.create_string_buffer(256), Ulong(256)
        self.call("C_Sign", data, Ulong(len(data)), made, ctypes.byref(size))
        return made.raw[: size.value]

    def start_signing(self, thing: Ulong, mechanism: int) -> None:
        self.call("C_SignInit", ctypes.byref(Mechanism(mechanism, None, 0)), thing)


@contextmanager
def _variables(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def module(token: Reachable) -> Iterator[Module]:
    """Load and initialise the token's module in this process, and finalise it."""
    with _variables(token.tool_environment):
        loaded = Module(token.tool_module)
        loaded.call("C_Initialize", None)
        try:
            yield loaded
        finally:
            loaded.call("C_Finalize", None)


@contextmanager
def session(token: Reachable, flags: int = CKF_RW) -> Iterator[Session]:
    """Open a session with the token, log in, and leave nothing open."""
    with module(token) as loaded:
        handle = Ulong()
        slot = loaded.slot_of(token.label)
        loaded.call("C_OpenSession", slot, Ulong(flags), None, None, ctypes.byref(handle))
        opened = Session(loaded, handle)
        opened.log_in(CKU_USER, token.pin)
        yield opened


def set_first_pin(token: Reachable, so_pin: str) -> None:
    """Set the user's PIN of a token that has none, as its security officer."""
    with module(token) as loaded:
        handle = Ulong()
        slot = loaded.slot_of(None)
        loaded.call("C_OpenSession", slot, Ulong(CKF_RW), None, None, ctypes.byref(handle))
        opened = Session(loaded, handle)
        opened.log_in(CKU_SO, so_pin)
        pin = token.pin.encode()
        opened.call("C_InitPIN", pin, Ulong(len(pin)))
