// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine behind --from demo: demo.snap, a snapshot that `iommuctl snapshot save` wrote, as it is.
 * To replace it, put another one there and rebuild.
 */

/* Read-only data that needs no alignment; the symbols are declared in source/open.h. */
__asm__(".pushsection .rodata\n"
	".global demo_snapshot\n"
	".global demo_snapshot_end\n"
	"demo_snapshot:\n"
	".incbin \"" DEMO_SNAPSHOT "\"\n"
	"demo_snapshot_end:\n"
	".byte 0\n"
	".popsection\n");
