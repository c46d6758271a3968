// HTTP: a Fetch-shaped core, thin adapters, a client. No framework is imported.
export { capability, type Capability, type CapabilityOptions, type HttpAnswer } from './http/capability.ts';
export {
  expressCapability,
  fastifyCapability,
  fetchHandler,
  honoCapability,
  nodeHandler,
} from './http/adapters.ts';
export { refusal, type HttpRefusal } from './http/answer.ts';
export { capabilityFetch, type FetchHolder } from './http/client.ts';
export { byMethod, PROOF_HEADER, type AskedFor, type HttpCall } from './http/request.ts';
