// The `ambit` command as a library: run it with arguments, get its exit state.
export { main, version } from './main.ts';
