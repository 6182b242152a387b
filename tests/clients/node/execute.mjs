// Starts a pipeline on a service that executes it, with IBM's own client for Node, and follows it to its end.
//
// Environment: SERVICE, IAM, PIPELINE, API_KEY, and CLIENTS, the folder where the client is installed.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.env.CLIENTS, 'package.json'));
const Client = require('@ibm-cloud/continuous-delivery/cd-tekton-pipeline/v2');
const { IamAuthenticator } = require('ibm-cloud-sdk-core');

const pipelineId = process.env.PIPELINE;
const ENDED = ['succeeded', 'failed', 'error', 'cancelled'];
const authenticator = new IamAuthenticator({ apikey: process.env.API_KEY, url: process.env.IAM });
const api = new Client({ serviceUrl: process.env.SERVICE, authenticator });

async function end(pipelineRunId) {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const { status } = (await api.getTektonPipelineRun({ pipelineId, id: pipelineRunId })).result;
    if (ENDED.includes(status)) return status;
    assert(Date.now() < deadline, `${pipelineRunId} is ${status}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function logs(id) {
  const listed = (await api.getTektonPipelineRunLogs({ pipelineId, id })).result.logs;
  const texts = listed.map(async (log) => (await api.getTektonPipelineRunLogContent({ pipelineId, pipelineRunId: id, id: log.id })).result.data);
  return (await Promise.all(texts)).join('');
}

await api.createTektonPipelineTrigger({ pipelineId, type: 'manual', name: 'by node', eventListener: 'listener' });
const properties = { pipeline_namespace: 'ci', color: 'blue' };
const run = (await api.createTektonPipelineRun({ pipelineId, trigger: { name: 'by node', properties } })).result;
assert.equal(await end(run.id), 'succeeded');
assert.match(await logs(run.id), /^blue\n/);
const again = (await api.rerunTektonPipelineRun({ pipelineId, id: run.id })).result;
assert.equal(await end(again.id), 'succeeded');
assert.match(await logs(again.id), /^blue\n/);
console.log('executed');
