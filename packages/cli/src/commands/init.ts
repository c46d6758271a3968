// `ambit init`: a home with a keyring, a key for proof sessions, and written-down defaults.
import { HOME_DEFAULTS } from '@ambit/audit/marker';
import { isName } from '@ambit/core';
import type { Command } from 'commander';
import { beginLog } from '../home/audit.ts';
import type { Cli } from '../cli.ts';
import { badInput } from '../failure.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { beginState } from '../home/state.ts';

export function define(command: Command, cli: Cli): void {
  command
    .option('--issuer <name>', 'who signs; without it, the first token minted names the issuer (signed_by)')
    .addHelpText('after', example('ambit init', 'AMBIT_HOME=/srv/ambit ambit init --issuer acme-iam'))
    .action(async (flags: { readonly issuer?: string }) => {
      const { issuer } = flags;
      if (issuer !== undefined && !isName(issuer))
        throw badInput('--issuer: expected 1 to 256 printable characters');
      const home = new Home(cli);
      await home.create(issuer ?? null, cli.now, async () => {
        await beginState(home);
        await beginLog(home);
      });
      const { external, data } = HOME_DEFAULTS;
      cli.say(`home ${home.path}, key k1, issuer ${issuer ?? 'not named yet: the first token names it'}`);
      cli.say(
        `Until a configuration classifies them, tools ${external ? 'count as external' : 'count as internal'} and touch data labeled ${data.join(', ')} (${home.at('home.json')}).`,
      );
      if (cli.json)
        cli.result(
          { home: home.path, issuer: issuer ?? null, key_id: 'k1', defaults: { external, data } },
          '',
        );
    });
}
