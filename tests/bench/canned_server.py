"""An IAM that checks nothing and answers at once, over HTTPS: what a benchmark needs behind a client.

Each CreateAccessKey gets a key of its own, for a token refuses the same id twice.
"""

import argparse
import itertools
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
METADATA = "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId>" \
           "</ResponseMetadata>"
LIST = ('<ListAccessKeysResponse xmlns="' + NAMESPACE + '"><ListAccessKeysResult>'
        "<UserName>{user}</UserName><AccessKeyMetadata/><IsTruncated>false</IsTruncated>"
        "</ListAccessKeysResult>" + METADATA + "</ListAccessKeysResponse>")
CALLER = ('<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
          "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/root</Arn>"
          "<UserId>AIDABENCH0000000</UserId><Account>123456789012</Account>"
          f"</GetCallerIdentityResult>{METADATA}</GetCallerIdentityResponse>")
CREATE = ('<CreateAccessKeyResponse xmlns="' + NAMESPACE + '"><CreateAccessKeyResult><AccessKey>'
          "<UserName>{user}</UserName><AccessKeyId>AKIABENCH{number:011d}</AccessKeyId>"
          "<Status>Active</Status>"
          "<SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY</SecretAccessKey>"
          "<CreateDate>2026-01-02T03:04:05Z</CreateDate></AccessKey></CreateAccessKeyResult>"
          f"{METADATA}</CreateAccessKeyResponse>")
numbers = itertools.count(1)


def make_certificate(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A self-signed certificate that is its own CA: the shortest chain there is."""
    certificate, key = folder / "ca.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, stderr=subprocess.DEVNULL)
    return certificate, key


def read_request(connection: ssl.SSLSocket, pending: bytes) -> tuple[bytes, bytes] | None:
    """Body of the next request, and what came behind it; None at the end of the connection."""
    while b"\r\n\r\n" not in pending:
        more = connection.recv(65536)
        if not more:
            return None
        pending += more
    head, rest = pending.split(b"\r\n\r\n", 1)
    size = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    while len(rest) < size:
        rest += connection.recv(65536)
    return rest[:size], rest[size:]


def serve(raw: socket.socket, context: ssl.SSLContext) -> None:
    """Answers the requests of one connection."""
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pending = b""
    try:
        with context.wrap_socket(raw, server_side=True) as connection:
            while (request := read_request(connection, pending)) is not None:
                body, pending = request
                named = re.search(rb"UserName=([\w.-]+)", body)
                user = named.group(1).decode() if named else "Bob"
                text = CALLER if b"Action=GetCallerIdentity" in body \
                    else LIST.format(user=user) if b"Action=ListAccessKeys" in body \
                    else CREATE.format(user=user, number=next(numbers))
                connection.sendall(
                    f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(text)}"
                    f"\r\n\r\n{text}".encode())
    except OSError:
        pass  # a client that goes away is no trouble of ours


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="for ca.pem; `ready` is written last")
    folder = parser.parse_args().folder
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(folder))
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    (folder / "port").write_text(str(listener.getsockname()[1]))
    (folder / "ready").touch()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
