/**
 * What the worker's bundle has in the place of the package `zod` (`[alias]` in wrangler.toml): the same, without its error messages in fifty
 * languages and without what would make schemas from JSON. The bundler cannot leave them out by itself: of the 360 KiB that the bundle may
 * have they take 54. Types, tests and tools use the package itself.
 */
import * as z from './names.js'

export * from './names.js'
export { z, z as default }
