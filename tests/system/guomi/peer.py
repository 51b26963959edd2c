"""OpenSSL at the other end, through pyOpenSSL. One order as JSON in the first argument; reports as JSON, one a line.

Of both sides: certificate, key, trust: files, as far as there are any; suites: as OpenSSL names them, "standard" for its
own; groups: likewise, curveSM2 where there are national suites; version: "1.2" for nothing newer.

As a client: port; say: hexadecimal bytes to send; lines: how many lines to read, or bytes: how many bytes; name: the host
that the server's certificate has to be for. It reports what was spoken and heard, or the error.

As a server, with serve: registers: what each request of a Modbus client is answered with, hexadecimal. Clients must show
a certificate where there is trust. It reports its port, then each handshake: what is spoken and the client's name, or the
error. It ends with its standard input.
"""

import json
import socket
import sys
import threading

from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from OpenSSL._util import lib


def context(order, method):
    made = SSL.Context(method)
    national = order["suites"] != "standard"
    groups = order.get("groups", "curveSM2" if national else "")
    if order.get("version") == "1.2":
        made.set_max_proto_version(SSL.TLS1_2_VERSION)
    elif national:
        made.set_min_proto_version(SSL.TLS1_3_VERSION)
        made.set_tls13_ciphersuites(order["suites"].encode())
    if groups:
        assert lib.SSL_CTX_set1_curves_list(made._context, groups.encode()) == 1
    if "trust" in order:
        made.load_verify_locations(order["trust"])
        made.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    if "certificate" in order:
        made.use_certificate_chain_file(order["certificate"])
        made.use_privatekey_file(order["key"])
    return made


def patient(plain):
    """Blocking for OpenSSL, and yet not for ever."""
    plain.settimeout(None)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (60).to_bytes(8, "little") + bytes(8))
    return plain


def say(report):
    print(json.dumps(report), flush=True)


def ask(order):
    plain = patient(socket.create_connection(("127.0.0.1", order["port"])))
    connection = SSL.Connection(context(order, SSL.TLS_CLIENT_METHOD), plain)
    connection.set_tlsext_host_name(order.get("name", "localhost").encode())
    if "name" in order:
        expected = lib.SSL_get0_param(connection._ssl)
        name = order["name"].encode()
        assert lib.X509_VERIFY_PARAM_set1_host(expected, name, len(name)) == 1
    connection.set_connect_state()
    heard = b""
    try:
        connection.do_handshake()
        connection.sendall(bytes.fromhex(order["say"]))
        while heard.count(b"\n") < order.get("lines", 0) or len(heard) < order.get("bytes", 0):
            heard += connection.recv(1 << 16)
        say({"suite": connection.get_cipher_name(), "heard": heard.hex()})
    except (SSL.Error, SSL.SysCallError) as error:
        say({"error": repr(error)})


def answer(connection, registers):
    """Modbus TCP: the same registers, whatever is asked for."""
    try:
        connection.do_handshake()
        client = connection.get_peer_certificate(as_cryptography=True)
        name = client and client.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        say({"suite": connection.get_cipher_name(), "client": name})
        asked = b""
        while True:
            while len(asked) < 12:
                asked += connection.recv(1 << 16)
            request, asked = asked[:12], asked[12:]
            body = request[6:8] + bytes([len(registers)]) + registers
            connection.sendall(request[:4] + len(body).to_bytes(2, "big") + body)
    except (SSL.Error, SSL.SysCallError) as error:
        say({"error": repr(error)})


def serve(order):
    made = context(order, SSL.TLS_SERVER_METHOD)
    listener = socket.create_server(("127.0.0.1", 0))
    say({"port": listener.getsockname()[1]})

    def accept():
        while True:
            connection = SSL.Connection(made, patient(listener.accept()[0]))
            connection.set_accept_state()
            registers = bytes.fromhex(order["registers"])
            threading.Thread(target=answer, args=(connection, registers), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


order = json.loads(sys.argv[1])
serve(order) if "serve" in order else ask(order)
