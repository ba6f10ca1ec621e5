/* test_policies.h - small policies that between them use the whole language, each with its input, data and result: for the
 * tests that hold two evaluators together and those that make allocations fail. */
#pragma once

struct test_policy {
	const char *text;
	const char *query;	/* NULL: data.p.x */
	const char *input;	/* NULL: undefined */
	const char *data;	/* NULL: {} */
	const char *want;	/* JSON; NULL: undefined; "!code": an error */
};

static const struct test_policy test_policies[] = {
	/* scalars, composites, references */
	{"package p\nx := 1 + 2 * 3", .want = "7"},
	{"package p\nx := [1, {\"a\": {2, 3}}, null, true, \"s\"]", .want = "[1,{\"a\":[2,3]},null,true,\"s\"]"},
	{"package p\nx := input.a[1].b", .input = "{\"a\":[0,{\"b\":[7]}]}", .want = "[7]"},
	{"package p\nx := input.a.b.c", .input = "{\"a\":{}}"},
	{"package p\nx := [input[\"k\"], input.l][1]", .input = "{\"k\":1,\"l\":2}", .want = "2"},
	{"package p\nx := {\"a\": 1, \"b\": 2}[_]", .want = "!eval_conflict_error"},
	{"package p\nx := {v | v := input[_][_]}", .input = "[[1,2],[2,3]]", .want = "[1,2,3]"},
	{"package p\nx := [i | input[i] == \"b\"]", .input = "[\"a\",\"b\",\"b\"]", .want = "[1,2]"},
	{"package p\nx := [v | v := input.m[input.k[_]]]", .input = "{\"m\":{\"a\":1,\"b\":2},\"k\":[\"b\",\"a\",\"z\"]}", .want = "[2,1]"},
	{"package p\nx := {\"a\": input.v, \"a\": 2}", .input = "{\"v\":1}", .want = "{\"a\":2}"},
	{"package p\nx := {input.k: 1, input.l: 2}", .input = "{\"k\":\"a\",\"l\":\"a\"}", .want = "!eval_conflict_error"},
	{"package p\nx if { y := {1, 2}; y[2]; not y[3] }", .want = "true"},
	/* unification */
	{"package p\nx := [a, b, c] if { [a, {\"k\": b}, [c]] = input }", .input = "[1,{\"k\":2},[3]]", .want = "[1,2,3]"},
	{"package p\nx := a if { [a, a] = input }", .input = "[1,2]"},
	{"package p\nx := [a, b] if { [a, 2] = [1, b] }", .want = "[1,2]"},
	{"package p\nx := [a, b] if { [[a], a] = [[b], 1] }", .want = "[1,1]"},
	{"package p\nx := [a, b] if { {\"u\": a, \"v\": 2} = {\"u\": 1, \"v\": b} }", .want = "[1,2]"},
	{"package p\nx := [y | y = {input[i], i}]", .input = "[5,6]", .want = "[[0,5],[1,6]]"},
	{"package p\nx := [i | {i, 9} == {input[i], i, 9}]", .input = "[5,1]", .want = "[1]"},
	{"package p\nx := [i | i == input[i]]", .input = "[0,2,2]", .want = "[0,2]"},
	{"package p\nx := a if { {\"u\": a} = input }", .input = "{\"u\":1,\"v\":2}"},
	{"package p\nx := y if { y = z + 1; z = input.n }", .input = "{\"n\":41}", .want = "42"},
	/* comprehensions */
	{"package p\nx := [[a, b] | a := input[_]; b := input[_]; a < b]", .input = "[1,2,3]", .want = "[[1,2],[1,3],[2,3]]"},
	{"package p\nx := {k: v | some k, v in input; v > 1}", .input = "{\"a\":1,\"b\":2}", .want = "{\"b\":2}"},
	{"package p\nx := {\"k\": v | v := input[_]}", .input = "[1,2]", .want = "!eval_conflict_error"},
	{"package p\nx := [y | y := [z | z := input[_]; z != 2][_]]", .input = "[1,2,3]", .want = "[1,3]"},
	{"package p\nx := count({y | some y in input})", .input = "[1,1,2]", .want = "2"},
	/* some, every, in, not */
	{"package p\nx if { some a, b in input; a == b }", .input = "{\"u\":\"v\",\"w\":\"w\"}", .want = "true"},
	{"package p\nx := [i | some i; input[i] > 1]", .input = "[1,2,3]", .want = "[1,2]"},
	{"package p\nx if every k, v in input { k != v }", .input = "{\"u\":\"v\"}", .want = "true"},
	{"package p\nx if every v in input.a { some w in input.b; v == w }", .input = "{\"a\":[1,2],\"b\":[2,1]}", .want = "true"},
	{"package p\nx if every v in input { v > 1 }", .input = "7"},
	{"package p\nx if { 2 in input; not 3 in input; \"k\", 1 in {\"k\": 1} }", .input = "[1,2]", .want = "true"},
	{"package p\nx if { not input.a; not input.b.c; not f(1) }\nf(y) := false if y == 1", .input = "{\"a\":false}", .want = "true"},
	{"package p\nimport future.keywords.not\nx if { not { some v in input; v > 2 } }", .input = "[1,2]", .want = "true"},
	/* rules */
	{"package p\ndefault x := 7\nx := 1 if input.a", .input = "{}", .want = "7"},
	{"package p\nx := 1 if input.a == 1 else := 2 if input.a == 2 else := input.a", .input = "{\"a\":3}", .want = "3"},
	{"package p\nx := 1 if input.a\nx := 2 if input.b", .input = "{\"a\":1,\"b\":1}", .want = "!eval_conflict_error"},
	{"package p\nx := input.a\nx := input.b", .input = "{\"a\":[1],\"b\":[1]}", .want = "[1]"},
	{"package p\ns contains v if some v in input\ns contains 9\nx := s", .input = "[1,2]", .want = "[1,2,9]"},
	{"package p\no[k] := v if some k, v in input\nx := o", .input = "{\"a\":1}", .want = "{\"a\":1}"},
	{"package p\no[k] := v if { some v in input; k := \"a\" }\nx := o", .input = "[1,2]", .want = "!eval_conflict_error"},
	{"package p\na.b[k].c := v if some k, v in input\na.d := 1\nx := a", .input = "{\"u\":2}", .want = "{\"b\":{\"u\":{\"c\":2}},\"d\":1}"},
	{"package p\na[k] contains v if some k, vs in input; some v in vs\nx := a", .query = "data.p", .input = "{\"u\":[1]}", .want = "!compile"},
	{"package p\na[k] contains v if { some k, vs in input; some v in vs }\nx := a.u", .input = "{\"u\":[2,1]}", .want = "[1,2]"},
	{"package p\ns contains 1 if false\nx := [s, count(s)]", .want = "[[],0]"},
	{"package p\na := b + 1\nb := c + 1\nc := 1\nx := a + b + c", .want = "6"},
	/* functions */
	{"package p\nf(a, b) := a + b\nx := f(1, f(2, 3))", .want = "6"},
	{"package p\nf([a, _]) := a\nf({\"k\": a}) := a\nx := [f([1, 2]), f({\"k\": 3})]", .want = "[1,3]"},
	{"package p\nf(1) := \"one\"\nf(a) := \"many\" if a > 1\ndefault f(_) := \"none\"\nx := [f(1), f(2), f(0)]", .want = "[\"one\",\"many\",\"none\"]"},
	{"package p\nf(a) := a if a > 1 else := 0 - a\nx := [f(y) | some y in [1, 2]]", .want = "[-1,2]"},
	{"package p\nf(a) := input[a]\nx := f(_)", .input = "[1]", .want = "!compile"},
	{"package p\nf(a) := b if b := input[_]\nx := f(1)", .input = "[1,2]", .want = "!eval_conflict_error"},
	/* the data tree */
	{"package p\nx := data.d.a[1]", .data = "{\"d\":{\"a\":[1,2]}}", .want = "2"},
	{"package p\nx := data.d[1]", .data = "{\"d\":{\"1\":\"one\"}}", .want = "\"one\""},
	{"package p\nx := [data.d[1], data.d[i], data.d.k[i]] if { i := 1 }", .data = "{\"d\":{\"1\":\"one\",\"k\":{\"1\":2}}}", .want = "[\"one\",\"one\",2]"},
	{"package p\nx := [v | v := data.d[_][1]]", .data = "{\"d\":{\"k\":{\"1\":2}}}", .want = "[2]"},
	{"package p\nx := y[1] if { y := data.d }", .data = "{\"d\":{\"1\":2}}"},
	{"package p\nx := y if { y := data.d[1] with data.d as {\"1\": 2} }", .data = "{\"d\":{\"1\":2}}"},
	{"package p.q\nb.c[k] := 1 if some k in input", .query = "data.p.q[_][1]", .input = "[\"1\"]"},
	{"package p.q\ny := 1\nz := 2 if false\nf(a) := a", .query = "data.p", .data = "{\"p\":{\"q\":{\"w\":3},\"r\":4}}", .want = "{\"q\":{\"w\":3,\"y\":1},\"r\":4}"},
	{"package p.q\ny := 1", .query = "[k | data.p[k]]", .data = "{\"p\":{\"r\":4}}", .want = "[\"q\",\"r\"]"},
	{"package p.q\ny := 1", .query = "[v | v := data.p[_].y]", .data = "{\"p\":{\"r\":{\"y\":4}}}", .want = "[1,4]"},
	{"package p\nx := data.q.r\n", .data = "{}"},
	/* with */
	{"package p\ny := input.a + 1\nx := [y, z] if { z := y with input.a as 5 }", .input = "{\"a\":1}", .want = "[2,6]"},
	{"package p\ny := data.d.k\nx := [z, y] if { z := y with data.d.k as 2 with input as 1 }", .data = "{\"d\":{\"k\":1}}", .want = "[2,1]"},
	{"package p\ny := 1\nx := z if { z := data.p.y with data.p.y as 2 }", .want = "2"},
	{"package p\nf(a) := a\nx := [f(1), z, w] if { z := f(1) with f as 7; w := f(2) with f as g }\ng(a) := a * 10", .want = "[1,7,20]"},
	{"package p\nx := y if { y := count([1]) with count as 9 }", .want = "9"},
	{"package p\nx := [y, z] if { y := 1 with lt as f; 3 < 2 with lt as f; z := 3 == 4 with equal as 7 }\nf(a, b) := a > b", .want = "[1,7]"},
	{"package p\nx if { 1 = 1 with eq as false }", .want = "!compile"},
	{"package p\nx if { not input.a with input as {}; input.a }", .input = "{\"a\":1}", .want = "true"},
	{"package p\ny contains v if some v in input\nx := [z | some i in [[1], [2, 3]]; some z in y with input as i]", .input = "[]", .want = "[1,2,3]"},
	{"package p\nx := z if { z := data.d with data.d.a.b as 1 with data.d.a.c as 2 }", .data = "{\"d\":{\"a\":{\"b\":0}}}", .want = "{\"a\":{\"b\":1,\"c\":2}}"},
	/* template strings, builtins of many tables, relations */
	{"package p\nx := $\"{input.a} and {input.b} {1 + 1}\"", .input = "{\"a\":\"s\"}", .want = "\"s and <undefined> 2\""},
	{"package p\nx := {path | walk(input, [path, 1])}", .input = "{\"a\":[1,{\"b\":1}]}", .want = "[[\"a\",0],[\"a\",1,\"b\"]]"},
	{"package p\nx := concat(\",\", [upper(\"a\"), sprintf(\"%d-%s\", [1, \"b\"]), replace(\"abc\", \"b\", \"x\")])", .want = "\"A,1-b,axc\""},
	{"package p\nx := [regex.match(\"^a+$\", \"aaa\"), regex.split(\",\", \"a,b\"), glob.match(\"*.io\", [\".\"], \"a.io\")]", .want = "[true,[\"a\",\"b\"],true]"},
	{"package p\nx := json.unmarshal(json.marshal({\"a\": [1, {2}]}))", .want = "{\"a\":[1,[2]]}"},
	{"package p\nx := [sum([1, 2.5]), max({1, 3}), sort([3, 1]), array.concat([1], [2]), object.get({\"a\": 1}, \"b\", 0)]",
	 .want = "[3.5,3,[1,3],[1,2],0]"},
	{"package p\nx := [crypto.sha256(\"a\"), base64.decode(\"YQ==\"), time.format(0)]",
	 .want = "[\"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\",\"a\",\"1970-01-01T00:00:00Z\"]"},
	{"package p\nx := 1 / input", .input = "0"},
	{"package p\nx := (1e30 * 1e30) % input", .input = "7", .want = "1"},
	{"package p\nx := 5 % 0.5"},
	{"package p\nx := {1, 2} & {2, 3} | {5} - {6}", .want = "[2,5]"},
	{"package p\nx := reference(\"digests\")", .want = "[\"aaaa1111\",\"bbbb2222\"]"},
	{"package p\nx if { some d in input; d in reference(\"digests\") }", .input = "[\"no\",\"bbbb2222\"]", .want = "true"},
	/* rows of queries */
	{"package p\ny := 1", .query = "a := data.p.y; b := input[_]; b > a", .input = "[1,2,3]", .want = "true"},
	{"package p\ny := false", .query = "data.p.y", .want = "false"},
	/* what services ask for */
	{"package policy\nimport rego.v1\ndefault executables := 33\nexecutables := 3 if {\n\tinput.snp.measurement in reference(\"digests\")\n"
	 "}\ndefault hardware := 97\nhardware := 2 if { input.snp.tcb.boot >= 3; input.snp.debug == false }\n"
	 "result := {\"executables\": executables, \"hardware\": hardware}", .query = "data.policy.result",
	 .input = "{\"snp\":{\"measurement\":\"aaaa1111\",\"tcb\":{\"boot\":3},\"debug\":false}}", .want = "{\"executables\":3,\"hardware\":2}"},
};
