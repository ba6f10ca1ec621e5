/* hostile.h - policies that ask for more than anyone should get: for the test that names the budget each ends in, and for the
 * measurement that shows how soon.
 *
 * Each is package p and asks for data.p.x. Names say what is hostile; the rest is as small as it can be.
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hostile {
	const char *name, *text;
	const char *input;	/* NULL: undefined */
	const char *budget;	/* the one that it exhausts, or "compile": it is refused before it runs */
	const char *piece;	/* with times: stands so often behind the text */
	unsigned times;		/* without piece: functions f1, f2, ... each of which calls the one before */
};

/* The whole module, to be freed; NULL without memory. */
static inline char *hostile_text(const struct hostile *h)
{
	size_t room = strlen(h->text) + 16 + (size_t)h->times * (h->piece ? strlen(h->piece) : 48), n;
	char *s = malloc(room);

	if (!s)
		return NULL;
	n = (size_t)snprintf(s, room, "package p\n%s", h->text);
	for (unsigned i = 1; i <= h->times; i++)
		n += (size_t)(h->piece ? snprintf(s + n, room - n, "%s", h->piece) : snprintf(s + n, room - n, "\nf%u(a) := f%u([a, 1])", i, i - 1));
	return s;
}

#define R(n)	"numbers.range(1, " #n ")"
#define PIECES	"p1 := concat(\"\", [\"0123456789abcdef\" | some i in " R(1000) "])\n"	/* 16 KB */
#define BIG	PIECES "s := concat(\"\", [p1 | some i in " R(250) "])\nt := concat(\"\", [p1 | some i in " R(250) "])\n"	/* twice 4 MB */
#define AAAA	"s := concat(\"\", [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" | some i in " R(10000) "])\n"	/* 320 KB */
#define WIDE	"w1 := [1, 2, 3, 4, 5, 6, 7, 8]\nw2 := [w1, w1, w1, w1, w1, w1, w1, w1]\nw3 := [w2, w2, w2, w2, w2, w2, w2, w2]\n" \
		"w4 := [w3, w3, w3, w3, w3, w3, w3, w3]\nw5 := [w4, w4, w4, w4, w4, w4, w4, w4]\nw6 := [w5, w5, w5, w5, w5, w5, w5, w5]\n"	/* 8^6 */
#define HUGE	"h := 9e29990\n"

static const struct hostile hostile[] = {
	/* comprehensions and products */
	{"a cross product that never holds", "x if { some i in " R(3000) "; some j in " R(3000) "; i * j < 0 }", 0, "steps"},
	{"a comprehension to the fourth power", "n := " R(300) "\nx := count([1 | some a in n; some b in n; some c in n; some d in n; d < a - 1000])", 0, "steps"},
	{"an array of all triples", "n := " R(1000) "\nx := [[a, b, c] | some a in n; some b in n; some c in n]", 0, "memory"},
	{"a set of all pairs", "n := " R(3000) "\nx := {[a, b] | some a in n; some b in n}", 0, "memory"},
	{"an object of all pairs", "n := " R(3000) "\nx := {sprintf(\"%d-%d\", [a, b]): a | some a in n; some b in n}", 0, "memory"},
	{"sets squared again and again", "a := {1, 2, 3, 4, 5, 6}\nb := {[i, j] | some i in a; some j in a}\nc := {[i, j] | some i in b; some j in b}\n"
	 "d := {[i, j] | some i in c; some j in c}\nx := {[i, j] | some i in d; some j in d}", 0, "memory"},
	{"a partial set of all triples", "n := " R(1000) "\nx contains [a, b, c] if { some a in n; some b in n; some c in n }", 0, "memory"},
	{"every inside every", "n := " R(3000) "\nx if every a in n { every b in n { every c in n { a + b + c > 0 } } }", 0, "steps"},
	/* values that share parts */
	{"an array doubled by shared parts", WIDE "w7 := [w6, w6, w6, w6, w6, w6, w6, w6]\nw8 := [w7, w7, w7, w7, w7, w7, w7, w7]\nx := [w8, w8]", 0, "depth"},
	{"two wide values compared", WIDE "v := [w6, w6, w6, w6, w6, w6, w6, [1]]\nu := [w6, w6, w6, w6, w6, w6, w6, [2]]\n"
	 "x if { some i in " R(100000) "; u == v; i < 0 }", 0, "steps"},
	{"a wide value as text", "u := [\"0123456789abcdef0123456789abcdef\" | some i in " R(1000) "]\nx := [count(sprintf(\"%v\", [[u, u, u, u]])) | some i in " R(1000) "]", 0, "memory"},
	{"a wide value as JSON", WIDE "x := [count(json.marshal(w6)) | some i in " R(1000) "]", 0, "steps"},
	{"a wide value as an argument", WIDE "f(a, i) := i\nx := [f(w6, i) | some i in " R(100000) "]", 0, "steps"},
	{"a wide value as a key", "a := [1 | some i in " R(20000) "]\nb := [1 | some i in " R(20000) "]\no := {a: 1}\n"
	 "x if { some i in " R(100000) "; o[b] + i < 0 }", 0, "steps"},
	{"a wide value walked", WIDE "x := count([p | walk([w6, w6, w6, w6], [p, _])])", 0, "memory"},
	{"a wide value flattened", WIDE "x := [v | some i in " R(1000) "; v := array.flatten(w6)]", 0, "steps"},
	{"a result too long to tell", WIDE "v := [\"0123456789012345678901234567890123456789\" | some i in " R(100) "]\n"
	 "x := [[v, v, v, v, v, v, v, v, v, v] | some i in " R(1000) "]", 0, "result"},
	/* strings */
	{"a string replaced by itself", PIECES "a := replace(p1, \"0\", p1)\nb := replace(a, \"1\", a)\nx := replace(b, \"2\", b)", 0, "memory"},
	{"strings joined without end", BIG "x := [concat(\"\", [s, t]) | some i in " R(1000) "]", 0, "memory"},
	{"a format that pads", "x := [sprintf(\"%1000000d\", [i]) | some i in " R(1000) "]", 0, "memory"},
	{"a template that doubles", PIECES "a := $\"{p1}{p1}{p1}{p1}{p1}{p1}{p1}{p1}\"\nb := $\"{a}{a}{a}{a}{a}{a}{a}{a}\"\n"
	 "c := $\"{b}{b}{b}{b}{b}{b}{b}{b}\"\nx := $\"{c}{c}{c}{c}{c}{c}{c}{c}\"", 0, "memory"},
	{"long strings compared", BIG "x if { some i in " R(100000) "; s == t; i < 0 }", 0, "steps"},
	{"long strings put in order", BIG "x if { some i in " R(100000) "; s <= t; i < 0 }", 0, "steps"},
	{"a long string looked for in an array", BIG "l := [t | some i in " R(100) "]\nx if { some i in " R(100000) "; not s in l }", 0, "steps"},
	{"a long string searched", AAAA "x := [i | some i in " R(100000) "; contains(s, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaab\")]", 0, "steps"},
	{"all places of a string", AAAA "x := [count(indexof_n(s, \"a\")) | some i in " R(1000) "]", 0, "memory"},
	{"a string split at each letter", AAAA "x := [count(split(s, \"\")) | some i in " R(1000) "]", 0, "memory"},
	{"strings replaced by many", AAAA "x := [strings.replace_n({\"a\": \"bb\", \"b\": \"aa\"}, s) | some i in " R(1000) "]", 0, "steps"},
	{"a long string hashed", BIG "x := [crypto.sha256(s) | some i in " R(1000) "]", 0, "steps"},
	{"a long string encoded", BIG "x := [base64.encode(s) | some i in " R(1000) "]", 0, "memory"},
	{"a long string in capitals", BIG "x := [upper(s) | some i in " R(1000) "]", 0, "steps"},
	{"a long string reversed", BIG "x := [count(strings.reverse(s)) | some i in " R(1000) "]", 0, "steps"},
	{"a long string escaped", BIG "x := [count(urlquery.encode(s)) | some i in " R(1000) "]", 0, "memory"},
	{"long strings as arguments", BIG "f(a) := 1\nx if { f(s) == 1; some i in " R(100000) "; f(t) + i < 0 }", 0, "steps"},
	{"long strings as keys", BIG "o := {s: 1}\nx if { some i in " R(100000) "; o[t] + i < 0 }", 0, "steps"},
	{"long strings as solutions", BIG "y := v if { some i in " R(100000) "; v := [s, t][i % 2] }\nx := count(y)", 0, "steps"},
	{"long strings as keys of a rule", BIG "y[k] := 1 if { some i in " R(100000) "; k := [s, t][i % 2] }\nx := count(y)", 0, "steps"},
	{"prefixes of many strings", PIECES "l := [p1 | some i in " R(2000) "]\nx := [strings.any_prefix_match(l, [\"1\"]) | some i in " R(1000) "]", 0, "steps"},
	/* numbers */
	{"a range without end", "x := numbers.range(1, 100000000000)", 0, "memory"},
	{"a range by steps", "x := numbers.range_step(1, 100000000000, 2)", 0, "memory"},
	{"a product of huge integers", HUGE "a := h * h\nx := a * a", 0, "memory"},
	{"huge integers multiplied again and again", "a := 123456789e29000 + 1\nx := [b | some i in " R(100000) "; b := a * (a + i)]", 0, "steps"},
	{"huge integers divided", HUGE "x if { some i in " R(100000) "; (h + 1) % (1e15000 + i) == -1 }", 0, "steps"},
	{"huge integers compared", HUGE "a := h + 1\nb := h + 2\nx if { some i in " R(100000) "; a == b; i < 0 }", 0, "steps"},
	{"huge integers summed", HUGE "a := [(h + i) | some i in " R(300) "]\nx := [sum(a) | some i in " R(1000) "]", 0, "steps"},
	{"a power of two", "x := bits.lsh(1, 100000000000)", 0, "memory"},
	{"bits of huge integers", HUGE "a := h + 1\nx if { some i in " R(100000) "; bits.and(a, bits.or(a, i)) == -1 }", 0, "steps"},
	{"a huge integer in other digits", HUGE "x := [format_int(h, 2) | some i in " R(1000) "]", 0, "steps"},
	{"a number read from a long text", "s := concat(\"\", [\"9999999999\" | some i in " R(9999) "])\nx := [to_number(s) | some i in " R(1000) "]", 0, "steps"},
	{"an amount beyond all units", "x := [units.parse_bytes(\"9e99990Ei\") | some i in " R(100000) "]", 0, "memory"},
	/* collections */
	{"an array appended to itself", "a := " R(1000) "\nb := array.concat(a, array.concat(a, a))\nc := array.concat(b, array.concat(b, b))\n"
	 "x := [array.concat(c, [i]) | some i in " R(1000) "]", 0, "memory"},
	{"unions of growing sets", "a := {i | some i in " R(5000) "}\nx := [(a | {i}) | some i in " R(1000) "]", 0, "memory"},
	{"unions of objects", "a := {sprintf(\"%d\", [i]): i | some i in " R(5000) "}\nx := [object.union(a, {\"k\": i}) | some i in " R(1000) "]", 0, "memory"},
	{"an array sorted again and again", "a := [s | some i in " R(20000) "; s := sprintf(\"%d\", [(i * 7919) % 20011])]\nx := [count(sort(a)) | some i in " R(1000) "]", 0, "steps"},
	{"paths through a full graph", "g := {sprintf(\"%d\", [i]): [sprintf(\"%d\", [j]) | some j in " R(15) "] | some i in " R(15) "}\n"
	 "x := graph.reachable_paths(g, [\"1\"])", 0, "memory"},
	{"patches of a large document", "d := {sprintf(\"%d\", [i]): i | some i in " R(5000) "}\nx := json.patch(d, [{\"op\": \"add\", \"path\": sprintf(\"/n%d\", [i]), \"value\": 1} | some i in " R(5000) "])", 0, "memory"},
	{"many paths removed", "d := {sprintf(\"%d\", [i]): {\"a\": i} | some i in " R(5000) "}\n"
	 "x := [json.remove(d, [sprintf(\"%d/a\", [i])]) | some i in " R(5000) "]", 0, "memory"},
	{"every address of a network", "x := net.cidr_expand(\"10.0.0.0/8\")", 0, "memory"},
	/* patterns */
	{"a thousand expressions", "x := [m | some i in " R(100000) "; m := regex.match(sprintf(\"(a|b%d){1,300}$\", [i]), \"ab\")]", 0, "steps"},
	{"an expression that counts", AAAA "x := [m | some i in " R(1000) "; m := regex.match(`(a?){0,400}(a|aa){0,400}b`, s)]", 0, "steps"},
	{"expressions one in the other", AAAA "x := [m | some i in " R(1000) "; m := regex.match(`((a+)+)+$b`, s)]", 0, "steps"},
	{"all matches in a long text", AAAA "x := [count(regex.find_all_string_submatch_n(`(a)(a)?(a)?`, s, -1)) | some i in " R(1000) "]", 0, "steps"},
	{"matches replaced by many", AAAA "x := regex.replace(regex.replace(s, `a`, \"$0$0$0$0$0$0$0$0\"), `a`, \"$0$0$0$0$0$0$0$0$0$0\")", 0, "steps"},
	{"globs full of stars", AAAA "x := [m | some i in " R(1000) "; m := glob.match(\"*a*a*a*a*a*a*a*a*a*a*a*a*b\", [], s)]", 0, "steps"},
	{"globs of many alternatives", AAAA "g := concat(\"\", [\"{\", concat(\",\", [\"*a*b\" | some i in " R(5000) "]), \"}\"])\nx := glob.match(g, [], s)", 0, "steps"},
	{"expressions that share a string", "a := concat(\"\", [\"[a-z]*\" | some i in " R(1000) "])\nx := [regex.globs_match(a, a) | some i in " R(1000) "]", 0, "steps"},
	/* JSON */
	{"a JSON text that unfolds", "s := concat(\"\", [\"[\", concat(\",\", [\"{}\" | some i in " R(50000) "]), \"]\"])\n"
	 "x := [json.unmarshal(s) | some i in " R(1000) "]", 0, "memory"},
	{"a JSON text with a number of many digits", "s := concat(\"\", [\"1\" | some i in " R(99999) "])\nx := [json.unmarshal(s) | some i in " R(1000) "]", 0, "memory"},
	{"YAML with aliases of aliases", "s := `{a: &a [1,1,1,1,1,1,1,1,1], b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b], "
	 "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c], e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d], f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e], "
	 "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f], h: [*g,*g,*g,*g,*g,*g,*g,*g,*g]}`\nx := [yaml.unmarshal(s) | some i in " R(1000) "]", 0, "depth"},
	/* calls */
	{"functions that call the next one", "f0(a) := a\nx := f400(1)", 0, "depth", 0, 400},
	{"calls one in the other", "f0(a) := a\nf1(a) := f0([a])\nf2(a) := f1([a])\nx if { walk(input, [p, v]); some i in " R(100000) "; f2([i, v]) == p }",
	 "[[1],[2],[3],[4],[5],[6],[7],[8],[9],[10]]", "steps"},
	/* texts */
	{"brackets in brackets", "x := ", 0, "compile", "[", 100000},
	{"braces in braces", "x := ", 0, "compile", "{", 100000},
	{"calls in calls", "x := ", 0, "compile", "count(", 100000},
	{"comprehensions in comprehensions", "x := ", 0, "compile", "[y|y:=", 100000},
	{"minus after minus", "x := ", 0, "compile", "-(", 100000},
	{"negations of bodies", "import future.keywords.not\nx if ", 0, "compile", "not {", 100000},
	{"templates in templates", "x := ", 0, "compile", "$\"{", 100000},
	{"a long sum", "x := 1", 0, "compile", " + 1", 100000},
	{"a long path", "x := input", 0, "compile", ".a", 100000},
	{"too many rules", "x := 1\n", 0, "compile", "y if input\n", 30000},
	{"a number too long", "x := ", 0, "compile", "9999999999", 20000},
};

#undef R
#undef PIECES
#undef BIG
#undef AAAA
#undef WIDE
#undef HUGE
