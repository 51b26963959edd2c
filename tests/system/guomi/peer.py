"""OpenSSL at the other end, through pyOpenSSL. One order as JSON in the first argument, one report as JSON.

port; trust, certificate, key: files (the last two optional); suites: as OpenSSL names them, "standard" for its own;
version: "1.2" for nothing newer; say: hexadecimal bytes to send; lines: how many lines to read, or bytes: how many bytes.
"""

import json
import socket
import sys

from OpenSSL import SSL
from OpenSSL._util import lib

order = json.loads(sys.argv[1])
context = SSL.Context(SSL.TLS_CLIENT_METHOD)
if order.get("version") == "1.2":
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
elif order["suites"] != "standard":
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(order["suites"].encode())
    assert lib.SSL_CTX_set1_curves_list(context._context, b"curveSM2") == 1
context.load_verify_locations(order["trust"])
context.set_verify(SSL.VERIFY_PEER)
if "certificate" in order:
    context.use_certificate_chain_file(order["certificate"])
    context.use_privatekey_file(order["key"])

plain = socket.create_connection(("127.0.0.1", order["port"]))
plain.settimeout(None)
# Blocking for OpenSSL, and yet not for ever.
plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (60).to_bytes(8, "little") + bytes(8))
connection = SSL.Connection(context, plain)
connection.set_tlsext_host_name(b"localhost")
connection.set_connect_state()
heard = b""
try:
    connection.do_handshake()
    connection.sendall(bytes.fromhex(order["say"]))
    while heard.count(b"\n") < order.get("lines", 0) or len(heard) < order.get("bytes", 0):
        heard += connection.recv(1 << 16)
    report = {"suite": connection.get_cipher_name(), "heard": heard.hex()}
except (SSL.Error, SSL.SysCallError) as error:
    report = {"error": repr(error)}
print(json.dumps(report))
