// HTTP: a Fetch-shaped core and thin adapters. No framework is imported.
export { httpGuard, type Capability, type CapabilityOptions, type HttpAnswer } from './http/capability.ts';
export { fetchHandler, honoCapability } from './http/fetch.ts';
export {
  expressCapability,
  fastifyCapability,
  nodeHandler,
  type NodeRequest,
  type NodeResponse,
} from './http/node.ts';
export { refusal, type HttpRefusal } from './http/answer.ts';
export { byMethod, PROOF_HEADER, type CallMapping, type HttpCall } from '@ambit/wire/http';
