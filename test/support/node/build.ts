import { buildBundle } from './server.ts'

/** Builds, once per run, the bundle that the tests of the pages and of `npm start` serve. */
export default function build(): void {
  buildBundle()
}
