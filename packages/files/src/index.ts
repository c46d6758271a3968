// What every package that keeps files shares: content that is whole or absent, and one lock.
export {
  createFile,
  DIRECTORY_MODE,
  FILE_MODE,
  makeDirectory,
  makeDirectorySync,
  replaceFile,
  replaceFileSync,
  syncDirectory,
  syncFile,
} from './atomic.ts';
export { acquireLock, lockHolder, type Lock } from './lock.ts';
