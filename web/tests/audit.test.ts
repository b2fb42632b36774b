import assert from "node:assert/strict";
import { test } from "node:test";
import { verdict } from "../audit_verdict.mjs";

const metadata = { vulnerabilities: { total: 1 }, dependencies: { total: 9 } };

test("what is grave fails, what is slight is counted", () => {
  const of = (severity: string) => verdict(JSON.stringify({ metadata, vulnerabilities: { x: { name: "x", severity, range: "<2" } } }));
  assert.deepEqual([of("critical").status, of("high").words, of("moderate").status], [1, "x <2: high", 0]);
});

test("nothing known passes", () => {
  const said = { metadata: { vulnerabilities: { total: 0 }, dependencies: { total: 9 } }, vulnerabilities: {} };
  assert.equal(verdict(JSON.stringify(said)).status, 0);
});

test("an answer that is none is neither", () => {
  for (const said of ["", "<html>", "null", "{}", '{"statusCode":405,"error":{"summary":""}}', '{"error":{"code":"ENOTFOUND"}}']) {
    assert.equal(verdict(said).status, 75);
  }
  assert.match(verdict('{"statusCode":405}').words, /405$/);
  assert.equal(verdict('{"error":{"code":"ENOLOCK"}}').status, 1);
});
