// `ambit offer`: this verifier's X25519 key and epoch, which a holder signs into the ticket of a proof session. It
// is public. The epoch is the state file's: a home whose windows were lost gets another one, and old tickets end.
import { fromHex, offerText, publicKey } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../failure.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';

export function define(command: Command, cli: Cli): void {
  command
    .requiredOption('--audience <name>', 'the name of the service that verifies')
    .addHelpText(
      'after',
      example(
        'ambit offer --audience search.acme.com > search.offer',
        'ambit prove b.tok --key agent-b.key --session b.session --offer search.offer --tool web_search',
      ),
    )
    .action(async ({ audience }: { readonly audience: string }) => {
      const home = new Home(cli).require();
      const key = publicKey(home.sessionKey);
      const hex = await withState(home, (store) => store.replay.epoch());
      const epoch = fromHex(hex);
      if (epoch === null) throw new Failure('store_corrupt', `${home.at('state.db')}: its epoch is damaged`);
      const offer = offerText({ audience, key, epoch });
      cli.result({ offer, audience, key: key.toString(), epoch: hex }, `${offer}\n`);
    });
}
