// SPDX-License-Identifier: GPL-2.0-or-later
/* libFuzzer target: any bytes as configuration space. */
#include "host/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
