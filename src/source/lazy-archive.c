// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libarchive, loaded when it is first used.
 *
 * It brings libxml2, ICU, libcrypto and a dozen more, and loading those takes longer than most commands run. So the program
 * is not linked with it: the functions below stand in for the library's, with its own declarations, and each finds the
 * real one by name. Where the library is missing, constructors return NULL with errno ELIBACC, and nothing else can be
 * called for want of an object.
 *
 * A static build, or a linker whose library name configure could not read, links with libarchive as usual.
 */
#ifdef LIBARCHIVE_SONAME
#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

/* The function of that name in libarchive; NULL with errno ELIBACC when it cannot be had. Stays loaded. */
static void *find(const char *name)
{
	static void *library;
	void *f = NULL;

	if (!library)
		library = dlopen(LIBARCHIVE_SONAME, RTLD_NOW | RTLD_LOCAL);
	if (library)
		f = dlsym(library, name);
	if (!f)
		errno = ELIBACC;
	return f;
}

#define LAZY(type, name, parameters, arguments)                                                                                \
	type name parameters                                                                                                   \
	{                                                                                                                      \
		static typeof(name) *f;                                                                                        \
                                                                                                                               \
		if (!f)                                                                                                        \
			f = (typeof(f))find(#name);                                                                            \
		return f ? f arguments : (type)0;                                                                              \
	}

LAZY(struct archive *, archive_read_new, (void), ())
LAZY(struct archive *, archive_write_new, (void), ())
LAZY(struct archive_entry *, archive_entry_new, (void), ())

LAZY(const char *, archive_bzlib_version, (void), ())
LAZY(const char *, archive_liblzma_version, (void), ())
LAZY(const char *, archive_libzstd_version, (void), ())
LAZY(const char *, archive_zlib_version, (void), ())

LAZY(int, archive_errno, (struct archive *a), (a))
LAZY(const char *, archive_error_string, (struct archive *a), (a))
LAZY(la_int64_t, archive_filter_bytes, (struct archive *a, int n), (a, n))

LAZY(int, archive_read_support_filter_bzip2, (struct archive *a), (a))
LAZY(int, archive_read_support_filter_gzip, (struct archive *a), (a))
LAZY(int, archive_read_support_filter_lz4, (struct archive *a), (a))
LAZY(int, archive_read_support_filter_xz, (struct archive *a), (a))
LAZY(int, archive_read_support_filter_zstd, (struct archive *a), (a))
LAZY(int, archive_read_support_format_raw, (struct archive *a), (a))
LAZY(int, archive_read_support_format_tar, (struct archive *a), (a))
LAZY(int, archive_read_open,
     (struct archive *a, void *data, archive_open_callback *opened, archive_read_callback *read, archive_close_callback *closed),
     (a, data, opened, read, closed))
LAZY(int, archive_read_open_filename, (struct archive *a, const char *path, size_t block), (a, path, block))
LAZY(int, archive_read_open_memory, (struct archive *a, const void *p, size_t len), (a, p, len))
LAZY(int, archive_read_next_header, (struct archive *a, struct archive_entry **e), (a, e))
LAZY(la_int64_t, archive_read_header_position, (struct archive *a), (a))
LAZY(la_ssize_t, archive_read_data, (struct archive *a, void *p, size_t len), (a, p, len))
LAZY(int, archive_read_data_block, (struct archive *a, const void **p, size_t *len, la_int64_t *at), (a, p, len, at))
LAZY(int, archive_read_free, (struct archive *a), (a))

LAZY(int, archive_write_add_filter_gzip, (struct archive *a), (a))
LAZY(int, archive_write_add_filter_zstd, (struct archive *a), (a))
LAZY(int, archive_write_set_filter_option, (struct archive *a, const char *module, const char *key, const char *value),
     (a, module, key, value))
LAZY(int, archive_write_set_format_gnutar, (struct archive *a), (a))
LAZY(int, archive_write_set_bytes_in_last_block, (struct archive *a, int n), (a, n))
LAZY(int, archive_write_open,
     (struct archive *a, void *data, archive_open_callback *opened, archive_write_callback *write, archive_close_callback *closed),
     (a, data, opened, write, closed))
LAZY(int, archive_write_open_fd, (struct archive *a, int fd), (a, fd))
LAZY(int, archive_write_header, (struct archive *a, struct archive_entry *e), (a, e))
LAZY(la_ssize_t, archive_write_data, (struct archive *a, const void *p, size_t len), (a, p, len))
LAZY(int, archive_write_close, (struct archive *a), (a))
LAZY(int, archive_write_free, (struct archive *a), (a))

LAZY(mode_t, archive_entry_filetype, (struct archive_entry *e), (e))
LAZY(const char *, archive_entry_hardlink, (struct archive_entry *e), (e))
LAZY(const char *, archive_entry_pathname, (struct archive_entry *e), (e))
LAZY(const char *, archive_entry_pathname_utf8, (struct archive_entry *e), (e))
LAZY(const char *, archive_entry_symlink, (struct archive_entry *e), (e))
LAZY(const char *, archive_entry_symlink_utf8, (struct archive_entry *e), (e))
LAZY(la_int64_t, archive_entry_size, (struct archive_entry *e), (e))

/* The ones that return nothing. */
#define LAZY_VOID(name, parameters, arguments)                                                                                 \
	void name parameters                                                                                                   \
	{                                                                                                                      \
		static typeof(name) *f;                                                                                        \
                                                                                                                               \
		if (!f)                                                                                                        \
			f = (typeof(f))find(#name);                                                                            \
		if (f)                                                                                                         \
			f arguments;                                                                                           \
	}

LAZY_VOID(archive_entry_free, (struct archive_entry *e), (e))
LAZY_VOID(archive_entry_set_mode, (struct archive_entry *e, mode_t mode), (e, mode))
LAZY_VOID(archive_entry_set_mtime, (struct archive_entry *e, time_t seconds, long nanoseconds), (e, seconds, nanoseconds))
LAZY_VOID(archive_entry_set_pathname, (struct archive_entry *e, const char *path), (e, path))
LAZY_VOID(archive_entry_set_size, (struct archive_entry *e, la_int64_t size), (e, size))
LAZY_VOID(archive_entry_set_symlink, (struct archive_entry *e, const char *to), (e, to))
#endif
