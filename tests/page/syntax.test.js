import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PAGE = fileURLToPath(new URL("../../page/", import.meta.url));

for (const name of readdirSync(PAGE).filter((name) => name.endsWith(".js")))
  test(`${name} can be parsed as a module`, () => {
    const done = spawnSync(process.execPath, ["--check", PAGE + name]);
    assert.equal(done.status, 0, String(done.stderr));
  });
