// SPDX-License-Identifier: GPL-2.0-or-later
/* any bytes as configuration space. */
#include "fuzz.h"

#include "host/pci.h"

FUZZ_TARGET(pci)
{
	struct pci_info info;
	uint16_t missing;
	char buf[32];

	pci_parse(data, size, &info);
	if (info.has_acs && !info.caps_known)
		abort();
	if (info.ext_known && !info.caps_known)
		abort();
	if (pci_acs_state(&info, &missing) == ACS_STATE_ISOLATES && missing)
		abort();
	acs_bits_name(missing, buf, sizeof(buf));
	return 0;
}
