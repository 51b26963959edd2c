// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
/* A platform device with all of it; what its parts have taken goes with the device. */
#include <linux/module.h>
#include <linux/platform_device.h>

#include "weihe_rig.h"

static struct platform_device *board;

static int rig_probe(struct platform_device *pdev)
{
	int error = rig_lines_add(&pdev->dev);

	if (!error)
		error = rig_bus_add(&pdev->dev);
	if (!error)
		error = rig_loopback_add(&pdev->dev);
	return error;
}

static struct platform_driver rig_driver = {
	.probe = rig_probe,
	.driver = { .name = "weihe-rig" },
};

static int __init rig_init(void)
{
	int error = platform_driver_register(&rig_driver);

	if (error)
		return error;
	board = platform_device_register_simple("weihe-rig", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(board)) {
		platform_driver_unregister(&rig_driver);
		return PTR_ERR(board);
	}
	return 0;
}

static void __exit rig_exit(void)
{
	platform_device_unregister(board);
	platform_driver_unregister(&rig_driver);
}

module_init(rig_init);
module_exit(rig_exit);
MODULE_DESCRIPTION("Simulated controllers for Weihe's rig");
MODULE_LICENSE("Dual MIT/GPL");
