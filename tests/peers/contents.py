"""Typed values in registers, by pymodbus: what the plugin's own notion of them is held against."""

from pymodbus.client.mixin import ModbusClientMixin

TYPES = {
    "u16": ModbusClientMixin.DATATYPE.UINT16,
    "s16": ModbusClientMixin.DATATYPE.INT16,
    "u32": ModbusClientMixin.DATATYPE.UINT32,
    "s32": ModbusClientMixin.DATATYPE.INT32,
    "u64": ModbusClientMixin.DATATYPE.UINT64,
    "s64": ModbusClientMixin.DATATYPE.INT64,
    "f32": ModbusClientMixin.DATATYPE.FLOAT32,
    "f64": ModbusClientMixin.DATATYPE.FLOAT64,
    "text": ModbusClientMixin.DATATYPE.STRING,
}


def swapped(values):
    return [(value & 0xFF) << 8 | value >> 8 for value in values]


def words(order):
    """Numbers have a word order; text goes on from register to register in any case."""
    return "big" if order["type"] == "text" else order.get("word_order", "big")


def registers(order):
    """The registers of a typed value; `byte_order` "little" swaps the bytes of each."""
    values = ModbusClientMixin.convert_to_registers(
        order["value"], TYPES[order["type"]], words(order)
    )
    return swapped(values) if order.get("byte_order") == "little" else values


def value(order, values):
    """The typed value in registers."""
    values = swapped(values) if order.get("byte_order") == "little" else values
    return ModbusClientMixin.convert_from_registers(values, TYPES[order["type"]], words(order))
