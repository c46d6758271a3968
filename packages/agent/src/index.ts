// The holder's side: what an agent needs to use a token, and nothing that a service needs to check one. It depends on
// core and wire alone, so an agent installs no store, no log and no configuration reader.
export {
  createAgentKey,
  openAgent,
  type Agent,
  type AgentRequest,
  type OpenAgentOptions,
  type SubTask,
} from './agent.ts';
export { attach, type Holder } from './mcp.ts';
export { DENIAL_KEY } from '@ambit/wire/mcp';
export { capabilityFetch, type FetchHolder } from './fetch.ts';
export { withSubAgent, createSubAgent, type SpawnOptions, type SubAgent } from './sub-agent.ts';
