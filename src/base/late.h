/* late.h - shared libraries that are loaded when they are first called, for what most processes never do.
 *
 * A library that a program is linked with is mapped into each of its processes, and brings its own: libcurl comes with forty others,
 * which a verifier worker or a broker that asks nobody would carry for nothing. A file of ours defines the library's functions that we
 * call, by their own names, and each passes its call on. Who calls them does not notice; where the library is missing they fail as the
 * library itself does without memory. Loaded is what the dynamic linker finds under the name, as at the start of the program.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct late {
	const char *soname;
	pthread_mutex_t lock;
	void *handle;	/* under lock */
	bool tried;
};

#define LATE_LIBRARY(soname_) {.soname = (soname_), .lock = PTHREAD_MUTEX_INITIALIZER}

/* Loads the library, once. false: there is none. */
bool late_load(struct late *l);
/* The function of that name, remembered in *slot; NULL when library or name are missing. Any thread. */
void *late_symbol(struct late *l, const char *name, _Atomic(void *) *slot);

/* The library's own function behind the name, with its type; NULL when it is missing. */
#define LATE(lib_, name_)                                                                                                              \
	__extension__({                                                                                                                \
		static _Atomic(void *) slot_;                                                                                          \
		(__typeof__(name_) *)late_symbol(&(lib_), #name_, &slot_);                                                            \
	})
