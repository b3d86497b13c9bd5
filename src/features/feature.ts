import type { Router } from '../http/router.ts'

/** What a feature brings; `index.ts` lists them all. */
export interface Feature {
  /** Registers the feature's endpoints. */
  routes?: (router: Router) => void
}
