import type { PageFolder } from '../frame/folder.ts'
import { routes } from './routes.ts'

export const runsPage: PageFolder = { routes }
