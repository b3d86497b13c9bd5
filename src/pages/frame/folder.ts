import type { House } from '../../features/feature.ts'
import type { Router } from '../../http/router.ts'

/** What a folder of `pages` exports; `pages/index.ts` lists them all. `script.ts` and `style.css` become /static/<folder>.js and .css. */
export interface PageFolder {
  /** Registers the page and the data that its script fetches. */
  routes: (router: Router, house: House) => void
}
