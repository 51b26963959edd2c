// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/*
 * A GPIO chip "weihe-rig". Its inputs raise interrupts, in interrupt context, as those of a real chip do.
 *
 * The file `levels` of the device shows "LINE in|out 0|1" for each line, whoever holds it, and takes "LINE LEVEL" for
 * inputs that nothing here drives.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/gpio/driver.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "weihe_rig.h"

#define LINES 24
#define WIRED 8 /* outputs that are wired, each to the input WIRED further on */
#define OUTSIDE 16 /* the first line that user space drives */

static const char *const names[LINES] = {
	"OUT0", "OUT1", "OUT2", "OUT3", "OUT4", "OUT5", "OUT6", "OUT7",
	"IN0", "IN1", "IN2", "IN3", "IN4", "IN5", "IN6", "IN7",
	"KEY0", "KEY1", "KEY2", "KEY3", "KEY4", "KEY5", "KEY6", "KEY7",
};

struct rig_lines {
	struct gpio_chip chip;
	raw_spinlock_t lock; /* guards what follows */
	DECLARE_BITMAP(level, LINES);
	DECLARE_BITMAP(output, LINES);
	DECLARE_BITMAP(unmasked, LINES);
	DECLARE_BITMAP(rising, LINES);
	DECLARE_BITMAP(falling, LINES);
	DECLARE_BITMAP(pending, LINES);
	struct irq_work raise;
};

static void raise_pending(struct irq_work *work)
{
	struct rig_lines *rig = container_of(work, struct rig_lines, raise);
	DECLARE_BITMAP(now, LINES);
	unsigned long flags;
	unsigned int line;

	raw_spin_lock_irqsave(&rig->lock, flags);
	bitmap_and(now, rig->pending, rig->unmasked, LINES);
	bitmap_zero(rig->pending, LINES);
	raw_spin_unlock_irqrestore(&rig->lock, flags);
	for_each_set_bit(line, now, LINES)
		generic_handle_domain_irq(rig->chip.irq.domain, line);
}

/* With the lock held. */
static void drive(struct rig_lines *rig, unsigned int line, bool level)
{
	if (test_bit(line, rig->level) == level)
		return;
	__assign_bit(line, rig->level, level);
	if (test_bit(line, level ? rig->rising : rig->falling))
		__set_bit(line, rig->pending);
	if (line < WIRED && test_bit(line, rig->output))
		drive(rig, line + WIRED, level);
}

static void drive_and_raise(struct rig_lines *rig, unsigned int line, bool level)
{
	unsigned long flags;
	bool raised;

	raw_spin_lock_irqsave(&rig->lock, flags);
	drive(rig, line, level);
	raised = !bitmap_empty(rig->pending, LINES);
	raw_spin_unlock_irqrestore(&rig->lock, flags);
	if (raised)
		irq_work_queue(&rig->raise);
}

static int line_get(struct gpio_chip *chip, unsigned int line)
{
	struct rig_lines *rig = gpiochip_get_data(chip);

	return test_bit(line, rig->level);
}

static void line_set(struct gpio_chip *chip, unsigned int line, int level)
{
	drive_and_raise(gpiochip_get_data(chip), line, level);
}

static int line_direction(struct gpio_chip *chip, unsigned int line)
{
	struct rig_lines *rig = gpiochip_get_data(chip);

	return test_bit(line, rig->output) ? GPIO_LINE_DIRECTION_OUT : GPIO_LINE_DIRECTION_IN;
}

static int line_input(struct gpio_chip *chip, unsigned int line)
{
	struct rig_lines *rig = gpiochip_get_data(chip);

	clear_bit(line, rig->output);
	return 0;
}

static int line_output(struct gpio_chip *chip, unsigned int line, int level)
{
	struct rig_lines *rig = gpiochip_get_data(chip);

	/* The far end of a wire has its own input: nothing drives against it. */
	if (line >= WIRED && line < OUTSIDE)
		return -EOPNOTSUPP;
	set_bit(line, rig->output);
	line_set(chip, line, level);
	return 0;
}

/* Bias and drive are taken for what they are, and change nothing here. */
static int line_config(struct gpio_chip *chip, unsigned int line, unsigned long config)
{
	switch (pinconf_to_config_param(config)) {
	case PIN_CONFIG_BIAS_DISABLE:
	case PIN_CONFIG_BIAS_PULL_UP:
	case PIN_CONFIG_BIAS_PULL_DOWN:
		return 0;
	default:
		return -ENOTSUPP;
	}
}

static void edge_mask(struct irq_data *data)
{
	struct gpio_chip *chip = irq_data_get_irq_chip_data(data);
	struct rig_lines *rig = gpiochip_get_data(chip);

	clear_bit(irqd_to_hwirq(data), rig->unmasked);
	gpiochip_disable_irq(chip, irqd_to_hwirq(data));
}

static void edge_unmask(struct irq_data *data)
{
	struct gpio_chip *chip = irq_data_get_irq_chip_data(data);
	struct rig_lines *rig = gpiochip_get_data(chip);

	gpiochip_enable_irq(chip, irqd_to_hwirq(data));
	set_bit(irqd_to_hwirq(data), rig->unmasked);
}

static int edge_type(struct irq_data *data, unsigned int type)
{
	struct rig_lines *rig = gpiochip_get_data(irq_data_get_irq_chip_data(data));
	irq_hw_number_t line = irqd_to_hwirq(data);
	unsigned long flags;

	if (type & ~(unsigned int)IRQ_TYPE_EDGE_BOTH)
		return -EINVAL;
	raw_spin_lock_irqsave(&rig->lock, flags);
	__assign_bit(line, rig->rising, type & IRQ_TYPE_EDGE_RISING);
	__assign_bit(line, rig->falling, type & IRQ_TYPE_EDGE_FALLING);
	raw_spin_unlock_irqrestore(&rig->lock, flags);
	irq_set_handler_locked(data, handle_edge_irq);
	return 0;
}

static void edge_ack(struct irq_data *data)
{
}

static const struct irq_chip edges = {
	.name = "weihe-rig",
	.irq_ack = edge_ack,
	.irq_mask = edge_mask,
	.irq_unmask = edge_unmask,
	.irq_set_type = edge_type,
	.flags = IRQCHIP_IMMUTABLE,
	GPIOCHIP_IRQ_RESOURCE_HELPERS,
};

static ssize_t levels_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct rig_lines *rig = dev_get_drvdata(dev);
	unsigned int line;
	ssize_t length = 0;

	for (line = 0; line < LINES; line++)
		length += sysfs_emit_at(text, length, "%u %s %d\n", line,
					test_bit(line, rig->output) ? "out" : "in",
					test_bit(line, rig->level));
	return length;
}

static ssize_t levels_store(struct device *dev, struct device_attribute *attr, const char *text, size_t length)
{
	struct rig_lines *rig = dev_get_drvdata(dev);
	unsigned int line, level;

	if (sscanf(text, "%u %u", &line, &level) != 2 || line < OUTSIDE || line >= LINES || level > 1)
		return -EINVAL;
	if (test_bit(line, rig->output))
		return -EBUSY;
	drive_and_raise(rig, line, level);
	return length;
}
static DEVICE_ATTR_RW(levels);

static void settle(void *rig)
{
	irq_work_sync(&((struct rig_lines *)rig)->raise);
}

int rig_lines_add(struct device *dev)
{
	struct rig_lines *rig = devm_kzalloc(dev, sizeof(*rig), GFP_KERNEL);
	int error;

	if (!rig)
		return -ENOMEM;
	raw_spin_lock_init(&rig->lock);
	init_irq_work(&rig->raise, raise_pending);
	dev_set_drvdata(dev, rig);
	rig->chip = (struct gpio_chip){
		.label = "weihe-rig",
		.owner = THIS_MODULE,
		.parent = dev,
		.base = -1,
		.ngpio = LINES,
		.names = names,
		.get = line_get,
		.set = line_set,
		.get_direction = line_direction,
		.direction_input = line_input,
		.direction_output = line_output,
		.set_config = line_config,
	};
	gpio_irq_chip_set_chip(&rig->chip.irq, &edges);
	rig->chip.irq.handler = handle_bad_irq;
	rig->chip.irq.default_type = IRQ_TYPE_NONE;
	error = devm_add_action_or_reset(dev, settle, rig);
	if (!error)
		error = devm_gpiochip_add_data(dev, &rig->chip, rig);
	if (!error)
		error = device_create_file(dev, &dev_attr_levels);
	return error;
}
