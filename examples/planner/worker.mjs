// A sub-agent in a process of its own. Its key is made here and never leaves; what it gets is a token that names its
// public key. Its MCP client speaks over stdin and stdout, and `attach` proves every call.
import { once } from 'node:events';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { SecretKey, signer } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { attach, DENIAL_KEY } from '@ambit/agent';

const key = signer(SecretKey.generate('holder'), nodeProvider);
process.send({ key: key.publicKey.toString() });

// The task: a token, and the calls to make. A real agent would decide on them itself.
const [task] = await once(process, 'message');
const client = new Client({ name: task.name, version: '1' });
const transport = new StdioServerTransport();
attach(transport, { token: task.token, signer: key, audience: task.audience });
await client.connect(transport);

async function attempt({ tool, args }) {
  const result = await client.callTool({ name: tool, arguments: args });
  const denied = result._meta?.[DENIAL_KEY]?.code;
  return { tool, ...(denied === undefined ? { text: result.content[0]?.text } : { denied }) };
}
const results = [];
for (const call of task.calls) results.push(await attempt(call));
process.send({ results });

// The planner has ended the sub-task; this agent did not get the news, or does not care.
await once(process, 'message');
process.send({ late: await attempt(task.calls[0]) });
await client.close();
process.disconnect();
