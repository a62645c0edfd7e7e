// SPDX-License-Identifier: Apache-2.0
// A client that is not ours (npm's @connectrpc/connect-node) against the echo service of libs/rpc/testing.
//   node client.mjs HOST:PORT CREDENTIALS-DIR DESCRIPTOR-SET
// prints {"name of a check": "ok" or what went wrong}.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";

const [address, credentials, descriptors] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const service = registry.getService("sealift.rpc.testing.EchoService");
const detail = registry.getMessage("sealift.v1.ErrorDetail");
const file = (name) => readFileSync(`${credentials}/${name}`);

function client(options) {
  return createClient(service, createConnectTransport({
    baseUrl: `https://${address}`,
    httpVersion: "1.1",
    nodeOptions: { ca: file("ca.pem"), cert: file("certificate.pem"), key: file("key.pem") },
    ...options,
  }));
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return ConnectError.from(error);
  }
  assert.fail("it succeeded");
}

async function numbers(stream) {
  const all = [];
  for await (const message of stream) all.push(message.number);
  return all;
}

const encodings = { proto: {}, json: { useBinaryFormat: false }, get: { useHttpGet: true },
                    "get json": { useHttpGet: true, useBinaryFormat: false } };
const checks = {};
for (const [name, options] of Object.entries(encodings)) {
  checks[`call ${name}`] = async () => {
    const answer = await client(options).echo({ text: "grüße, 世界", data: new Uint8Array([0, 255, 10]) });
    assert.equal(answer.text, "grüße, 世界");
    assert.deepEqual(answer.data, new Uint8Array([0, 255, 10]));
    assert.equal(answer.caller, "spiffe://example.test/tenant/node");
  };
  checks[`error ${name}`] = async () => {
    const error = await failure(client(options).echo({ failWith: "kernel_differs" }));
    assert.equal(error.code, Code.FailedPrecondition);
    assert.equal(error.rawMessage, "as asked for");
    const [ours] = error.findDetails(detail);
    assert.equal(ours.code, "kernel_differs");
    assert.equal(ours.field, "fail_with");
    assert.match(ours.remedy, /kernel/);
  };
}
for (const name of ["proto", "json"]) {
  const options = encodings[name];
  checks[`stream ${name}`] = async () => {
    assert.deepEqual(await numbers(client(options).count({ upto: 1000 })), [...Array(1000).keys()].map((i) => i + 1));
  };
  checks[`stream error ${name}`] = async () => {
    const error = await failure(numbers(client(options).count({ failWith: "not_found" })));
    assert.equal(error.code, Code.NotFound);
    assert.equal(error.findDetails(detail)[0].code, "not_found");
  };
  checks[`timeout ${name}`] = async () => {
    const error = await failure(client(options).echo({ waitMs: 600000 }, { timeoutMs: 100 }));
    assert.equal(error.code, Code.DeadlineExceeded);
  };
  checks[`abort ${name}`] = async () => {
    const controller = new AbortController();
    const stream = client(options).count({}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    assert.equal((await failure(numbers(stream))).code, Code.Canceled);
  };
}
checks["many calls at once"] = async () => {
  const one = client({});
  const answers = await Promise.all([...Array(12).keys()].map((i) => one.echo({ text: `${i}` })));
  assert.deepEqual(answers.map((answer) => answer.text), [...Array(12).keys()].map((i) => `${i}`));
};
checks["too large"] = async () => {
  const error = await failure(client({}).add({ data: new Uint8Array(2 * 1024 * 1024) }));
  assert.equal(error.findDetails(detail)[0]?.code, "too_large");
};

const results = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    results[name] = "ok";
  } catch (error) {
    results[name] = `${error}`;
  }
}
console.log(JSON.stringify(results));
process.exit(0);
