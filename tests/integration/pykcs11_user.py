"""A program that speaks to a PKCS#11 module by PyKCS11, and knows of hsmiam its two numbers only.

    pykcs11_user.py MODULE TOKEN-LABEL

Commands come on standard input, a line of JSON each, [NAME, ARGUMENT...]; so do the answers. What
the module refuses is answered by its code, a number. The PIN is in the environment, as PIN.
"""

import json
import os
import sys

import PyKCS11
from PyKCS11 import LowLevel

CKM_HSMIAM_AWS_ACCESS_KEY = 0xC8534901
CKM_HSMIAM_AWS_SIGV4 = 0xC8534902


class User:
    def __init__(self, module, label):
        self.library = PyKCS11.PyKCS11Lib()
        self.library.load(module)
        self.slot = next(
            slot for slot in self.library.getSlotList(tokenPresent=True)
            if self.library.getTokenInfo(slot).label.rstrip("\0 ") == label
        )  # fmt: skip
        self.open(True)

    def open(self, writes):
        flags = PyKCS11.CKF_SERIAL_SESSION | (PyKCS11.CKF_RW_SESSION if writes else 0)
        self.session = self.library.openSession(self.slot, flags)

    def close(self):
        self.session.closeSession()

    def login(self):
        self.session.login(os.environ["PIN"])

    def logout(self):
        self.session.logout()

    def mechanisms(self):
        return [name for name in self.library.getMechanismList(self.slot) if "0x" in str(name)
                or "VENDOR" in str(name)]  # fmt: skip

    def issue(self, name, template):
        """By the user's name as parameter, or else as the template has it."""
        mechanism = PyKCS11.Mechanism(CKM_HSMIAM_AWS_ACCESS_KEY, name and name.encode())
        pairs = [(getattr(PyKCS11, key), value) for key, value in template.items()]
        key = self.session.generateKey(pairs, mechanism)
        found = self.session.getAttributeValue(key, [PyKCS11.CKA_ID, PyKCS11.CKA_LABEL])
        return [bytes(found[0]).decode(), found[1]]

    def find(self, access_key_id):
        [key] = self.session.findObjects([(PyKCS11.CKA_ID, access_key_id.encode())])
        return key

    def keys(self):
        found = self.session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_SECRET_KEY)])
        read = (self.session.getAttributeValue(key, [PyKCS11.CKA_ID]) for key in found)
        return sorted(bytes(values[0]).decode() for values in read)

    def sign(self, access_key_id, scope, text):
        mechanism = PyKCS11.Mechanism(CKM_HSMIAM_AWS_SIGV4, scope and scope.encode())
        return bytes(self.session.sign(self.find(access_key_id), text.encode(), mechanism)).hex()

    def sign_in_parts(self, access_key_id, scope, *parts):
        mechanism = PyKCS11.Mechanism(CKM_HSMIAM_AWS_SIGV4, scope and scope.encode())
        session, library = self.session.session, self.library.lib
        key = self.find(access_key_id)
        made = LowLevel.ckbytelist(range(32))
        for code in (
            library.C_SignInit(session, mechanism.to_native(), key),
            *(library.C_SignUpdate(session, LowLevel.ckbytelist(part.encode())) for part in parts),
            library.C_SignFinal(session, made),
        ):
            if code != PyKCS11.CKR_OK:
                raise PyKCS11.PyKCS11Error(code)
        return bytes(made).hex()


def main():
    user = User(*sys.argv[1:])
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = getattr(user, name)(*arguments)
        except PyKCS11.PyKCS11Error as error:
            answer = error.value
        print(json.dumps(answer), flush=True)


main()
