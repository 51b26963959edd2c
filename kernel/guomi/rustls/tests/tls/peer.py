"""OpenSSL on the other side, through pyOpenSSL. One order as JSON in the first argument, reports as JSON lines.

role: "server" or "client"; port (of a client); name (a certificate of tests/pki, of a client optional);
suites, groups: as OpenSSL names them; verify: whether a server asks for a certificate;
connections: how many there are, one after another, with the session of the one before.
Each echoes lines until the other side closes.
"""

import json
import os
import socket
import sys

from OpenSSL import SSL
from OpenSSL._util import lib

PKI = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "pki")
LIMIT = 60  # seconds that a silent peer is waited for
order = json.loads(sys.argv[1])


def say(**report):
    print(json.dumps(report), flush=True)


def context(method):
    made = SSL.Context(method)
    made.set_min_proto_version(SSL.TLS1_3_VERSION)
    made.set_tls13_ciphersuites(order["suites"].encode())
    if lib.SSL_CTX_set1_curves_list(made._context, order["groups"].encode()) != 1:
        raise SystemExit("these groups are not known: " + order["groups"])
    made.load_verify_locations(os.path.join(PKI, "root.pem"))
    if "name" in order:
        made.use_certificate_chain_file(os.path.join(PKI, order["name"] + ".pem"))
        made.use_privatekey_file(os.path.join(PKI, order["name"] + ".key.pem"))
    if order.get("verify", True):
        made.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    made.set_session_id(b"weihe")
    return made


def blocking(plain):
    plain.settimeout(None)
    # Blocking for OpenSSL, and yet not for ever.
    limit = LIMIT.to_bytes(8, "little") + bytes(8)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    return plain


def report(connection):
    peer = connection.get_peer_certificate(as_cryptography=True)
    say(
        suite=connection.get_cipher_name(),
        version=connection.get_protocol_version_name(),
        group=connection.get_group_name(),
        peer=peer.subject.rfc4514_string() if peer else None,
    )


def server():
    made = context(SSL.TLS_SERVER_METHOD)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(LIMIT)
    say(port=listener.getsockname()[1])
    for _ in range(order.get("connections", 1)):
        connection = SSL.Connection(made, blocking(listener.accept()[0]))
        connection.set_accept_state()
        try:
            connection.do_handshake()
            report(connection)
            while True:
                connection.sendall(connection.recv(1 << 16))
        except SSL.ZeroReturnError:
            connection.shutdown()
            say(closed=True)
        except (SSL.Error, SSL.SysCallError) as error:
            say(error=str(error))
        connection.sock_shutdown(socket.SHUT_WR)


def client():
    made = context(SSL.TLS_CLIENT_METHOD)
    session = None
    for _ in range(order.get("connections", 1)):
        plain = socket.create_connection(("127.0.0.1", order["port"]))
        connection = SSL.Connection(made, blocking(plain))
        connection.set_tlsext_host_name(b"localhost")
        if session:
            connection.set_session(session)
        connection.set_connect_state()
        try:
            connection.do_handshake()
            report(connection)
            said = os.urandom(100_000)
            connection.sendall(said)
            heard = b""
            while len(heard) < len(said):
                heard += connection.recv(1 << 16)
            say(echoed=heard == said)
            session = connection.get_session()
            connection.shutdown()
            connection.recv(1)
        except SSL.ZeroReturnError:
            say(closed=True)
        except (SSL.Error, SSL.SysCallError) as error:
            say(error=str(error))


{"server": server, "client": client}[order["role"]]()
