// What is known of a tool when its answer is judged: its shape, and whether what it gives back is content. What is not
// stated is taken at its worst (law L2), and no statement weakens another (law L13): a tool that writes and is
// stated to bring in untrusted content does both.
import { toolShape, type ToolShape } from '@ambit/behavior';
import type { Call } from '@ambit/core';

/** What the operator's configuration says of a tool; a fact that is missing is taken at its worst. */
export interface BehaviorFacts {
  /** It brings in content that is not trusted; if it is not stated, only a tool stated to write does not. */
  readonly untrusted?: boolean;
  readonly writes?: boolean;
  /** What the flow rules make of it, where the tool's name does not tell. */
  readonly shape?: Partial<Omit<ToolShape, 'name'>>;
}

/** A tool in a call. */
export interface KnownTool {
  readonly shape: ToolShape;
  /** Its answers come into the session as content, trusted or not. */
  readonly bringsIn: boolean;
}

/** The tool of `call`; parameters are read from the call where the operator's facts have none. */
export function knownTool({ untrusted, writes, shape = {} }: BehaviorFacts, call: Call): KnownTool {
  const params = Object.keys(call.args.value);
  const tool = { name: call.tool, params, ...(writes === undefined ? {} : { readOnly: !writes }) };
  const known = toolShape(tool, { trusted: untrusted === false, ...shape });
  // A guess by the tool's name is no statement that it changes something and returns nothing of interest.
  const statedToWrite = shape.effect ?? writes ?? false;
  return { shape: known, bringsIn: !statedToWrite || untrusted === true };
}
