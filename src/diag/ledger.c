// SPDX-License-Identifier: GPL-2.0-or-later
#include "diag/ledger.h"

#include "base/oom.h"
#include "base/str.h"
#include "base/tree.h"

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

static int by_group_and_device(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	if (x->group.known != y->group.known)
		return x->group.known - y->group.known;
	if (x->group.v != y->group.v)
		return x->group.v < y->group.v ? -1 : 1;
	return strorder(x->device, y->device);
}

/* @tree: of the accounts that there are; there is room for one more. */
static struct account *account_of(struct ledger *l, void **tree, const struct probe_event *e)
{
	struct account *last = &l->v[l->n], **found;

	*last = (struct account){ .group = e->group, .device = e->device };
	found = must(tsearch(last, tree, by_group_and_device));
	l->n += *found == last;
	return *found;
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
	void *tree = NULL;
	struct account *a;

	/* as many accounts as events, at most */
	*ret = (struct ledger){ .v = arena_array(arena, struct account, log->v.n + 1) };
	vec_for_each(e, &log->v)
		account_of(ret, &tree, e)->n++;
	for (a = ret->v; a < ret->v + ret->n; a++) {
		a->entries = arena_array(arena, struct ledger_entry, a->n);
		a->n = 0;
	}
	vec_for_each(e, &log->v) {
		a = account_of(ret, &tree, e);
		a->entries[a->n++].event = e;
	}
	tree_forget(tree);
	for (a = ret->v; a < ret->v + ret->n; a++) {
		for (int book = 0; book < BOOK_MAX; book++)
			settle(a, (enum book)book, open);
		ret->surplus += a->surplus;
	}
}
