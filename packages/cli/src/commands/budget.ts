// `ambit budget`: what is left of a token's budgets and of all its ancestors'. The token is checked first, because
// a token that is not genuine can contain any number.
import { budgetWords, CODES, PublicKey, fromBase64url } from '@ambit/core';
import { budgetLines, type BudgetLine } from '@ambit/authority/budgets';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../failure.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { fromNow, timeText } from '../flags/times.ts';
import { readTokenText } from '../tokens.ts';
import { verifierOf } from '../home/verifier.ts';

const holderText = (holder: string | null): string | null =>
  holder === null ? null : new PublicKey('holder', fromBase64url(holder)!).toString();

export function define(command: Command, cli: Cli): void {
  command
    .argument('<token>', 'the token: a file, - or its text')
    .option('--keys <file>', "verification keys of another home instead of this home's")
    .addHelpText('after', example('ambit budget b.tok'))
    .action(async (source: string, flags: { readonly keys?: string }) => {
      const home = new Home(cli).require();
      const { text, said } = await readTokenText(cli, source);
      const lines = await withState(home, async (store) => {
        const audience = said.grant.audience ?? 'any';
        const { verifier } = await verifierOf(cli, home, store, {
          audience,
          bearer: true,
          ...(flags.keys === undefined ? {} : { keys: flags.keys }),
        });
        const genuine = verifier.identify(text);
        if (!genuine.ok) throw new Failure(genuine.code, genuine.message);
        const answer = await budgetLines(store, genuine.token, cli.now);
        if ('code' in answer)
          throw new Failure(answer.code, `${CODES[answer.code].sentence} Its budgets have ended with it.`);
        return answer;
      });
      cli.result({ budgets: lines.map(jsonOf) }, () =>
        lines.length === 0
          ? 'no budget: the number of calls is unlimited\n'
          : lines.map((l) => `${textOf(l, cli.now)}\n`).join(''),
      );
    });
}

const jsonOf = (l: BudgetLine): { readonly [field: string]: unknown } => ({
  caveat: l.caveat,
  holder: holderText(l.holder),
  label: l.label,
  budget: l.budget,
  left: l.left,
  renewed: l.renewed === null ? null : timeText(l.renewed),
});

function textOf(l: BudgetLine, now: number): string {
  const where = l.caveat < 0 ? 'grant' : `caveat ${l.caveat}`;
  const whose = l.label === null ? 'the first holder' : `"${l.label}"`;
  const renewed = l.renewed === null ? '' : `, renewed ${fromNow(l.renewed, now)}`;
  return `${where.padEnd(10)} ${String(l.left).padStart(8)} left of ${budgetWords(l.budget)}${renewed}  (${whose})`;
}
