// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * An I2C adapter "weihe-rig" with plain transfers (I2C_RDWR), which no controller that QEMU emulates for a PC has.
 *
 * 0x44: SHT4x. 0xfd, 0xf6 and 0xe0 measure, 0x89 asks for the serial number; the answer is read once, later reads are not
 * acknowledged. Raw values are the parameters `temperature` and `humidity`.
 * 0x50: 24C02, an address byte and then data, in pages of 8 that wrap; reads go on behind the last address.
 * Nothing else acknowledges.
 */
#include <linux/crc8.h>
#include <linux/device.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "weihe_rig.h"

#define SENSOR 0x44
#define SERIAL 0x5745, 0x4948 /* "WEIH" */
#define MEMORY 0x50
#define MEMORY_SIZE 256
#define PAGE 8
#define CRC 0x31 /* x^8 + x^5 + x^4 + 1, beginning with 0xff: SHT4x data sheet, 4.4 */

static ushort temperature = 0x6666; /* 25.0 degrees: -45 + 175 * raw / 65535 */
module_param(temperature, ushort, 0644);
MODULE_PARM_DESC(temperature, "raw temperature of the sensor at 0x44");
static ushort humidity = 0x72b0; /* 50.0 %: -6 + 125 * raw / 65535 */
module_param(humidity, ushort, 0644);
MODULE_PARM_DESC(humidity, "raw humidity of the sensor at 0x44");

struct rig_bus {
	struct i2c_adapter adapter;
	u8 answer[6];
	bool answers;
	u8 memory[MEMORY_SIZE];
	u8 at;
};

static u8 crc_table[CRC8_TABLE_SIZE];

static void answer(struct rig_bus *rig, u16 first, u16 second)
{
	u8 *to = rig->answer;

	to[0] = first >> 8;
	to[1] = first;
	to[2] = crc8(crc_table, to, 2, 0xff);
	to[3] = second >> 8;
	to[4] = second;
	to[5] = crc8(crc_table, to + 3, 2, 0xff);
	rig->answers = true;
}

static int sensor(struct rig_bus *rig, struct i2c_msg *message)
{
	static const u16 serial[] = { SERIAL };

	if (message->flags & I2C_M_RD) {
		if (!rig->answers)
			return -ENXIO;
		memset(message->buf, 0xff, message->len);
		memcpy(message->buf, rig->answer, min_t(size_t, message->len, sizeof(rig->answer)));
		rig->answers = false;
		return 0;
	}
	if (message->len == 0)
		return 0;
	switch (message->buf[0]) {
	case 0xfd:
	case 0xf6:
	case 0xe0:
		answer(rig, temperature, humidity);
		return 0;
	case 0x89:
		answer(rig, serial[0], serial[1]);
		return 0;
	case 0x94:
		rig->answers = false;
		return 0;
	default:
		return -ENXIO;
	}
}

static int memory(struct rig_bus *rig, struct i2c_msg *message)
{
	unsigned int i;

	if (message->flags & I2C_M_RD) {
		for (i = 0; i < message->len; i++)
			message->buf[i] = rig->memory[rig->at++];
		return 0;
	}
	if (message->len == 0)
		return 0;
	rig->at = message->buf[0];
	for (i = 1; i < message->len; i++) {
		rig->memory[rig->at] = message->buf[i];
		rig->at = (rig->at & ~(PAGE - 1)) | ((rig->at + 1) & (PAGE - 1));
	}
	return 0;
}

static int transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	struct rig_bus *rig = i2c_get_adapdata(adapter);
	int i, error;

	for (i = 0; i < count; i++) {
		if (messages[i].addr == SENSOR)
			error = sensor(rig, &messages[i]);
		else if (messages[i].addr == MEMORY)
			error = memory(rig, &messages[i]);
		else
			error = -ENXIO;
		if (error)
			return error;
	}
	return count;
}

static u32 functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | (I2C_FUNC_SMBUS_EMUL & ~I2C_FUNC_SMBUS_BLOCK_PROC_CALL);
}

static const struct i2c_algorithm algorithm = {
	.master_xfer = transfer,
	.functionality = functionality,
};

int rig_bus_add(struct device *dev)
{
	struct rig_bus *rig = devm_kzalloc(dev, sizeof(*rig), GFP_KERNEL);

	if (!rig)
		return -ENOMEM;
	crc8_populate_msb(crc_table, CRC);
	memset(rig->memory, 0xff, MEMORY_SIZE);
	strscpy(rig->adapter.name, "weihe-rig", sizeof(rig->adapter.name));
	rig->adapter.owner = THIS_MODULE;
	rig->adapter.algo = &algorithm;
	rig->adapter.dev.parent = dev;
	i2c_set_adapdata(&rig->adapter, rig);
	return devm_i2c_add_adapter(dev, &rig->adapter);
}
