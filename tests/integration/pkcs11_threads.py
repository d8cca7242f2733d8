"""A program that ends what it needs while another thread of it generates a key.

    pkcs11_threads.py MODULE TOKEN-LABEL USER FUNCTION

It calls the function (C_Finalize, C_Logout, C_CloseAllSessions) once it reads a line. It prints
what C_GenerateKey returned, and what the function did.
"""

import ctypes
import os
import sys
import threading

import cryptoki
from cryptoki import CKF_RW, CKU_USER, Mechanism, Module, Refused, Session, Ulong

CKM_HSMIAM_AWS_ACCESS_KEY = 0xC8534901


def code_of(call, *arguments):
    try:
        call(*arguments)
    except Refused as refusal:
        return refusal.code
    return cryptoki.CKR_OK


def main():
    path, label, user, function = sys.argv[1:]
    module = Module(path)
    module.call("C_Initialize", None)
    slot, handle, key = module.slot_of(label), Ulong(), Ulong()
    module.call("C_OpenSession", slot, Ulong(CKF_RW), None, None, ctypes.byref(handle))
    session = Session(module, handle)
    session.log_in(CKU_USER, os.environ["PIN"])
    name = ctypes.create_string_buffer(user.encode(), len(user))
    mechanism = Mechanism(
        CKM_HSMIAM_AWS_ACCESS_KEY, ctypes.cast(name, ctypes.c_void_p), len(user)
    )
    made = []
    generation = threading.Thread(target=lambda: made.append(code_of(
        session.call, "C_GenerateKey", ctypes.byref(mechanism), None, Ulong(0), ctypes.byref(key)
    )))  # fmt: skip
    generation.start()
    sys.stdin.readline()
    argument = {"C_Finalize": None, "C_Logout": handle, "C_CloseAllSessions": slot}[function]
    done = code_of(module.call, function, argument)
    generation.join()
    print(made[0], done)


main()
