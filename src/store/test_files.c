#include "store/test_contract.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "store/files_name.h"

static rc open_it(const char *dir, const struct clock *clock, struct store **out, struct why *w)
{
	return store_open_files(dir, clock, out, w);
}

static char *at(struct arena *a, const char *dir, const char *name)
{
	return arena_printf(a, "%s/%s", dir, name);
}

static struct store *must_open(const char *dir, struct arena *a)
{
	struct why w = why_in(a);
	struct store *s = NULL;

	if (!rc_ok(store_open_files(dir, &clock_system, &s, &w)))
		fail_msg("%s", why_text(&w));
	return s;
}

static void the_layout_is_the_one_that_others_read(void **state)
{
	struct arena *a = arena_new(0);
	char *dir = scratch_new();
	struct store *s = must_open(dir, a);
	struct slice v;
	struct stat st;

	(void)state;
	assert_true(rc_ok(store_put(s, "repository", "default/key/testfile", SLICE_LIT("secret"), NULL)));
	assert_true(rc_ok(file_read(a, at(a, dir, "repository/default\\x2Fkey\\x2Ftestfile"), 100, &v, NULL)));
	assert_true(slice_is(v, "secret"));
	assert_int_equal(stat(at(a, dir, "repository/default\\x2Fkey\\x2Ftestfile"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A file that another program put there is a value. */
	assert_true(rc_ok(file_write_atomic(at(a, dir, "repository/a\\x2Fb\\x2Fc"), SLICE_LIT("theirs"), 0600, NULL)));
	assert_true(rc_ok(store_get(s, "repository", "a/b/c", a, &v, NULL, NULL, NULL)));
	assert_true(slice_is(v, "theirs"));
	store_close(s);
	scratch_free(dir);
	arena_free(a);
}

static void names_and_keys_go_both_ways(void **state)
{
	static const struct {
		const char *key, *name;
	} row[] = {{"a", "a"},     {"a/b", "a\\x2Fb"}, {".", "\\x2E"},           {"..", "\\x2E."},
	           {"a.b", "a.b"}, {"\\", "\\x5C"},    {"a\\x2Fb", "a\\x5Cx2Fb"}};
	static const char *const not_ours[] = {"",   "\\", "\\x", "\\x2", "\\x2f",  "\\x41", "\\y",  "\\e",  ".",
	                                       "..", ".a", "a/b", "a\\+", "a\\+/b", "a\n",   "\x7f", "a\\eb"};
	char name[FILES_NAME_MAX], key[STORE_KEY_MAX + 1];
	bool expires;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		for (int e = 0; e < 2; e++) {
			size_t n = files_name(row[i].key, e, name);

			assert_int_equal(n, strlen(row[i].name) + (e ? 2 : 0));
			assert_memory_equal(name, row[i].name, strlen(row[i].name));
			assert_true(rc_ok(files_key(slice_cstr(name), key, &expires, NULL)));
			assert_string_equal(key, row[i].key);
			assert_int_equal(expires, e);
		}
	}
	for (size_t i = 0; i < COUNT_OF(not_ours); i++)
		assert_int_equal(files_key(slice_cstr(not_ours[i]), key, &expires, NULL).code, E_MALFORMED);
	for (unsigned seed = 1; seed < 3000; seed++) {
		char k[STORE_KEY_MAX + 1];
		size_t n = 1 + (seed * 7919u) % STORE_KEY_MAX;

		for (size_t i = 0; i < n; i++)
			k[i] = "./\\ex2F+~a "[(seed * 31 + i * i * (seed % 17 + 1)) % 11];
		k[n] = 0;
		files_name(k, seed & 1, name);
		assert_true(rc_ok(files_key(slice_cstr(name), key, &expires, NULL)));
		assert_string_equal(key, k);
	}
}

/* A crash at each point behind the journal: what is left of the steps is done at the next opening. */
static void a_journal_is_finished_when_the_store_is_opened(void **state)
{
	static const struct files_step all[] = {{"0", "t/a"}, {NULL, "t/gone"}, {"1", "t/b\\+/c"}};
	struct arena *a = arena_new(0);
	struct slice journal = files_journal_write(a, all, COUNT_OF(all));

	(void)state;
	for (size_t done = 0; done <= COUNT_OF(all); done++) {
		char *dir = scratch_new();
		struct store *s = must_open(dir, a);
		struct slice v;

		assert_true(rc_ok(store_put(s, "t", "gone", SLICE_LIT("x"), NULL)));
		assert_true(rc_ok(store_put(s, "t", "stays", SLICE_LIT("x"), NULL)));
		store_close(s);
		mkdir(at(a, dir, "t/b\\+"), 0700);
		assert_true(
		        rc_ok(file_write_atomic(at(a, dir, done > 0 ? "t/a" : ".new/0"), SLICE_LIT("A"), 0600, NULL)));
		if (done > 1)
			assert_int_equal(unlink(at(a, dir, "t/gone")), 0);
		assert_true(rc_ok(
		        file_write_atomic(at(a, dir, done > 2 ? "t/b\\+/c" : ".new/1"), SLICE_LIT("B"), 0600, NULL)));
		assert_true(rc_ok(file_write_atomic(at(a, dir, ".new/7"), SLICE_LIT("nobody asked"), 0600, NULL)));
		assert_true(rc_ok(file_write_atomic(at(a, dir, ".journal"), journal, 0600, NULL)));
		s = must_open(dir, a);
		assert_true(rc_ok(store_get(s, "t", "a", a, &v, NULL, NULL, NULL)));
		assert_true(slice_is(v, "A"));
		assert_int_equal(store_get(s, "t", "gone", a, &v, NULL, NULL, NULL).code, E_NOTFOUND);
		assert_true(rc_ok(store_get(s, "t", "stays", a, &v, NULL, NULL, NULL)));
		assert_false(file_exists(at(a, dir, ".journal")));
		assert_false(file_exists(at(a, dir, ".new/7")));
		assert_true(file_exists(at(a, dir, "t/b\\+/c")));
		store_close(s);
		scratch_free(dir);
	}
	arena_free(a);
}

static void a_journal_that_leaves_the_folder_is_refused(void **state)
{
	static const struct files_step bad[] = {{"0", "../a"},  {"0", "/etc/x"}, {"0", "t/../../a"}, {"../0", "t/a"},
	                                        {"0", "t//a"},  {"0", ""},       {"0", "t/"},        {".", "t/a"},
	                                        {"a/b", "t/a"}, {"0", ".lock"}};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct why w = why_in(a);
		struct files_step *steps;
		size_t n;

		assert_int_equal(files_journal_parse(a, files_journal_write(a, &bad[i], 1), &steps, &n, &w).code,
		                 E_MALFORMED);
		assert_string_equal(why_reason(&w), "store.journal");
	}
	arena_free(a);
}

static void a_spoiled_journal_stops_the_opening(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	char *dir = scratch_new();
	struct store *s;

	(void)state;
	store_close(must_open(dir, a));
	assert_true(rc_ok(file_write_atomic(at(a, dir, ".journal"), SLICE_LIT("WrJ1\0\0\0\1"), 0600, NULL)));
	assert_int_equal(store_open_files(dir, &clock_system, &s, &w).code, E_MALFORMED);
	assert_string_equal(why_reason(&w), "store.journal");
	scratch_free(dir);
	arena_free(a);
}

static void a_folder_has_one_owner_and_is_private(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	char *dir = scratch_new();
	struct store *s = must_open(dir, a), *second;

	(void)state;
	assert_int_equal(store_open_files(dir, &clock_system, &second, &w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&w), "store.locked");
	store_close(s);
	chmod(dir, 0750);
	assert_int_equal(store_open_files(dir, &clock_system, &second, &w).code, E_DENIED);
	assert_string_equal(why_reason(&w), "store.permissions");
	scratch_free(dir);
	arena_free(a);
}

/* In a process with a file system of 1 MiB of its own. Exit 0: as it should be; 77: it may not have one. */
static void fill_up(const char *dir)
{
	static uint8_t value[30000];
	struct arena *a = arena_new((size_t)64 << 20);
	struct why w = why_in(a);
	struct store *s;
	struct slice v;
	rc r = rc_of(OK);
	unsigned n = 0;

	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", dir, "tmpfs", 0, "size=1m,mode=0700") != 0)
		_exit(77);
	if (!rc_ok(store_open_files(dir, &clock_system, &s, &w)))
		_exit(1);
	for (; n < 100 && rc_ok(r); n++) {
		const struct store_op op[] = {{.kind = STORE_INSERT,
		                               .ns = "t",
		                               .key = arena_printf(a, "a%u", n),
		                               .value = slice_of(value, sizeof(value))},
		                              {.kind = STORE_INSERT,
		                               .ns = "t",
		                               .key = arena_printf(a, "b%u", n),
		                               .value = slice_of(value, sizeof(value))}};

		r = store_commit(s, op, 2, &w);
	}
	if (r.code != E_UNAVAILABLE || strcmp(why_reason(&w), "store.full") != 0 || n < 4)
		_exit(2);
	for (unsigned i = 0; i < n; i++) {
		enum rc_code want = i + 1 < n ? OK : E_NOTFOUND;

		if (store_get(s, "t", arena_printf(a, "a%u", i), a, &v, NULL, NULL, NULL).code != want ||
		    store_get(s, "t", arena_printf(a, "b%u", i), a, &v, NULL, NULL, NULL).code != want)
			_exit(3);
	}
	if (!rc_ok(store_delete(s, "t", "a0", NULL)) || !rc_ok(store_delete(s, "t", "b0", NULL)) ||
	    !rc_ok(store_put(s, "t", "after", slice_of(value, sizeof(value)), NULL)))
		_exit(4);
	store_close(s);
	if (!rc_ok(store_open_files(dir, &clock_system, &s, NULL)) ||
	    !rc_ok(store_get(s, "t", "a1", a, &v, NULL, NULL, NULL)))
		_exit(5);
	store_close(s);
	arena_free(a);
	_exit(0);
}

static void a_full_disk_is_said_and_nothing_is_half_written(void **state)
{
	char *dir = scratch_new();
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		fill_up(dir);
	waitpid(pid, &status, 0);
	scratch_free(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	static const struct contract c = {.name = "files", .durable = true, .open = open_it};
	static const struct CMUnitTest own[] = {
	        cmocka_unit_test(the_layout_is_the_one_that_others_read),
	        cmocka_unit_test(names_and_keys_go_both_ways),
	        cmocka_unit_test(a_journal_is_finished_when_the_store_is_opened),
	        cmocka_unit_test(a_journal_that_leaves_the_folder_is_refused),
	        cmocka_unit_test(a_spoiled_journal_stops_the_opening),
	        cmocka_unit_test(a_folder_has_one_owner_and_is_private),
	        cmocka_unit_test(a_full_disk_is_said_and_nothing_is_half_written),
	};

	return contract_main(&c, own, COUNT_OF(own));
}
