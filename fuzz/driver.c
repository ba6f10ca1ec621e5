/* driver.c - runs a corpus through a fuzz target without a fuzzer: a corpus is a regression test.
 *
 * Argument: a file of the corpus folder (".keep"); every file beside it is one TAP test, and the empty input is one.
 * Each input runs whole, and cut at 64 places, so that truncation is always exercised.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf;
	size_t n = 0, cap = 1 << 24;

	if (!f)
		return -1;
	buf = malloc(cap);
	if (buf)
		n = fread(buf, 1, cap, f);
	fclose(f);
	if (!buf)
		return -1;
	for (size_t i = 0; i <= 64; i++) {
		size_t cut = n * i / 64;
		uint8_t *exact = malloc(cut ? cut : 1);	/* exact size, so that a sanitizer sees the first byte beyond */

		if (!exact)
			break;
		memcpy(exact, buf, cut);
		LLVMFuzzerTestOneInput(exact, cut);
		free(exact);
	}
	free(buf);
	return 0;
}

int main(int argc, char **argv)
{
	char dir[4096], path[8192];
	unsigned done = 1;
	struct dirent *e;
	char *slash;
	DIR *d;

	if (argc < 2 || strlen(argv[1]) >= sizeof(dir))
		return 2;
	memcpy(dir, argv[1], strlen(argv[1]) + 1);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = 0;
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("ok 1 - empty input\n");
	d = opendir(dir);
	if (!d)
		return 2;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		printf("%s %u - %s\n", run_file(path) == 0 ? "ok" : "not ok", ++done, e->d_name);
	}
	closedir(d);
	printf("1..%u\n", done);
	return 0;
}
