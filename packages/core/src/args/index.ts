// Arguments of a call, in reading order: the strict reader, the snapshot, the canonical text and its digest, the
// class for all three, and the constraints on them.
export type { Json, JsonArray, JsonObject, JsonResult } from './json.ts';
export { parseJson } from './json.ts';
export { snapshotJson } from './snapshot.ts';
export { argumentsDigest, canonicalJson } from './canonical.ts';
export { Arguments } from './arguments.ts';
export type {
  AbsentConstraint,
  AllConstraint,
  CidrConstraint,
  Constraint,
  EachConstraint,
  EmailConstraint,
  EqualsConstraint,
  LengthConstraint,
  OneOfConstraint,
  PatternConstraint,
  RangeConstraint,
  SubpathConstraint,
  UrlConstraint,
} from './kinds.ts';
export type { Check, Work } from './check.ts';
export {
  compileArgs,
  compileConstraint,
  CONSTRAINT_KINDS,
  constraintProblem,
  describeConstraint,
  encodeConstraint,
  parseConstraint,
} from './constraint.ts';
export type { Address, Network } from './cidr.ts';
export { formatAddress, inCidr, isCidr, parseAddress, parseCidr, unmapAddress } from './cidr.ts';
export { quote } from './text.ts';
