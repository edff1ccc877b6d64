// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/drivers.h"

#include <string.h>

#include "base/str.h"
#include "host/holders.h"

/*
 * Drivers other than VFIO's that set driver_managed_dma in the sources of 6.1, 6.12 and 7.2; no file tells.
 * (VFIO's own set it too; device_on_vfio() knows those.)
 */
static const struct {
	const char *bus, *driver;
} managed[] = {
	{ "pci", "pci-stub" },	   /* drivers/pci/pci-stub.c */
	{ "pci", "pcieport" },	   /* drivers/pci/pcie/portdrv.c */
	{ "platform", "fsl-pci" }, /* arch/powerpc/sysdev/fsl_pci.c */
};

static const struct {
	const char *bus, *vfio;
} buses[] = {
	{ "pci", "vfio-pci" },
	{ "platform", "vfio-platform" },
	{ "amba", "vfio-amba" },
	{ "fsl-mc", "vfio-fsl-mc" },
	{ "cdx", "vfio-cdx" },
};

/* Modules are named with underscores, drivers with either. */
bool driver_is_vfio(const char *driver)
{
	char name[64];
	size_t n = strlen(driver);

	if (n >= sizeof(name))
		return false;
	for (size_t i = 0; i <= n; i++)
		name[i] = driver[i] == '_' ? '-' : driver[i];
	return strstarts(name, "vfio-") || strends(name, "-vfio-pci");
}

bool driver_is_managed(const char *bus, const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(managed); i++)
		if (streq(bus, managed[i].bus) && streq(driver, managed[i].driver))
			return true;
	return driver_is_vfio(driver);
}

enum driver_use device_driver_use(struct host *h, const struct device *d)
{
	if (d->driver_err)
		return USE_UNKNOWN;
	if (!d->driver)
		return USE_NONE;
	if (device_on_vfio(h, d))
		return USE_VFIO;
	return driver_is_managed(d->bus, d->driver) ? USE_MANAGED : USE_NATIVE;
}

const char *bus_vfio_driver(const char *bus)
{
	for (size_t i = 0; i < ARRAY_SIZE(buses); i++)
		if (streq(bus, buses[i].bus))
			return buses[i].vfio;
	return NULL;
}

enum tri bus_counts_drivers(const char *bus)
{
	if (!bus)
		return TRI_UNKNOWN;
	return bus_vfio_driver(bus) ? TRI_YES : TRI_NO;
}
