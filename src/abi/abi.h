/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the declarations of the kernel's ABI share. They are our own, because systems that this program is built on have
 * headers older than the kernels it runs on (Debian 12 has no linux/iommufd.h at all). Names of types, members and constants
 * are the kernel's, since they are what its documentation and everybody's questions use. Never include the system's
 * header of the same thing in the same file.
 *
 * Each declaration is asserted here against figures; tests/vm/abi-check compares all of them with the kernel's own headers.
 */
#ifndef IOMMUCTL_ABI_ABI_H
#define IOMMUCTL_ABI_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* 64 bits are aligned to 8 bytes on 32-bit x86 too. */
typedef uint64_t abi_u64 __attribute__((aligned(8)));

#define ABI_SIZE(type, n) _Static_assert(sizeof(type) == (n), #type " has " #n " bytes")
#define ABI_AT(type, member, n) _Static_assert(offsetof(type, member) == (n), #type "." #member " is at " #n)
#define ABI_NR(name, n) _Static_assert((name) == (n), #name " is " #n)

/* The bytes of a struct up to and with a member. */
#define ABI_END(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))

#endif
