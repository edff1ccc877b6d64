// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/ledger.h"

#include "base/str.h"

/* Uses, claims of a device and claims of a group are three books: one never closes what another opened. */
enum book { BOOK_USES, BOOK_CLAIMS, BOOK_GROUP, BOOK_MAX };

static enum book book_of(enum probe_call c)
{
	switch (c) {
	case CALL_USE:
	case CALL_UNUSE:
		return BOOK_USES;
	case CALL_CLAIM:
	case CALL_RELEASE:
		return BOOK_CLAIMS;
	default:
		return BOOK_GROUP;
	}
}

static bool same_account(const struct account *a, const struct probe_event *e)
{
	if (a->group.known != e->group.known || a->group.v != e->group.v)
		return false;
	return a->device && e->device ? streq(a->device, e->device) : !a->device && !e->device;
}

static struct account *account_of(struct ledger *l, const struct probe_event *e)
{
	struct account *a = l->v;

	while (a < l->v + l->n && !same_account(a, e))
		a++;
	if (a == l->v + l->n) {
		*a = (struct account){ .group = e->group, .device = e->device };
		l->n++;
	}
	return a;
}

static bool took(const struct probe_event *e)
{
	return probe_call_takes(e->call) && e->returned && e->ret == 0;
}

/* One book of an account. @open is room for the entries that are out; one that another was put on is covered. */
static void settle(struct account *a, enum book book, struct ledger_entry **open)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		struct ledger_entry *entry = &a->entries[i];

		if (book_of(entry->event->call) != book)
			continue;
		if (took(entry->event)) {
			if (n)
				open[n - 1]->surplus = true;
			open[n++] = entry;
			a->taken++;
		} else if (!probe_call_takes(entry->event->call) && n) {
			open[--n]->surplus = false;
			a->given_back++;
		} else if (!probe_call_takes(entry->event->call)) {
			a->given_before++;
		} else if (entry->event->returned) {
			a->refused++;
		}
	}
	a->remains += n;
	for (size_t i = 0; i < n; i++)
		a->surplus += open[i]->surplus;
}

void ledger_make(struct arena *arena, const struct probe_log *log, struct ledger *ret)
{
	struct ledger_entry **open = arena_array(arena, struct ledger_entry *, log->v.n);
	const struct probe_event *e;
	struct account *a;

	/* as many accounts as events, at most */
	*ret = (struct ledger){ .v = arena_array(arena, struct account, log->v.n + 1) };
	vec_for_each(e, &log->v)
		account_of(ret, e)->n++;
	for (a = ret->v; a < ret->v + ret->n; a++) {
		a->entries = arena_array(arena, struct ledger_entry, a->n);
		a->n = 0;
	}
	vec_for_each(e, &log->v) {
		a = account_of(ret, e);
		a->entries[a->n++].event = e;
	}
	for (a = ret->v; a < ret->v + ret->n; a++) {
		for (int book = 0; book < BOOK_MAX; book++)
			settle(a, (enum book)book, open);
		ret->surplus += a->surplus;
	}
}
