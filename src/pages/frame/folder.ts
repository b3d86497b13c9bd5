import type { House } from '../../features/feature.ts'
import type { Router } from '../../http/router.ts'

/** What a folder of `pages` brings; `pages/index.ts` lists them all. Its `script.ts` and `style.css` become /static/<folder>.js and .css. */
export interface PageFolder {
  /** Registers the page, and the data that its script asks for. */
  routes: (router: Router, house: House) => void
}
