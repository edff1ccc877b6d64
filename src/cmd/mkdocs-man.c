// SPDX-License-Identifier: GPL-2.0-or-later
/* Manual pages in mdoc(7) from the rows. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cmd/args.h"
#include "cmd/help.h"
#include "cmd/mkdocs.h"

/* The day on which the manual's words last changed; a date of the build would make every build differ. */
#define MAN_DATE "November 21, 2026"
#define MAN_WIDTH 76

/* A word as mdoc takes it: no escape, no minus that groff would make a hyphen. */
static void add_word(struct strbuf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			strbuf_puts(b, "\\e");
		else if (s[i] == '-' && (i == 0 || s[i - 1] == '-'))
			strbuf_puts(b, "\\-");
		else
			strbuf_putc(b, s[i]);
	}
}

static bool ends_sentence(const char *s, size_t n)
{
	while (n && strchr(")\"'", s[n - 1]))
		n--;
	return n && strchr(".!?", s[n - 1]);
}

/* Running text, filled, with each sentence on a line of its own as mdoc wants it. */
static void write_text(FILE *f, const char *s)
{
	_cleanup_strbuf_ struct strbuf line = { 0 }, word = { 0 };
	bool fresh = true;

	for (s += strspn(s, " \n"); *s; s += strspn(s, " \n")) {
		size_t n = strcspn(s, " \n");

		strbuf_reset(&word);
		add_word(&word, s, n);
		if (line.len && (fresh || line.len + 1 + word.len > MAN_WIDTH)) {
			fprintf(f, "%s\n", line.s);
			strbuf_reset(&line);
		}
		if (line.len)
			strbuf_putc(&line, ' ');
		else if (strchr(".'", word.s[0]))
			strbuf_puts(&line, "\\&"); /* no request */
		strbuf_puts(&line, word.s);
		fresh = ends_sentence(s, n);
		s += n;
	}
	if (line.len)
		fprintf(f, "%s\n", line.s);
}

static void write_paragraphs(FILE *f, const char *text)
{
	while (text && *text) {
		const char *end = strstr(text, "\n\n");
		_cleanup_free_ char *one = strndup(text, end ? (size_t)(end - text) : strlen(text));

		fputs(".Pp\n", f);
		write_text(f, one ? one : "");
		text = end ? end + 2 : NULL;
	}
}

/* Behind one word, with what stands in brackets about it. NULL: there are several. */
static const char *one_word(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	size_t n = strspn(s, letters);

	if (!n)
		return NULL;
	s += n;
	if (strstarts(s, " ("))
		s = strchr(s, ')') ? strchr(s, ')') + 1 : s;
	return s;
}

/* Whether it begins with values, which are written as they are: "vt-d, amd-vi; null: not known", "success or invalid". */
static bool lists_values(const char *s)
{
	for (int n = 1;; n++) {
		s = one_word(s);
		if (!s)
			return false;
		if (strstarts(s, ", or "))
			s += 5;
		else if (strstarts(s, ", ") || strstarts(s, " or "))
			s += *s == ',' ? 2 : 4;
		else
			return n > 1 && (!*s || strchr(";:.", *s));
	}
}

/* "smmuv3 (the default), or a number" */
static bool is_constant(const char *s)
{
	size_t n = strcspn(s, " ,:");

	return strcspn(s, "0123456789") < n || strstarts(s, "true:") || strstarts(s, "false:") || strstarts(s, "null:");
}

/* A row's help is a phrase; in a list of a manual it is a sentence, but for values. */
static void write_phrase(FILE *f, const char *s)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	strbuf_puts(&b, s);
	if (!lists_values(s) && !is_constant(s))
		b.s[0] = toupper((unsigned char)b.s[0]);
	if (!ends_sentence(s, strlen(s)))
		strbuf_putc(&b, '.');
	write_text(f, b.s);
}

static void write_arg(FILE *f, const struct arg_row *a)
{
	fprintf(f, a->optional ? ".Op %sAr %s%s\n" : ".%sAr %s%s\n", a->behind ? "Fl \\- " : "", a->name,
		a->repeat ? " ..." : "");
}

static void write_synopsis(FILE *f, const struct noun *n, const struct command *c)
{
	fprintf(f, ".Nm iommuctl\n.Op Ar options\n.Cm %s%s%s\n", n->name, c->verb ? " " : "",
		c->verb ? c->verb : "");
	for (const struct arg_row *a = c->args; a && a->name; a++)
		write_arg(f, a);
	if (c->flags & COMMAND_CREATES)
		fputs(".Op Cm as Ar NAME\n", f);
}

static void write_option(FILE *f, const struct option_row *row)
{
	fputs(".It ", f);
	if (row->short_name)
		fprintf(f, "Fl %c , ", row->short_name);
	fprintf(f, "Fl \\-%s", row->name);
	if (row->arg)
		fprintf(f, " Ar %s", row->arg);
	fputc('\n', f);
	write_phrase(f, row->help);
	if (row->complete != COMPLETE_WORDS)
		return;
	fputs("One of\n", f);
	for (const char *const *w = row->words; *w; w++)
		fprintf(f, ".Cm %s%s\n", *w, w[1] ? " ," : " .");
}

static void write_options(FILE *f, const struct option_row *rows)
{
	fputs(".Bl -tag -width Ds\n", f);
	for (; rows && rows->name; rows++)
		write_option(f, rows);
	fputs(".El\n", f);
}

static void write_column(FILE *f, const struct field *field, const char *path, bool is_default)
{
	fprintf(f, ".It Cm %s\n", path);
	write_phrase(f, field->help ? field->help : path);
	if (field->unit)
		fprintf(f, "In %s.\n", field->unit);
	if (is_default)
		fputs("Shown by default.\n", f);
	if (field->flags & FIELD_EXTRA)
		fputs("Only gathered when it is asked for, in JSON too.\n", f);
}

static void write_columns_of(FILE *f, const struct record_type *type, const char *prefix, bool is_default)
{
	for (size_t i = 0; i < type->n; i++) {
		const struct field *field = &type->fields[i];
		bool shown = is_default && (field->flags & FIELD_DEFAULT);
		_cleanup_strbuf_ struct strbuf path = { 0 };

		strbuf_printf(&path, "%s%s", prefix, field->name);
		if (!field->sub) {
			write_column(f, field, path.s, shown);
			continue;
		}
		strbuf_putc(&path, '.');
		write_columns_of(f, field->sub, path.s, shown);
	}
}

static void write_columns(FILE *f, const struct command *c)
{
	if (!c->record)
		return;
	fprintf(f, ".Pp\nColumns, which are also the fields of the JSON record\n.Dq iommuctl.%s/%u :\n",
		c->record->name, c->record->version);
	fputs(".Bl -tag -width Ds -compact\n", f);
	write_columns_of(f, c->record, "", !(c->flags & COMMAND_DETAIL));
	fputs(".El\n", f);
}

static void write_args(FILE *f, const struct command *c)
{
	bool creates = c->flags & COMMAND_CREATES;

	if (!creates && !(c->args && c->args->name))
		return;
	fputs(".Bl -tag -width Ds\n", f);
	for (const struct arg_row *a = c->args; a && a->name; a++) {
		fprintf(f, ".It Ar %s\n", a->name);
		write_phrase(f, a->help);
	}
	if (creates) {
		fputs(".It Cm as Ar NAME\n", f);
		write_phrase(f, help_as_name);
	}
	fputs(".El\n", f);
}

static void write_command(FILE *f, const struct noun *n, const struct command *c)
{
	if (c->verb) {
		fprintf(f, ".Ss %s %s\n", n->name, c->verb);
		write_phrase(f, c->summary);
	}
	write_paragraphs(f, c->text);
	write_args(f, c);
	if (c->options && c->options->name)
		write_options(f, c->options);
	if (c->flags & COMMAND_QUESTION)
		fputs(".Pp\nThis is a question: the exit status is 0 for yes, 3 for no, and 6 or 7 when\nit cannot be "
		      "told.\n", f);
	write_columns(f, c);
}

static void write_head(FILE *f, const char *name, const char *summary)
{
	fputs(".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n", f);
	fprintf(f, ".\\\" Made by mkdocs from the program's own tables; make docs writes it anew.\n.Dd %s\n.Dt ",
		MAN_DATE);
	for (const char *p = name; *p; p++)
		fputc(toupper((unsigned char)*p), f);
	fprintf(f, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", name, summary);
}

static bool has_page(const struct noun *n)
{
	return !noun_hidden(n) && !streq(n->name, "help");
}

/* The noun with a page that comes next after @name by the alphabet, as SEE ALSO wants them; NULL: no more. */
static const struct noun *next_page(const char *name)
{
	const struct noun *next = NULL;

	for (size_t i = 0; i < n_nouns; i++)
		if (has_page(nouns[i]) && strcmp(nouns[i]->name, name) > 0 &&
		    (!next || strcmp(nouns[i]->name, next->name) < 0))
			next = nouns[i];
	return next;
}

static void write_see_also(FILE *f, const struct noun *self)
{
	fputs(".Sh SEE ALSO\n", f);
	if (self)
		fputs(".Xr iommuctl 1 ,\n", f);
	for (const struct noun *n = next_page(""); n; n = next_page(n->name))
		if (n != self)
			fprintf(f, ".Xr iommuctl-%s 1 ,\n", n->name);
	fputs(".Xr lspci 8\n", f);
}

static void copy_part(FILE *f, FILE *part)
{
	char line[512];

	while (part && fgets(line, sizeof(line), part))
		fputs(line, f);
}

void mkman_noun(FILE *f, const struct noun *n, FILE *part)
{
	_cleanup_strbuf_ struct strbuf name = { 0 };

	strbuf_printf(&name, "iommuctl-%s", n->name);
	write_head(f, name.s, n->summary);
	fputs(".Sh SYNOPSIS\n", f);
	for (size_t i = 0; i < n->n; i++)
		write_synopsis(f, n, &n->commands[i]);
	fputs(".Sh DESCRIPTION\n", f);
	fputs("The options that every command takes, and the exit status, are in\n.Xr iommuctl 1 .\n", f);
	for (size_t i = 0; i < n->n; i++)
		write_command(f, n, &n->commands[i]);
	copy_part(f, part);
	write_see_also(f, n);
}

static void write_nouns(FILE *f)
{
	fputs(".Bl -tag -width Ds\n", f);
	for (size_t i = 0; i < n_nouns; i++) {
		if (noun_hidden(nouns[i]))
			continue;
		fprintf(f, ".It Cm %s", nouns[i]->name);
		for (size_t k = 0; k < nouns[i]->n; k++)
			if (nouns[i]->commands[k].verb)
				fprintf(f, "%s%s", k ? " | " : " ", nouns[i]->commands[k].verb);
		fputc('\n', f);
		write_phrase(f, nouns[i]->summary);
		if (has_page(nouns[i]))
			fprintf(f, "See\n.Xr iommuctl-%s 1 .\n", nouns[i]->name);
	}
	fputs(".El\n", f);
}

void mkman_program(FILE *f, FILE *part)
{
	char line[512];

	write_head(f, "iommuctl", "see, judge and explain the machine's IOMMUs");
	while (part && fgets(line, sizeof(line), part)) {
		if (streq(line, "@OPTIONS@\n"))
			write_options(f, global_options);
		else if (streq(line, "@NOUNS@\n"))
			write_nouns(f);
		else
			fputs(line, f);
	}
	write_see_also(f, NULL);
}

void mkman_top(FILE *f, FILE *part, const struct option_row *options, const struct record_type *const *views, size_t n)
{
	char line[512];

	write_head(f, "iommutop", "IOMMU groups, domains, devices, units and faults, live");
	while (part && fgets(line, sizeof(line), part)) {
		if (streq(line, "@OPTIONS@\n")) {
			write_options(f, options);
		} else if (streq(line, "@COLUMNS@\n")) {
			for (size_t i = 0; i < n; i++) {
				fprintf(f, ".Ss Fields of %s\n.Bl -tag -width Ds -compact\n", views[i]->name);
				write_columns_of(f, views[i], "", false);
				fputs(".El\n", f);
			}
		} else {
			fputs(line, f);
		}
	}
	fputs(".Sh SEE ALSO\n.Xr htop 1 ,\n.Xr iommuctl 1 ,\n.Xr iommuctl-group 1\n", f);
}
