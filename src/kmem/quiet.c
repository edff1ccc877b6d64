// SPDX-License-Identifier: GPL-2.0-or-later
/* A file of its own: bpf/libbpf.h has a TRI_NO and a TRI_YES too, of its own enumeration. */
#include "kmem/quiet.h"

#include <stddef.h>
#include <bpf/libbpf.h>

void libbpf_quiet(void)
{
	libbpf_set_print(NULL);
}
