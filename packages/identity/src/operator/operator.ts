// A configuration compiled once: every question that is asked at use costs look-ups bounded by the length of a
// name and the number of the user's own groups, never by how many users, tools or models there are.
import { toHex } from '@ambit/core';
import { configurationDigest } from '../config/digest.ts';
import type {
  Configuration,
  FederatedEntry,
  ModelEntry,
  ToolFacts,
  UserEntry,
} from '../config/configuration.ts';
import { leastCeilings } from './ceilings.ts';
import { Layer, layerOf, rightOf, type Right } from './layer.ts';
import { ToolSet, ToolTable } from './tables.ts';

/** An admitted model. */
export interface AdmittedModel {
  readonly entry: ModelEntry;
  readonly layer: Layer;
}

/** An operator that is accepted by its seal. */
export interface FederatedOperator {
  readonly entry: FederatedEntry;
  readonly layer: Layer;
}

interface Group {
  readonly rights: readonly Right[];
  readonly deny: ToolSet;
}

/** A compiled configuration. Immutable; a change of configuration makes another one. */
export class Operator {
  readonly config: Configuration;
  /** The canonical digest of the configuration: what every grant carries. */
  readonly digest: Uint8Array;
  /** The same in lower-case hexadecimal. */
  readonly digestHex: string;
  /** What the operator leaves to any agent. */
  readonly layer: Layer;
  readonly #tools: ToolTable<ToolFacts>;
  readonly #models = new Map<string, AdmittedModel>();
  readonly #groups = new Map<string, Group>();
  readonly #users = new Map<string, Layer>();
  readonly #federated = new Map<string, FederatedOperator>();

  constructor(config: Configuration) {
    this.config = config;
    this.digest = configurationDigest(config);
    this.digestHex = toHex(this.digest);
    this.layer = layerOf('operator', `operator ${config.operator}`, config.allow);
    this.#tools = new ToolTable(config.tools);
    for (const [id, entry] of config.models) {
      this.#models.set(id, { entry, layer: layerOf('model', `model ${id}`, entry) });
    }
    for (const [id, entry] of config.groups) {
      this.#groups.set(id, { rights: rightOf(entry), deny: new ToolSet(entry.deny) });
    }
    for (const [id, entry] of config.federation) {
      this.#federated.set(id, { entry, layer: layerOf('operator', `federated operator ${id}`, entry) });
    }
  }

  /** The operator's id. */
  get id(): string {
    return this.config.operator;
  }

  /** What is known about a tool: the most specific entry, or the defaults. */
  facts(tool: string): ToolFacts {
    return this.#tools.find(tool) ?? this.config.defaults;
  }

  /** An admitted model, or undefined. */
  model(id: string): AdmittedModel | undefined {
    return this.#models.get(id);
  }

  /** Another operator that is accepted, or undefined. */
  federated(id: string): FederatedOperator | undefined {
    return this.#federated.get(id);
  }

  /** The user's layer by the configuration; undefined for a user it does not name. Compiled at first use. */
  user(id: string): Layer | undefined {
    const known = this.#users.get(id);
    if (known !== undefined) return known;
    const entry = this.config.users.get(id);
    if (entry === undefined) return undefined;
    const layer = this.entitled(id, entry);
    this.#users.set(id, layer);
    return layer;
  }

  /** A user's layer by what someone says of them: groups of this configuration (others give nothing) and rights. */
  entitled(id: string, entry: UserEntry): Layer {
    const groups = entry.groups.flatMap((name) => this.#groups.get(name) ?? []);
    const entries = entry.groups.flatMap((name) => this.config.groups.get(name) ?? []);
    return new Layer(
      'user',
      `user ${id}`,
      [...groups.flatMap((g) => g.rights), ...rightOf(entry)],
      [...groups.map((g) => g.deny), new ToolSet(entry.deny)],
      leastCeilings([...entries, entry]),
    );
  }
}
