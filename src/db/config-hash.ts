import { canonicalJson } from '../core/json.ts'
import { sha256 } from '../core/sha256.ts'

/**
 * Configuration as code: a pipeline's code posts its configuration at every run. Watcher writes it only if it differs
 * from the last posted one (`config_hash`), so a change made by hand in between survives.
 */

const MAX_HASHES = 2_000
/** Longer configurations are rare, and would fill the memory. */
const MAX_KEPT_CHARACTERS = 2_000
const hashes = new Map<string, string>()

/**
 * SHA-256, in hex, of the canonical JSON of the fields that are present. The same configuration comes with every run, and most
 * pipelines share one, so the last hashes are kept.
 */
export const hashConfig = async (config: Record<string, unknown>): Promise<string> => {
  const present: Record<string, unknown> = {}
  for (const name in config) if (config[name] !== undefined) present[name] = config[name]
  const json = canonicalJson(present)
  const known = hashes.get(json)
  if (known !== undefined) return known
  const hash = await sha256(json)
  if (hashes.size >= MAX_HASHES) hashes.clear()
  if (json.length <= MAX_KEPT_CHARACTERS) hashes.set(json, hash)
  return hash
}
