/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * Simulated controllers for the rig. Linux's own GPIO, I2C and SPI cores, character devices and sysfs stand in front of
 * them as in front of real ones; what lies behind are these few lines.
 */
#ifndef WEIHE_RIG_H
#define WEIHE_RIG_H

struct device;

/* GPIO: 24 lines. What an output of 0..7 drives is read on input 8..15; 16..23 are driven from user space. */
int rig_lines_add(struct device *dev);

/* I2C, with complete transfers: a temperature sensor (SHT4x) at 0x44, an EEPROM (24C02) at 0x50. */
int rig_bus_add(struct device *dev);

/* SPI: what goes out comes in. */
int rig_loopback_add(struct device *dev);

#endif
