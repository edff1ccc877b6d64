// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <json-c/json.h>
#include <locale.h>
#include <string.h>

#include "out/out.h"
#include "out/tree.h"

struct func {
	const char *name, *driver;
	int viable;
};

struct port {
	struct num speed;
};

struct row {
	struct num id, mask;
	const char *type;
	int viable;
	struct strs netdevs;
	struct rows devices;
	const struct port *port;
	const char *dear;
};

static const struct field func_fields[] = {
	FIELD(struct func, name, F_STR, "DEVICE", "name", .flags = FIELD_DEFAULT),
	FIELD(struct func, driver, F_STR, "DRIVER", "driver", .flags = FIELD_DEFAULT),
	FIELD(struct func, viable, F_BOOL, "OK", "fine"),
};
static const struct record_type func_record = RECORD("func", 1, struct func, func_fields);

static const struct field port_fields[] = {
	FIELD(struct port, speed, F_INT, "SPEED", "speed", .unit = "GT/s"),
};
static const struct record_type port_record = RECORD("port", 1, struct port, port_fields);

static const struct field row_fields[] = {
	FIELD(struct row, id, F_INT, "ID", "number", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct row, type, F_STR, "TYPE", "type", .flags = FIELD_DEFAULT | FIELD_TRUNC),
	FIELD(struct row, viable, F_BOOL, "VIABLE", "viable", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct row, mask, F_HEX, "MASK", "mask"),
	FIELD(struct row, netdevs, F_STRS, "NETDEVS", "links"),
	FIELD(struct row, devices, F_LIST, NULL, "devices", .flags = FIELD_DEFAULT, .sub = &func_record),
	FIELD(struct row, port, F_OBJ, NULL, "port", .sub = &port_record),
	FIELD(struct row, dear, F_STR, "DEAR", "costs a lot", .flags = FIELD_EXTRA),
};
static const struct record_type row_record = RECORD("test.list", 3, struct row, row_fields);

static const struct func two[] = { { "01:00.0", "vfio-pci", TRI_YES }, { "01:00.1", NULL, TRI_UNKNOWN } };
static const char *const links[] = { "eth0", "wlan 0" };
static const struct port port = { NUM(16) };

static const struct row full = {
	.id = NUM(7),
	.mask = NUM(0xfee00000),
	.type = "DMA-FQ",
	.viable = TRI_YES,
	.netdevs = STRS(links, 2),
	.devices = ROWS(two, 2),
	.port = &port,
	.dear = "gold",
};
static const struct row empty = { .viable = TRI_UNKNOWN };

/* What the run wrote, and the context that it left. */
struct result {
	struct ctx ctx;
	char *text;
	int begin, end;
};

enum face { FACE_ROWS, FACE_DETAIL };

static struct result run(struct out_options opt, enum face face, const struct row *rows, size_t n)
{
	struct result r = { 0 };
	size_t len;
	FILE *f = open_memstream(&r.text, &len);
	struct out_origin origin = { "box", "live", NULL };
	struct out *o = out_new(&r.ctx, f, &opt);

	out_set_origin(o, &origin);
	r.begin = out_begin(o, &row_record);
	for (size_t i = 0; r.begin >= 0 && i < n; i++)
		assert_int_equal(face == FACE_ROWS ? out_row(o, &rows[i]) : out_detail(o, &rows[i]), 0);
	r.end = out_end(o, &row_record);
	out_free(o);
	fclose(f);
	return r;
}

static void done(struct result *r)
{
	free(r->text);
	ctx_free(&r->ctx);
}

static void check(struct out_options opt, const struct row *rows, size_t n, const char *want)
{
	struct result r = run(opt, FACE_ROWS, rows, n);

	assert_int_equal(r.begin, 0);
	assert_int_equal(r.end, 0);
	assert_string_equal(r.text, want);
	done(&r);
}

static void tables_align_lists(void **state _unused_)
{
	const struct row rows[] = { full, empty };

	check((struct out_options){ 0 }, rows, 2,
	      "ID TYPE   VIABLE DEVICE  DRIVER\n"
	      " 7 DMA-FQ yes    01:00.0 vfio-pci\n"
	      "                 01:00.1 -\n"
	      " - -      ?      -       -\n");
	check((struct out_options){ .noheadings = true, .cols = "mask,netdevs,port.speed" }, rows, 2,
	      "0xfee00000 eth0,wlan 0 16\n"
	      "-          -           -\n");
}

/* Padded by us for a pipe, by libsmartcols for a terminal: where nothing needs cutting the two agree to the last blank. */
static void pipes_get_what_wide_terminals_show(void **state _unused_)
{
	static const char *const cols[] = { NULL, "type,id", "id,devices.driver,netdevs,type", "dear,mask", "port.speed,dear" };
	struct row rows[] = { full, empty, full, empty };

	rows[1].type = "";
	rows[2].type = "gr\xc3\xb6\xc3\x9f" "er \xe5\xae\xbd e\xcc\x81";
	rows[2].dear = "\033[31m";
	rows[3].dear = "";
	for (size_t c = 0; c < ARRAY_SIZE(cols); c++)
		for (int face = 0; face < 4; face++) {
			struct out_options opt = { .cols = cols[c], .noheadings = face & 1, .utf8 = face & 2, .width = 1000 };
			struct result wide = run(opt, FACE_ROWS, rows, ARRAY_SIZE(rows));

			opt.width = 0;
			check(opt, rows, ARRAY_SIZE(rows), wide.text);
			done(&wide);
		}
}

/* Longer than any buffer that a renderer may have. */
static void nothing_is_cut_where_no_terminal_is(void **state _unused_)
{
	_cleanup_free_ char *name = calloc(1, 100001), *want = NULL;
	struct row row = full;

	assert_non_null(name);
	memset(name, 'x', 100000);
	row.type = name;
	assert_true(asprintf(&want, "7 %s yes\n", name) > 0);
	check((struct out_options){ .cols = "id,type,viable", .noheadings = true }, &row, 1, want);
}

static void narrow_terminals_cut_then_flow(void **state _unused_)
{
	struct row row = full;

	row.type = "a type that is long";
	check((struct out_options){ .width = 38 }, &row, 1,
	      "ID TYPE        VIABLE DEVICE  DRIVER\n"
	      " 7 a type that yes    01:00.0 vfio-pci\n"
	      "                      01:00.1 -\n");
	check((struct out_options){ .width = 24 }, &row, 1,
	      "ID TYPE VIABLE DEVICE\n"
	      "    DRIVER\n"
	      "7 a type that is long\n"
	      "    yes\n"
	      "  01:00.0 vfio-pci\n"
	      "  01:00.1 -\n");
}

static void columns_can_be_added_and_chosen(void **state _unused_)
{
	check((struct out_options){ .noheadings = true, .cols = "+dear" }, &full, 1,
	      "7 DMA-FQ yes 01:00.0 vfio-pci gold\n"
	      "             01:00.1 -\n");
	check((struct out_options){ .noheadings = true, .cols = "devices.driver,id" }, &full, 1,
	      "vfio-pci 7\n"
	      "-\n");
	/* a list's name means all of its columns, and twice is once */
	check((struct out_options){ .noheadings = true, .raw = true, .cols = "devices,devices.name" }, &full, 1,
	      "01:00.0,01:00.1 vfio-pci,- yes,?\n");
}

static void raw_is_one_line_a_record(void **state _unused_)
{
	static const char *const odd[] = { "a,b", "-" };
	const struct row row = { .type = "a b\\c\n", .dear = "", .netdevs = STRS(odd, 2), .viable = TRI_NO };

	check((struct out_options){ .raw = true, .cols = "type,dear,netdevs,id,viable" }, &row, 1,
	      "TYPE DEAR NETDEVS ID VIABLE\n"
	      "a\\x20b\\x5cc\\x0a - a\\x2cb,\\x2d - no\n");
}

static void unknown_columns_name_what_there_is(void **state _unused_)
{
	static const char *const bad[] = { "nope", "devices.nope", "id.x", "devices.name.x", "+id,nope", "id,,x", "." };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct result r = run((struct out_options){ .cols = bad[i] }, FACE_ROWS, NULL, 0);

		assert_int_equal(r.begin, -EINVAL);
		assert_int_equal(r.ctx.notes.n, 1);
		assert_non_null(strstr(r.ctx.notes.v[0].hint, "devices.driver"));
		assert_string_equal(r.text, "");
		done(&r);
	}
}

static void json_has_every_field(void **state _unused_)
{
	const struct row rows[] = { full, empty };

	check((struct out_options){ .json = true }, rows, 2,
	      "{\"schema\":\"iommuctl.test.list/3\",\"host\":\"box\",\"source\":\"live\",\"boot_id\":null,\"data\":["
	      "{\"id\":7,\"type\":\"DMA-FQ\",\"viable\":true,\"mask\":\"0xfee00000\",\"netdevs\":[\"eth0\",\"wlan 0\"],"
	      "\"devices\":[{\"name\":\"01:00.0\",\"driver\":\"vfio-pci\",\"viable\":true},"
	      "{\"name\":\"01:00.1\",\"driver\":null,\"viable\":null}],\"port\":{\"speed\":16}},"
	      "{\"id\":null,\"type\":null,\"viable\":null,\"mask\":null,\"netdevs\":null,\"devices\":null,\"port\":null}"
	      "],\"warnings\":[],\"errors\":[]}\n");
}

static void json_follows_the_columns(void **state _unused_)
{
	struct result r = run((struct out_options){ .json = true, .cols = "dear,devices.driver" }, FACE_DETAIL,
			      &full, 1);

	assert_non_null(strstr(r.text, "\"data\":[{\"dear\":\"gold\",\"devices\":[{\"driver\":\"vfio-pci\"},"
				       "{\"driver\":null}]}],"));
	done(&r);
}

static void json_repairs_what_is_not_utf8(void **state _unused_)
{
	static const char *const names[] = { "ok", "\xff", "too" };
	const struct row row = { .type = "a\xc3(\"\n", .netdevs = STRS(names, 3), .viable = TRI_UNKNOWN };
	struct result r = run((struct out_options){ .json = true, .cols = "type,netdevs" }, FACE_ROWS, &row, 1);

	assert_non_null(strstr(r.text, "{\"type\":\"a\xef\xbf\xbd(\\\"\\n\",\"type_raw\":\"61c328220a\","
				       "\"netdevs\":[\"ok\",\"\xef\xbf\xbd\",\"too\"],"
				       "\"netdevs_raw\":[null,\"ff\",null]}"));
	done(&r);
}

/* A row takes the place of the one before, which may have had other members. */
static void json_rows_do_not_mix(void **state _unused_)
{
	static const char *const bad[] = { "\xff", "two" }, *const good[] = { "one" };
	const struct row rows[] = {
		{ .id = NUM(1), .type = "a", .netdevs = STRS(good, 1), .viable = TRI_YES },
		{ .id = NUM(2), .type = "b\xff", .netdevs = STRS(bad, 2), .viable = TRI_NO },
		{ .type = "c", .viable = TRI_UNKNOWN },
		{ .id = NUM(4), .netdevs = STRS(bad, 2), .viable = TRI_YES },
		{ .id = NUM(5), .type = "\xff" "e", .netdevs = STRS(good, 1), .viable = TRI_NO },
		full,
	};
	struct result r = run((struct out_options){ .json = true, .cols = "id,type,netdevs,viable" }, FACE_ROWS, rows, ARRAY_SIZE(rows));

	assert_non_null(strstr(r.text,
		"\"data\":[{\"id\":1,\"type\":\"a\",\"netdevs\":[\"one\"],\"viable\":true},"
		"{\"id\":2,\"type\":\"b\xef\xbf\xbd\",\"type_raw\":\"62ff\",\"netdevs\":[\"\xef\xbf\xbd\",\"two\"],\"netdevs_raw\":[\"ff\",null],\"viable\":false},"
		"{\"id\":null,\"type\":\"c\",\"netdevs\":null,\"viable\":null},"
		"{\"id\":4,\"type\":null,\"netdevs\":[\"\xef\xbf\xbd\",\"two\"],\"netdevs_raw\":[\"ff\",null],\"viable\":true},"
		"{\"id\":5,\"type\":\"\xef\xbf\xbd" "e\",\"type_raw\":\"ff65\",\"netdevs\":[\"one\"],\"viable\":false},"
		"{\"id\":7,\"type\":\"DMA-FQ\",\"netdevs\":[\"eth0\",\"wlan 0\"],\"viable\":true}],"));
	done(&r);
}

/* Looked at in words of eight bytes. */
static void json_escapes_at_every_place(void **state _unused_)
{
	for (size_t at = 0; at < 24; at++) {
		char text[32] = "aaaaaaaaaaaaaaaaaaaaaaaa", want[64];
		const struct row row = { .type = text, .viable = TRI_UNKNOWN };
		struct result r;

		text[at] = '\x7f';
		snprintf(want, sizeof(want), "[{\"type\":\"%.*s\\u007f%s\"}]", (int)at, text, text + at + 1);
		r = run((struct out_options){ .json = true, .cols = "type" }, FACE_ROWS, &row, 1);
		assert_non_null(strstr(r.text, want));
		done(&r);
	}
}

static void json_escapes_what_acts_on_a_terminal(void **state _unused_)
{
	const struct row row = { .type = "/a\x01\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\\", .viable = TRI_UNKNOWN };
	struct result r = run((struct out_options){ .json = true, .cols = "type" }, FACE_ROWS, &row, 1);

	assert_non_null(strstr(r.text, "[{\"type\":\"/a\\u0001\\u007f\\u009b\\u202e\xc3\xa9\\\\\"}]"));
	done(&r);
}

static void notes_are_in_the_envelope(void **state _unused_)
{
	struct ctx ctx = { 0 };
	struct json_object *doc, *errors, *e;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct out *o = out_new(&ctx, f, &(struct out_options){ .json = true });

	ctx_error(&ctx, NOTE(.code = "no-group", .err = -ENOENT, .hint = "look", .where = "a\xff"), "group %d", 9);
	ctx_warn(&ctx, "odd", ENOTCAPTURED, "sys/x", "x");
	assert_int_equal(out_end(o, &row_record), 0);
	fflush(f);
	doc = json_tokener_parse(text);
	assert_non_null(doc);
	assert_string_equal(json_object_get_string(json_object_object_get(doc, "schema")), "iommuctl.test.list/3");
	errors = json_object_object_get(doc, "errors");
	assert_int_equal(json_object_array_length(errors), 1);
	e = json_object_array_get_idx(errors, 0);
	assert_string_equal(json_object_get_string(json_object_object_get(e, "errno")), "ENOENT");
	assert_string_equal(json_object_get_string(json_object_object_get(e, "where_raw")), "61ff");
	e = json_object_array_get_idx(json_object_object_get(doc, "warnings"), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(e, "errno")), "ENOTCAPTURED");
	json_object_put(doc);
	out_free(o);
	fclose(f);
	free(text);
	ctx_free(&ctx);
}

static void details_show_lists_below(void **state _unused_)
{
	struct result r = run((struct out_options){ 0 }, FACE_DETAIL, &full, 1);

	assert_string_equal(r.text, "id:      7\n"
				    "type:    DMA-FQ\n"
				    "viable:  yes\n"
				    "mask:    0xfee00000\n"
				    "netdevs: eth0, wlan 0\n"
				    "port:\n"
				    "  speed: 16 GT/s\n"
				    "devices:\n"
				    "  DEVICE  DRIVER\n"
				    "  01:00.0 vfio-pci\n"
				    "  01:00.1 -\n");
	done(&r);
}

static const char *const hostile[] = {
	"\033[31mred\033[0m", "line\nbreak", "bell\a", "\xc2\x9b" "2J", "\xe2\x80\xae" "rtl", "\xff\xfe", "a\tb", "\x7f",
};

/* Nothing that moves a cursor may reach a terminal by any way. */
static void assert_harmless(const char *text)
{
	for (const char *p = text; *p; p++)
		assert_true(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
	assert_null(strstr(text, "\xc2\x9b"));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_true(utf8_valid(text, strlen(text)));
}

static void hostile_names_are_escaped_everywhere(void **state _unused_)
{
	static const struct out_options faces[] = {
		{ 0 }, { .raw = true }, { .width = 40 }, { .utf8 = true }, { .json = true }, { .width = 20, .utf8 = true },
	};
	struct func f = { .viable = TRI_UNKNOWN };
	struct row row = { .viable = TRI_UNKNOWN };

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		for (size_t k = 0; k < ARRAY_SIZE(faces); k++)
			for (int face = FACE_ROWS; face <= FACE_DETAIL; face++) {
				struct result r;

				f.name = f.driver = row.type = hostile[i];
				row.netdevs = STRS(&hostile[i], 1);
				row.devices = ROWS(&f, 1);
				r = run(faces[k], face, &row, 1);
				assert_int_equal(r.end, 0);
				assert_harmless(r.text);
				done(&r);
			}
}

static char *text_of(struct out_options opt, void (*say)(struct out *o))
{
	struct ctx ctx = { 0 };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct out *o = out_new(&ctx, f, &opt);

	say(o);
	assert_int_equal(out_end(o, NULL), 0);
	out_free(o);
	fclose(f);
	ctx_free(&ctx);
	return text;
}

static void say_hostile(struct out *o)
{
	out_text(o, "one: %s\ntwo: %s\n", hostile[1], hostile[0]);
	out_styled(o, STYLE_BAD, hostile[3]);
	out_text(o, ": %d", 3);
}

static void say_long(struct out *o)
{
	out_text(o, "  a sentence that is longer than the terminal is wide");
	out_text(o, "averyveryverylongwordwithoutanyblank");
}

static void text_is_escaped_and_wrapped(void **state _unused_)
{
	_cleanup_free_ char *a = text_of((struct out_options){ 0 }, say_hostile);
	_cleanup_free_ char *b = text_of((struct out_options){ .width = 20 }, say_long);
	_cleanup_free_ char *c = text_of((struct out_options){ .json = true }, say_hostile);

	assert_string_equal(a, "one: line\\x0abreak\ntwo: \\x1b[31mred\\x1b[0m\n\\u{9b}2J: 3\n");
	assert_string_equal(b, "  a sentence that is\n  longer than the\n  terminal is wide\n"
			       "averyveryverylongwor\ndwithoutanyblank\n");
	assert_null(strstr(c, "one"));
}

static void say_command(struct out *o)
{
	out_verbatim(o, "  echo %s > %s", "a\nb", "/a/path/that/is/long");
}

static void commands_are_never_wrapped(void **state _unused_)
{
	_cleanup_free_ char *a = text_of((struct out_options){ .width = 20 }, say_command);

	assert_string_equal(a, "  echo a\\x0ab > /a/path/that/is/long\n");
}

static void check_tree(struct out_options opt, const char *want)
{
	const struct row rows[] = { { .type = "root" }, { .type = "kid", .id = NUM(3) },
				    { .type = "grandkid with a name", .id = NUM(4) }, { .type = "kid2" } };
	const int parents[] = { -1, 0, 1, 0 };
	struct ctx ctx = { 0 };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct out *o = out_new(&ctx, f, &opt);

	assert_int_equal(out_tree(o, &row_record, rows, parents, 4), 0);
	assert_int_equal(out_end(o, NULL), 0);
	fflush(f);
	assert_string_equal(text, want);
	out_free(o);
	fclose(f);
	free(text);
	ctx_free(&ctx);
}

static void trees_hang_under_their_parents(void **state _unused_)
{
	check_tree((struct out_options){ .cols = "type,id", .noheadings = true },
		   "root                     -\n"
		   "|-kid                    3\n"
		   "| `-grandkid with a name 4\n"
		   "`-kid2                   -\n");
	check_tree((struct out_options){ .cols = "type,id", .noheadings = true, .utf8 = true, .width = 13 },
		   "root\n"
		   "├─kid 3\n"
		   "│ └─grandkid\n"
		   "│     with a\n"
		   "│     name 4\n"
		   "└─kid2\n");
	/* a flat list where somebody reads it by program */
	check_tree((struct out_options){ .cols = "type,id", .noheadings = true, .raw = true },
		   "root -\nkid 3\ngrandkid\\x20with\\x20a\\x20name 4\nkid2 -\n");
}

static void a_full_disk_is_an_error(void **state _unused_)
{
	static const struct out_options faces[] = { { 0 }, { .raw = true }, { .json = true } };

	for (size_t i = 0; i < ARRAY_SIZE(faces); i++)
		for (int face = FACE_ROWS; face <= FACE_DETAIL; face++) {
			FILE *f = fopen("/dev/full", "w");
			struct ctx ctx = { 0 };
			struct out *o = out_new(&ctx, f, &faces[i]);

			assert_non_null(f);
			assert_int_equal(out_begin(o, &row_record), 0);
			if (face == FACE_ROWS)
				out_row(o, &full);
			else
				out_detail(o, &full);
			assert_int_equal(out_end(o, NULL), -ENOSPC);
			assert_string_equal(ctx.notes.v[0].code, "stdout");
			out_free(o);
			fclose(f);
			ctx_free(&ctx);
		}
}

static void extras_are_wanted_by_name(void **state _unused_)
{
	static const struct {
		struct out_options opt;
		bool dear, devices;
	} cases[] = {
		{ { 0 }, false, true },
		{ { .json = true }, false, true },
		{ { .cols = "dear" }, true, false },
		{ { .cols = "+dear", .json = true }, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		struct ctx ctx = { 0 };
		size_t len;
		FILE *f = open_memstream(&text, &len);
		struct out *o = out_new(&ctx, f, &cases[i].opt);

		assert_int_equal(out_begin(o, &row_record), 0);
		assert_int_equal(out_wants(o, "dear"), cases[i].dear);
		assert_int_equal(out_wants(o, "devices.driver"), cases[i].devices);
		assert_false(out_wants(o, "nothing"));
		out_free(o);
		fclose(f);
		ctx_free(&ctx);
	}
}

static void columns_explain_themselves(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	struct ctx ctx = { 0 };
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct out *o = out_new(&ctx, f, &(struct out_options){ .cols = "help", .raw = true });

	assert_int_equal(out_columns_help(o, &row_record), 0);
	assert_int_equal(out_end(o, NULL), 0);
	assert_non_null(strstr(text, "devices.driver string - driver\n"));
	assert_non_null(strstr(text, "port.speed integer GT/s speed\n"));
	assert_non_null(strstr(text, "dear string - costs\\x20a\\x20lot\n"));
	out_free(o);
	fclose(f);
	ctx_free(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_align_lists),
		cmocka_unit_test(pipes_get_what_wide_terminals_show),
		cmocka_unit_test(nothing_is_cut_where_no_terminal_is),
		cmocka_unit_test(narrow_terminals_cut_then_flow),
		cmocka_unit_test(columns_can_be_added_and_chosen),
		cmocka_unit_test(raw_is_one_line_a_record),
		cmocka_unit_test(unknown_columns_name_what_there_is),
		cmocka_unit_test(json_has_every_field),
		cmocka_unit_test(json_follows_the_columns),
		cmocka_unit_test(json_rows_do_not_mix),
		cmocka_unit_test(json_escapes_at_every_place),
		cmocka_unit_test(json_repairs_what_is_not_utf8),
		cmocka_unit_test(json_escapes_what_acts_on_a_terminal),
		cmocka_unit_test(notes_are_in_the_envelope),
		cmocka_unit_test(details_show_lists_below),
		cmocka_unit_test(hostile_names_are_escaped_everywhere),
		cmocka_unit_test(text_is_escaped_and_wrapped),
		cmocka_unit_test(commands_are_never_wrapped),
		cmocka_unit_test(trees_hang_under_their_parents),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(extras_are_wanted_by_name),
		cmocka_unit_test(columns_explain_themselves),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
