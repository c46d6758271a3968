// `ambit explain`: which of the four layers, or the token itself, allows or forbids a tool. It decides nothing.
import { effectiveAuthority, matchTool } from '@ambit/core';
import { explainLayers, unverifiedActor } from '@ambit/identity';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { layerContext, registrationIn } from '../home/configuration.ts';
import { Failure } from '../failure.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { layersText } from '../show/configuration.ts';
import { withState } from '../home/state.ts';
import { readTokenText } from '../tokens.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<token>', 'the token: a file, - or its text')
    .requiredOption('--tool <name>', 'the tool asked about')
    .addHelpText('after', example('ambit explain b.tok --tool external_email'))
    .action(async (source: string, { tool }: { readonly tool: string }) => {
      const home = new Home(cli).require();
      const registration = registrationIn(home);
      if (registration === null)
        throw new Failure(
          'file_missing',
          `${home.path}: no configuration is in force, so there are no layers to ask`,
          '`ambit config apply FILE`; `ambit verify --explain` explains the token',
        );
      const { text, said } = await readTokenText(cli, source);
      const actor = unverifiedActor(text);
      const answer = await withState(home, async (store) =>
        explainLayers(actor, tool, await layerContext(store, registration, actor, cli.now), cli.now),
      );
      const { tools } = effectiveAuthority(said);
      const token = tools.some((pattern) => matchTool(pattern, tool));
      if (!answer.ok || !token) cli.exit = 1;
      cli.result(
        {
          unverified: true,
          tool,
          allowed: answer.ok && token,
          layers: answer.layers,
          token: { allows: token, tools },
        },
        () =>
          `${cli.paint('warn', 'UNVERIFIED')}: based on the token's own claims.\n${layersText(answer)}${token ? 'token     allows' : `token     forbids    it is left with ${tools.join(', ') || 'nothing'}`}\n`,
      );
    });
}
