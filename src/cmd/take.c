// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/take.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

int bad_argument(struct invocation *inv, const char *what, const char *why, const char *hint)
{
	ctx_error(inv->ctx, NOTE(.code = "bad-value", .err = EINVAL, .why = why, .hint = hint), "%s", what);
	return EXIT_USAGE;
}

const char *command_name(struct invocation *inv)
{
	return inv->command->verb ? arena_printf(&inv->ctx->arena, "%s %s", inv->noun->name, inv->command->verb) : inv->noun->name;
}

int bad_usage(struct invocation *inv, const char *what, const char *why, const char *hint)
{
	ctx_error(inv->ctx, NOTE(.code = "usage", .err = EINVAL, .why = why, .hint = hint), "%s", what);
	return EXIT_USAGE;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "KkMmGgTt";
	size_t len = strlen(s);
	const char *unit = len > 1 ? strchr(units, s[len - 1]) : NULL;
	unsigned shift = unit ? 10 * (unsigned)((unit - units) / 2 + 1) : 0;
	char digits[32];
	uint64_t v;
	int r;

	len -= unit != NULL;
	if (!len || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, s, len);
	digits[len] = '\0';
	r = parse_u64(digits, &v);
	if (r < 0)
		return r;
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*ret = v << shift;
	return 0;
}

int take_number(struct invocation *inv, const char *what, const char *text, uint64_t *ret)
{
	int r = parse_size(text, ret);

	if (r == 0)
		return EXIT_DONE;
	return bad_argument(inv, arena_printf(&inv->ctx->arena, "%s %s", what, text),
			    r == -ERANGE ? "does not fit into 64 bits" : "not a number",
			    "decimal or 0x..., and K, M, G or T behind it");
}

int take_u32(struct invocation *inv, const char *what, const char *text, uint32_t *ret)
{
	uint64_t v;
	int r = take_number(inv, what, text, &v);

	if (r != EXIT_DONE)
		return r;
	if (v > UINT32_MAX)
		return bad_argument(inv, arena_printf(&inv->ctx->arena, "%s %s", what, text), "does not fit into 32 bits", NULL);
	*ret = (uint32_t)v;
	return EXIT_DONE;
}

static const char *dashed(struct invocation *inv, const char *option)
{
	return arena_printf(&inv->ctx->arena, "--%s", option);
}

int option_number(struct invocation *inv, const char *option, uint64_t *ret)
{
	const char *text = inv_opt(inv, option);

	return text ? take_number(inv, dashed(inv, option), text, ret) : EXIT_DONE;
}

int option_u32(struct invocation *inv, const char *option, uint32_t *ret)
{
	const char *text = inv_opt(inv, option);

	return text ? take_u32(inv, dashed(inv, option), text, ret) : EXIT_DONE;
}

int option_seconds(struct invocation *inv, const char *option, double most, double *ret)
{
	const char *text = inv_opt(inv, option);
	char *end;
	double v;

	if (!text)
		return EXIT_DONE;
	v = strtod(text, &end);
	if (end == text || *end || !(v >= 0 && v <= most))
		return bad_argument(inv, arena_printf(&inv->ctx->arena, "--%s %s", option, text), "not a number of seconds", NULL);
	*ret = v;
	return EXIT_DONE;
}

int option_ms(struct invocation *inv, const char *option, uint32_t *ret)
{
	double seconds = -1;
	int r = option_seconds(inv, option, 1000000, &seconds);

	if (r == EXIT_DONE && seconds >= 0)
		*ret = (uint32_t)(seconds * 1000);
	return r;
}

int option_duration(struct invocation *inv, double *ret)
{
	double seconds = -1;
	int r = option_seconds(inv, "duration", 1e9, &seconds);

	if (r == EXIT_DONE && seconds == 0)
		return bad_argument(inv, "--duration 0", "it would be over before it begins", NULL);
	if (r == EXIT_DONE && seconds > 0)
		*ret = seconds;
	return r;
}

int option_pid(struct invocation *inv, const char *option, pid_t *ret)
{
	const char *text = inv_opt(inv, option);
	uint32_t v;

	if (!text)
		return EXIT_DONE;
	if (parse_u32(text, &v) < 0 || !v || v > INT32_MAX)
		return bad_argument(inv, arena_printf(&inv->ctx->arena, "--%s %s", option, text), "not the number of a process", NULL);
	*ret = (pid_t)v;
	return EXIT_DONE;
}

/* It becomes the name of a directory in sysfs, and the text of a driver_override. */
int option_driver(struct invocation *inv, const char **ret)
{
	const char *name = inv_opt(inv, "driver");

	if (!name)
		return EXIT_DONE;
	if (*name == '.' || strchr(name, '/') || strchr(name, '\n') || strlen(name) > 100)
		return bad_argument(inv, arena_printf(&inv->ctx->arena, "--driver %s", name), "not the name of a driver", "ls /sys/bus/pci/drivers shows them");
	*ret = name;
	return EXIT_DONE;
}
