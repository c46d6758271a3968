// The `ambit` command as a library: run it with arguments, get its exit state.
export { main } from './main.ts';
export { version } from './version.ts';
