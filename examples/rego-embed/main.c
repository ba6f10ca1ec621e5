/* rego-embed - a program of its own that decides with a policy: compiles it once, evaluates it on several threads, and tells
 * why a request was refused. Build it with `make` after `make install` of the engine; see the README beside.
 *
 *   rego-embed policy.rego [INPUT-JSON]...
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <warrant/rego.h>

#define THREADS 4

static const char *const examples[] = {
	"{\"user\": \"alice\", \"method\": \"GET\", \"path\": [\"reports\", \"alice\"]}",
	"{\"user\": \"mallory\", \"method\": \"GET\", \"path\": [\"reports\", \"alice\"]}",
};

/* A function that the policy may call: the role of a user. A program would ask its own tables here. */
static void role_of(void *ctx, struct rego_host_call *call)
{
	size_t n = 0;
	const char *user = rego_host_arg_string(call, 0, &n);

	(void)ctx;
	if (user && n == 5 && memcmp(user, "alice", 5) == 0)
		rego_host_reply_json(call, "\"auditor\"", 9);
	else
		rego_host_reply_json(call, "null", 4);
}

static char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(1 << 20);

	*n = f && text ? fread(text, 1, 1 << 20, f) : 0;
	if (!f || !text || *n == 1 << 20) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static struct rego_program *compile(const char *path)
{
	static const struct rego_host_fn functions[] = {{"acme.role", 1, 0, role_of}};
	static const char *const denied[] = {"http.send", "opa.runtime", "rand.intn"};
	struct rego_compile_options options = {.size = sizeof(options), .host_fns = functions, .host_fn_count = 1,
					       .denied_builtins = denied, .denied_builtin_count = 3};
	struct rego_errors *errors = NULL;
	struct rego_module module = {path, NULL, 0};
	struct rego_program *program;
	char *text = read_file(path, &module.len);

	if (!text) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return NULL;
	}
	module.text = text;
	program = rego_compile(&module, 1, &options, &errors);
	for (size_t i = 0; i < rego_errors_count(errors); i++) {
		const struct rego_error *e = rego_errors_at(errors, i);

		fprintf(stderr, "%s:%u:%u: %s: %s\n", e->file, e->row, e->col, e->code, e->message);
	}
	rego_errors_free(errors);
	free(text);
	return program;
}

static void decide(const struct rego_query *query, const char *input)
{
	struct rego_eval_options options = {.size = sizeof(options), .input = input, .input_len = strlen(input), .explain = 1};
	struct timespec now;
	struct rego_result *result;

	clock_gettime(CLOCK_REALTIME, &now);
	options.now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	options.budget.steps = 100000;
	options.budget.memory_bytes = 4 << 20;
	result = rego_eval(query, &options);
	if (!result) {
		puts("no memory");
		return;
	}
	printf("%s %s\n", rego_result_allowed(result) ? "allowed" : "refused", input);
	if (rego_result_error(result))
		printf("  %s: %s\n", rego_result_error(result)->code, rego_result_error(result)->message);
	for (size_t i = 0; !rego_result_allowed(result) && i < rego_result_explanations(result); i++) {
		const struct rego_explanation *x = rego_result_explanation(result, i);

		printf("  line %u: %s", x->row, x->text);
		if (x->left && x->right)
			printf("   [%s | %s]", x->left, x->right);
		putchar('\n');
	}
	rego_result_free(result);
}

/* One program and one query serve all threads; nothing is locked. */
static void *worker(void *arg)
{
	const struct rego_query *query = arg;
	size_t allowed = 0;

	for (int i = 0; i < 1000; i++) {
		struct rego_eval_options options = {.size = sizeof(options), .input = examples[i % 2], .input_len = strlen(examples[i % 2])};
		struct rego_result *result = rego_eval(query, &options);

		allowed += result && rego_result_allowed(result);
		rego_result_free(result);
	}
	return (void *)allowed;
}

static int on_threads(struct rego_query *query)
{
	pthread_t threads[THREADS];
	size_t allowed = 0;
	int n = 0;

	while (n < THREADS && pthread_create(&threads[n], NULL, worker, query) == 0)
		n++;
	for (int i = 0; i < n; i++) {
		void *got = NULL;

		pthread_join(threads[i], &got);
		allowed += (size_t)got;
	}
	printf("%d threads: %zu of %d allowed\n", n, allowed, n * 1000);
	return allowed == (size_t)n * 500 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const char text[] = "data.example.allow";
	struct rego_program *program = argc > 1 ? compile(argv[1]) : NULL;
	struct rego_query *query = program ? rego_query_compile(program, text, sizeof(text) - 1, NULL) : NULL;
	int code = 2;

	if (argc < 2)
		fputs("usage: rego-embed policy.rego [INPUT-JSON]...\n", stderr);
	if (query && argc > 2) {
		for (int i = 2; i < argc; i++)
			decide(query, argv[i]);
		code = 0;
	} else if (query) {
		for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
			decide(query, examples[i]);
		code = on_threads(query);
	}
	rego_query_free(query);
	rego_program_free(program);
	return code;
}
