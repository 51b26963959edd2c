"""A Modbus slave made of pymodbus, over TCP and, with the same contents, on a serial line.

Prints a line of JSON when it listens ({"port": 15020}) and one for each request that reaches it
({"unit": 1, "function": 3}). Each line on standard input sets contents; see `put`. {"delay": 0.5}
makes it think for half a second about each reply, one after the other, as slow units do.
"""

import argparse
import asyncio
import json
import logging
import sys
import threading
import time

from pymodbus import ModbusDeviceIdentification
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer

from contents import registers

# What every unit says of itself; more than fits into one reply.
IDENTITY = {0: "pymodbus", 1: "slave.py", 2: "3.11", 3: "x" * 120, 4: "y" * 120, 128: "at home"}
CODES = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
delay = 0


def say(what):
    print(json.dumps(what), flush=True)


def trace(sending, pdu):
    if sending:
        time.sleep(delay)
    else:
        say({"unit": pdu.dev_id, "function": pdu.function_code})
    return pdu


def put(context, order):
    """Sets `values`, or the registers that hold one typed `value`."""
    values = order["values"] if "values" in order else registers(order)
    context[order.get("unit", 1)].setValues(CODES[order["table"]], order["address"], values)


def obey(context, loop):
    global delay
    for line in sys.stdin:
        order = json.loads(line)
        if "delay" in order:
            delay = order["delay"]
            say(order)
            continue
        done = asyncio.run_coroutine_threadsafe(apply(context, order), loop)
        done.result()
        say({"put": order["address"]})


async def apply(context, order):
    put(context, order)


async def listen(context, port):
    server = ModbusTcpServer(
        context,
        identity=ModbusDeviceIdentification(info=IDENTITY),
        address=("127.0.0.1", port),
        trace_pdu=trace,
    )
    await server.serve_forever(background=True)
    return server


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--serial")
    arguments.add_argument("--units", default="1")
    arguments.add_argument("--size", type=int, default=1000)
    arguments = arguments.parse_args()

    def block(content):
        return ModbusSequentialDataBlock(0, [content] * (arguments.size + 1))

    devices = {
        int(unit): ModbusDeviceContext(co=block(False), di=block(False), hr=block(0), ir=block(0))
        for unit in arguments.units.split(",")
    }
    # It would complain of each request for a unit that is not there.
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    context = ModbusServerContext(devices, single=False)
    servers = []
    if arguments.serial:
        # Units that are not here stay silent, as on a real line.
        serial = ModbusSerialServer(
            context,
            framer=FramerType.RTU,
            port=arguments.serial,
            baudrate=115200,
            ignore_missing_devices=True,
            trace_pdu=trace,
        )
        await serial.serve_forever(background=True)
        servers.append(serial)
    server = await listen(context, arguments.port)
    servers.append(server)
    threading.Thread(target=obey, args=(context, asyncio.get_running_loop()), daemon=True).start()
    say({"port": server.transport.sockets[0].getsockname()[1]})
    await asyncio.Future()


asyncio.run(main())
