/* The journal and the file names of the files back end: what is accepted comes out the same again. */
#include <assert.h>

#include "store/files_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	char key[STORE_KEY_MAX + 1], name[FILES_NAME_MAX];
	struct files_step *steps;
	size_t n;
	bool expires;
	rc r = files_key(slice_of(data, size), key, &expires, &w);

	if (rc_ok(r))
		assert(slice_eq(slice_of(name, files_name(key, expires, name)), slice_of(data, size)));
	else
		assert(!why_empty(&w));
	why_clear(&w);
	r = files_journal_parse(a, slice_of(data, size), &steps, &n, &w);
	if (rc_ok(r))
		assert(slice_eq(files_journal_write(a, steps, n), slice_of(data, size)));
	else
		assert(!why_empty(&w));
	arena_free(a);
	return 0;
}
