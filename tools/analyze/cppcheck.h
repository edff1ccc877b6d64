/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cppcheck does not see, for it is in a system header. */
#define udev_list_entry_foreach(e, first) for (e = first; e;)
