// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/suggest.h"

#include <string.h>

#include "base/str.h"

#define WORD_MAX 32

/*
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
 * Words that are too long for a name are infinitely far.
 */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, d[i - 1][j] + 1);
			best = MIN(best, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	return d[n][m];
}

void suggest(struct suggestion *s, const char *candidate)
{
	/* what was cut short is nearer than any typing mistake */
	unsigned d = *s->word && strstarts(candidate, s->word) ? 0 : distance(s->word, candidate);

	if (s->best && d >= s->distance)
		return;
	s->best = candidate;
	s->distance = d;
}

const char *suggestion_best(const struct suggestion *s)
{
	if (!s->best || s->distance > 2 || s->distance >= strlen(s->word))
		return NULL;
	return s->best;
}
