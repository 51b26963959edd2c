// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/* An SPI controller whose MISO is tied to MOSI, with one device on chip select 0 that spidev takes. */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/spi/spi.h>
#include <linux/string.h>

#include "weihe_rig.h"

#define FASTEST 10000000 /* Hz; faster transfers are refused, as by a controller that cannot divide so little */

static int loop(struct spi_controller *controller, struct spi_device *device, struct spi_transfer *transfer)
{
	if (transfer->rx_buf) {
		if (transfer->tx_buf)
			memcpy(transfer->rx_buf, transfer->tx_buf, transfer->len);
		else
			memset(transfer->rx_buf, 0, transfer->len);
	}
	return 0;
}

int rig_loopback_add(struct device *dev)
{
	/* A name that spidev takes by itself. */
	struct spi_board_info info = { .modalias = "dh2228fv", .max_speed_hz = FASTEST };
	struct spi_controller *controller = devm_spi_alloc_master(dev, 0);
	int error;

	if (!controller)
		return -ENOMEM;
	controller->bus_num = -1;
	controller->num_chipselect = 1;
	controller->mode_bits = SPI_CPOL | SPI_CPHA | SPI_LSB_FIRST | SPI_CS_HIGH;
	controller->bits_per_word_mask = SPI_BPW_MASK(8) | SPI_BPW_MASK(16);
	controller->max_speed_hz = FASTEST;
	controller->transfer_one = loop;
	error = devm_spi_register_controller(dev, controller);
	if (error)
		return error;
	return spi_new_device(controller, &info) ? 0 : -ENODEV;
}
