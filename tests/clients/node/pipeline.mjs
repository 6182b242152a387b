// Drives the service with IBM's own client for Node.js: what it sends and accepts decides.
//
// Environment: SERVICE (base URL), IAM (base URL of the token exchange), PIPELINE (id), API_KEY (an editor's),
// CLIENTS (the folder with node_modules).

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';

const require = createRequire(`${process.env.CLIENTS}/`);
const Client = require('@ibm-cloud/continuous-delivery/cd-tekton-pipeline/v2');
const { BearerTokenAuthenticator, IamAuthenticator } = require('ibm-cloud-sdk-core');

const pipelineId = process.env.PIPELINE;
const serviceUrl = process.env.SERVICE;

// These manage pipelines and their definitions, which no async stage needs: the service has one pipeline, and it is there.
const LEFT_OUT = [
  'createTektonPipeline', 'updateTektonPipeline', 'deleteTektonPipeline', 'listTektonPipelineDefinitions', 'createTektonPipelineDefinition',
  'getTektonPipelineDefinition', 'replaceTektonPipelineDefinition', 'deleteTektonPipelineDefinition',
];

const called = new Set();

// The client, and a note of which operations were called.
const recording = (client) =>
  new Proxy(client, {
    get(target, name) {
      if (String(name).includes('TektonPipeline')) called.add(name);
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

const connect = (apikey = process.env.API_KEY) =>
  recording(new Client({ serviceUrl, authenticator: new IamAuthenticator({ apikey, url: process.env.IAM }) }));

const api = connect();
const secret = { type: 'token_matches', value: '0123456789abcdef', source: 'header', key_name: 'x-async-stage-token' };

async function answered(status, promise) {
  const response = await promise;
  assert.equal(response.status, status);
  return response.result;
}

async function refused(status, words, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status, status);
    assert.match(error.message, words);
    return true;
  });
}

const makeTrigger = (name, more = {}) =>
  answered(201, api.createTektonPipelineTrigger({ pipelineId, type: 'generic', name, eventListener: 'async-stage-listener', secret, ...more }));

test('the pipeline is read', async () => {
  const found = await answered(200, api.getTektonPipeline({ id: pipelineId }));
  assert.equal(found.id, pipelineId);
  await refused(404, /there is no pipeline/, api.getTektonPipeline({ id: '00000000-0000-0000-0000-000000000000' }));
});

test('a trigger is created, read, changed, copied and deleted', async () => {
  const made = await makeTrigger('node: life', { worker: { id: 'public' }, tags: ['a'] });
  const key = { pipelineId, triggerId: made.id };
  assert.match(made.secret.value, /^hash:SHA3-512:[0-9a-f]{128}$/);
  assert.deepEqual(await answered(200, api.getTektonPipelineTrigger(key)), made);
  const changed = await answered(200, api.updateTektonPipelineTrigger({ ...key, enabled: false }));
  assert.deepEqual(changed, { ...made, enabled: false });
  const copy = await answered(201, api.duplicateTektonPipelineTrigger({ pipelineId, sourceTriggerId: made.id, name: 'node: copy' }));
  assert.notEqual(copy.id, made.id);
  for (const triggerId of [made.id, copy.id]) {
    await answered(204, api.deleteTektonPipelineTrigger({ pipelineId, triggerId }));
    await refused(404, /there is no trigger/, api.getTektonPipelineTrigger({ pipelineId, triggerId }));
  }
});

test('triggers are found by names with blanks, as this client encodes them', async () => {
  const made = await makeTrigger('node a and b', { tags: ['node red'] });
  for (const query of [{ name: 'node a and b' }, { tags: 'node red' }, { name: 'node a and b', disabled: 'false', workerId: 'inherit' }]) {
    const found = await answered(200, api.listTektonPipelineTriggers({ pipelineId, ...query }));
    assert.deepEqual(found.triggers.map((one) => one.id), [made.id], JSON.stringify(query));
  }
});

test('both encodings of a blank mean the same', async () => {
  const made = await makeTrigger('node x y');
  const token = await api.getAuthenticator().tokenManager.getToken();
  for (const blank of ['+', '%20']) {
    const response = await fetch(`${serviceUrl}/tekton_pipelines/${pipelineId}/triggers?name=node${blank}x${blank}y`, { headers: { Authorization: `Bearer ${token}` } });
    assert.deepEqual((await response.json()).triggers.map((one) => one.id), [made.id], blank);
  }
});

test('what the client does not check is refused', async () => {
  const create = (more) => api.createTektonPipelineTrigger({ pipelineId, type: 'generic', name: 'n', eventListener: 'l', ...more });
  await refused(400, /`type` must be one of/, create({ type: 'webhook' }));
  await refused(400, /`name` must be 1 to 253/, create({ name: 'a;b' }));
});

test('a property is created, read, listed, replaced and deleted', async () => {
  const key = { pipelineId, propertyName: 'node' };
  const made = await answered(201, api.createTektonPipelineProperties({ pipelineId, name: 'node', type: 'secure', value: 'a' }));
  await refused(409, /already/, api.createTektonPipelineProperties({ pipelineId, name: 'node', type: 'secure', value: 'a' }));
  assert.deepEqual(await answered(200, api.getTektonPipelineProperty(key)), made);
  const listed = await answered(200, api.listTektonPipelineProperties({ pipelineId, name: 'node', type: ['secure', 'text'], sort: 'name' }));
  assert.deepEqual(listed.properties, [made]);
  const other = await answered(200, api.replaceTektonPipelineProperty({ ...key, name: 'node', type: 'secure', value: 'b' }));
  assert.notEqual(other.value, made.value);
  await answered(204, api.deleteTektonPipelineProperty(key));
  await refused(404, /there is no property/, api.getTektonPipelineProperty(key));
});

test('a property of a trigger has the same life', async () => {
  const { id: triggerId } = await makeTrigger('node: properties');
  const key = { pipelineId, triggerId, propertyName: 'p' };
  const made = await answered(201, api.createTektonPipelineTriggerProperties({ pipelineId, triggerId, name: 'p', type: 'text', value: 'a' }));
  assert.deepEqual(await answered(200, api.getTektonPipelineTriggerProperty(key)), made);
  const listed = await answered(200, api.listTektonPipelineTriggerProperties({ pipelineId, triggerId, name: 'p', type: 'text', sort: 'name' }));
  assert.deepEqual(listed.properties, [made]);
  const other = await answered(200, api.replaceTektonPipelineTriggerProperty({ ...key, name: 'p', type: 'text', value: 'b' }));
  assert.equal(other.value, 'b');
  await answered(204, api.deleteTektonPipelineTriggerProperty(key));
  await refused(404, /there is no property/, api.getTektonPipelineTriggerProperty(key));
});

test('a run is started, read, cancelled, repeated and deleted', async () => {
  await makeTrigger('node: runs');
  const run = await answered(201, api.createTektonPipelineRun({ pipelineId, trigger: { name: 'node: runs', properties: { p: '1' } }, description: 'd' }));
  const key = { pipelineId, id: run.id };
  assert.equal((await answered(200, api.getTektonPipelineRun({ ...key, includes: 'definitions' }))).status, 'queued');
  assert.deepEqual(await answered(200, api.getTektonPipelineRunLogs(key)), { logs: [] });
  await refused(404, /there is no log/, api.getTektonPipelineRunLogContent({ pipelineId, pipelineRunId: run.id, id: 'none' }));
  assert.equal((await answered(202, api.cancelTektonPipelineRun({ ...key, force: true }))).status, 'cancelled');
  assert.notEqual((await answered(201, api.rerunTektonPipelineRun(key))).id, run.id);
  await answered(204, api.deleteTektonPipelineRun(key));
  await refused(404, /there is no run/, api.getTektonPipelineRun(key));
});

test('pages of runs are followed to the end', async () => {
  await makeTrigger('node: pages');
  for (let made = 0; made < 5; made += 1) await answered(201, api.createTektonPipelineRun({ pipelineId, triggerName: 'node: pages' }));
  const pager = new Client.TektonPipelineRunsPager(api, { pipelineId, limit: 2, triggerName: 'node: pages' });
  const sizes = [];
  while (pager.hasNext()) sizes.push((await pager.getNext()).length);
  assert.deepEqual(sizes, [2, 2, 1]);
  await answered(200, api.listTektonPipelineRuns({ pipelineId, status: 'queued' }));
});

test('an unknown key or token is refused, and an operator changes nothing', async () => {
  await refused(400, /./, connect('unknown').getTektonPipeline({ id: pipelineId }));
  const stranger = new Client({ serviceUrl, authenticator: new BearerTokenAuthenticator({ bearerToken: 'nonsense' }) });
  // This client words these itself.
  await refused(401, /Access is denied/, stranger.getTektonPipeline({ id: pipelineId }));
  const operator = connect('key-operator');
  await answered(200, operator.listTektonPipelineTriggers({ pipelineId }));
  await refused(403, /Access is denied/, operator.createTektonPipelineProperties({ pipelineId, name: 'p', type: 'text' }));
});

test('the client finds its configuration in the environment', async () => {
  await answered(200, recording(Client.newInstance()).getTektonPipeline({ id: pipelineId }));
});

after(() => {
  const operations = Object.getOwnPropertyNames(Client.prototype).filter((name) => name.includes('TektonPipeline'));
  assert.deepEqual(operations.filter((name) => !called.has(name) && !LEFT_OUT.includes(name)), []);
});
