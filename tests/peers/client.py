"""A Modbus TCP client made of pymodbus: looks at a slave from another side.

Takes a line of JSON for each request on standard input, and prints one for each answer. With a
`type` the registers are those of one typed value.
"""

import json
import sys

from pymodbus.client import ModbusTcpClient

import contents

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]))
assert client.connect(), "the slave does not accept"
READ = {
    "coil": client.read_coils,
    "discrete": client.read_discrete_inputs,
    "holding": client.read_holding_registers,
    "input": client.read_input_registers,
}

for line in sys.stdin:
    order = json.loads(line)
    unit, address = order.get("unit", 1), order["address"]
    if "values" in order:
        write = client.write_coils if order["table"] == "coil" else client.write_registers
        answer = write(address, order["values"], device_id=unit)
        said = {"error": str(answer)} if answer.isError() else {"values": order["values"]}
    else:
        count = order.get("count", 1)
        answer = READ[order["table"]](address, count=count, device_id=unit)
        if answer.isError():
            said = {"error": str(answer)}
        elif order["table"] in ("coil", "discrete"):
            said = {"values": answer.bits[:count]}
        elif "type" in order:
            said = {"value": contents.value(order, answer.registers)}
        else:
            said = {"values": answer.registers}
    print(json.dumps(said), flush=True)
