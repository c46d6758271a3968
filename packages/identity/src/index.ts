// The four layers of identity: which operator's configuration, which model artifact, in which session, for which
// user. They are bound into a grant when it is minted (by `@ambit/authority`) and asked again at every use, so that an agent can never
// do more than any of them allows at that moment.

// The operator's configuration: read, digested, compared, compiled, put in force.
export { parseConfiguration, type Parsed } from './config/parse.ts';
export { problemText, type ConfigProblem } from './config/source.ts';
export * from './config/configuration.ts';
export { canonicalConfiguration, configurationDigest } from './config/digest.ts';
export * from './config/diff.ts';
export { Operator, type AdmittedModel, type FederatedOperator } from './operator/operator.ts';
export { Layer, type LayerName, type Right } from './operator/layer.ts';
export { covers, LabelSet, reduce, ToolSet, ToolTable } from './operator/tables.ts';
export { least, leastBudgets, withDefaults } from './operator/ceilings.ts';
export * from './operator/registration.ts';
export * from './operator/read.ts';

// The model's artifact: measured, attested, admitted.
export { isModelDigest, modelDigestText, parseModelDigest } from './model/digest.ts';
export { manifest, manifestLines, openssfRoot, type Manifest, type ManifestFile } from './model/manifest.ts';
export { measure, type MeasureOptions } from './model/measure.ts';
export { bundleText, envelopeText, keyid, pae, readEnvelope, type Envelope } from './model/dsse.ts';
export {
  attest,
  attestLater,
  checkArtifact,
  PAYLOAD_TYPE,
  attestationStatement,
  verifyAttestation,
  type VerifiedAttestation,
} from './model/attestation.ts';
export { digestModel, signModel, verifyModel } from './model/check.ts';
export {
  admit,
  checkModel,
  askedView,
  checkRevoked,
  layerOfRevocation,
  modelRevoked,
  type LayerNames,
  type RevocationView,
} from './model/admit.ts';

// The user's current rights.
export * from './user/entitlements.ts';

// The session: asked at use, explained, federated.
export * from './session/layers.ts';
export { federate, verifierSeals, type Federated } from './session/federation.ts';
