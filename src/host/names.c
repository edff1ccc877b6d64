// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names from two databases. hwdb is asked first: it is mapped and searched in place, so the first name costs
 * 0.1 ms, where libpci parses all of pci.ids for 6 to 11 ms (Debian 12, 6 look-ups: 0.4 ms against 6 ms).
 * pci.ids is loaded when hwdb is not installed or does not know an id.
 */
#include "host/names.h"

#include <errno.h>
#include <libudev.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#ifdef HAVE_LIBPCI
#include <pci/pci.h>
#include <pthread.h>
#include <setjmp.h>
#endif

enum kind { KIND_VENDOR, KIND_DEVICE, KIND_CLASS };

/* An answer kept: open addressing, a power of two of slots. */
struct slot {
	uint64_t key;
	const char *title; /* NULL: asked, and nobody knows */
	bool used;
};

struct names {
	struct slot *slots;
	size_t n, cap;
};

/* The databases belong to the machine that we run on, not to the one looked at: opened once a process. */
static struct udev_hwdb *hwdb(void)
{
	static struct udev_hwdb *db;
	static bool tried;

	if (!tried) {
		struct udev *udev = udev_new();

		tried = true;
		if (udev)
			db = udev_hwdb_new(udev);
		udev_unref(udev); /* the database does not keep it */
	}
	return db;
}

static const char *hwdb_get(const char *modalias, const char *property)
{
	struct udev_hwdb *db = hwdb();
	struct udev_list_entry *e;

	if (!db)
		return NULL;
	e = udev_list_entry_get_by_name(udev_hwdb_get_properties_list_entry(db, modalias, 0), property);
	return e ? udev_list_entry_get_value(e) : NULL;
}

static const char *from_hwdb(enum kind kind, unsigned a, unsigned b)
{
	char alias[64];

	switch (kind) {
	case KIND_VENDOR:
		snprintf(alias, sizeof(alias), "pci:v%08X*", a);
		return hwdb_get(alias, "ID_VENDOR_FROM_DATABASE");
	case KIND_DEVICE:
		snprintf(alias, sizeof(alias), "pci:v%08Xd%08X*", a, b);
		return hwdb_get(alias, "ID_MODEL_FROM_DATABASE");
	case KIND_CLASS:
		snprintf(alias, sizeof(alias), "pci:v*d*sv*sd*bc%02Xsc%02X*", a >> 8, a & 0xff);
		return hwdb_get(alias, "ID_PCI_SUBCLASS_FROM_DATABASE");
	}
	return NULL;
}

#ifdef HAVE_LIBPCI
/* libpci's own handlers print, and exit; a broken pci.ids must cost no more than the names. */
static jmp_buf libpci_failed;

__attribute__((noreturn)) static _printf_(1, 2) void libpci_error(_unused_ char *msg, ...)
{
	longjmp(libpci_failed, 1);
}

static _printf_(1, 2) void libpci_quiet(_unused_ char *msg, ...)
{
}

static struct pci_access *pci;
static bool pci_broken;
static pthread_t pci_loader;
static bool pci_loading;

/* -EIO when libpci gave up, now or before. */
static int load_pci_ids(void)
{
	if (pci || pci_broken)
		return pci_broken ? -EIO : 0;
	if (setjmp(libpci_failed)) {
		pci_broken = true;
		return -EIO;
	}
	/* no pci_init(): it looks for a way to reach the hardware, and gives up where there is none */
	pci = pci_alloc();
	pci->error = libpci_error;
	pci->warning = libpci_quiet;
	pci->debug = libpci_quiet;
	pci_load_name_list(pci);
	return 0;
}

static void *loader_thread(_unused_ void *arg)
{
	load_pci_ids();
	return NULL;
}

void names_begin(void)
{
	if (!pci && !pci_loading && !hwdb())
		pci_loading = !pthread_create(&pci_loader, NULL, loader_thread, NULL);
}

void names_end(void)
{
	if (pci_loading)
		pthread_join(pci_loader, NULL);
	pci_loading = false;
}

static const char *from_pci_ids(enum kind kind, unsigned a, unsigned b, char *buf, int size)
{
	int flags = PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB;

	names_end();
	if (load_pci_ids() < 0)
		return NULL;
	if (setjmp(libpci_failed)) {
		pci_broken = true;
		return NULL;
	}
	switch (kind) {
	case KIND_VENDOR:
		return pci_lookup_name(pci, buf, size, flags | PCI_LOOKUP_VENDOR, a);
	case KIND_DEVICE:
		return pci_lookup_name(pci, buf, size, flags | PCI_LOOKUP_DEVICE, a, b);
	case KIND_CLASS:
		return pci_lookup_name(pci, buf, size, flags | PCI_LOOKUP_CLASS, a);
	}
	return NULL;
}
#else
void names_begin(void)
{
}

void names_end(void)
{
}

static const char *from_pci_ids(_unused_ enum kind kind, _unused_ unsigned a, _unused_ unsigned b,
				_unused_ char *buf, _unused_ int size)
{
	return NULL;
}
#endif

static const char *look_up(struct arena *arena, enum kind kind, unsigned a, unsigned b)
{
	const char *name = from_hwdb(kind, a, b);
	char buf[512];

	if (!name)
		name = from_pci_ids(kind, a, b, buf, sizeof(buf));
	return name && *name ? arena_strdup(arena, name) : NULL;
}

/* -- what was asked before --------------------------------------------------------------------------- */

static struct slot *find_slot(struct slot *slots, size_t cap, uint64_t key)
{
	size_t i = (key * 0x9e3779b97f4a7c15) >> 40;

	while (slots[i & (cap - 1)].used && slots[i & (cap - 1)].key != key)
		i++;
	return &slots[i & (cap - 1)];
}

static void grow(struct arena *arena, struct names *names)
{
	size_t cap = names->cap ? names->cap * 2 : 64;
	struct slot *slots = arena_array(arena, struct slot, cap);

	for (size_t i = 0; i < names->cap; i++)
		if (names->slots[i].used)
			*find_slot(slots, cap, names->slots[i].key) = names->slots[i];
	names->slots = slots;
	names->cap = cap;
}

/* The slot of a key; @ret_new: nobody asked for it before, and its title is to be filled in. */
static struct slot *slot_of(struct host *h, enum kind kind, unsigned a, unsigned b, bool *ret_new)
{
	uint64_t key = (uint64_t)kind << 32 | a << 16 | b;
	struct names *names = h->names_;
	struct slot *s;

	if (!names)
		names = h->names_ = arena_new(&h->arena, struct names);
	if (names->n * 2 >= names->cap)
		grow(&h->arena, names);
	s = find_slot(names->slots, names->cap, key);
	*ret_new = !s->used;
	if (*ret_new) {
		*s = (struct slot){ .key = key, .used = true };
		names->n++;
	}
	return s;
}

static const char *title(struct host *h, enum kind kind, unsigned id)
{
	bool is_new;
	struct slot *s = slot_of(h, kind, id, 0, &is_new);

	if (is_new)
		s->title = look_up(&h->arena, kind, id, 0);
	return s->title;
}

const char *device_title(struct host *h, const struct device *d)
{
	const char *vendor, *model;
	struct slot *s;
	bool is_new;

	if (!d->has_ids)
		return NULL;
	vendor = title(h, KIND_VENDOR, d->vendor);
	s = slot_of(h, KIND_DEVICE, d->vendor, d->device, &is_new);
	if (!is_new || !vendor)
		return s->title;
	model = look_up(&h->arena, KIND_DEVICE, d->vendor, d->device);
	s->title = model ? arena_printf(&h->arena, "%s %s", vendor, model) :
			   arena_printf(&h->arena, "%s Device %04x", vendor, d->device);
	return s->title;
}

const char *device_class_title(struct host *h, const struct device *d)
{
	return d->has_class ? title(h, KIND_CLASS, d->class >> 8) : NULL;
}
