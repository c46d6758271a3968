// The enforcement point: verification, authorization, identity, state and audit in the right order for one call.
export { openGuard, type ServiceGuard } from './service.ts';
export type { ArgsOf, Doors, ExpressRequest, FastifyRequest, HonoContext } from './service/doors.ts';
export type { OpenGuardOptions } from './service/options.ts';
export type { ListedTool, ListedTools } from './service/tools.ts';
export type { Trust } from './service/trust.ts';
export { createGuard } from './guard.ts';
export type {
  BudgetWarning,
  CallContext,
  CallOutcome,
  DecisionEvent,
  Explained,
  FlowKeeper,
  Guard,
  GuardOptions,
  GuardRequest,
  Observer,
  Permit,
  Refusal,
  ToolKnowledge,
  Watcher,
} from './contract.ts';
export type { OtelMeter, Span, Telemetry, Tracer } from './telemetry.ts';
export { Behavior, type BehaviorOptions, type SessionName } from './behavior.ts';
export type { BehaviorFacts } from './behavior/tools.ts';
